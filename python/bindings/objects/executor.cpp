#include "objects/executor.h"

#include <nanobind/stl/string.h>
#include <signal.h>

#include <chrono>
#include <utility>

#include "errors.h"
#include "objects/calls.h"
#include "objects/imports.h"
#include "objects/kinds.h"
#include "objects/values.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

using engine::Context;
using engine::Incoming;
using engine::Outcome;

/// The signal by which a cancelled command's code is interrupted: ignored by default, so nobody else relies on it.
constexpr int kInterruptSignal = SIGURG;

/// A command that runs, as the interrupt handler and calls made from it see it.
class Running {
 public:
  explicit Running(Context& context) { running_contexts().push_back(&context); }
  ~Running() { running_contexts().pop_back(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};

/// Python's handler of kInterruptSignal: raises only if a command that was cancelled still runs on this thread. A signal
/// that came too late finds none and is forgotten.
void raise_if_cancelled() {
  for (const Context* context : running_contexts()) {
    if (!context->cancelled()) continue;
    PyErr_SetString(reinterpret_cast<PyObject*>(interrupted_error().ptr()), "the call was cancelled");
    throw nb::python_error();
  }
}

struct Decoded {
  Operation operation;
  std::string_view name;
  std::vector<nb::object> values;
  nb::object keyword_names;
};

nb::object call_object(PyObject* callable, Decoded& decoded, std::size_t skip) {
  std::vector<PyObject*> raw;
  raw.reserve(decoded.values.size());
  for (std::size_t i = skip; i < decoded.values.size(); ++i) raw.push_back(decoded.values[i].ptr());
  PyObject* names = decoded.keyword_names.is_valid() ? decoded.keyword_names.ptr() : nullptr;
  const std::size_t keywords = names ? static_cast<std::size_t>(PyTuple_GET_SIZE(names)) : 0;
  PyObject* result = PyObject_Vectorcall(callable, raw.data(), raw.size() - keywords, names);
  if (!result) throw nb::python_error();
  return nb::steal(result);
}

nb::object interned(std::string_view name) {
  PyObject* text = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
  if (!text) throw nb::python_error();
  PyUnicode_InternInPlace(&text);
  return nb::steal(text);
}

/// Up to `most` items of an iterator, as (items, finished, error or None). Stops early after a millisecond, so that a slow
/// iterator's items arrive as they come. An error comes after the items before it.
nb::object next_items(PyObject* iterator, Py_ssize_t most) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  nb::list items;
  bool finished = false;
  nb::object error = nb::none();
  for (Py_ssize_t i = 0; i < most && std::chrono::steady_clock::now() < until; ++i) {
    PyObject* item = PyIter_Next(iterator);
    if (item) {
      items.append(nb::steal(item));
      continue;
    }
    finished = true;
    if (PyErr_Occurred()) error = nb::borrow(nb::python_error().value());
    break;
  }
  return nb::make_tuple(items, finished, error);
}

/// Runs what a command asks for. True: the value is to be sent as it is; false: nothing but "done".
class Work {
 public:
  Work(const std::shared_ptr<Link>& link, const Incoming& command, ObjectStore& store, ArrivedLoans& loans)
      : link_(link), command_(command), store_(store), loans_(loans) {}

  void run(Outgoing& reply) {
    Decoded decoded = decode();
    PyObject* target = command_.target ? store_.find(command_.target) : nullptr;
    if (command_.target && !target) throw ObjectLost(to_string(command_.target) + " is gone");
    switch (decoded.operation) {
      case Operation::method: {
        nb::object bound = nb::steal(PyObject_GetAttr(target, interned(decoded.name).ptr()));
        if (!bound.is_valid()) throw nb::python_error();
        nb::object value = call_object(bound.ptr(), decoded, 0);
        bound.reset();
        return send_result(reply, std::move(value), decoded);
      }
      case Operation::function: {
        nb::object function = std::move(decoded.values.at(0));
        nb::object value = call_object(function.ptr(), decoded, 1);
        function.reset();
        return send_result(reply, std::move(value), decoded);
      }
      case Operation::get: {
        nb::object value = nb::steal(PyObject_GetAttr(target, interned(decoded.name).ptr()));
        if (!value.is_valid()) throw nb::python_error();
        return reply.result(value, 1);
      }
      case Operation::set:
      case Operation::remove: {
        PyObject* value = decoded.operation == Operation::set ? decoded.values.at(0).ptr() : nullptr;
        if (PyObject_SetAttr(target, interned(decoded.name).ptr(), value) != 0) throw nb::python_error();
        return reply.argument(nb::none());
      }
      case Operation::create: return create(reply, decoded);
      case Operation::keep: {
        const nb::object value = call_object(decoded.values.at(0).ptr(), decoded, 1);
        store_.put(command_.results[0], value.ptr());
        return reply.argument(nb::str(description_of(Py_TYPE(value.ptr())).data()));
      }
      case Operation::copy: return reply.copy(nb::borrow(target));
      case Operation::batch: {
        const nb::object batch = next_items(target, PyLong_AsSsize_t(decoded.values.at(0).ptr()));
        return reply.result(batch, 1);
      }
    }
    throw ProtocolError("a command asks for an unknown operation");
  }

 private:
  Decoded decode() {
    Arriving arriving(link_, command_.payload, command_.references, command_.buffers, false);
    arriving.front(loans_);
    Decoded decoded;
    decoded.operation = static_cast<Operation>(arriving.unpacker.byte());
    decoded.name = arriving.unpacker.text();
    decoded.values = arriving.arguments(decoded.keyword_names);
    return decoded;
  }

  /// The arguments are let go first: only then does a reference to a part of the result mean that user code kept it.
  void send_result(Outgoing& reply, nb::object value, Decoded& decoded) {
    decoded.values.clear();
    loans_.forget_arrays();
    reply.result(value, 1);
  }

  void create(Outgoing& reply, Decoded& decoded) {
    const nb::object objects = std::move(decoded.values.at(0));
    std::size_t i = 0;
    for (nb::handle object : objects) {
      PyTypeObject* type = Py_TYPE(object.ptr());
      if (scatters_as_class(type) && policy_of(type) == Policy::none) set_policy(type, Policy::proxy);
      store_.put(command_.results[i++], object.ptr());
    }
    reply.argument(nb::none());
  }

  const std::shared_ptr<Link>& link_;
  const Incoming& command_;
  ObjectStore& store_;
  ArrivedLoans& loans_;
};

/// The reply that says how user code failed: a description in plain data, then the error itself if it can be pickled.
Outcome failed(const std::shared_ptr<Link>& link, const nb::object& error, const Incoming& command,
               const Context& context) {
  if (context.cancelled() && PyErr_GivenExceptionMatches(error.ptr(), interrupted_error().ptr())) {
    return {.status = engine::Status::Cancelled, .payload = {}, .references = {}, .buffers = {}};
  }
  Outgoing reply(link, Outgoing::Purpose::result);
  const std::string label(command.label);
  const auto own = link->endpoint().own_engine();
  const nb::object description = encode_error()(error, label, own ? own->value : 0);
  reply.argument(description);
  try {
    reply.copy(error);
  } catch (const nb::python_error&) {
    reply.packer.byte('N');
  }
  reply.hand_over();
  return {.status = engine::Status::Error,
          .payload = std::move(reply.packer.bytes),
          .references = std::move(reply.packer.references),
          .buffers = std::move(reply.packer.buffers)};
}

/// The Python exception that the C++ exception being handled stands for.
nb::object current_error() {
  set_python_error();
  return nb::borrow(nb::python_error().value());
}

thread_local PyGILState_STATE t_helper_state;
thread_local PyThreadState* t_helper_thread = nullptr;

}  // namespace

void PythonExecutor::use(std::shared_ptr<Link> link) {
  link_ = std::move(link);
  link_->store = &store_;
  set_engine_link(link_);
}

Outcome PythonExecutor::execute(const Incoming& command, Context& context) {
  nb::gil_scoped_acquire lock;
  const Running running(context);
  ArrivedLoans loans;
  Outcome outcome = run(command, context, loans);
  context.disarm();
  outcome.loans = loans.report();  // now that nothing of the command but what user code kept is left
  return outcome;
}

Outcome PythonExecutor::run(const Incoming& command, Context& context, ArrivedLoans& loans) {
  nb::object error;
  try {
    Outgoing reply(link_, Outgoing::Purpose::result);
    Work(link_, command, store_, loans).run(reply);
    reply.hand_over();
    return {.status = engine::Status::Value,
            .payload = std::move(reply.packer.bytes),
            .references = std::move(reply.packer.references),
            .buffers = std::move(reply.packer.buffers)};
  } catch (...) {
    error = current_error();
  }
  for (int attempt = 0;; ++attempt) {
    try {
      return failed(link_, error, command, context);
    } catch (...) {  // a cancel may arrive while an error is written; a second one cannot
      error = current_error();
      if (attempt == 2) throw Error("an error could not be described");
    }
  }
}

void PythonExecutor::drop(std::span<const ObjectId> ids) {
  nb::gil_scoped_acquire lock;
  for (const ObjectId id : ids) {
    const nb::object last = store_.take(id);
  }
}

void PythonExecutor::interrupt() noexcept { PyErr_SetInterruptEx(kInterruptSignal); }

void PythonExecutor::idle() {
  nb::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) PyErr_Clear();
}

void PythonExecutor::thread_started() {
  t_helper_state = PyGILState_Ensure();
  t_helper_thread = PyEval_SaveThread();
}

void PythonExecutor::thread_ending() {
  PyEval_RestoreThread(t_helper_thread);
  PyGILState_Release(t_helper_state);
}

void register_executor(nb::module_& module) {
  module.def(
      "raise_if_cancelled", [](nb::args) { raise_if_cancelled(); }, "The handler of interrupt_signal in engines.");
  module.attr("interrupt_signal") = kInterruptSignal;
  module.def(
      "serve",
      [](int socket, int client, bool use_signals) {
        static auto* executor = new PythonExecutor;  // objects may refer to it until the process ends
        engine::EngineOptions options;
        options.socket = UniqueFd(socket);
        options.client = UniqueFd(client);
        options.use_signals = use_signals;
        engine::Engine engine(std::move(options), *executor);
        executor->use(std::make_shared<Link>(engine.endpoint()));
        nb::gil_scoped_release unlocked;
        engine.serve();
      },
      nb::arg("socket"), nb::arg("client"), nb::arg("use_signals") = true,
      "Makes this thread an engine; returns when the client closes or ends.");
}

}  // namespace distob::python

#include "objects/calls.h"

#include "errors.h"
#include "objects/imports.h"
#include "objects/link.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

/// Python's lock, held by the caller and given up at the first check of a wait that turns out to be one.
class LockWhileQuick {
 public:
  ~LockWhileQuick() { take_back(); }
  [[nodiscard]] session::InterruptCheck check() {
    return [this] {
      if (!saved_) saved_ = PyEval_SaveThread();
      check_signals()();
    };
  }
  void take_back() {
    if (saved_) PyEval_RestoreThread(saved_);
    saved_ = nullptr;
  }

 private:
  PyThreadState* saved_ = nullptr;
};

/// Whether arrays among the arguments are lent. What is assigned or scattered stays in the engine: it gets a copy at once.
/// In engines arrays travel as copies always: whoever waits there for a loan to end could not answer its own callers.
bool lends(Operation operation) { return operation == Operation::method || operation == Operation::function; }

/// The encoded form of a request, and the payload that will be sent.
class Encoded {
 public:
  Encoded(const std::shared_ptr<Link>& link, const Request& request, const Arguments& arguments)
      : outgoing_(link, Outgoing::Purpose::arguments) {
    Packer& packer = outgoing_.packer;
    packer.bytes.reserve(96);
    outgoing_.leave_room_for_front();
    if (lends(request.operation) && !link->store) outgoing_.lend();
    packer.byte(static_cast<char>(request.operation));
    packer.text(request.name);
    outgoing_.arguments(arguments.values, arguments.positional, arguments.keyword_names);
    link->announce(outgoing_, request.engine);
    outgoing_.front(*link, request.engine, carried);
    command.engine = request.engine;
    command.target = request.target;
    command.payload = packer.bytes;
    command.references = packer.references;
    command.buffers = packer.buffers;
    command.results = request.results;
    command.label = request.label;
    command.on_end = outgoing_.loans().on_end();
  }

  session::Command command;
  std::vector<std::uint32_t> carried;

 private:
  Outgoing outgoing_;
};

[[noreturn]] void raise_error(Arriving& arriving) {
  const nb::object description = arriving.value();
  nb::object error = nb::none();
  try {
    error = arriving.value();
  } catch (const nb::python_error&) {  // its class cannot be rebuilt here; the description says what happened
  }
  const nb::object raised = decode_error()(error, description);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(raised.ptr())), raised.ptr());
  throw nb::python_error();
}

nb::object decode(const std::shared_ptr<Link>& link, session::Reply& reply) {
  if (reply.status != session::Status::Value && reply.status != session::Status::Error) session::throw_if_failed(reply);
  Arriving arriving(link, reply.payload, reply.references, reply.buffers, true);
  if (reply.status == session::Status::Error) raise_error(arriving);
  return arriving.value();
}

/// An engine that answered a command has loaded the definitions in front of it, unless it could not read it at all.
void confirm(Link& link, EngineId engine, const session::Reply& reply, const std::vector<std::uint32_t>& carried) {
  if (reply.status == session::Status::Value) link.confirm(engine, carried);
}

}  // namespace

const session::InterruptCheck& check_signals() {
  static const session::InterruptCheck check = [] {
    nb::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  };
  return check;
}

Sent send(const std::shared_ptr<Link>& link, const Request& request, const Arguments& arguments) {
  Encoded encoded(link, request, arguments);
  LockWhileQuick lock;
  session::Call call = link->endpoint().submit(encoded.command, lock.check());
  lock.take_back();
  return {link, std::move(call), std::move(encoded.carried)};
}

nb::object call(const std::shared_ptr<Link>& link, const Request& request, const Arguments& arguments) {
  Encoded encoded(link, request, arguments);
  encoded.command.synchronous = true;
  session::Reply reply;
  {
    nb::gil_scoped_release unlocked;
    const session::Call call = link->endpoint().submit(encoded.command, check_signals());
    try {
      reply = call.take(check_signals());
    } catch (const nb::python_error&) {
      call.cancel();
      throw;
    }
  }
  confirm(*link, request.engine, reply, encoded.carried);
  return decode(link, reply);
}

nb::object describe_failure(const std::shared_ptr<Link>& link, session::Reply& reply) {
  try {
    return decode(link, reply);
  } catch (const nb::python_error& e) {
    return nb::borrow(e.value());
  } catch (...) {
    set_python_error();
    return nb::borrow(nb::python_error().value());
  }
}

nb::object finish(const Sent& sent) {
  session::Reply reply;
  {
    nb::gil_scoped_release unlocked;
    reply = sent.call.take(check_signals());
  }
  confirm(*sent.link, sent.call.engine(), reply, sent.carried);
  return decode(sent.link, reply);
}

}  // namespace distob::python

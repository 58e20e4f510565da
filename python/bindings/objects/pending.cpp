#include "objects/pending.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>

#include "errors.h"
#include "objects/imports.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

using Clock = std::chrono::steady_clock;

/// The C part of a future. `sent` is emptied by whoever takes the reply.
struct Pending {
  PyObject_HEAD
  Sent sent;
  bool claimed;
};

Pending* pending(PyObject* self) { return reinterpret_cast<Pending*>(self); }

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  pending(self)->sent.~Sent();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* new_(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self) new (&pending(self)->sent) Sent();
  return self;
}

/// Calls `body`, turning C++ exceptions into Python's.
template <class Body>
PyObject* guarded(Body body) noexcept {
  try {
    return body();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

PyObject* ready(PyObject* self, PyObject*) {
  const session::Call& call = pending(self)->sent.call;
  return PyBool_FromLong(!call || call.ready());
}

/// _wait(timeout or None) -> bool
PyObject* wait(PyObject* self, PyObject* timeout) {
  return guarded([&] {
    const session::Call call = pending(self)->sent.call;
    if (!call || call.ready()) Py_RETURN_TRUE;
    if (timeout == Py_None) {
      nb::gil_scoped_release unlocked;
      call.wait(check_signals());
    } else {
      const double seconds = PyFloat_AsDouble(timeout);
      if (seconds == -1.0 && PyErr_Occurred()) throw nb::python_error();
      const auto span = std::chrono::duration<double>(std::min(seconds, 1e9));
      bool came = false;
      {
        nb::gil_scoped_release unlocked;
        came = call.wait_until(Clock::now() + std::chrono::duration_cast<Clock::duration>(span), check_signals());
      }
      if (!came) Py_RETURN_FALSE;
    }
    Py_RETURN_TRUE;
  });
}

/// True for exactly one caller: the one who is to call _take().
PyObject* claim(PyObject* self, PyObject*) {
  const bool first = !pending(self)->claimed && pending(self)->sent.call;
  pending(self)->claimed = true;
  return PyBool_FromLong(first);
}

PyObject* take(PyObject* self, PyObject*) {
  return guarded([&] {
    const Sent sent = std::move(pending(self)->sent);
    pending(self)->sent.call = {};
    return finish(sent).release().ptr();
  });
}

PyObject* cancel_call(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const session::Call call = pending(self)->sent.call;
    if (call) {
      nb::gil_scoped_release unlocked;
      call.cancel();
    }
    Py_RETURN_NONE;
  });
}

PyObject* engine_number(PyObject* self, void*) {
  const session::Call& call = pending(self)->sent.call;
  if (!call) Py_RETURN_NONE;
  return PyLong_FromUnsignedLong(call.engine().value);
}

/// The futures whose replies came and whose callbacks wait for the completion thread.
class Completions {
 public:
  void push(PyObject* future) {
    {
      const std::lock_guard lock(mutex_);
      futures_.push_back(future);
    }
    arrived_.notify_one();
  }
  /// Waits without Python's lock.
  PyObject* next() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return !futures_.empty(); });
    PyObject* future = futures_.front();
    futures_.pop_front();
    return future;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<PyObject*> futures_;  // each with one reference
};

Completions& completions() {
  static auto* queue = new Completions;  // the completion thread may wait in it while the process ends
  return *queue;
}

/// Queues the future for the completion thread when its reply is there.
PyObject* watch(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const session::Call call = pending(self)->sent.call;
    Py_INCREF(self);
    if (!call) {
      completions().push(self);
    } else {
      call.on_ready([self] { completions().push(self); });
    }
    Py_RETURN_NONE;
  });
}

PyMethodDef kMethods[] = {
    {"_ready", ready, METH_NOARGS, "True once the reply is there."},
    {"_wait", wait, METH_O, "Waits for the reply, for at most so many seconds unless None; False if it did not come."},
    {"_claim", claim, METH_NOARGS, "True for the one caller who is to take the reply."},
    {"_take", take, METH_NOARGS, "The value of the reply, or raises its error."},
    {"_cancel_call", cancel_call, METH_NOARGS, "Asks the engine to stop the call."},
    {"_watch", watch, METH_NOARGS, "Hands the future to the completion thread when the reply is there."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kProperties[] = {
    {"engine", engine_number, nullptr, "The number of the engine that runs the call; None once it is done.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyTypeObject* make_type() {
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(new_)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                         {Py_tp_methods, kMethods},
                         {Py_tp_getset, kProperties},
                         {0, nullptr}};
  PyType_Spec spec = {"distob._core.Pending", sizeof(Pending), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!type) throw nb::python_error();
  return type;
}

DISTOB_IMPORTED(future_type, "distob._futures", "Future")

}  // namespace

nb::object make_future(Sent sent) {
  PyObject* future = new_(reinterpret_cast<PyTypeObject*>(future_type().ptr()), nullptr, nullptr);
  if (!future) throw nb::python_error();
  pending(future)->sent = std::move(sent);
  return nb::steal(future);
}

void register_pending(nb::module_& module) {
  module.attr("Pending") = nb::steal(reinterpret_cast<PyObject*>(make_type()));
  module.def(
      "next_completion",
      [] {
        PyObject* future = nullptr;
        {
          nb::gil_scoped_release unlocked;
          future = completions().next();
        }
        return nb::steal(future);
      },
      "Waits for the next watched future whose reply is there.");
}

}  // namespace distob::python

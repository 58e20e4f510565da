#include "errors.h"

#include <nanobind/nanobind.h>

#include <new>

#include "distob/errors.h"

namespace distob::python {
namespace {

/// Raises `module`.`name`(text). Classes are looked up when needed: an error is rare, an import at start is not free.
void raise(const char* module, const char* name, const char* text) {
  PyObject* home = PyImport_ImportModule(module);
  PyObject* type = home ? PyObject_GetAttrString(home, name) : nullptr;
  if (type) PyErr_SetString(type, text);
  Py_XDECREF(type);
  Py_XDECREF(home);
}

void translate(const std::exception_ptr& pointer) {
  constexpr const char* kErrors = "distob.errors";
  try {
    std::rethrow_exception(pointer);
  } catch (nanobind::python_error& e) {
    e.restore();
  } catch (const AxisError& e) {
    raise("numpy.exceptions", "AxisError", e.what());
  } catch (const EncodeError& e) {
    raise(kErrors, "EncodeError", e.what());
  } catch (const ValueError& e) {
    PyErr_SetString(PyExc_ValueError, e.what());
  } catch (const IndexError& e) {
    PyErr_SetString(PyExc_IndexError, e.what());
  } catch (const TypeError& e) {
    PyErr_SetString(PyExc_TypeError, e.what());
  } catch (const MemoryError& e) {
    PyErr_SetString(PyExc_MemoryError, e.what());
  } catch (const EngineDied& e) {
    raise(kErrors, "EngineDied", e.what());
  } catch (const ObjectLost& e) {
    raise(kErrors, "ObjectLost", e.what());
  } catch (const ClosedError& e) {
    raise(kErrors, "ClosedError", e.what());
  } catch (const ForkedError& e) {
    raise(kErrors, "ForkedError", e.what());
  } catch (const DeadlockError& e) {
    raise(kErrors, "DeadlockError", e.what());
  } catch (const Cancelled& e) {
    raise(kErrors, "Cancelled", e.what());
  } catch (const RemoteError& e) {
    raise(kErrors, "RemoteError", e.what());
  } catch (const ProtocolError& e) {
    raise(kErrors, "ProtocolError", e.what());
  } catch (const Error& e) {
    raise(kErrors, "Error", e.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  } catch (...) {
    PyErr_SetString(PyExc_SystemError, "an exception that is no std::exception");
  }
}

}  // namespace

void set_python_error() noexcept { translate(std::current_exception()); }

void register_errors() {
  nanobind::register_exception_translator([](const std::exception_ptr& pointer, void*) {
    try {
      std::rethrow_exception(pointer);
    } catch (const Error&) {
      translate(pointer);
    }
  });
}

}  // namespace distob::python

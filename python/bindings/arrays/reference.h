// An owned Python reference for code that talks to CPython directly.
#pragma once

#include <Python.h>

#include <nanobind/nanobind.h>

#include <utility>

namespace distob::python {

/// Owns one reference, or none. A value for the slots and NumPy calls, where nanobind's own objects would be cast to and fro.
class Reference {
 public:
  Reference() = default;
  /// Takes over a new reference as CPython's functions return it; a null one becomes the Python error that was set.
  static Reference take(PyObject* object) {
    if (!object) throw nanobind::python_error();
    return Reference(object);
  }
  static Reference copy(PyObject* object) { return Reference(Py_XNewRef(object)); }

  Reference(Reference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Reference& operator=(Reference&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  Reference(const Reference& other) : object_(Py_XNewRef(other.object_)) {}
  ~Reference() { Py_XDECREF(object_); }

  [[nodiscard]] PyObject* get() const { return object_; }
  [[nodiscard]] PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  explicit Reference(PyObject* object) : object_(object) {}
  PyObject* object_ = nullptr;
};

}  // namespace distob::python

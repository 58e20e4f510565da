// What C++ calls in the package's Python modules, and the errors it raises in Python's words.
#pragma once

#include "arrays/reference.h"

namespace distob::python {

/// distob.`module`.`name`, looked up once for each pair of literals by the caller's own cache if it matters.
[[nodiscard]] inline Reference python_side(const char* module, const char* name) {
  const std::string full = std::string("distob.") + module;
  const Reference home = Reference::take(PyImport_ImportModule(full.c_str()));
  return Reference::take(PyObject_GetAttrString(home.get(), name));
}

[[noreturn]] inline void throw_python(PyObject* type, const char* text) {
  PyErr_SetString(type, text);
  throw nanobind::python_error();
}
[[noreturn]] inline void throw_value_error(const char* text) { throw_python(PyExc_ValueError, text); }

}  // namespace distob::python

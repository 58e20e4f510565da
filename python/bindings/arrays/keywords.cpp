#include "arrays/keywords.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace distob::python {
namespace {

void take_out(Keywords& keywords, PyObject* out) {
  if (PyTuple_Check(out)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(out); ++i) {
      PyObject* one = PyTuple_GET_ITEM(out, i);
      keywords.out.push_back(one == Py_None ? nullptr : one);
    }
  } else if (out != Py_None) {
    keywords.out.push_back(out);
  }
  if (!keywords.has_outputs()) keywords.out.clear();
}

bool is_text(PyObject* object, const char* text) {
  return PyUnicode_Check(object) && PyUnicode_CompareWithASCIIString(object, text) == 0;
}

}  // namespace

bool Keywords::has_outputs() const {
  return std::any_of(out.begin(), out.end(), [](PyObject* one) { return one != nullptr; });
}

Keywords keywords_of(PyObject* kwargs) {
  Keywords result;
  if (!kwargs || PyDict_GET_SIZE(kwargs) == 0) return result;
  result.others = Reference::take(PyDict_New());
  PyObject *key, *value;
  Py_ssize_t position = 0;
  while (PyDict_Next(kwargs, &position, &key, &value)) {
    if (is_text(key, "out")) {
      take_out(result, value);
      continue;
    }
    const bool is_types =
        is_text(key, "dtype") || is_text(key, "sig") || is_text(key, "signature") || is_text(key, "casting");
    if (is_types && value == Py_None) continue;
    if (is_text(key, "where") && value == Py_True) continue;
    if (is_text(key, "subok") && PyBool_Check(value)) continue;  // arrays of ours have no subclasses to keep
    if (is_text(key, "order") && (value == Py_None || is_text(value, "K"))) continue;
    if (PyDict_SetItem(result.others.get(), key, value) < 0) throw nanobind::python_error();
    result.given_types |= is_types;
    if (is_text(key, "where")) {
      result.where = value;
    } else if (is_text(key, "order")) {
      result.order = value;
    } else if (!is_types) {
      result.unknown = true;
    }
  }
  return result;
}

}  // namespace distob::python

#include "objects/kinds.h"

#include <nanobind/nanobind.h>

#include <unordered_map>

namespace distob::python {
namespace {

struct Remembered {
  Kind kind = Kind::mutable_;
  bool classified = false;
  Policy policy = Policy::none;
};

// Types are kept alive by their entry, so that an address is never another type. Touched under Python's lock only.
std::unordered_map<PyTypeObject*, Remembered>& remembered() {
  static auto* table = new std::unordered_map<PyTypeObject*, Remembered>;
  return *table;
}

Remembered& entry(PyTypeObject* type) {
  auto [it, added] = remembered().try_emplace(type);
  if (added) Py_INCREF(type);
  return it->second;
}

bool is_exactly_one_of(PyTypeObject* type, std::initializer_list<PyTypeObject*> types) {
  for (PyTypeObject* candidate : types) {
    if (type == candidate) return true;
  }
  return false;
}

/// numpy.`name`, once NumPy has been imported by anyone.
PyTypeObject* numpy_type(const char* name) {
  PyObject* numpy = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy");
  PyObject* found = numpy ? PyObject_GetAttrString(numpy, name) : nullptr;
  if (!found) PyErr_Clear();
  return reinterpret_cast<PyTypeObject*>(found);
}

/// NumPy's scalars, dtypes and ufuncs are values.
bool is_numpy_value(PyTypeObject* type) {
  static PyTypeObject* types[3] = {};
  static const char* const names[3] = {"generic", "dtype", "ufunc"};
  for (int i = 0; i < 3; ++i) {
    if (!types[i]) types[i] = numpy_type(names[i]);
    if (types[i] && PyType_IsSubtype(type, types[i])) return true;
  }
  return false;
}

/// A dataclass declared frozen, which has said of itself that it does not change.
bool is_frozen_dataclass(PyTypeObject* type) {
  PyObject* params = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__dataclass_params__");
  PyObject* frozen = params ? PyObject_GetAttrString(params, "frozen") : nullptr;
  PyErr_Clear();
  const bool result = frozen == Py_True;
  Py_XDECREF(frozen);
  Py_XDECREF(params);
  return result;
}

bool is_enum(PyTypeObject* type) { return PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), "_member_map_"); }

/// What CPython puts into the slot of classes without __next__, read from such a class: its name is private since 3.13.
iternextfunc slot_without_next() {
  static const iternextfunc slot = [] {
    PyObject* plain = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(){}", "plain");
    if (!plain) throw nanobind::python_error();
    const iternextfunc found = reinterpret_cast<PyTypeObject*>(plain)->tp_iternext;
    Py_DECREF(plain);
    return found;
  }();
  return slot;
}

bool is_iterator(PyTypeObject* type) { return type->tp_iternext && type->tp_iternext != slot_without_next(); }

Kind classify(PyTypeObject* type) {
  if (is_exactly_one_of(type, {&PyTuple_Type, &PyFrozenSet_Type, &PyMethod_Type, &PyCFunction_Type, &PySlice_Type,
                               &PyDictProxy_Type})) {
    return Kind::immutable;
  }
  if (is_exactly_one_of(type, {&PyList_Type, &PyDict_Type, &PySet_Type, &PyByteArray_Type, &PyFunction_Type})) {
    return Kind::mutable_;
  }
  if (is_exactly_one_of(
          type, {&PyLong_Type, &PyFloat_Type, &PyBool_Type, &PyUnicode_Type, &PyBytes_Type, &PyComplex_Type,
                 Py_TYPE(Py_None), Py_TYPE(Py_Ellipsis), Py_TYPE(Py_NotImplemented), &PyRange_Type, &PyModule_Type,
                 &PyCode_Type, &PyMethodDescr_Type, &PyClassMethodDescr_Type, &PyGetSetDescr_Type, &PyMemberDescr_Type,
                 &PyWrapperDescr_Type})) {
    return Kind::atom;
  }
  if (PyType_IsSubtype(type, &PyType_Type)) return Kind::atom;
  if (is_numpy_value(type)) return Kind::atom;
  if (is_iterator(type)) return Kind::live;
  if (is_exactly_one_of(type, {&PyDictKeys_Type, &PyDictValues_Type, &PyDictItems_Type, &PyMemoryView_Type, &PyGen_Type,
                               &PyCoro_Type, &PyAsyncGen_Type, &PyFrame_Type, &PyTraceBack_Type, &PyCapsule_Type})) {
    return Kind::live;
  }
  if (is_enum(type)) return Kind::atom;
  if (is_frozen_dataclass(type)) return Kind::immutable;
  const bool adds_no_state = type->tp_dictoffset == 0 && !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT);
  if (adds_no_state && (PyType_IsSubtype(type, &PyTuple_Type) || PyType_IsSubtype(type, &PyFrozenSet_Type))) {
    return Kind::immutable;  // named tuples and the like
  }
  if (adds_no_state && (PyType_IsSubtype(type, &PyLong_Type) || PyType_IsSubtype(type, &PyFloat_Type) ||
                        PyType_IsSubtype(type, &PyUnicode_Type) || PyType_IsSubtype(type, &PyBytes_Type))) {
    return Kind::atom;
  }
  return Kind::mutable_;
}

bool plain(PyObject* value, int& budget, int depth) {
  if (--budget < 0 || depth > 50) return false;
  PyTypeObject* type = Py_TYPE(value);
  if (value == Py_None || is_exactly_one_of(type, {&PyLong_Type, &PyFloat_Type, &PyUnicode_Type, &PyBool_Type,
                                                   &PyBytes_Type, &PyComplex_Type})) {
    return true;
  }
  if (type == &PyTuple_Type || type == &PyList_Type) {
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(value);
    for (Py_ssize_t i = 0; i < count; ++i) {
      if (!plain(PySequence_Fast_GET_ITEM(value, i), budget, depth + 1)) return false;
    }
    return true;
  }
  Py_ssize_t position = 0;
  PyObject *key = nullptr, *item = nullptr;
  if (type == &PyDict_Type) {
    while (PyDict_Next(value, &position, &key, &item)) {
      if (!plain(key, budget, depth + 1) || !plain(item, budget, depth + 1)) return false;
    }
    return true;
  }
  if (type == &PySet_Type || type == &PyFrozenSet_Type) {
    const nanobind::object items = nanobind::steal(PyObject_GetIter(value));
    while (items && (key = PyIter_Next(items.ptr())) != nullptr) {
      const nanobind::object held = nanobind::steal(key);
      if (!plain(key, budget, depth + 1)) return false;
    }
    PyErr_Clear();
    return true;
  }
  return false;
}

}  // namespace

Kind kind_of(PyTypeObject* type) {
  Remembered& found = entry(type);
  if (!found.classified) {
    const Kind kind = classify(type);
    Remembered& again = entry(type);  // classify may have run Python code
    again.kind = kind;
    again.classified = true;
    return kind;
  }
  return found.kind;
}

Kind kind_of_object(PyObject* object) {
  if (Py_TYPE(object) == &PyFunction_Type && !PyFunction_GET_CLOSURE(object) && !PyFunction_GET_DEFAULTS(object)) {
    return Kind::atom;
  }
  return kind_of(Py_TYPE(object));
}

void set_policy(PyTypeObject* type, Policy policy) { entry(type).policy = policy; }

Policy policy_of(PyTypeObject* type) {
  const auto found = remembered().find(type);
  return found == remembered().end() ? Policy::none : found->second.policy;
}

bool scatters_as_class(PyTypeObject* type) {
  return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) && kind_of(type) == Kind::mutable_;
}

void declare_atom(PyTypeObject* type) {
  Remembered& found = entry(type);
  found.kind = Kind::atom;
  found.classified = true;
}

bool is_plain(PyObject* value, int budget) { return plain(value, budget, 0); }

}  // namespace distob::python

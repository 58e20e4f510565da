#include "objects/trace.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "objects/kinds.h"

namespace distob::python {
namespace {

struct Node {
  Py_ssize_t inner_references = 0;
  bool mutable_part = false;
  bool shared_cell = false;  // a closure variable that another function or frame sees too
  bool reached = false;      // from outside the value
};

PyTypeObject* ndarray_type() {
  static PyTypeObject* type = nullptr;
  if (type) return type;
  PyObject* numpy = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy");
  PyObject* found = numpy ? PyObject_GetAttrString(numpy, "ndarray") : nullptr;
  if (!found) PyErr_Clear();
  type = reinterpret_cast<PyTypeObject*>(found);
  return type;
}

class Tracer {
 public:
  HeldParts run(PyObject* value, Py_ssize_t borrowed) {
    collect(value, borrowed);
    return reached_from_outside();
  }

 private:
  /// Breadth first over everything reachable, counting the references between the parts.
  void collect(PyObject* value, Py_ssize_t borrowed) {
    meet(value);
    nodes_[value].inner_references = borrowed;
    std::vector<PyObject*> children;
    while (!pending_.empty()) {
      PyObject* next = pending_.back();
      pending_.pop_back();
      // First gathered, then judged: judging a new type may run Python code, which must not happen inside a traversal.
      children.clear();
      for_each_child(next, children);
      for (PyObject* child : children) meet(child);
    }
  }

  void meet(PyObject* object) {
    const Kind kind = kind_of_object(object);
    if (kind == Kind::atom) return;
    auto [it, added] = nodes_.try_emplace(object);
    ++it->second.inner_references;
    if (!added) return;
    it->second.mutable_part = kind == Kind::mutable_ || kind == Kind::live;
    pending_.push_back(object);
  }

  void for_each_child(PyObject* object, std::vector<PyObject*>& children) {
    if (Py_TYPE(object) == &PyFunction_Type) return visit_function(object, children);
    if (ndarray_type() && PyType_IsSubtype(Py_TYPE(object), ndarray_type())) return visit_array(object, children);
    if (!Py_TYPE(object)->tp_traverse || !PyObject_IS_GC(object)) return;
    const visitproc append = [](PyObject* child, void* list) {
      static_cast<std::vector<PyObject*>*>(list)->push_back(child);
      return 0;
    };
    Py_TYPE(object)->tp_traverse(object, append, &children);
    if (kind_of_object(object) == Kind::immutable) look_through_attributes(object, children);
  }

  /// The attributes of an instance that never changes (a frozen dataclass) are its parts; the dict they stand in is not one.
  static void look_through_attributes(PyObject* instance, std::vector<PyObject*>& children) {
    if (Py_TYPE(instance)->tp_dictoffset == 0) return;
    PyObject* attributes = PyObject_GenericGetDict(instance, nullptr);
    if (!attributes) return PyErr_Clear();
    const auto own = std::find(children.begin(), children.end(), attributes);
    if (own != children.end()) {
      children.erase(own);
      Py_ssize_t position = 0;
      PyObject *name = nullptr, *value = nullptr;
      while (PyDict_Next(attributes, &position, &name, &value)) children.push_back(value);
    }
    Py_DECREF(attributes);  // the instance keeps it
  }

  /// What a function remembers: its closure and defaults. Its globals are the module's and travel as such.
  void visit_function(PyObject* function, std::vector<PyObject*>& children) {
    if (PyObject* defaults = PyFunction_GET_DEFAULTS(function)) children.push_back(defaults);
    PyObject* closure = PyFunction_GET_CLOSURE(function);
    for (Py_ssize_t i = 0; closure && i < PyTuple_GET_SIZE(closure); ++i) {
      PyObject* cell = PyTuple_GET_ITEM(closure, i);
      if (Py_REFCNT(cell) > 1) nodes_[function].shared_cell = true;
      if (PyObject* content = PyCell_GET(cell)) children.push_back(content);
    }
  }

  /// An array's memory may belong to another array or buffer (its base), and its elements may be objects.
  void visit_array(PyObject* array, std::vector<PyObject*>& children) {
    if (PyObject* base = PyObject_GetAttrString(array, "base")) {
      Py_DECREF(base);  // the array keeps it
      if (base != Py_None) children.push_back(base);
    }
    if (PyObject* dtype = PyObject_GetAttrString(array, "dtype")) {
      PyObject* has_objects = PyObject_GetAttrString(dtype, "hasobject");
      if (has_objects == Py_True) visit_elements(array, children);
      Py_XDECREF(has_objects);
      Py_DECREF(dtype);
    }
    PyErr_Clear();
  }

  void visit_elements(PyObject* array, std::vector<PyObject*>& children) {
    PyObject* flat = PyObject_GetAttrString(array, "flat");
    PyObject* elements = flat ? PySequence_List(flat) : nullptr;
    for (Py_ssize_t i = 0; elements && i < PyList_GET_SIZE(elements); ++i) {
      children.push_back(PyList_GET_ITEM(elements, i));  // the array keeps it
    }
    Py_XDECREF(elements);
    Py_XDECREF(flat);
  }

  /// Spreads from the parts with more references than were found inside. All counts are settled by now: the temporary
  /// references that `collect` took are gone.
  HeldParts reached_from_outside() {
    for (auto& [object, node] : nodes_) {
      if (Py_REFCNT(object) > node.inner_references || node.shared_cell) reach(object);
    }
    std::vector<PyObject*> children;
    while (!pending_.empty()) {
      PyObject* next = pending_.back();
      pending_.pop_back();
      children.clear();
      for_each_child(next, children);
      for (PyObject* child : children) reach(child);
    }
    HeldParts held;
    for (auto& [object, node] : nodes_) {
      if (node.reached && node.mutable_part) held.insert(object);
    }
    return held;
  }

  void reach(PyObject* object) {
    const auto found = nodes_.find(object);
    if (found == nodes_.end() || found->second.reached) return;
    found->second.reached = true;
    pending_.push_back(object);
  }

  std::unordered_map<PyObject*, Node> nodes_;
  std::vector<PyObject*> pending_;
};

void collect_young_generation() {
  static PyObject* collect = [] {
    PyObject* gc = PyImport_ImportModule("gc");
    PyObject* function = gc ? PyObject_GetAttrString(gc, "collect") : nullptr;
    Py_XDECREF(gc);
    return function;
  }();
  PyObject* result = collect ? PyObject_CallFunction(collect, "i", 0) : nullptr;
  if (!result) PyErr_Clear();
  Py_XDECREF(result);
}

}  // namespace

HeldParts held_parts(PyObject* value, Py_ssize_t borrowed) {
  HeldParts held = Tracer().run(value, borrowed);
  if (held.empty()) return held;
  collect_young_generation();
  return Tracer().run(value, borrowed);
}

}  // namespace distob::python

#include "objects/remote_method.h"

#include <structmember.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "errors.h"
#include "objects/calls.h"
#include "objects/imports.h"
#include "objects/pending.h"
#include "objects/remote.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

DISTOB_IMPORTED(takes_parameter, "distob._proxies", "takes_parameter")
DISTOB_IMPORTED(finished_future, "distob._futures", "finished")

struct RemoteMethod {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject* self;  // the proxy
  PyObject* name;
};

/// A method of the class for all its proxies: the proxy is the first argument.
struct SpecialMethod {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject* name;
};

PyTypeObject* g_method = nullptr;
PyTypeObject* g_special = nullptr;

RemoteMethod* method(PyObject* object) { return reinterpret_cast<RemoteMethod*>(object); }
SpecialMethod* special(PyObject* object) { return reinterpret_cast<SpecialMethod*>(object); }

template <class Body>
PyObject* guarded(Body body) noexcept {
  try {
    return body();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

std::string_view utf8(PyObject* name) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(name, &size);
  if (!text) throw nb::python_error();
  return {text, static_cast<std::size_t>(size)};
}

/// distob's own keywords among a call's, taken out: block and prefer_local.
class Keywords {
 public:
  Keywords(PyObject* proxy, PyObject* name, const Arguments& given) : arguments(given) {
    if (!given.keyword_names) return;
    const Py_ssize_t count = PyTuple_GET_SIZE(given.keyword_names);
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* keyword = PyTuple_GET_ITEM(given.keyword_names, i);
      const bool is_block = PyUnicode_CompareWithASCIIString(keyword, "block") == 0;
      const bool is_prefer = !is_block && PyUnicode_CompareWithASCIIString(keyword, "prefer_local") == 0;
      if ((is_block || is_prefer) && !belongs_to_method(proxy, name, keyword)) {
        const int truth = PyObject_IsTrue(given.values[given.positional + static_cast<std::size_t>(i)]);
        if (truth < 0) throw nb::python_error();
        if (is_block) block = truth != 0;
        found_ = true;
      }
    }
    if (found_) take_out(proxy, name);
  }

  Arguments arguments;
  bool block = true;

 private:
  static bool belongs_to_method(PyObject* proxy, PyObject* name, PyObject* keyword) {
    nb::object type = nb::borrow(proxy).attr("__class__");
    return nb::cast<bool>(takes_parameter()(type, nb::handle(name), nb::handle(keyword)));
  }

  void take_out(PyObject* proxy, PyObject* name) {
    const Arguments given = arguments;
    values_.assign(given.values, given.values + given.positional);
    nb::list names;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given.keyword_names); ++i) {
      PyObject* keyword = PyTuple_GET_ITEM(given.keyword_names, i);
      const bool ours = PyUnicode_CompareWithASCIIString(keyword, "block") == 0 ||
                        PyUnicode_CompareWithASCIIString(keyword, "prefer_local") == 0;
      if (ours && !belongs_to_method(proxy, name, keyword)) continue;
      names.append(nb::handle(keyword));
      values_.push_back(given.values[given.positional + static_cast<std::size_t>(i)]);
    }
    names_ = nb::tuple(names);
    arguments.values = values_.data();
    arguments.keyword_names = PyTuple_GET_SIZE(names_.ptr()) ? names_.ptr() : nullptr;
  }

  bool found_ = false;
  std::vector<PyObject*> values_;
  nb::object names_;
};

/// target.name(*arguments) on the engine; waits, or returns a future.
nb::object call_method(PyObject* proxy, PyObject* name, const Arguments& arguments, bool block) {
  const RemoteHandle* handle = remote_handle(proxy);
  if (!handle) {  // a local Remote: an ordinary call
    nb::object bound = nb::borrow(remote_local(proxy)).attr(nb::handle(name));
    nb::object result =
        nb::steal(PyObject_Vectorcall(bound.ptr(), arguments.values, arguments.positional, arguments.keyword_names));
    if (!result.is_valid()) throw nb::python_error();
    return block ? result : nb::object(finished_future()(result));
  }
  const std::shared_ptr<Link> link = handle->link;
  std::string label(remote_type_name(proxy));
  label += '.';
  label += utf8(name);
  const Request request{Operation::method, handle->id.owner, handle->id, utf8(name), 0, label};
  if (block) return call(link, request, arguments);
  return make_future(send(link, request, arguments));
}

PyObject* call_remote_method(PyObject* callable, PyObject* const* args, std::size_t flagged, PyObject* names) {
  return guarded([&] {
    const nb::object proxy = nb::borrow(method(callable)->self);
    const nb::object name = nb::borrow(method(callable)->name);
    const Arguments given{args, static_cast<std::size_t>(PyVectorcall_NARGS(flagged)), names};
    if (!names) return call_method(proxy.ptr(), name.ptr(), given, true).release().ptr();
    const Keywords keywords(proxy.ptr(), name.ptr(), given);
    return call_method(proxy.ptr(), name.ptr(), keywords.arguments, keywords.block).release().ptr();
  });
}

PyObject* call_special(PyObject* callable, PyObject* const* args, std::size_t flagged, PyObject* names) {
  return guarded([&]() -> PyObject* {
    const auto count = static_cast<std::size_t>(PyVectorcall_NARGS(flagged));
    if (count == 0 || !is_remote(args[0])) throw TypeError("a special method of a proxy class needs a proxy");
    const nb::object name = nb::borrow(special(callable)->name);
    return call_method(args[0], name.ptr(), {args + 1, count - 1, names}, true).release().ptr();
  });
}

// --- RemoteMethod --------------------------------------------------------------------------------------------------

void dealloc_method(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(method(self)->self);
  Py_CLEAR(method(self)->name);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* repr_method(PyObject* self) {
  return PyUnicode_FromFormat("<method %U of %R>", method(self)->name, method(self)->self);
}

/// What the class's own function says of itself: __doc__, __signature__, __wrapped__, ...
PyObject* get_method_attribute(PyObject* self, PyObject* name) {
  if (PyObject* own = PyObject_GenericGetAttr(self, name)) return own;
  if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return nullptr;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject* home = PyObject_GetAttrString(method(self)->self, "__class__");
  PyObject* function = home ? PyObject_GetAttr(home, method(self)->name) : nullptr;
  PyObject* found = function ? PyObject_GetAttr(function, name) : nullptr;
  Py_XDECREF(home);
  Py_XDECREF(function);
  if (found) {
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return found;
  }
  PyErr_Restore(type, value, traceback);
  return nullptr;
}

PyObject* compare_methods(PyObject* a, PyObject* b, int operation) {
  if (Py_TYPE(b) != g_method || (operation != Py_EQ && operation != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  const bool equal = method(a)->self == method(b)->self && PyUnicode_Compare(method(a)->name, method(b)->name) == 0;
  return PyBool_FromLong(equal == (operation == Py_EQ));
}

Py_hash_t hash_method(PyObject* self) {
  return _Py_HashPointer(method(self)->self) ^ PyObject_Hash(method(self)->name);
}

PyObject* reduce_method(PyObject* self, PyObject*) {
  PyObject* builtins = PyEval_GetBuiltins();
  PyObject* getattr = builtins ? PyDict_GetItemString(builtins, "getattr") : nullptr;
  if (!getattr) return nullptr;
  return Py_BuildValue("O(OO)", getattr, method(self)->self, method(self)->name);
}

PyObject* get_doc(PyObject* self, void*) {
  PyObject* home = PyObject_GetAttrString(method(self)->self, "__class__");
  PyObject* function = home ? PyObject_GetAttr(home, method(self)->name) : nullptr;
  PyObject* doc = function ? PyObject_GetAttrString(function, "__doc__") : nullptr;
  Py_XDECREF(home);
  Py_XDECREF(function);
  if (doc) return doc;
  PyErr_Clear();
  Py_RETURN_NONE;
}

PyMemberDef kMethodMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(RemoteMethod, vectorcall), READONLY, nullptr},
    {"__self__", T_OBJECT, offsetof(RemoteMethod, self), READONLY, "The proxy."},
    {"__name__", T_OBJECT, offsetof(RemoteMethod, name), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef kMethodMethods[] = {
    {"__reduce__", reduce_method, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef kMethodProperties[] = {
    {"__doc__", get_doc, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// --- SpecialMethod -------------------------------------------------------------------------------------------------

void dealloc_special(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(special(self)->name);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* bind_special(PyObject* self, PyObject* object, PyObject*) {
  if (!object || object == Py_None) return Py_NewRef(self);
  return guarded([&] { return make_remote_method(object, special(self)->name).release().ptr(); });
}

PyObject* new_special(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* name = nullptr;
  if (!PyArg_ParseTuple(args, "U", &name)) return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  Py_INCREF(name);
  PyUnicode_InternInPlace(&name);
  special(self)->name = name;
  special(self)->vectorcall = call_special;
  return self;
}

PyMemberDef kSpecialMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(SpecialMethod, vectorcall), READONLY, nullptr},
    {"__name__", T_OBJECT, offsetof(SpecialMethod, name), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyTypeObject* make_type(const char* name, std::size_t size, unsigned long flags, PyType_Slot* slots) {
  PyType_Spec spec = {name, static_cast<int>(size), 0,
                      static_cast<unsigned int>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | flags), slots};
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!type) throw nb::python_error();
  return type;
}

}  // namespace

nb::object make_remote_method(PyObject* proxy, PyObject* name) {
  PyObject* made = g_method->tp_alloc(g_method, 0);
  if (!made) throw nb::python_error();
  method(made)->vectorcall = call_remote_method;
  method(made)->self = Py_NewRef(proxy);
  method(made)->name = Py_NewRef(name);
  return nb::steal(made);
}

bool is_remote_method(PyObject* object) { return Py_TYPE(object) == g_method; }
PyObject* remote_method_self(PyObject* object) { return method(object)->self; }

void register_remote_method(nb::module_& module) {
  PyType_Slot method_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc_method)},
                                {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                {Py_tp_repr, reinterpret_cast<void*>(repr_method)},
                                {Py_tp_getattro, reinterpret_cast<void*>(get_method_attribute)},
                                {Py_tp_richcompare, reinterpret_cast<void*>(compare_methods)},
                                {Py_tp_hash, reinterpret_cast<void*>(hash_method)},
                                {Py_tp_members, kMethodMembers},
                                {Py_tp_methods, kMethodMethods},
                                {Py_tp_getset, kMethodProperties},
                                {0, nullptr}};
  g_method =
      make_type("distob._core.RemoteMethod", sizeof(RemoteMethod), Py_TPFLAGS_DISALLOW_INSTANTIATION, method_slots);
  PyType_Slot special_slots[] = {{Py_tp_new, reinterpret_cast<void*>(new_special)},
                                 {Py_tp_dealloc, reinterpret_cast<void*>(dealloc_special)},
                                 {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                 {Py_tp_descr_get, reinterpret_cast<void*>(bind_special)},
                                 {Py_tp_members, kSpecialMembers},
                                 {0, nullptr}};
  g_special =
      make_type("distob._core.SpecialMethod", sizeof(SpecialMethod), Py_TPFLAGS_METHOD_DESCRIPTOR, special_slots);
  module.attr("RemoteMethod") = nb::borrow(reinterpret_cast<PyObject*>(g_method));
  module.attr("SpecialMethod") = nb::borrow(reinterpret_cast<PyObject*>(g_special));
  module.def(
      "method", [](nb::handle proxy, nb::str name) { return make_remote_method(proxy.ptr(), name.ptr()); },
      "The remote method `name` of a proxy, without asking the engine whether there is one.");
}

}  // namespace distob::python

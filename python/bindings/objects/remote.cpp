#include "objects/remote.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <structmember.h>

#include <cstddef>
#include <new>
#include <string>
#include <unordered_map>

#include "errors.h"
#include "objects/calls.h"
#include "objects/imports.h"
#include "objects/pending.h"
#include "objects/remote_method.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

/// An instance of Remote. Exactly one of `handle` and `local` is set. It refers to no Python object but `local`, so that
/// proxies are never part of a reference cycle of ours and go the moment their last reference goes.
struct Remote {
  PyObject_HEAD
  RemoteHandle* handle;
  PyObject* local;
  PyObject* weak_references;
  bool prefer_local;
  bool written_by_user;  // its class stands in a program: what it defines before Remote stays here
};

PyTypeObject* g_type = nullptr;  // Remote

Remote* remote(PyObject* object) { return reinterpret_cast<Remote*>(object); }

PyObject* interned(const char* text) { return PyUnicode_InternFromString(text); }

/// An attribute of the proxy's class, borrowed, or null: `_distob_type` and `_distob_description`.
PyObject* class_attribute(PyTypeObject* type, PyObject* name) { return _PyType_Lookup(type, name); }

/// The class of the object, borrowed; null if this process does not know it.
PyTypeObject* object_type(PyObject* self) {
  static PyObject* name = interned("_distob_type");
  if (PyObject* local = remote(self)->local) return Py_TYPE(local);
  PyObject* type = class_attribute(Py_TYPE(self), name);
  return type && PyType_Check(type) ? reinterpret_cast<PyTypeObject*>(type) : nullptr;
}

/// What the dict of `type` itself holds for `name`, borrowed from it. Since 3.12 the dicts of static types have no field.
PyObject* in_dict_of(PyTypeObject* type, PyObject* name) {
#if PY_VERSION_HEX >= 0x030C0000
  const nb::object dict = nb::steal(PyType_GetDict(type));
  return dict ? PyDict_GetItemWithError(dict.ptr(), name) : nullptr;
#else
  return type->tp_dict ? PyDict_GetItemWithError(type->tp_dict, name) : nullptr;
#endif
}

bool is_users_class(PyTypeObject* type) {
  static PyObject* name = interned("_distob_made");
  return type != g_type && in_dict_of(type, name) != Py_True;
}

PyObject* allocate(PyTypeObject* type, RemoteHandle* handle, PyObject* local) {
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  remote(self)->handle = handle;
  remote(self)->local = Py_XNewRef(local);
  remote(self)->prefer_local = true;
  remote(self)->written_by_user = is_users_class(type);
  if (handle && !handle->link->proxy(handle->id)) handle->link->add_proxy(handle->id, self);
  return self;
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  if (remote(self)->weak_references) PyObject_ClearWeakRefs(self);
  if (RemoteHandle* handle = std::exchange(remote(self)->handle, nullptr)) {
    handle->link->remove_proxy(handle->id, self);
    delete handle;
  }
  Py_CLEAR(remote(self)->local);
  type->tp_free(self);
  Py_DECREF(type);
}

template <class Body>
PyObject* guarded(Body body) noexcept {
  try {
    return body();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

// --- Attributes ----------------------------------------------------------------------------------------------------

/// What the proxy's own class defines for `name`, borrowed: Remote, and before it in the order of bases the user's class.
PyObject* own_attribute(PyObject* self, PyObject* name) {
  PyTypeObject* type = Py_TYPE(self);
  if (!remote(self)->written_by_user) return _PyType_Lookup(type, name);
  PyObject* order = type->tp_mro;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(order); ++i) {
    auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(order, i));
    if (PyObject* found = in_dict_of(base, name)) return found;
    if (base == g_type) break;
  }
  return in_dict_of(&PyBaseObject_Type, name);
}

bool starts_with(PyObject* name, const char* prefix) {
  const Py_ssize_t length = static_cast<Py_ssize_t>(std::strlen(prefix));
  if (PyUnicode_GET_LENGTH(name) < length || !PyUnicode_IS_ASCII(name)) return false;
  return std::memcmp(PyUnicode_DATA(name), prefix, static_cast<std::size_t>(length)) == 0;
}

/// Names that tools ask every object for. Answered here, so that looking at a proxy never calls its engine.
bool asked_by_tools(PyObject* name) {
  if (starts_with(name, "__")) return PyUnicode_CompareWithASCIIString(name, "__dict__") != 0;
  return starts_with(name, "_repr_") || starts_with(name, "_ipython_");
}

/// True if the class says that `name` is something to call on the object.
bool is_method(PyObject* attribute) {
  PyTypeObject* type = Py_TYPE(attribute);
  if (type == &PyFunction_Type || type == &PyMethodDescr_Type || type == &PyWrapperDescr_Type) return true;
  if (type == &PyClassMethod_Type || type == &PyStaticMethod_Type || type == &PyClassMethodDescr_Type) return true;
  const bool binds = type->tp_descr_get && !type->tp_descr_set;
  return binds && type->tp_call && !PyType_Check(attribute);
}

std::string label(std::string_view type, std::string_view name) {
  std::string text(type);
  text += '.';
  text += name;
  return text;
}

std::string_view utf8(PyObject* name) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(name, &size);
  if (!text) throw nb::python_error();
  return {text, static_cast<std::size_t>(size)};
}

/// Reads, writes or deletes an attribute on the object's engine.
nb::object remote_access(PyObject* self, Operation operation, PyObject* name, PyObject* value = nullptr) {
  const RemoteHandle& handle = *remote(self)->handle;
  const std::shared_ptr<Link> link = handle.link;
  const std::string text = label(remote_type_name(self), utf8(name));
  PyObject* values[] = {value};
  return call(link, {operation, handle.id.owner, handle.id, utf8(name), 0, text}, {values, value ? 1u : 0u, nullptr});
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  if (own_attribute(self, name)) {
    if (PyObject* found = PyObject_GenericGetAttr(self, name)) return found;
    return nullptr;
  }
  if (PyObject* local = remote(self)->local) return PyObject_GetAttr(local, name);
  return guarded([&]() -> PyObject* {
    PyTypeObject* type = object_type(self);
    PyObject* attribute = type ? _PyType_Lookup(type, name) : nullptr;
    if (attribute && is_method(attribute)) return make_remote_method(self, name).release().ptr();
    if (!attribute && asked_by_tools(name)) {
      const std::string type_name(remote_type_name(self));
      PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'", type_name.c_str(), name);
      return nullptr;
    }
    return remote_access(self, Operation::get, name).release().ptr();
  });
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  PyObject* own = own_attribute(self, name);
  if (own && Py_TYPE(own)->tp_descr_set) return PyObject_GenericSetAttr(self, name, value);
  if (PyObject* local = remote(self)->local) return PyObject_SetAttr(local, name, value);
  PyObject* done = guarded([&]() -> PyObject* {
    return remote_access(self, value ? Operation::set : Operation::remove, name, value).release().ptr();
  });
  Py_XDECREF(done);
  return done ? 0 : -1;
}

// --- Remote(obj_or_ref) --------------------------------------------------------------------------------------------

DISTOB_IMPORTED(proxy_of_reference, "distob._proxies", "proxy_of_reference")
DISTOB_IMPORTED(proxy_type_of, "distob._proxies", "proxy_type_of")

/// The class of `type`'s local Remotes: the one the caller wrote, or the one made for the object's class.
PyTypeObject* class_for(PyTypeObject* asked, PyObject* object) {
  if (asked != g_type) return asked;
  const nb::object made = proxy_type_of()(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(object))));
  return reinterpret_cast<PyTypeObject*>(made.ptr());  // kept by the table of proxy types
}

PyObject* new_(PyTypeObject* type, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    if (PyTuple_GET_SIZE(args) != 1) throw TypeError("Remote takes one argument: an object, a Ref or a proxy");
    nb::object object = proxy_of_reference()(nb::handle(PyTuple_GET_ITEM(args, 0)));
    if (!is_remote(object.ptr())) return allocate(class_for(type, object.ptr()), nullptr, object.ptr());
    if (type == g_type || Py_TYPE(object.ptr()) == type) return object.release().ptr();
    if (PyObject* local = remote(object.ptr())->local) return allocate(type, nullptr, local);
    const RemoteHandle& handle = *remote(object.ptr())->handle;
    handle.link->endpoint().retain(handle.id);
    return allocate(type, new RemoteHandle(handle.link, handle.id), nullptr);
  });
}

int init(PyObject*, PyObject*, PyObject*) { return 0; }

// --- Properties ----------------------------------------------------------------------------------------------------

PyObject* get_class(PyObject* self, void*) {
  PyTypeObject* type = object_type(self);
  return Py_NewRef(reinterpret_cast<PyObject*>(type ? type : Py_TYPE(self)));
}

PyObject* get_is_local(PyObject* self, void*) { return PyBool_FromLong(remote(self)->local != nullptr); }
PyObject* get_prefer_local(PyObject* self, void*) { return PyBool_FromLong(remote(self)->prefer_local); }

int set_prefer_local(PyObject* self, PyObject* value, void*) {
  const int truth = value ? PyObject_IsTrue(value) : -1;
  if (truth < 0) return -1;
  remote(self)->prefer_local = truth != 0;
  return 0;
}

PyObject* get_id(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const RemoteHandle* handle = remote(self)->handle;
    if (!handle) Py_RETURN_NONE;
    const ObjectId id = handle->id;
    return nb::make_tuple(nb::make_tuple(id.creator.value, id.sequence, id.index), id.owner.value).release().ptr();
  });
}

PyObject* get_link(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const RemoteHandle* handle = remote(self)->handle;
    if (!handle) Py_RETURN_NONE;
    return nb::cast(handle->link).release().ptr();
  });
}

PyObject* get_local(PyObject* self, void*) {
  PyObject* local = remote(self)->local;
  return Py_NewRef(local ? local : Py_None);
}

PyGetSetDef kProperties[] = {
    {"__class__", get_class, nullptr, "The class of the object, so that isinstance() holds.", nullptr},
    {"is_local", get_is_local, nullptr, "True if the object is in this process.", nullptr},
    {"prefer_local", get_prefer_local, set_prefer_local, "Whether calls use the object here, if it is here.", nullptr},
    {"_distob_id", get_id, nullptr, "((creator, sequence, index), engine), or None for a local object.", nullptr},
    {"_distob_link", get_link, nullptr, "The cluster connection, or None for a local object.", nullptr},
    {"_distob_local", get_local, nullptr, "The object itself if it is local, else None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef kMembers[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Remote, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyTypeObject* make_type() {
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(new_)},
                         {Py_tp_init, reinterpret_cast<void*>(init)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                         {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)},
                         {Py_tp_setattro, reinterpret_cast<void*>(set_attribute)},
                         {Py_tp_getset, kProperties},
                         {Py_tp_members, kMembers},
                         {0, nullptr}};
  PyType_Spec spec = {"distob.Remote", sizeof(Remote), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!type) throw nb::python_error();
  return type;
}

std::unordered_map<std::string, PyTypeObject*>& proxy_types() {
  static auto* known = new std::unordered_map<std::string, PyTypeObject*>;
  return *known;
}

/// The class for proxies of objects described as `description`; kept for ever.
PyTypeObject* proxy_type(std::string_view description) {
  std::string key(description);
  const auto found = proxy_types().find(key);
  if (found != proxy_types().end()) return found->second;
  nb::object type = proxy_type_of_description()(nb::str(description.data(), description.size()));
  if (!PyType_Check(type.ptr()) || !PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type.ptr()), g_type)) {
    throw TypeError("a proxy class must derive from distob.Remote");
  }
  auto* made = reinterpret_cast<PyTypeObject*>(type.release().ptr());
  proxy_types().emplace(std::move(key), made);
  return made;
}

}  // namespace

bool is_remote(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  if (type->tp_getattro == get_attribute) return true;  // all classes that distob made
  return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) && PyType_IsSubtype(type, g_type);
}

RemoteHandle* remote_handle(PyObject* object) { return remote(object)->handle; }
PyObject* remote_local(PyObject* object) { return remote(object)->local; }

std::string_view remote_description(PyObject* object) {
  static PyObject* name = interned("_distob_description");
  PyObject* text = class_attribute(Py_TYPE(object), name);
  if (text && PyUnicode_Check(text)) return utf8(text);
  if (PyTypeObject* type = object_type(object)) return description_of(type);
  return {};
}

std::string_view remote_type_name(PyObject* object) {
  PyTypeObject* type = object_type(object);
  const char* name = (type ? type : Py_TYPE(object))->tp_name;
  const char* dot = std::strrchr(name, '.');
  return dot ? dot + 1 : name;
}

nb::object make_remote(const std::shared_ptr<Link>& link, ObjectId id, std::string_view description) {
  PyTypeObject* type = proxy_type(description);
  PyObject* made = allocate(type, new RemoteHandle(link, id), nullptr);
  if (!made) throw nb::python_error();
  return nb::steal(made);
}

void register_remote(nb::module_& module) {
  g_type = make_type();
  module.attr("Remote") = nb::steal(Py_NewRef(reinterpret_cast<PyObject*>(g_type)));
  register_remote_method(module);
  module.def(
      "forget_proxy_type", [](nb::str description) { proxy_types().erase(nb::cast<std::string>(description)); },
      "The next proxy of such an object asks distob._proxies again which class to use.");
  module.def(
      "is_remote", [](nb::handle object) { return is_remote(object.ptr()); }, nb::arg("object").none(),
      "True for proxies and local Remotes, whatever their __class__ says.");
  module.def(
      "get_remote_attribute",
      [](nb::handle self, nb::str name) { return remote_access(self.ptr(), Operation::get, name.ptr()); },
      "Reads an attribute on the engine, whatever the class says about it.");
}

}  // namespace distob::python

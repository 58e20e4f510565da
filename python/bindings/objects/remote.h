// Proxies: Python objects that stand for an object of an engine.
//
// A proxy's class is made at run time for the class of its object and derives from Remote only. Attributes and special
// methods go to the object; what Remote itself defines, and what a class that the user wrote as `class RemoteTree(Remote,
// Tree)` defines before Remote, stays here.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "objects/link.h"

namespace distob::python {

/// One count of an object, given back when the proxy goes: at once, from any thread, without waiting.
struct RemoteHandle {
  RemoteHandle(std::shared_ptr<Link> l, ObjectId i) : link(std::move(l)), id(i) {}
  RemoteHandle(const RemoteHandle&) = delete;
  RemoteHandle& operator=(const RemoteHandle&) = delete;
  ~RemoteHandle() { link->endpoint().release(id); }
  [[nodiscard]] std::string to_string() const { return distob::to_string(id); }

  std::shared_ptr<Link> link;
  ObjectId id;
};

/// True for instances of Remote. Two loads and a compare for anything that is none.
[[nodiscard]] bool is_remote(PyObject* object);
/// What the proxy refers to; null for a Remote that controls a local object.
[[nodiscard]] RemoteHandle* remote_handle(PyObject* remote);
/// The local object that a Remote controls, borrowed; null for a proxy.
[[nodiscard]] PyObject* remote_local(PyObject* remote);
/// How other processes find the class for proxies of this object's class.
[[nodiscard]] std::string_view remote_description(PyObject* remote);
/// "Tree", for messages.
[[nodiscard]] std::string_view remote_type_name(PyObject* remote);

/// A new proxy of `id`, which takes over one count.
[[nodiscard]] nanobind::object make_remote(const std::shared_ptr<Link>& link, ObjectId id,
                                           std::string_view description);

/// True for `tree.grow`: a method of a proxy that was looked up and not called yet.
[[nodiscard]] bool is_remote_method(PyObject* object);
[[nodiscard]] PyObject* remote_method_self(PyObject* method);

void register_remote(nanobind::module_& module);

}  // namespace distob::python

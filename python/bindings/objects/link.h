// One process's end of a cluster: what proxies and calls hold on to.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ids.h"
#include "session/endpoint.h"

namespace distob::engine {
class Context;
}

namespace distob::python {

/// The objects that an engine owns, by id and by address. Touched under Python's lock only.
class ObjectStore {
 public:
  void put(ObjectId id, PyObject* object);
  /// Forgets the object and returns the reference that the store had; empty if there is none.
  [[nodiscard]] nanobind::object take(ObjectId id);
  /// Borrowed; null if it is not here.
  [[nodiscard]] PyObject* find(ObjectId id) const;
  /// The id of `object`, or an empty one. Objects of atomic kind are never found: everybody shares the same 5.
  [[nodiscard]] ObjectId id_of(PyObject* object) const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  [[nodiscard]] std::vector<ObjectId> ids() const;

 private:
  std::unordered_map<ObjectId, PyObject*> objects_;
  std::unordered_map<PyObject*, ObjectId> ids_;
};

class Outgoing;

/// A connection to a cluster, of the client or of an engine. Shared by everything that may use or release its objects;
/// outlives the cluster without harm. All fields under Python's lock.
class Link {
 public:
  explicit Link(std::shared_ptr<session::Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}

  [[nodiscard]] session::Endpoint& endpoint() const { return *endpoint_; }
  [[nodiscard]] const std::shared_ptr<session::Endpoint>& shared_endpoint() const { return endpoint_; }
  [[nodiscard]] bool owns(ObjectId id) const;

  /// The living proxy of `id`, borrowed, or null: an object has one proxy in each process.
  [[nodiscard]] PyObject* proxy(ObjectId id) const;
  void add_proxy(ObjectId id, PyObject* proxy) { proxies_[id] = proxy; }
  void remove_proxy(ObjectId id, PyObject* proxy);

  /// Definitions (of classes and functions of __main__) that an engine has for certain.
  [[nodiscard]] bool defined(EngineId engine, std::uint32_t bundle) const;
  void confirm(EngineId engine, const std::vector<std::uint32_t>& bundles);

  /// A definition bundle that every engine is to have before the next command to it: policies of classes.
  void announce(std::uint32_t bundle, nanobind::object bytes);
  /// Adds to `outgoing` the announced bundles that `engine` lacks.
  void announce(Outgoing& outgoing, EngineId engine) const;

  /// In an engine: what it owns. Null in the client.
  ObjectStore* store = nullptr;
  /// The Python Cluster that this is of, as a weak reference, or None.
  nanobind::object cluster;

 private:
  std::shared_ptr<session::Endpoint> endpoint_;
  std::unordered_map<ObjectId, PyObject*> proxies_;
  std::unordered_map<std::uint32_t, std::unordered_set<std::uint32_t>> definitions_;
  std::vector<std::pair<std::uint32_t, nanobind::object>> announced_;
};

/// The commands that run on this thread, innermost last, as the engine's executor entered them. Empty in a client.
std::vector<engine::Context*>& running_contexts();

/// The link of this process if it is an engine, else null.
const std::shared_ptr<Link>& engine_link();
void set_engine_link(std::shared_ptr<Link> link);

}  // namespace distob::python

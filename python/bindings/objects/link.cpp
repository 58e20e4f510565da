#include "objects/link.h"

#include "objects/kinds.h"
#include "objects/values.h"

namespace distob::python {

void ObjectStore::put(ObjectId id, PyObject* object) {
  if (!objects_.try_emplace(id, object).second) return;
  Py_INCREF(object);
  if (kind_of(Py_TYPE(object)) != Kind::atom) ids_.try_emplace(object, id);
}

nanobind::object ObjectStore::take(ObjectId id) {
  const auto found = objects_.find(id);
  if (found == objects_.end()) return {};
  nanobind::object object = nanobind::steal(found->second);
  objects_.erase(found);
  const auto named = ids_.find(object.ptr());
  if (named != ids_.end() && named->second == id) ids_.erase(named);
  return object;
}

PyObject* ObjectStore::find(ObjectId id) const {
  const auto found = objects_.find(id);
  return found == objects_.end() ? nullptr : found->second;
}

ObjectId ObjectStore::id_of(PyObject* object) const {
  const auto found = ids_.find(object);
  return found == ids_.end() ? ObjectId{} : found->second;
}

std::vector<ObjectId> ObjectStore::ids() const {
  std::vector<ObjectId> all;
  for (const auto& [id, object] : objects_) all.push_back(id);
  return all;
}

bool Link::owns(ObjectId id) const {
  const auto own = endpoint_->own_engine();
  return own && *own == id.owner;
}

PyObject* Link::proxy(ObjectId id) const {
  const auto found = proxies_.find(id);
  return found == proxies_.end() ? nullptr : found->second;
}

void Link::remove_proxy(ObjectId id, PyObject* proxy) {
  const auto found = proxies_.find(id);
  if (found != proxies_.end() && found->second == proxy) proxies_.erase(found);
}

bool Link::defined(EngineId engine, std::uint32_t bundle) const {
  const auto found = definitions_.find(engine.value);
  return found != definitions_.end() && found->second.contains(bundle);
}

void Link::confirm(EngineId engine, const std::vector<std::uint32_t>& bundles) {
  if (!bundles.empty()) definitions_[engine.value].insert(bundles.begin(), bundles.end());
}

void Link::announce(std::uint32_t bundle, nanobind::object bytes) { announced_.emplace_back(bundle, std::move(bytes)); }

void Link::announce(Outgoing& outgoing, EngineId engine) const {
  for (const auto& [bundle, bytes] : announced_) {
    if (!defined(engine, bundle)) outgoing.needs_bundle(bundle, nanobind::borrow<nanobind::bytes>(bytes));
  }
}

std::vector<engine::Context*>& running_contexts() {
  thread_local std::vector<engine::Context*> contexts;
  return contexts;
}

namespace {
std::shared_ptr<Link>& the_engine_link() {
  static auto* link = new std::shared_ptr<Link>;
  return *link;
}
}  // namespace

const std::shared_ptr<Link>& engine_link() { return the_engine_link(); }
void set_engine_link(std::shared_ptr<Link> link) { the_engine_link() = std::move(link); }

}  // namespace distob::python

// The objects that an engine owns: which names it has reached, and who has how many counts on them.
#include <algorithm>
#include <utility>

#include "engine/machine.h"

namespace distob::engine {
namespace {

/// Names that user code's objects get on the way, outside any stream: always reached.
constexpr std::uint64_t kExported = std::uint64_t{1} << 63;

}  // namespace

// --- Not yet, and gone --------------------------------------------------------------------------------------------

bool Machine::reached(const ObjectId& id) const {
  if (id.sequence >= kExported || gone_.contains(id.creator)) return true;
  const auto stream = streams_.find(id.creator);
  return stream != streams_.end() && stream->second >= id.sequence;
}

Machine::Object* Machine::find(const ObjectId& id) {
  const auto found = objects_.find(id);
  return found == objects_.end() ? nullptr : &found->second;
}

void Machine::advance_stream(SessionId from, std::uint64_t sequence) {
  streams_[from] = sequence;
  const auto found = unreached_.find(from);
  if (found == unreached_.end()) return;
  std::vector<Unreached> woken;
  const auto end = found->second.upper_bound(sequence);
  for (auto at = found->second.begin(); at != end; ++at) woken.push_back(at->second);
  found->second.erase(found->second.begin(), end);
  if (found->second.empty()) unreached_.erase(found);
  wake(std::move(woken));
}

void Machine::wake(std::vector<Unreached> waiting) {
  for (const Unreached& each : waiting) {
    if (!each.task) {
      register_for(each.from, each.object);
      continue;
    }
    const auto found = tasks_.find(each.task);
    if (found == tasks_.end()) continue;
    Task& task = *found->second;
    if (task.stage == Task::Stage::Target) {
      look_up_target(task);
    } else {
      look_up_reference(task, each.object);
      reference_ready(task);
    }
  }
}

// --- What other sessions hold -------------------------------------------------------------------------------------

void Machine::on(SessionId source, const wire::Receipt& receipt) {
  const auto found = receipts_.find(receipt.command);
  if (found == receipts_.end()) return;
  if (found->second.first != source) throw ProtocolError("a receipt came from a session that got no such reply");
  const auto references = std::move(found->second.second);
  receipts_.erase(found);
  for (const ObjectId& id : references) session_.release(id);
}

void Machine::on(SessionId source, const wire::Release& release) {
  for (const wire::Count& count : release.counts) {
    Object* object = find(count.object);
    if (!object) continue;  // named by a command that made none
    const auto held =
        std::find_if(object->held.begin(), object->held.end(), [&](auto& h) { return h.first == source; });
    if (held == object->held.end() || held->second < static_cast<std::int64_t>(count.count)) {
      if (object->state == Object::State::Failed) continue;  // a value came instead of it, which ended all counts
      throw ProtocolError("a release gives back more than was handed out");
    }
    add_count(*object, source, -static_cast<std::int64_t>(count.count));
    drop_if_unused(count.object);
  }
}

void Machine::on(SessionId source, const wire::Register& request) {
  for (const ObjectId& id : request.objects) {
    if (reached(id)) {
      register_for(source, id);
    } else {
      unreached_[id.creator].emplace(id.sequence, Unreached{{}, source, id});
    }
  }
}

void Machine::register_for(SessionId from, const ObjectId& id) {
  if (gone_.contains(from)) return;
  wire::Registered answer;
  if (Object* object = find(id)) {
    add_count(*object, from, 1);
    answer.objects.push_back(id);
  } else {
    answer.gone.push_back(id);
  }
  send(from, std::move(answer));
}

// --- Counts -------------------------------------------------------------------------------------------------------

void Machine::add_count(Object& object, SessionId session, std::int64_t count) {
  auto held = std::find_if(object.held.begin(), object.held.end(), [&](auto& h) { return h.first == session; });
  if (held == object.held.end()) held = object.held.insert(held, {session, 0});
  held->second += count;
  if (held->second == 0) object.held.erase(held);
}

void Machine::pin(Task& task, const ObjectId& id, Object& object) {
  object.pins += 1;
  task.pinned.push_back(id);
}

void Machine::unpin(const ObjectId& id) {
  if (Object* object = find(id)) {
    object->pins -= 1;
    drop_if_unused(id);
  }
}

void Machine::drop_if_unused(const ObjectId& id) {
  const auto found = objects_.find(id);
  if (found == objects_.end()) return;
  const Object& object = found->second;
  if (!object.held.empty() || object.pins || object.state == Object::State::Pending) return;
  if (object.state == Object::State::Alive) drops_.push_back(id);
  queued_.erase(id);
  objects_.erase(found);
}

ObjectId Machine::new_object() {
  const ObjectId id{session_.self(), self_, kExported + ++exported_, 0};
  Object& object = objects_[id];
  object.state = Object::State::Alive;
  add_count(object, session_.self(), 1);
  return id;
}

bool Machine::retain_own(const ObjectId& id) {
  if (Object* object = find(id)) {
    add_count(*object, session_.self(), 1);
    return true;
  }
  if (reached(id)) return false;
  early_[id] += 1;
  return true;
}

void Machine::release_own(const ObjectId& id) {
  if (Object* object = find(id)) {
    add_count(*object, session_.self(), -1);
    drop_if_unused(id);
  } else if (!reached(id)) {
    early_[id] -= 1;
  }
}

}  // namespace distob::engine

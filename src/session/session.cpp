#include "session/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace distob::session {
namespace {

/// What a command costs beside its payload: the bookkeeping on both sides.
constexpr std::uint64_t kCommandBytes = 256;

wire::Bytes bytes_of(const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

Reply failure(Status status, const std::string& text) {
  Reply reply;
  reply.status = status;
  reply.results_stored = false;
  reply.payload = bytes_of(text);
  return reply;
}

}  // namespace

Session::Session(SessionId self, OwnObjects* own, CreditLimits limits) : self_(self), own_(own), limits_(limits) {}

bool Session::is_own(const ObjectId& id) const { return own_ && wire::session_of(id.owner) == self_; }

void Session::send(SessionId to, wire::Body body) { messages_.push_back({self_, to, std::move(body)}); }

const std::string* Session::lost(EngineId engine) const {
  const auto found = gone_.find(wire::session_of(engine));
  return found == gone_.end() ? nullptr : &found->second;
}

// --- Calls --------------------------------------------------------------------------------------------------------

bool Session::has_credit(EngineId engine, std::uint64_t bytes) const {
  const auto found = streams_.find(engine);
  if (found == streams_.end() || found->second.commands == 0) return true;  // what exceeds the limit alone goes alone
  const Stream& stream = found->second;
  return stream.commands < limits_.commands && stream.bytes + bytes + kCommandBytes <= limits_.bytes;
}

Session::Submitted Session::submit(const session::Command& command, const std::vector<CommandId>& chain) {
  const std::uint64_t number = next_number_++;
  const CommandId id{self_, number};
  Stream& stream = streams_[command.engine];
  const std::uint64_t sequence = ++stream.sequence;
  if (const std::string* text = lost(command.engine)) {
    complete(number, failure(Status::EngineDied, *text));
    return {id, sequence};
  }
  Pending& pending = calls_[number];
  pending.engine = command.engine;
  pending.sequence = sequence;
  pending.bytes = command.payload.size() + kCommandBytes;
  pending.results = command.results;
  pending.references.assign(command.references.begin(), command.references.end());
  pending.counted = chain.empty() || !command.synchronous;
  if (pending.counted) {
    stream.commands += 1;
    stream.bytes += pending.bytes;
  }
  for (const ObjectId& reference : command.references) retain(reference);
  for (std::uint32_t i = 0; i < command.results; ++i) {
    const ObjectId result{self_, command.engine, sequence, i};
    if (is_own(result)) continue;  // the owner counts it for us when the command arrives
    held_[result] = {.local = 1, .registered = 1};
  }

  wire::Command out;
  out.id = id;
  out.sequence = sequence;
  out.target = command.target;
  out.payload.assign(command.payload.begin(), command.payload.end());
  out.references = pending.references;
  out.buffers.assign(command.buffers.begin(), command.buffers.end());
  out.results = command.results;
  out.chain = chain;
  out.label = command.label;
  send(wire::session_of(command.engine), std::move(out));
  return {id, sequence};
}

void Session::cancel(CommandId id) {
  const auto found = calls_.find(id.number);
  if (found == calls_.end()) return;
  send(wire::session_of(found->second.engine), wire::Cancel{id, static_cast<std::uint8_t>(Status::Cancelled), {}});
}

void Session::complete(std::uint64_t number, Reply reply) { completions_.push_back({number, std::move(reply)}); }

void Session::end_pending(const Pending& pending, bool results_stored) {
  if (!results_stored) {
    for (std::uint32_t i = 0; i < pending.results; ++i) {
      // The owner forgot these ids (or never knew them); so do we, and release() of them does nothing. An entry that a
      // Register or a running command still needs stays until then, or their answers would find nothing.
      const auto found = held_.find(ObjectId{self_, pending.engine, pending.sequence, i});
      if (found == held_.end()) continue;
      found->second.registered = 0;
      found->second.void_result = true;
      forget_if_unused(found);
    }
  }
  for (const ObjectId& reference : pending.references) release(reference);
}

void Session::on_reply(wire::Reply reply, SessionId source) {
  if (reply.command.session != self_) throw ProtocolError("a reply came to a session that did not ask");
  const auto found = calls_.find(reply.command.number);
  if (found == calls_.end()) return;  // ended already: its engine was declared dead
  const Pending pending = std::move(found->second);
  if (wire::session_of(pending.engine) != source) throw ProtocolError("a reply came from an engine that was not asked");
  calls_.erase(found);
  if (pending.counted) {
    Stream& stream = streams_[pending.engine];
    stream.commands -= 1;
    stream.bytes -= pending.bytes;
  }
  adopt(reply, source);

  // Failed results stay at the owner, as errors for what depends on them, until we release them.
  const auto status = static_cast<Status>(reply.status);
  const bool forgotten = status == Status::Value && !reply.results_stored;
  end_pending(pending, !forgotten);
  Reply out;
  out.status = status;
  out.results_stored = status == Status::Value && reply.results_stored;
  out.payload = std::move(reply.payload);
  out.references = std::move(reply.references);
  out.buffers = std::move(reply.buffers);
  out.loans = std::move(reply.loans);
  complete(reply.command.number, std::move(out));
}

/// Takes over the references of a reply. Those that the replying engine owns are counted for us already. Others it holds
/// for us until we say that we are registered with their owners.
void Session::adopt(wire::Reply& reply, SessionId source) {
  Owed owed{source, {}};
  for (const ObjectId& id : reply.references) {
    if (is_own(id)) {
      own_->retain_own(id);
      continue;
    }
    Held& held = held_[id];
    held.local += 1;
    if (wire::session_of(id.owner) == source) {
      held.registered += 1;
      continue;
    }
    if (held.registered) continue;
    begin_registering(id, held);
    if (!held.registering) continue;  // its owner is gone
    held.borrowed += 1;
    owed.references.push_back(id);
  }
  if (!reply.wants_receipt) return;
  if (owed.references.empty()) {
    send(source, wire::Receipt{reply.command});
  } else {
    receipts_[reply.command] = std::move(owed);
  }
}

// --- References ---------------------------------------------------------------------------------------------------

bool Session::retain(const ObjectId& id) {
  if (is_own(id)) return own_->retain_own(id);
  held_[id].local += 1;
  return true;
}

void Session::release(const ObjectId& id) {
  if (is_own(id)) return own_->release_own(id);
  const auto found = held_.find(id);
  if (found == held_.end() || found->second.local == 0) return;  // a result that was never stored, or of a dead engine
  found->second.local -= 1;
  forget_if_unused(found);
}

void Session::forget_if_unused(std::unordered_map<ObjectId, Held>::iterator at) {
  const Held& held = at->second;
  if ((held.local && !held.void_result) || held.borrowed || held.registering) return;
  if (held.registered && !gone_.contains(wire::session_of(at->first.owner))) {
    releases_[at->first.owner].push_back({at->first, held.registered});
  }
  held_.erase(at);
}

void Session::flush_releases() {
  for (auto& [engine, counts] : std::exchange(releases_, {})) {
    if (!gone_.contains(wire::session_of(engine))) send(wire::session_of(engine), wire::Release{std::move(counts)});
  }
}

void Session::begin_registering(const ObjectId& id, Held& held) {
  if (held.registering) return;
  if (gone_.contains(wire::session_of(id.owner))) return;  // nothing to register with; use will say that it is lost
  held.registering = true;
  send(wire::session_of(id.owner), wire::Register{{id}});
}

bool Session::still_registering(const ObjectId& id) const {
  const auto found = held_.find(id);
  return found != held_.end() && found->second.registering;
}

void Session::borrow(const std::vector<ObjectId>& references) {
  for (const ObjectId& id : references) {
    if (is_own(id)) continue;
    Held& held = held_[id];
    held.local += 1;
    held.borrowed += 1;
  }
}

std::vector<ObjectId> Session::end_borrow(const std::vector<ObjectId>& references, std::vector<ObjectId>& kept) {
  std::vector<ObjectId> waiting;
  for (const ObjectId& id : references) {
    if (is_own(id)) continue;
    const auto found = held_.find(id);
    if (found == held_.end()) continue;
    Held& held = found->second;
    if (held.local) held.local -= 1;  // of a void result, somebody may have released too much
    held.borrowed -= 1;
    if (held.local && !held.registered) {
      begin_registering(id, held);
      if (held.registering) waiting.push_back(id);
    }
    if (held.local) kept.push_back(id);
    forget_if_unused(found);
  }
  return waiting;
}

void Session::on_registered(const wire::Registered& registered) {
  for (const ObjectId& id : registered.objects) {
    if (const auto found = held_.find(id); found != held_.end()) found->second.registered += 1;
    finished_registering(id);
  }
  for (const ObjectId& id : registered.gone) finished_registering(id);
}

void Session::finished_registering(const ObjectId& id) {
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  found->second.registering = false;
  for (auto at = receipts_.begin(); at != receipts_.end();) {
    std::vector<ObjectId>& waiting = at->second.references;
    const auto before = waiting.size();
    std::erase(waiting, id);
    found->second.borrowed -= static_cast<std::uint32_t>(before - waiting.size());
    if (before != waiting.size() && waiting.empty()) {
      send(at->second.to, wire::Receipt{at->first});
      at = receipts_.erase(at);
    } else {
      ++at;
    }
  }
  forget_if_unused(found);
}

std::string Session::inconsistency() const {
  std::unordered_map<ObjectId, std::uint32_t> owed;
  for (const auto& [command, each] : receipts_) {
    if (each.references.empty()) return "a receipt is due and was not sent";
    if (gone_.contains(each.to)) return "a receipt is owed to a process that is gone";
    for (const ObjectId& id : each.references) owed[id] += 1;
  }
  for (const auto& [id, count] : owed) {
    const auto found = held_.find(id);
    if (found == held_.end() || !found->second.registering)
      return to_string(id) + " is owed and is not being registered";
    if (found->second.borrowed < count) return to_string(id) + " is owed and was given up";
  }
  for (const auto& [id, held] : held_) {
    if (!held.local && !held.borrowed && !held.registering) return to_string(id) + " is held for nothing";
    if (held.borrowed > (std::uint32_t{1} << 31)) return to_string(id) + " was given back more often than borrowed";
    if (held.registering && gone_.contains(wire::session_of(id.owner)))
      return to_string(id) + " waits for a dead owner";
  }
  return {};
}

// --- Ends ---------------------------------------------------------------------------------------------------------

void Session::on_gone(SessionId session, const std::string& text) {
  if (!gone_.emplace(session, text).second) return;
  const EngineId engine = wire::engine_of(session);
  std::vector<std::uint64_t> ended;
  for (const auto& [number, pending] : calls_) {
    if (pending.engine == engine) ended.push_back(number);
  }
  std::sort(ended.begin(), ended.end());
  for (const std::uint64_t number : ended) {
    const Pending pending = std::move(calls_.extract(number).mapped());
    end_pending(pending, false);
    complete(number, failure(Status::EngineDied, text));
  }
  streams_[engine].commands = streams_[engine].bytes = 0;
  releases_.erase(engine);
  std::erase_if(receipts_, [&](const auto& each) {
    if (each.second.to != session) return false;
    for (const ObjectId& id : each.second.references) held_.at(id).borrowed -= 1;  // forgotten when registered
    return true;
  });
  std::vector<ObjectId> lost;
  for (const auto& [id, held] : held_) {
    if (id.owner == engine && held.registering) lost.push_back(id);
  }
  for (const ObjectId& id : lost) finished_registering(id);
}

void Session::on_closed(const std::string& text) {
  std::vector<std::uint64_t> ended;
  for (const auto& [number, pending] : calls_) ended.push_back(number);
  std::sort(ended.begin(), ended.end());
  calls_.clear();
  held_.clear();
  releases_.clear();
  receipts_.clear();
  messages_.clear();
  for (const std::uint64_t number : ended) complete(number, failure(Status::Closed, text));
}

}  // namespace distob::session

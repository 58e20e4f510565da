#include "hub/hub.h"

#include <algorithm>
#include <utility>

#include "distob/errors.h"
#include "session/endpoint.h"

namespace distob::hub {

// --- Members ------------------------------------------------------------------------------------------------------

EngineId Hub::join() {
  const EngineId engine{next_engine_++};
  members_[engine] = State::Joining;
  return engine;
}

bool Hub::is_ready(EngineId engine) const {
  const auto found = members_.find(engine);
  return found != members_.end() && found->second == State::Ready;
}

void Hub::lose(EngineId engine, const std::string& text) {
  if (members_.erase(engine) == 0) return;
  lost_[engine] = text;
  const wire::Gone gone{wire::session_of(engine), text};
  send(wire::kHub, gone);
  for (const auto& [other, state] : members_) {
    if (state == State::Ready) send(wire::session_of(other), gone);
    if (state == State::Joining) early_[other].push_back({wire::kHub, wire::session_of(other), gone});
  }
  early_.erase(engine);
  waits_.erase(engine);
  cancels_.erase(engine);
  break_deadlocks();
}

void Hub::on(EngineId from, const wire::Hello& hello) {
  if (hello.version != wire::kVersion) {
    throw ProtocolError(to_string(from) + " speaks version " + std::to_string(hello.version) +
                        " of the protocol, this client " + std::to_string(wire::kVersion));
  }
  if (std::exchange(members_.at(from), State::Ready) == State::Ready)
    throw ProtocolError(to_string(from) + " greeted twice");
  send(wire::session_of(from), wire::Welcome{from, wire::session_of(from), client_pid});
  if (watching_) send(wire::session_of(from), wire::Watch{true});
  if (auto early = early_.extract(from)) {
    for (auto& message : early.mapped()) messages_.push_back(std::move(message));
  }
}

// --- Messages -----------------------------------------------------------------------------------------------------

void Hub::on_message(SessionId from, wire::Message message) {
  if (from != wire::kHub) {
    const EngineId engine = wire::engine_of(from);
    if (!is_member(engine)) return;  // its last words after it was declared dead
    if (const auto* hello = std::get_if<wire::Hello>(&message.body)) return on(engine, *hello);
    if (!is_ready(engine)) throw ProtocolError(to_string(engine) + " did not greet");
    if (message.source != from) {
      throw ProtocolError(to_string(engine) + " sent a message in the name of " + to_string(message.source));
    }
    if (auto* waits = std::get_if<wire::Waits>(&message.body)) return on(engine, std::move(*waits));
    if (std::holds_alternative<wire::Gone>(message.body) || std::holds_alternative<wire::Welcome>(message.body) ||
        std::holds_alternative<wire::Watch>(message.body)) {
      throw ProtocolError(to_string(engine) + " sent what only the hub may say");
    }
  }
  if (auto* command = std::get_if<wire::Command>(&message.body)) command->order = ++order_;
  if (auto* reply = std::get_if<wire::Reply>(&message.body)) forget_waits_for(reply->command);
  const EngineId destination = wire::engine_of(message.destination);
  if (std::holds_alternative<wire::Cancel>(message.body) && is_member(destination)) cancels_[destination] += 1;
  if (message.destination == wire::kHub || is_ready(destination)) {
    messages_.push_back(std::move(message));
  } else if (is_member(destination)) {
    early_[destination].push_back(std::move(message));
  } else {
    // The sender may have joined after the loss. It is told (again), which ends what it asked.
    const auto lost = lost_.find(destination);
    const std::string text =
        lost == lost_.end() ? to_string(destination) + " is no engine of this cluster" : lost->second;
    send(from, wire::Gone{message.destination, text});
  }
}

// --- Who waits for whom -------------------------------------------------------------------------------------------

void Hub::on(EngineId from, wire::Waits waits) {
  if (waits.waits.empty()) {
    waits_.erase(from);
  } else {
    waits_[from] = std::move(waits);
  }
  break_deadlocks();
}

void Hub::forget_waits_for(const CommandId& ended) {
  if (!watching_) return;
  for (auto& [engine, said] : waits_) {
    std::erase_if(said.waits, [&](const wire::Wait& wait) { return wait.command == ended; });
    for (auto& wait : said.waits) {
      std::erase_if(wait.all,
                    [&](const auto& group) { return std::find(group.begin(), group.end(), ended) != group.end(); });
    }
  }
}

void Hub::watch(bool on) {
  if (std::exchange(watching_, on) == on) return;
  for (const auto& [engine, state] : members_) {
    if (state == State::Ready) send(wire::session_of(engine), wire::Watch{on});
  }
}

void Hub::break_deadlocks() {
  std::vector<const wire::Wait*> all;
  bool parked = false;
  for (const auto& [engine, said] : waits_) {
    // A cancel that is on its way there, a user's or a refusal of ours, may break the circle: the engine speaks again after it.
    const bool stale = said.cancels != cancels_[engine];
    for (const wire::Wait& wait : said.waits) {
      parked = parked || wait.parked;
      if (!stale) all.push_back(&wait);
    }
  }
  watch(parked);
  if (!watching_) return;
  const auto circle = find_circle(all);
  const wire::Wait* youngest = nullptr;
  for (const wire::Wait* wait : circle) {
    if (wait->parked && (!youngest || wait->order > youngest->order)) youngest = wait;
  }
  if (!youngest) return;

  std::string text = "these calls wait for each other:";
  for (const wire::Wait* wait : circle) {
    text += " " + (wait->label.empty() ? std::string("a call") : wait->label) + " (" + to_string(wait->command) + ")";
    text += wait == circle.back() ? ", which waits for the first" : ", which waits for";
  }
  const auto engine = std::find_if(waits_.begin(), waits_.end(), [&](const auto& each) {
    return std::ranges::any_of(each.second.waits, [&](const wire::Wait& wait) { return &wait == youngest; });
  });
  cancels_[engine->first] += 1;
  send(wire::session_of(engine->first),
       wire::Cancel{youngest->command, static_cast<std::uint8_t>(session::Status::Deadlock), text});
}

std::vector<const wire::Wait*> find_circle(const std::vector<const wire::Wait*>& waits) {
  // The greatest set in which everybody waits only for members: take out whoever can go on until nobody can.
  std::map<CommandId, const wire::Wait*> stuck;
  for (const wire::Wait* wait : waits) stuck[wait->command] = wait;
  const auto blocked_by = [&](const wire::Wait& wait) -> const wire::Wait* {
    for (const auto& group : wait.all) {
      const bool all_stuck = !group.empty() && std::all_of(group.begin(), group.end(),
                                                           [&](const CommandId& id) { return stuck.contains(id); });
      if (all_stuck) return stuck.at(group.front());
    }
    return nullptr;
  };
  for (bool changed = true; changed;) {
    changed = std::erase_if(stuck, [&](const auto& each) { return !blocked_by(*each.second); }) > 0;
  }
  if (stuck.empty()) return {};
  std::vector<const wire::Wait*> path;
  for (const wire::Wait* at = stuck.begin()->second;; at = blocked_by(*at)) {
    const auto seen = std::find(path.begin(), path.end(), at);
    if (seen != path.end()) return {seen, path.end()};
    path.push_back(at);
  }
}

}  // namespace distob::hub

// The directory of a cluster as a state machine: who is there, where messages go, who waits for whom.
//
// Messages in, messages out. No threads, locks, sockets or clocks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace distob::hub {

class Hub {
 public:
  // --- Members ----------------------------------------------------------------------------------------------------

  /// A new engine, which is welcomed when it greets. Ids ascend and are never used again.
  EngineId join();
  /// The engine's process ended (or is as good as ended). Everybody learns of it after all that it sent.
  void lose(EngineId engine, const std::string& text);
  [[nodiscard]] bool is_member(EngineId engine) const { return members_.contains(engine); }
  [[nodiscard]] bool is_ready(EngineId engine) const;

  // --- Messages ---------------------------------------------------------------------------------------------------

  /// A message that came over the connection of `from` (kHub: the client's own session). Throws ProtocolError if the peer
  /// pretends to be somebody else, or says what it may not say; the connection is to be closed then.
  void on_message(SessionId from, wire::Message message);

  /// What to carry where, by the message's destination; the client's own session among them.
  [[nodiscard]] std::vector<wire::Message> take_messages() { return std::exchange(messages_, {}); }
  [[nodiscard]] bool has_messages() const { return !messages_.empty(); }

  std::int32_t client_pid = 0;

 private:
  enum class State : std::uint8_t { Joining, Ready };

  void send(SessionId to, wire::Body body) { messages_.push_back({wire::kHub, to, std::move(body)}); }
  void on(EngineId from, const wire::Hello& hello);
  void on(EngineId from, wire::Waits waits);
  void forget_waits_for(const CommandId& ended);
  void watch(bool on);
  void break_deadlocks();

  std::uint32_t next_engine_ = 0;
  std::uint64_t order_ = 0;
  std::map<EngineId, State> members_;
  std::map<EngineId, std::string> lost_;                  ///< and why
  std::map<EngineId, std::vector<wire::Message>> early_;  ///< for engines that have not greeted yet
  std::map<EngineId, wire::Waits> waits_;                 ///< as each engine said last
  std::map<EngineId, std::uint64_t> cancels_;             ///< that went to each engine
  bool watching_ = false;
  std::vector<wire::Message> messages_;
};

/// The members of one circle among `waits` (each waits for the next, the last for the first), or nothing. A wait is in a
/// circle only if nothing outside it can let it go on.
[[nodiscard]] std::vector<const wire::Wait*> find_circle(const std::vector<const wire::Wait*>& waits);

}  // namespace distob::hub

// The calling side of one process as a state machine: calls, references, credit. Messages in, messages and completions out.
//
// It has no threads, locks, sockets or clocks: the shells guard it with their mutex and carry its messages.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "session/endpoint.h"
#include "wire/message.h"

namespace distob::session {

/// How much of a stream may be without reply before its sender has to wait.
struct CreditLimits {
  std::uint64_t commands = 16384;
  std::uint64_t bytes = 32u << 20;
};

/// The objects that this process owns itself, when it is an engine: counts on them need no messages.
class OwnObjects {
 public:
  virtual ~OwnObjects() = default;
  virtual bool retain_own(const ObjectId& id) = 0;  ///< false: it is gone
  virtual void release_own(const ObjectId& id) = 0;
};

class Session {
 public:
  /// `own` is null in a client.
  Session(SessionId self, OwnObjects* own, CreditLimits limits = {});

  /// An engine learns who it is when it is welcomed, before it does anything else.
  void welcomed(SessionId self) { self_ = self; }
  [[nodiscard]] SessionId self() const { return self_; }

  // --- Calls ------------------------------------------------------------------------------------------------------

  struct Submitted {
    CommandId id;
    std::uint64_t sequence = 0;
  };
  /// Sends a command. Its references are held until the reply.
  Submitted submit(const session::Command& command, const std::vector<CommandId>& chain);
  /// True if the stream to `engine` takes `bytes` more.
  [[nodiscard]] bool has_credit(EngineId engine, std::uint64_t bytes) const;
  void cancel(CommandId id);
  [[nodiscard]] std::size_t outstanding() const { return calls_.size(); }
  [[nodiscard]] bool waits_for(CommandId id) const { return calls_.contains(id.number); }
  [[nodiscard]] const std::string* lost(EngineId engine) const;

  // --- References -------------------------------------------------------------------------------------------------

  /// Takes one more count. False only for an object of our own that is gone.
  bool retain(const ObjectId& id);
  /// Gives one count back; the owner is told by the next flush_releases().
  void release(const ObjectId& id);
  void flush_releases();

  /// References of a command that runs here: its sender holds them for us until we reply.
  void borrow(const std::vector<ObjectId>& references);
  /// The command is about to end. Returns those that were kept and are not registered with their owners yet; the reply has
  /// to wait until still_registering() is false for all of them. `kept` gets all that stay.
  std::vector<ObjectId> end_borrow(const std::vector<ObjectId>& references, std::vector<ObjectId>& kept);
  [[nodiscard]] bool still_registering(const ObjectId& id) const;

  // --- Events -----------------------------------------------------------------------------------------------------

  void on_reply(wire::Reply reply, SessionId source);
  void on_registered(const wire::Registered& registered);
  /// A process ended: calls to it end with Status::EngineDied, what it owned is lost.
  void on_gone(SessionId session, const std::string& text);
  /// The cluster is closed: every call ends with Status::Closed.
  void on_closed(const std::string& text);

  // --- What came of it --------------------------------------------------------------------------------------------

  struct Completion {
    std::uint64_t number;  ///< of the command
    Reply reply;           ///< each reference with one count, for whoever takes it
  };
  [[nodiscard]] std::vector<Completion> take_completions() { return std::exchange(completions_, {}); }
  [[nodiscard]] bool has_completions() const { return !completions_.empty(); }
  /// To be carried to their destinations, in this order.
  [[nodiscard]] std::vector<wire::Message> take_messages() { return std::exchange(messages_, {}); }
  [[nodiscard]] bool has_messages() const { return !messages_.empty(); }

  /// For tests: objects of others that this process has a count on.
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  /// For tests: replies whose sender waits for our Receipt.
  [[nodiscard]] std::size_t owed() const { return receipts_.size(); }
  /// For tests: what is wrong with the counts, or "".
  [[nodiscard]] std::string inconsistency() const;

 private:
  /// A command without reply.
  struct Pending {
    EngineId engine;
    std::uint64_t sequence = 0;
    std::uint64_t bytes = 0;
    std::uint32_t results = 0;
    bool counted = true;  ///< takes credit: all but the calls that a running command waits for
    std::vector<ObjectId> references;
  };
  /// The stream to one engine.
  struct Stream {
    std::uint64_t sequence = 0;
    std::uint64_t commands = 0, bytes = 0;  ///< without reply
  };
  /// Our share in an object that another process owns.
  struct Held {
    std::uint64_t local = 0;       ///< counts inside this process
    std::uint64_t registered = 0;  ///< what its owner counts for us; given back all at once
    std::uint32_t borrowed = 0;    ///< commands and replies in progress whose sender holds it for us
    bool registering = false;      ///< a Register is under way
    bool void_result = false;      ///< its command made no such object: only what is under way keeps the entry
  };

  [[nodiscard]] bool is_own(const ObjectId& id) const;
  void send(SessionId to, wire::Body body);
  void forget_if_unused(std::unordered_map<ObjectId, Held>::iterator at);
  void begin_registering(const ObjectId& id, Held& held);
  void adopt(wire::Reply& reply, SessionId source);
  void finished_registering(const ObjectId& id);
  void complete(std::uint64_t number, Reply reply);
  void end_pending(const Pending& pending, bool results_stored);

  SessionId self_;
  OwnObjects* own_;
  CreditLimits limits_;
  std::uint64_t next_number_ = 1;
  std::unordered_map<std::uint64_t, Pending> calls_;
  std::unordered_map<EngineId, Stream> streams_;
  std::unordered_map<ObjectId, Held> held_;
  std::map<EngineId, std::vector<wire::Count>> releases_;
  /// Replies whose sender waits for a Receipt: how many of its references are still being registered.
  struct Owed {
    SessionId to;
    std::vector<ObjectId> references;
  };
  std::map<CommandId, Owed> receipts_;
  std::map<SessionId, std::string> gone_;
  std::vector<Completion> completions_;
  std::vector<wire::Message> messages_;
};

}  // namespace distob::session

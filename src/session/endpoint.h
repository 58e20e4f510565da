// What a language's front door calls with: the calling side of one process, the same in the client and in every engine.
//
// A front door encodes a call into bytes that only it understands, submits them as a Command, and gets a Call: a handle
// to the reply. Objects are named by ids; each holder of an id has *counts* on it, and the object goes when nobody has any.
//
//   who has a count                                     who gives it back
//   Call::result(i) of a Command with results           the submitter, with release()
//   each of Reply::references, after Call::take()       whoever took the reply, with release()
//   references of a Command                             nobody: the endpoint holds its own until the reply
//   references of an Incoming command (in engines)      nobody: they end with the command; retain() what is kept
//   retain()                                            whoever called it, with release()
//
// All functions may be called from any thread, with no lock held that a callback of yours also takes. After fork() the
// child may only destroy and release(); everything else throws ForkedError.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/ids.h"
#include "distob/errors.h"

namespace distob::session {

/// How a call ended. Everything but Value and Error is said by the control plane itself, its text in Reply::payload (UTF-8).
enum class Status : std::uint8_t {
  Value,       ///< payload: the front door's encoding of the result
  Error,       ///< the user's code failed; payload: the front door's encoding of the error
  Cancelled,   ///< distob::Cancelled
  Lost,        ///< distob::ObjectLost: the target or a reference is gone
  EngineDied,  ///< distob::EngineDied
  Deadlock,    ///< distob::DeadlockError
  Refused,     ///< distob::ProtocolError: the engine could not read the command
  Closed,      ///< distob::ClosedError: the cluster was closed before the reply came
};

/// What to run, where. Spans are read during submit() only.
struct Command {
  EngineId engine;                            ///< must be the owner of `target`, if there is one
  ObjectId target = {};                       ///< locked while the command runs; commands on it keep the sender's order
  std::span<const std::byte> payload;         ///< opaque
  std::span<const ObjectId> references = {};  ///< the objects that the payload names, in the order it numbers them
  std::span<const SharedBuffer> buffers = {};  ///< large values, out of band
  std::uint32_t results = 0;                   ///< how many objects the command makes: Call::result(0..results-1)
  std::string_view label = {};                 ///< "Tree.grow": for messages about this call
  /// The caller waits for the reply at once: the call is written immediately, and needs no credit inside a command.
  bool synchronous = false;
  /// Called once, with no lock held, when the call has ended and before anybody can see that: for what the sender lent the
  /// command. Not called if submit() throws.
  std::function<void(const struct Reply&)> on_end = {};
};

struct Reply {
  Status status = Status::Value;
  /// False if the command was to make objects and the engine answered with a value (or an error) instead: then the
  /// results' ids mean nothing any more. Releasing them is still right.
  bool results_stored = true;
  std::vector<std::byte> payload;
  std::vector<ObjectId> references;  ///< each with one count, which belongs to whoever took the reply
  std::vector<SharedBuffer> buffers;
  std::vector<std::byte> loans;  ///< what became of lent memory; opaque
};

/// Throws what a status other than Value and Error stands for, with the reply's text; returns otherwise.
void throw_if_failed(const Reply&);

/// Called from inside a wait after a signal arrived in that thread, and at least every 50 ms; may throw, which ends the
/// wait (not the call). Python runs its signal handlers here.
using InterruptCheck = std::function<void()>;

namespace detail {
class CallState;
}

/// A submitted command and, in time, its reply. Copies are cheap and share it. Destroying the last copy without taking the
/// reply forgets it: references in it are released, an error in it is kept for take_unobserved_errors().
class Call {
 public:
  Call() = default;
  explicit Call(std::shared_ptr<detail::CallState> state) : state_(std::move(state)) {}
  explicit operator bool() const { return state_ != nullptr; }

  [[nodiscard]] CommandId id() const;
  [[nodiscard]] EngineId engine() const;
  /// The id of the i-th object that the command makes; valid at once, so calls on it can be submitted before it exists.
  [[nodiscard]] ObjectId result(std::uint32_t i = 0) const;

  [[nodiscard]] bool ready() const noexcept;
  /// Returns when the reply is there. In an engine, callbacks of the same call chain run here meanwhile.
  /// Throws what `check` throws, Cancelled if the command that is running here was cancelled, ClosedError.
  void wait(const InterruptCheck& check = {}) const;
  /// The same until `deadline`; false if the reply is not there by then.
  bool wait_until(std::chrono::steady_clock::time_point deadline, const InterruptCheck& check = {}) const;
  /// Waits, then moves the reply out. Only the first take() gets it; a second one throws std::logic_error.
  [[nodiscard]] Reply take(const InterruptCheck& check = {}) const;
  /// Runs `callback` once, when the reply is there: in this thread now if it already is, else in whichever thread receives
  /// it, with no lock held. The callback must not wait for other calls.
  void on_ready(std::function<void()> callback) const;
  /// Asks the engine to stop the command. The reply tells whether that came in time (Status::Cancelled, or Error as the
  /// interrupted code raised it). Never waits; does nothing if the reply is there.
  void cancel() const;

 private:
  std::shared_ptr<detail::CallState> state_;
};

struct EngineInfo {
  enum class State : std::uint8_t { Ready, Lost };
  EngineId id;
  int pid = 0;
  State state = State::Ready;
};

/// How an engine ended, as far as is known.
struct EngineLoss {
  EngineId engine;
  int pid = 0;
  int signal = 0;                        ///< the signal that killed it, or 0
  std::optional<int> exit_status;        ///< if it exited by itself
  std::string cause;                     ///< in words, if the two above do not say it
  std::vector<std::string> last_output;  ///< the last lines it wrote
};
/// "engine 2 (pid 71) was killed by signal 9 (Killed); its last output was: ..."
[[nodiscard]] std::string to_string(const EngineLoss&);

struct UnobservedError {
  CommandId command;
  std::string label;
  Reply reply;  ///< without references
};

/// The calling side of a process. Lives until the last shared_ptr to it goes; close() of the cluster makes every use throw
/// ClosedError, and every pending call end with Status::Closed.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// Sends a command. Waits only if the stream to the engine is out of credit (`check` as in Call::wait); commands of one
  /// thread to one object run in the order of submission. A lost engine is reported through the reply.
  /// Throws ClosedError, ForkedError; ValueError if the engine is unknown or `target` lives elsewhere.
  virtual Call submit(const Command& command, const InterruptCheck& check = {}) = 0;

  /// Gives back one count. Never waits, never takes a lock, never allocates in the common case: from any thread, from
  /// finalizers inside a garbage collection, from signal handlers, after close() and after fork() (where it does nothing).
  virtual void release(ObjectId id) noexcept = 0;

  /// Takes one more count on an object that this process has a count on, or that a running command refers to, or (in an
  /// engine) that it owns. Returns false if it owns the object and the object is gone.
  virtual bool retain(ObjectId id) = 0;

  /// Sends what is queued: coalesced commands and releases.
  virtual void flush() = 0;

  /// Returns when every call submitted so far has its reply.
  virtual void wait_all(const InterruptCheck& check = {}) = 0;

  /// Errors of calls whose replies nobody took, oldest first; at most the 1000 latest are kept.
  virtual std::vector<UnobservedError> take_unobserved_errors() = 0;

  /// The engines that calls can be sent to (and, with State::Lost, those that are gone), by ascending id.
  [[nodiscard]] virtual std::vector<EngineInfo> engines() const = 0;

  /// `listener` is called for each engine lost from now on, in the thread that learns of it, with no lock held. It must not
  /// wait for calls.
  virtual void on_engine_lost(std::function<void(const EngineLoss&)> listener) = 0;

  [[nodiscard]] virtual SessionId session() const = 0;
  /// The engine that this process is; nothing in a client.
  [[nodiscard]] virtual std::optional<EngineId> own_engine() const = 0;
  [[nodiscard]] virtual bool closed() const noexcept = 0;
};

/// The commands, outermost first, on whose behalf this thread runs; empty in a client's own threads. A command submitted
/// in a chain can call back into the objects that the chain's suspended commands hold.
using Chain = std::shared_ptr<const std::vector<CommandId>>;
[[nodiscard]] Chain current_chain();

/// Makes `chain` the current one of this thread for a scope: for front doors that continue a command on another thread.
class ChainScope {
 public:
  explicit ChainScope(Chain chain);
  ~ChainScope();
  ChainScope(const ChainScope&) = delete;
  ChainScope& operator=(const ChainScope&) = delete;

 private:
  Chain outer_;
};

}  // namespace distob::session

// The owning side of an engine as a state machine: which command may run, where, and who still holds which object.
//
// It has no threads, locks, sockets or clocks. The shell tells it what its threads do (begin, suspend, resume, finish) and
// which messages came; it answers with messages to send, work for threads, objects to drop and commands to interrupt.
//
// How a command comes to run:
//   arrive -> wait for its target's id to be reached -> queue of the target -> wait for its references to be made
//          -> target locked -> ready (or nested, if one of its chain is suspended here) -> a thread -> reply
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/executor.h"
#include "session/session.h"
#include "wire/message.h"

namespace distob::engine {

/// 0 is the engine's main thread, the others are helpers.
using ThreadId = std::uint32_t;
inline constexpr ThreadId kMainThread = 0;
inline constexpr std::size_t kMaxHelpers = 64;

/// A command in this engine, from its arrival to its reply.
struct Task {
  wire::Command command;
  SessionId sender;
  std::uint64_t arrival = 0;
  std::vector<ObjectId> results;
  enum class Stage : std::uint8_t { Target, Queued, Ready, Running } stage = Stage::Target;
  bool callback = false;                ///< runs on top of a suspended command of its chain
  bool interruptible = true;            ///< its user code has not returned yet
  std::atomic<bool> cancelled = false;  ///< read by the running thread without a lock
  std::size_t missing = 0;              ///< references that are not made yet
  std::vector<ObjectId> pinned;         ///< what it keeps from being dropped until it ends
  ThreadId thread = 0;
  std::vector<CommandId> waits_on;  ///< while it is suspended
};

class Machine final : public session::OwnObjects {
 public:
  explicit Machine(session::CreditLimits limits = {}, std::size_t max_helpers = kMaxHelpers);
  ~Machine() override;

  void welcomed(EngineId self);
  [[nodiscard]] EngineId self() const { return self_; }
  [[nodiscard]] session::Session& session() { return session_; }

  // --- Events -----------------------------------------------------------------------------------------------------

  /// Anything but Hello and Welcome. Throws ProtocolError if no correct peer could have sent it.
  void on_message(wire::Message message);

  /// The task that `thread` is to run now, if any: an outermost one if its stack is empty, else a callback on top.
  Task* begin(ThreadId thread);
  /// `outcome` is what came of the thread's topmost task, which ends.
  void finish(ThreadId thread, Outcome outcome);
  /// The thread's topmost task waits for one of `calls` (or, if empty, for something that cannot deadlock).
  void suspend(ThreadId thread, std::vector<CommandId> calls);
  void resume(ThreadId thread);
  /// True if somebody waits for what this thread holds: it is then not kept waiting for credit.
  [[nodiscard]] bool is_waited_for(ThreadId thread) const;
  /// True if a cancel came for the task on top of this thread, which waits: the wait is to end.
  [[nodiscard]] bool is_cancelled(ThreadId thread) const;
  [[nodiscard]] bool is_suspended(ThreadId thread) const { return threads_[thread].suspended; }
  [[nodiscard]] Task* top(ThreadId thread) const;
  /// The helper's thread could not be started or has ended.
  void helper_failed(ThreadId thread);

  /// A new name for an object that user code hands out, with one count of ours.
  ObjectId new_object();
  bool retain_own(const ObjectId& id) override;
  void release_own(const ObjectId& id) override;

  // --- What came of it --------------------------------------------------------------------------------------------

  /// Threads for which begin() has something since the last call. A helper's number that the shell has not seen yet is a
  /// thread to be started.
  [[nodiscard]] std::vector<ThreadId> take_work();
  [[nodiscard]] bool has_work(ThreadId thread) const { return threads_[thread].inbox != nullptr; }
  /// Objects that nobody holds any more.
  [[nodiscard]] std::vector<ObjectId> take_drops() { return std::exchange(drops_, {}); }
  [[nodiscard]] bool has_drops() const { return !drops_.empty(); }
  /// Threads whose topmost, running task is cancelled.
  [[nodiscard]] std::vector<ThreadId> take_interrupts() { return std::exchange(interrupts_, {}); }
  /// Messages, the session's included.
  [[nodiscard]] std::vector<wire::Message> take_messages();

  /// About how many bytes wait in take_messages().
  [[nodiscard]] std::size_t replies() const { return messages_.size() * 256; }

  /// Who waits for whom here, as far as it can matter for a circle.
  [[nodiscard]] wire::Waits waits() const;

  /// For tests: objects that exist or are being made.
  [[nodiscard]] std::size_t objects() const { return objects_.size(); }
  [[nodiscard]] std::size_t tasks() const { return tasks_.size(); }
  /// For tests: a line for each command, saying where on its way it is.
  [[nodiscard]] std::string describe() const;
  /// For tests: replies that wait for a receipt, or are not sent yet.
  [[nodiscard]] std::size_t unsettled() const { return receipts_.size() + deferred_.size(); }

 private:
  struct Failure {
    Status status;
    wire::Bytes payload;
  };
  struct Object {
    enum class State : std::uint8_t { Pending, Alive, Failed } state = State::Pending;
    CommandId maker;
    std::vector<std::pair<SessionId, std::int64_t>> held;  ///< counts by session; few
    std::uint32_t pins = 0;                                ///< tasks that have it as target or reference
    std::vector<CommandId> holders;                        ///< who locked it, and callbacks that entered it on top
    std::deque<Task*> queue;                               ///< on it, by arrival
    std::vector<Task*> nested;                             ///< on it, of the chain of its holder
    std::vector<CommandId> readers;                        ///< that wait for it to be made
    std::shared_ptr<const Failure> failure;
  };
  struct Thread {
    std::vector<Task*> stack;
    Task* inbox = nullptr;
    bool suspended = false;
    bool announced = true;  ///< the shell knows about inbox
    bool usable = true;
    [[nodiscard]] bool active() const { return inbox || (!stack.empty() && !suspended); }
    [[nodiscard]] bool idle() const { return usable && !inbox && stack.empty(); }
  };
  /// What waits for a stream to reach a sequence.
  struct Unreached {
    CommandId task;  ///< none: a Register
    SessionId from;
    ObjectId object;
  };
  struct DeferredReply {
    SessionId to;
    wire::Reply reply;
    std::vector<ObjectId> registering;
  };

  void on(SessionId source, wire::Command command);
  void on(SessionId source, const wire::Receipt& receipt);
  void on(SessionId source, const wire::Release& release);
  void on(SessionId source, const wire::Register& request);
  void on(SessionId source, const wire::Cancel& cancel);
  void on(SessionId source, const wire::Gone& gone);

  [[nodiscard]] bool reached(const ObjectId& id) const;
  [[nodiscard]] Object* find(const ObjectId& id);
  void advance_stream(SessionId from, std::uint64_t sequence);
  void wake(std::vector<Unreached> waiting);
  void register_for(SessionId from, const ObjectId& id);

  void look_up_target(Task& task);
  void look_up_references(Task& task);
  void look_up_reference(Task& task, const ObjectId& id);
  void reference_ready(Task& task);
  void advance(Task& task);
  void pump(const ObjectId& id);
  void make_ready(Task& task);
  void assign();
  void give(ThreadId thread, Task* task);
  [[nodiscard]] Task* home_of(const Task& task) const;

  void fail(const Task& task, std::shared_ptr<const Failure> failure);
  void fail_lost(const Task& task, const ObjectId& id);
  void end_failed();
  void settle_results(Task& task, Object::State state, const std::shared_ptr<const Failure>& failure);
  void forget_results(Task& task);
  void reply(Task& task, Outcome outcome);
  void end(Task& task);
  void remove_waiting(Task& task);

  void add_count(Object& object, SessionId session, std::int64_t count);
  void pin(Task& task, const ObjectId& id, Object& object);
  void unpin(const ObjectId& id);
  void drop_if_unused(const ObjectId& id);
  void send(SessionId to, wire::Body body);
  void send_deferred();
  void report_waits();
  [[nodiscard]] bool may_have_circle() const;
  [[nodiscard]] bool may_be_waited_for(const Task& task) const;
  [[nodiscard]] bool holds_up_others(const Task& task) const;
  [[nodiscard]] std::vector<std::vector<CommandId>> blockers(const Task& task) const;

  EngineId self_;
  session::Session session_;
  std::size_t max_helpers_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t exported_ = 0;
  std::unordered_map<SessionId, std::uint64_t> streams_;  ///< the last sequence that came
  std::set<SessionId> gone_;
  std::unordered_map<ObjectId, Object> objects_;
  std::unordered_map<ObjectId, std::int64_t>
      early_;  ///< our own counts on what our own commands to ourselves will make
  std::unordered_map<CommandId, std::unique_ptr<Task>> tasks_;
  std::map<SessionId, std::multimap<std::uint64_t, Unreached>> unreached_;
  std::set<ObjectId> queued_;  ///< objects with tasks in queue or nested
  std::deque<Task*> ready_;
  std::vector<Task*> nested_;
  /// Commands that are to end with an error. A queue instead of a recursion, because failures spread along chains of
  /// dependent commands as long as the streams are.
  std::deque<std::pair<CommandId, std::shared_ptr<const Failure>>> failed_;
  std::deque<Thread> threads_;  ///< main, then helpers; a deque, because helpers join while others look
  std::map<CommandId, std::pair<SessionId, std::vector<ObjectId>>> receipts_;  ///< references held until the receipt
  std::vector<DeferredReply> deferred_;
  std::vector<ObjectId> drops_;
  std::vector<ThreadId> interrupts_;
  std::vector<wire::Message> messages_;
  std::set<CommandId> lacking_;  ///< commands with references that are not made yet
  std::size_t inner_ = 0;        ///< commands here that were sent from inside others
  bool work_ = false;
  bool watched_ = false;
  bool waits_changed_ = false;
  bool waits_reported_ = false;
  std::uint64_t cancels_ = 0;  ///< that came: said with the waits, so that the hub knows what they know
};

}  // namespace distob::engine

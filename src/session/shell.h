// Threads, clock and event loop around a session: what the client's and the engines' endpoints share.
//
// One mutex guards the state machines. One thread at a time, the *leader*, waits for events; whoever waits for a call leads
// if nobody does, so that the reply of a synchronous call is read by the thread that wants it. An I/O thread leads when
// nobody else has for about a millisecond, or at once if asynchronous work is under way. Nothing waits while it holds the
// mutex, and user code (callbacks, executors, interrupt checks) runs without it.
//
//   guarded by mutex_: everything, except leftovers_ (lock-free, or with its own mutex) and what is atomic.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/release_queue.h"
#include "base/unique_fd.h"
#include "session/endpoint.h"
#include "session/patience.h"
#include "session/session.h"
#include "transport/local/connection.h"

struct epoll_event;

namespace distob::session {

class Shell;

namespace detail {

/// What may be left behind at any time by threads that do not know whether the shell still lives: releases and errors.
struct Leftovers {
  Leftovers();
  /// Queues a release, and wakes the leader if it sleeps: once for a batch.
  void release(const ObjectId& id) noexcept;
  void keep(UnobservedError error) noexcept;

  ReleaseQueue<ObjectId> releases;
  UniqueFd wake;                            ///< an eventfd that the leader watches
  std::atomic<bool> release_kicked{false};  ///< set by the first release after a settle()
  std::atomic<bool> polling{false};         ///< the leader is (about to be) in epoll_wait
  Mutex mutex;
  std::deque<UnobservedError> errors DISTOB_GUARDED_BY(mutex);
};

/// The reply to come. Written once, under the shell's mutex, before `ready`.
class CallState {
 public:
  CallState(std::weak_ptr<Shell> owner, std::shared_ptr<Leftovers> left, Session::Submitted submitted, EngineId to,
            std::uint32_t result_count, std::string_view name)
      : shell(std::move(owner)),
        leftovers(std::move(left)),
        id(submitted.id),
        sequence(submitted.sequence),
        engine(to),
        results(result_count),
        label(name) {}
  ~CallState();

  const std::weak_ptr<Shell> shell;
  const std::shared_ptr<Leftovers> leftovers;
  const CommandId id;
  const std::uint64_t sequence;
  const EngineId engine;
  const std::uint32_t results;
  const std::string label;

  std::atomic<bool> ready{false};
  std::atomic<bool> taken{false};
  Reply reply;
  std::function<void(const Reply&)> on_end;      ///< to be called before `ready`
  std::vector<std::function<void()>> callbacks;  ///< until ready
};

}  // namespace detail

class Shell : public virtual Endpoint, public std::enable_shared_from_this<Shell> {
 public:
  using Clock = std::chrono::steady_clock;

  ~Shell() override;

  Call submit(const Command& command, const InterruptCheck& check) override DISTOB_EXCLUDES(mutex_);
  void release(ObjectId id) noexcept override;
  bool retain(ObjectId id) override DISTOB_EXCLUDES(mutex_);
  void flush() override DISTOB_EXCLUDES(mutex_);
  void wait_all(const InterruptCheck& check) override DISTOB_EXCLUDES(mutex_);
  std::vector<UnobservedError> take_unobserved_errors() override;
  void on_engine_lost(std::function<void(const EngineLoss&)> listener) override DISTOB_EXCLUDES(mutex_);
  [[nodiscard]] bool closed() const noexcept override { return closed_.load(std::memory_order_acquire); }

  // For Call.
  bool wait_for(const detail::CallState& call, Clock::time_point deadline, const InterruptCheck& check)
      DISTOB_EXCLUDES(mutex_);
  void when_ready(detail::CallState& call, std::function<void()> callback) DISTOB_EXCLUDES(mutex_);
  void cancel(CommandId id) DISTOB_EXCLUDES(mutex_);

 protected:
  Shell();

  // --- What the client and an engine do differently; called with the mutex held ------------------------------------

  virtual Session& session_machine() DISTOB_REQUIRES(mutex_) = 0;
  /// Carries all messages of the state machines to connections, or to each other.
  virtual void carry() DISTOB_REQUIRES(mutex_) = 0;
  /// Writes what connections have queued.
  virtual void write() DISTOB_REQUIRES(mutex_) = 0;
  /// Something happened to what was watched as `token`.
  virtual void on_event(std::uint64_t token, std::uint32_t events) DISTOB_REQUIRES(mutex_) = 0;
  /// Throws ValueError if no command can be sent to the engine.
  virtual void check_engine(EngineId engine) const DISTOB_REQUIRES(mutex_) = 0;
  /// Work that this thread has to do before it waits on. Gives the lock up meanwhile; false if there was none.
  virtual bool work(MutexLock&) DISTOB_REQUIRES(mutex_) { return false; }
  /// This thread begins and ends to wait for `call` (none: for credit). waited() may throw Cancelled.
  virtual void will_wait(CommandId) DISTOB_REQUIRES(mutex_) {}
  virtual void has_waited() DISTOB_REQUIRES(mutex_) {}
  /// True if the command that runs on this thread was cancelled, so that its waits end.
  virtual bool wait_is_cancelled() DISTOB_REQUIRES(mutex_) { return false; }
  /// True if a thread that waits for credit goes on without it, so that those who wait for it can.
  virtual bool may_overdraw() DISTOB_REQUIRES(mutex_) { return false; }
  /// When to call on_time() at the latest.
  virtual Clock::time_point next_time() DISTOB_REQUIRES(mutex_) { return Clock::time_point::max(); }
  virtual void on_time() DISTOB_REQUIRES(mutex_) {}
  /// In a forked child: closes all descriptors.
  virtual void abandon() noexcept {}

  // --- For them ---------------------------------------------------------------------------------------------------

  void watch(int fd, std::uint64_t token, bool writing = false);
  void rewatch(int fd, std::uint64_t token, bool writing);
  void unwatch(int fd);

  void start_io() DISTOB_REQUIRES(mutex_);
  /// Ends the I/O thread; not from the I/O thread itself.
  void stop_io() noexcept DISTOB_EXCLUDES(mutex_);

  /// Waits until done() is true. Returns false at the deadline. `done` is asked with the lock held.
  template <class Done>
  bool wait(MutexLock& lock, Done done, Clock::time_point deadline, const InterruptCheck& check,
            Clock::duration check_every = std::chrono::milliseconds(50)) DISTOB_REQUIRES(mutex_) {
    for (;;) {
      settle();
      if (run_callbacks(lock)) continue;
      if (done()) break;
      if (work(lock)) continue;
      if (wait_is_cancelled()) {
        leave();
        throw Cancelled("the call was cancelled");
      }
      if (Clock::now() >= deadline) {
        leave();
        return false;
      }
      await(lock, deadline, check, check_every);
    }
    leave();
    return true;
  }

  /// Feeds releases to the session, carries messages, ends calls, writes.
  void settle() DISTOB_REQUIRES(mutex_);
  /// Makes whoever leads settle soon.
  void kick() DISTOB_REQUIRES(mutex_);
  /// Runs what on_ready() and on_engine_lost() asked for, without the lock. False if there was nothing.
  bool run_callbacks(MutexLock& lock)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;  // gives it up meanwhile
  /// This thread stops waiting, or runs somebody's code: another one has to lead, sooner or later.
  void leave() DISTOB_REQUIRES(mutex_);
  /// Wakes all threads that wait without leading, to look again.
  void wake_all() DISTOB_REQUIRES(mutex_);
  void tell_lost(const EngineLoss& loss) DISTOB_REQUIRES(mutex_);
  void check_usable() const;
  [[nodiscard]] bool forked() const noexcept;

  mutable Mutex mutex_;
  std::atomic<bool> closed_{false};
  std::string closed_text_ = "the cluster was closed";
  std::condition_variable changed_;  ///< for threads that wait without leading
  bool stopping_ DISTOB_GUARDED_BY(mutex_) = false;

 private:
  friend struct ForkGuard;

  bool run_callbacks_alone(MutexLock& lock) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  void await(MutexLock& lock, Clock::time_point deadline, const InterruptCheck& check, Clock::duration check_every)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;  // gives it up meanwhile
  int poll_events(epoll_event* events, int most, Clock::duration patience) const;
  bool turn(MutexLock& lock, Clock::time_point deadline, bool eager)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;  // gives it up meanwhile
  void complete_calls() DISTOB_REQUIRES(mutex_);
  void finish(const std::shared_ptr<detail::CallState>& call) DISTOB_REQUIRES(mutex_);
  void end_call(const std::shared_ptr<detail::CallState>& call) DISTOB_EXCLUDES(mutex_);
  void io_loop();
  void after_fork_in_child() noexcept;

  UniqueFd epoll_;
  const std::shared_ptr<detail::Leftovers> leftovers_ = std::make_shared<detail::Leftovers>();
  const std::uint64_t made_in_;  ///< the fork generation
  std::unique_ptr<std::thread> io_thread_;
  const std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);

  std::unordered_map<std::uint64_t, std::shared_ptr<detail::CallState>> calls_ DISTOB_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> callbacks_ DISTOB_GUARDED_BY(mutex_);
  std::vector<std::function<void(const EngineLoss&)>> listeners_ DISTOB_GUARDED_BY(mutex_);
  bool leader_ DISTOB_GUARDED_BY(mutex_) = false;
  bool io_leads_ DISTOB_GUARDED_BY(mutex_) = false;
  bool io_asleep_ DISTOB_GUARDED_BY(mutex_) = false;
  bool takeover_ DISTOB_GUARDED_BY(mutex_) = false;  ///< a waiting thread wants the I/O thread to stop leading
  bool kicked_ DISTOB_GUARDED_BY(mutex_) = false;
  bool urgent_ DISTOB_GUARDED_BY(mutex_) = false;  ///< the I/O thread is to lead at once
  std::uint32_t followers_ DISTOB_GUARDED_BY(mutex_) = 0;
  Patience patience_ DISTOB_GUARDED_BY(mutex_);
  std::uint64_t turns_ DISTOB_GUARDED_BY(mutex_) = 0;
  std::condition_variable io_wakes_;
};

}  // namespace distob::session

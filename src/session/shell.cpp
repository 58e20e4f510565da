#include "session/shell.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace distob::session {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kWakeToken = 0;
constexpr std::size_t kCoalesce = 32;  ///< asynchronous commands that one thread encodes before it writes
constexpr auto kVacancy = 1ms;         ///< how long the loop stays unattended after a synchronous call
constexpr int kIdleTicks = 20;         ///< times kVacancy without traffic before the I/O thread sleeps for good
constexpr std::size_t kErrorsKept = 1000;

std::atomic<std::uint64_t> fork_generation{1};

/// Every shell of this process, for fork(). Never destroyed: forks may come while the process ends.
struct Registry {
  std::mutex mutex;
  std::set<Shell*> shells;
};
Registry& registry() {
  static auto& shells = *new Registry;
  return shells;
}

}  // namespace

/// Around fork(): all shells' mutexes are held, so that the child finds them whole, and lets go of everything in them.
struct ForkGuard {
  static void prepare() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    registry().mutex.lock();
    for (Shell* shell : registry().shells) {
      shell->mutex_.lock();
      shell->leftovers_->mutex.lock();
    }
  }
  static void parent() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    for (Shell* shell : registry().shells) {
      shell->leftovers_->mutex.unlock();
      shell->mutex_.unlock();
    }
    registry().mutex.unlock();
  }
  static void child() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    fork_generation.fetch_add(1);
    for (Shell* shell : registry().shells) shell->after_fork_in_child();
    parent();
  }
};

Shell::Shell() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), made_in_(fork_generation.load()) {
  if (!epoll_ || !leftovers_->wake) throw std::system_error(errno, std::generic_category(), "distob's event loop");
  watch(leftovers_->wake.get(), kWakeToken);
  static std::once_flag once;
  std::call_once(once, [] { ::pthread_atfork(&ForkGuard::prepare, &ForkGuard::parent, &ForkGuard::child); });
  const std::lock_guard lock(registry().mutex);
  registry().shells.insert(this);
}

Shell::~Shell() {
  {
    const std::lock_guard lock(registry().mutex);
    registry().shells.erase(this);
  }
  if (forked()) {
    static_cast<void>(io_thread_.release());  // the thread did not follow into this process
    return;
  }
  stop_io();
}

bool Shell::forked() const noexcept { return made_in_ != fork_generation.load(std::memory_order_relaxed); }

void Shell::after_fork_in_child() noexcept {
  epoll_.reset();
  leftovers_->wake.reset();
  abandon();
}

void Shell::check_usable() const {
  if (forked()) {
    throw ForkedError(
        "a distob cluster was used in a forked child process, which owns none of its parent's connections; gather "
        "what the child needs before the fork, or let the child start a cluster of its own");
  }
  if (closed()) throw ClosedError(closed_text_);
}

// --- Calls --------------------------------------------------------------------------------------------------------

Call Shell::submit(const Command& command, const InterruptCheck& check) {
  check_usable();
  if (!command.engine) throw ValueError("a command names no engine");
  if (command.target && command.target.owner != command.engine) {
    throw ValueError(to_string(command.target) + " cannot be called on " + to_string(command.engine));
  }
  const Chain chain = current_chain();
  static const std::vector<CommandId> none;
  MutexLock lock(mutex_);
  check_usable();
  check_engine(command.engine);
  Session& session = session_machine();
  const bool nested = chain && !chain->empty();
  const auto credit = [&] { return session.has_credit(command.engine, command.payload.size()) || closed(); };
  if (!(command.synchronous && nested) && !credit()) {
    will_wait({});
    try {
      wait(
          lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return credit() || may_overdraw(); }, Clock::time_point::max(),
          check);
    } catch (...) {
      has_waited();
      throw;
    }
    has_waited();
    check_usable();
  }
  const auto submitted = session.submit(command, nested ? *chain : none);
  auto state = std::make_shared<detail::CallState>(weak_from_this(), leftovers_, submitted, command.engine,
                                                   command.results, command.label);
  state->on_end = command.on_end;
  calls_.emplace(submitted.id.number, state);
  // A caller that waits at once writes the command when it begins to wait. Others are written by whoever leads.
  if (!command.synchronous) {
    if (session.outstanding() % kCoalesce == 0) settle();
    kick();
  }
  return Call(std::move(state));
}

bool Shell::wait_for(const detail::CallState& call, Clock::time_point deadline, const InterruptCheck& check) {
  if (forked()) check_usable();
  MutexLock lock(mutex_);
  const auto done = [&] { return call.ready.load(std::memory_order_relaxed); };
  if (done()) return true;
  will_wait(call.id);
  bool ready = false;
  try {
    ready = wait(lock, done, deadline, check);
  } catch (const Cancelled&) {
    session_machine().cancel(call.id);  // who was cancelled needs its answer no more
    has_waited();
    kick();
    throw;
  } catch (...) {
    has_waited();
    throw;
  }
  has_waited();
  return ready;
}

void Shell::when_ready(detail::CallState& call, std::function<void()> callback) {
  {
    MutexLock lock(mutex_);
    if (!call.ready.load(std::memory_order_relaxed)) {
      call.callbacks.push_back(std::move(callback));
      kick();  // the caller may never wait: the I/O thread has to read the reply
      return;
    }
  }
  callback();
}

void Shell::cancel(CommandId id) {
  if (forked()) return;
  MutexLock lock(mutex_);
  if (closed()) return;
  session_machine().cancel(id);
  settle();
  kick();
}

void Shell::wait_all(const InterruptCheck& check) {
  check_usable();
  std::vector<std::shared_ptr<detail::CallState>> pending;
  {
    MutexLock lock(mutex_);
    for (const auto& [number, state] : calls_) pending.push_back(state);
  }
  std::sort(pending.begin(), pending.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  for (const auto& state : pending) wait_for(*state, Clock::time_point::max(), check);
}

void Shell::complete_calls() {
  for (auto& completion : session_machine().take_completions()) {
    const auto found = calls_.find(completion.number);
    if (found == calls_.end()) continue;
    const auto state = found->second;
    state->reply = std::move(completion.reply);
    if (state->on_end) {
      callbacks_.push_back([this, state] { end_call(state); });
    } else {
      finish(state);
    }
  }
}

/// Makes the end of a call known, whose reply is there.
void Shell::finish(const std::shared_ptr<detail::CallState>& call) {
  calls_.erase(call->id.number);
  for (auto& callback : call->callbacks) callbacks_.push_back(std::move(callback));
  call->callbacks.clear();
  call->ready.store(true, std::memory_order_release);
  if (followers_) changed_.notify_all();
}

void Shell::end_call(const std::shared_ptr<detail::CallState>& call) {
  try {
    std::exchange(call->on_end, nullptr)(call->reply);
  } catch (const std::exception& error) {
    log()->error("what {} was lent could not be taken back: {}", call->label, error.what());
  }
  MutexLock lock(mutex_);
  finish(call);
}

// Does not ask whether the shell still lives: this may be the thread that ends it, with its mutex held.
detail::CallState::~CallState() {
  if (!ready.load(std::memory_order_acquire) || taken.load()) return;
  for (const ObjectId& reference : reply.references) leftovers->release(reference);
  reply.references.clear();
  if (reply.status != Status::Value && reply.status != Status::Cancelled && reply.status != Status::Closed) {
    leftovers->keep({id, label, std::move(reply)});
  }
}

std::vector<UnobservedError> Shell::take_unobserved_errors() {
  check_usable();
  MutexLock lock(leftovers_->mutex);
  auto& errors = leftovers_->errors;
  std::vector<UnobservedError> all(std::make_move_iterator(errors.begin()), std::make_move_iterator(errors.end()));
  errors.clear();
  return all;
}

// --- What is left behind ------------------------------------------------------------------------------------------

detail::Leftovers::Leftovers() : wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void detail::Leftovers::release(const ObjectId& id) noexcept {
  releases.push(id);
  if (!release_kicked.exchange(true, std::memory_order_seq_cst) && polling.load(std::memory_order_seq_cst)) {
    const std::uint64_t one = 1;
    const int saved = errno;  // this may be a signal handler
    static_cast<void>(!::write(wake.get(), &one, sizeof one));
    errno = saved;
  }
}

void detail::Leftovers::keep(UnobservedError error) noexcept {
  log()->info("{} {} failed and nobody asked for its result", error.label, to_string(error.command));
  MutexLock lock(mutex);
  errors.push_back(std::move(error));
  if (errors.size() > kErrorsKept) errors.pop_front();
}

// --- References ---------------------------------------------------------------------------------------------------

void Shell::release(ObjectId id) noexcept {
  if (id && !forked() && !closed()) leftovers_->release(id);
}

bool Shell::retain(ObjectId id) {
  check_usable();
  MutexLock lock(mutex_);
  return session_machine().retain(id);
}

void Shell::flush() {
  check_usable();
  MutexLock lock(mutex_);
  settle();
}

// --- The loop -----------------------------------------------------------------------------------------------------

void Shell::settle() {
  if (closed()) {
    complete_calls();
    return;
  }
  Session& session = session_machine();
  leftovers_->release_kicked.store(false, std::memory_order_seq_cst);
  if (!leftovers_->releases.seems_empty()) {
    leftovers_->releases.drain([&](const ObjectId& id) { session.release(id); });
  }
  session.flush_releases();
  carry();
  complete_calls();
  write();
}

bool Shell::run_callbacks(MutexLock& lock) {
  if (callbacks_.empty()) return false;
  const auto callbacks = std::exchange(callbacks_, {});
  leave();  // they may take their time
  lock.unlock();
  for (const auto& callback : callbacks) {
    try {
      callback();
    } catch (const std::exception& error) {
      log()->error("a callback of a call failed: {}", error.what());
    }
  }
  lock.lock();
  return true;
}

/// The I/O thread's way to run callbacks, one of which may give up the last reference to this shell: then it ends here,
/// without the lock, and the answer is false.
bool Shell::run_callbacks_alone(MutexLock& lock) {
  auto self = weak_from_this().lock();
  if (!self) return true;  // it is being destroyed, and stop_io() waits for us
  const auto alive = alive_;
  run_callbacks(lock);
  lock.unlock();
  self.reset();
  if (!*alive) return false;
  lock.lock();
  return true;
}

/// Waits once, leading if nobody does.
void Shell::await(MutexLock& lock, Clock::time_point deadline, const InterruptCheck& check,
                  Clock::duration check_every) {
  const auto check_time = check ? Clock::now() + check_every : Clock::time_point::max();
  const auto until = std::min(deadline, check_time);
  bool interrupted = false;
  if (!leader_) {
    interrupted = turn(lock, until, true);
    ++turns_;
  } else {
    if (io_leads_ && !takeover_) {
      takeover_ = true;
      kick();
    }
    ++followers_;
    if (until == Clock::time_point::max()) {
      lock.wait(changed_);
    } else {
      lock.wait_until(changed_, until);
    }
    --followers_;
  }
  if (check && (interrupted || Clock::now() >= check_time)) {
    lock.unlock();
    try {
      check();
    } catch (...) {
      lock.lock();
      leave();
      throw;
    }
    lock.lock();
  }
}

/// Polls the loop for `patience` at the most, without sleeping. The number of events, as epoll_wait() gives it.
int Shell::poll_events(epoll_event* events, int most, Clock::duration patience) const {
  const auto until = Clock::now() + patience;
  int count = 0;
  do {
    count = ::epoll_wait(epoll_.get(), events, most, 0);
  } while (count == 0 && Clock::now() < until);
  return count;
}

/// Leads for one wait for events; polls first if `eager`. True if a signal ended it.
bool Shell::turn(MutexLock& lock, Clock::time_point deadline, bool eager) {
  leader_ = true;
  leftovers_->polling.store(true, std::memory_order_seq_cst);
  const auto now = Clock::now();
  const auto until = std::min(deadline, next_time());
  int timeout = -1;
  if (until != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  if (kicked_ || leftovers_->release_kicked.load(std::memory_order_seq_cst)) timeout = 0;
  const auto patience = eager && timeout != 0 ? patience_.begin() : Clock::duration::zero();
  const bool polls = patience != Clock::duration::zero();
  constexpr int kMost = 32;
  epoll_event events[kMost];
  lock.unlock();
  int count = polls ? poll_events(events, kMost, patience) : 0;
  const bool found = count > 0;
  if (!found) count = ::epoll_wait(epoll_.get(), events, kMost, timeout);
  const bool interrupted = count < 0 && errno == EINTR;
  lock.lock();
  if (polls) patience_.ended(found);
  leftovers_->polling.store(false, std::memory_order_seq_cst);
  leader_ = false;
  kicked_ = false;
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 == kWakeToken) {
      std::uint64_t ignored = 0;
      static_cast<void>(!::read(leftovers_->wake.get(), &ignored, sizeof ignored));
    } else {
      on_event(events[i].data.u64, events[i].events);
    }
  }
  if (Clock::now() >= next_time()) on_time();
  settle();
  return interrupted;
}

void Shell::leave() {
  ++turns_;
  if (leader_) return;
  if (followers_) {
    changed_.notify_all();
  } else if (io_asleep_ || session_machine().outstanding()) {
    urgent_ = urgent_ || session_machine().outstanding();
    io_wakes_.notify_one();
  }
}

void Shell::kick() {
  if (leader_) {
    if (std::exchange(kicked_, true)) return;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(leftovers_->wake.get(), &one, sizeof one));
  } else if (!std::exchange(urgent_, true) || io_asleep_) {
    io_wakes_.notify_one();
  }
}

void Shell::wake_all() { changed_.notify_all(); }

void Shell::start_io() {
  if (io_thread_ || stopping_) return;
  // The thread inherits a full mask: signals belong to the program's own threads.
  sigset_t all, old;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &old);
  io_thread_ = std::make_unique<std::thread>([this] { io_loop(); });
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void Shell::stop_io() noexcept {
  std::unique_ptr<std::thread> thread;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    thread = std::move(io_thread_);
    kick();
    io_wakes_.notify_all();
    changed_.notify_all();
  }
  if (!thread) return;
  if (thread->get_id() == std::this_thread::get_id()) {
    thread->detach();
    *alive_ = false;
  } else {
    thread->join();
  }
}

void Shell::io_loop() {
  ::pthread_setname_np(::pthread_self(), "distob-io");
  MutexLock lock(mutex_);
  std::uint64_t seen = turns_;
  int quiet = 0;
  while (!stopping_) {
    if (!leader_ && (urgent_ || seen == turns_)) {
      io_leads_ = true;
      urgent_ = false;
      while (!stopping_ && !takeover_ && !leader_) {
        settle();
        urgent_ = false;
        if (callbacks_.empty()) {
          turn(lock, Clock::time_point::max(), false);
        } else if (!run_callbacks_alone(lock)) {
          return;
        }
      }
      takeover_ = io_leads_ = false;
      if (!callbacks_.empty() && !run_callbacks_alone(lock)) return;
      changed_.notify_all();
      seen = turns_ - 1;
      quiet = 0;
    } else {
      if (leader_) urgent_ = false;  // somebody was quicker; left standing it would swallow the next kick's wake-up
      quiet = seen == turns_ ? quiet + 1 : 0;
      seen = turns_;
      io_asleep_ = leader_ && quiet > kIdleTicks;
      if (io_asleep_) {
        lock.wait(io_wakes_);
        seen = turns_ - 1;
        quiet = 0;
      } else {
        lock.wait_for(io_wakes_, kVacancy);
      }
      io_asleep_ = false;
    }
  }
}

// --- Others -------------------------------------------------------------------------------------------------------

void Shell::watch(int fd, std::uint64_t token, bool writing) {
  epoll_event event{};
  event.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "distob's event loop");
  }
}

void Shell::rewatch(int fd, std::uint64_t token, bool writing) {
  epoll_event event{};
  event.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = token;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Shell::unwatch(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Shell::on_engine_lost(std::function<void(const EngineLoss&)> listener) {
  MutexLock lock(mutex_);
  listeners_.push_back(std::move(listener));
}

void Shell::tell_lost(const EngineLoss& loss) {
  for (const auto& listener : listeners_) {
    callbacks_.push_back([listener, loss] { listener(loss); });
  }
}

}  // namespace distob::session

// The engine's shell: its connection, its threads, and the signal that interrupts user code.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "engine/executor.h"
#include "engine/machine.h"
#include "session/shell.h"

namespace distob::engine {
namespace {

using session::Shell;
using namespace std::chrono_literals;

constexpr std::uint64_t kSocket = 1;
constexpr std::uint64_t kClient = 2;
constexpr auto kIdleEvery = 1s;
constexpr std::size_t kWriteAt = 32u << 10;  ///< bytes of replies that are written before the next command runs
constexpr int kInterruptSignal = SIGURG;     ///< ignored by default, and used by nobody for what it was made for

/// What the signal handler sees of the engine on this process's main thread. Plain atomics: it may come at any time.
struct Interruptible {
  std::atomic<Executor*> executor{nullptr};
  std::atomic<std::uint64_t> running{0};    ///< arrival number of the command whose code runs; 0: none
  std::atomic<std::uint64_t> cancelled{0};  ///< the command that the signal was sent for
};
Interruptible interruptible;

void on_interrupt(int) {
  const int saved = errno;
  const std::uint64_t running = interruptible.running.load();
  Executor* executor = interruptible.executor.load();
  // The exchange makes it once, and only if it is still that command.
  std::uint64_t expected = running;
  if (executor && running && interruptible.cancelled.compare_exchange_strong(expected, 0)) executor->interrupt();
  errno = saved;
}

wire::Bytes bytes_of(std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

}  // namespace

class Engine::Shell final : public session::Shell {
 public:
  Shell(EngineOptions options, Executor& executor);
  ~Shell() override;

  void serve();
  ObjectId new_object();
  void disarm() noexcept;

  [[nodiscard]] std::vector<session::EngineInfo> engines() const override;
  [[nodiscard]] SessionId session() const override;
  [[nodiscard]] std::optional<EngineId> own_engine() const override;

 protected:
  session::Session& session_machine() override DISTOB_REQUIRES(mutex_) { return machine_.session(); }
  void carry() override DISTOB_REQUIRES(mutex_);
  void write() override DISTOB_REQUIRES(mutex_);
  void on_event(std::uint64_t token, std::uint32_t events) override DISTOB_REQUIRES(mutex_);
  void check_engine(EngineId) const override {}  // the hub knows; a command to nobody is answered by it
  bool work(MutexLock& lock) override
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;  // gives it up meanwhile
  void will_wait(CommandId call) override DISTOB_REQUIRES(mutex_);
  void has_waited() override DISTOB_REQUIRES(mutex_);
  bool wait_is_cancelled() override DISTOB_REQUIRES(mutex_);
  bool may_overdraw() override DISTOB_REQUIRES(mutex_);
  Clock::time_point next_time() override DISTOB_REQUIRES(mutex_) { return exit_at_; }
  void on_time() override DISTOB_REQUIRES(mutex_);
  void abandon() noexcept override DISTOB_NO_THREAD_SAFETY_ANALYSIS;  // fork() holds the mutex

 private:
  class RunningContext;

  void run(MutexLock& lock, ThreadId thread)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;  // gives it up meanwhile
  void dispatch() DISTOB_REQUIRES(mutex_);
  void start_helper(ThreadId thread) DISTOB_REQUIRES(mutex_);
  void helper_loop(ThreadId thread);
  void interrupt_main() DISTOB_REQUIRES(mutex_);
  void arm() DISTOB_REQUIRES(mutex_);
  void end(const std::string& why) DISTOB_REQUIRES(mutex_);

  Executor& executor_;
  const bool use_signals_;
  const std::chrono::milliseconds patience_;
  UniqueFd client_;
  transport::LocalConnection connection_ DISTOB_GUARDED_BY(mutex_);
  Machine machine_ DISTOB_GUARDED_BY(mutex_);
  bool waits_to_write_ DISTOB_GUARDED_BY(mutex_) = false;
  bool ended_ DISTOB_GUARDED_BY(mutex_) = false;
  Clock::time_point exit_at_ DISTOB_GUARDED_BY(mutex_) =
      Clock::time_point::max();                    ///< once ended, if user code goes on
  std::string refused_ DISTOB_GUARDED_BY(mutex_);  ///< why the hub's messages could not be read
  std::map<ThreadId, std::thread> helpers_ DISTOB_GUARDED_BY(mutex_);
  std::condition_variable helper_wakes_;
  pthread_t main_{};
};

namespace {

/// Which of an engine's threads this is, if it is one.
struct ThisThread {
  const void* shell = nullptr;
  ThreadId id = 0;
};
thread_local ThisThread this_thread;

}  // namespace

class Engine::Shell::RunningContext final : public Context {
 public:
  RunningContext(Shell& shell, Task& task, std::shared_ptr<session::Endpoint> endpoint)
      : shell_(shell), task_(task), endpoint_(std::move(endpoint)) {}
  [[nodiscard]] bool cancelled() const noexcept override { return task_.cancelled.load(std::memory_order_acquire); }
  [[nodiscard]] const std::shared_ptr<session::Endpoint>& endpoint() const override { return endpoint_; }
  [[nodiscard]] ObjectId new_object() override { return shell_.new_object(); }
  void disarm() noexcept override { shell_.disarm(); }

 private:
  Shell& shell_;
  Task& task_;
  const std::shared_ptr<session::Endpoint> endpoint_;
};

Engine::Shell::Shell(EngineOptions options, Executor& executor)
    : executor_(executor),
      use_signals_(options.use_signals),
      patience_(options.patience),
      client_(std::move(options.client)),
      connection_(std::move(options.socket)) {
  watch(connection_.fd(), kSocket);
  if (client_) watch(client_.get(), kClient);
}

Engine::Shell::~Shell() {
  if (!forked()) stop_io();
}

// --- Messages -----------------------------------------------------------------------------------------------------

void Engine::Shell::carry() {
  if (ended_) return;
  for (auto& message : machine_.take_messages()) {
    try {
      connection_.send(message);
    } catch (const ValueError& error) {
      // A result that no frame can carry: the caller gets an error instead. A command that is too large is refused likewise.
      if (auto* reply = std::get_if<wire::Reply>(&message.body)) {
        wire::Reply instead;
        instead.command = reply->command;
        instead.status = static_cast<std::uint8_t>(Status::Refused);
        instead.payload = bytes_of(error.what());
        connection_.send({message.source, message.destination, std::move(instead)});
      } else if (auto* command = std::get_if<wire::Command>(&message.body)) {
        wire::Reply instead;
        instead.command = command->id;
        instead.status = static_cast<std::uint8_t>(Status::Refused);
        instead.payload = bytes_of(error.what());
        machine_.session().on_reply(std::move(instead), message.destination);
      }
    }
  }
  dispatch();
}

void Engine::Shell::write() {
  if (ended_) return;
  if (!connection_.flush()) return end("the client is gone");
  if (waits_to_write_ != connection_.wants_to_write()) {
    waits_to_write_ = connection_.wants_to_write();
    rewatch(connection_.fd(), kSocket, waits_to_write_);
  }
}

void Engine::Shell::on_event(std::uint64_t token, std::uint32_t) {
  if (ended_) return;
  if (token == kClient) return end("the client's process ended");
  const bool open = connection_.receive();
  try {
    wire::Message message;
    while (connection_.next(message)) {
      if (const auto* welcome = std::get_if<wire::Welcome>(&message.body)) {
        machine_.welcomed(welcome->engine);
        connection_.greeted();
        continue;
      }
      if (!machine_.self()) throw ProtocolError("the hub did not welcome this engine");
      machine_.on_message(std::move(message));
    }
  } catch (const ProtocolError& error) {
    refused_ = error.what();
    return end(error.what());
  }
  if (!open) return end("the client is gone");
  dispatch();
}

/// Tells threads that there is something for them, or to stop.
void Engine::Shell::dispatch() {
  for (const ThreadId thread : machine_.take_work()) {
    if (this_thread.shell == this && this_thread.id == thread) continue;  // it looks for itself before it waits on
    if (thread == kMainThread || machine_.top(thread)) {
      wake_all();  // it waits, or runs the loop itself
      kick();
    } else if (helpers_.contains(thread)) {
      helper_wakes_.notify_all();
    } else {
      start_helper(thread);
    }
  }
  if (machine_.has_drops()) wake_all();
  for (const ThreadId thread : machine_.take_interrupts()) {
    if (machine_.is_suspended(thread)) {
      wake_all();
      kick();
    } else if (thread == kMainThread) {
      interrupt_main();
    }
  }
}

void Engine::Shell::end(const std::string& why) {
  if (std::exchange(ended_, true)) return;
  log()->debug("{} ends: {}", machine_.self() ? to_string(machine_.self()) : "an engine", why);
  closed_text_ = why;
  closed_.store(true, std::memory_order_release);
  if (connection_.fd() >= 0) unwatch(connection_.fd());
  if (client_) unwatch(client_.get());
  connection_.close();
  machine_.session().on_closed(why);
  interrupt_main();  // whatever runs there, nobody wants it any more
  if (use_signals_) exit_at_ = Clock::now() + patience_;
  wake_all();
  helper_wakes_.notify_all();
  kick();
}

/// User code took no notice of the end: a loop of foreign code, or one that catches every interrupt. The I/O thread, which
/// needs nothing from it, ends the process; an engine without a client would run for ever.
void Engine::Shell::on_time() { ::_exit(1); }

// --- Threads ------------------------------------------------------------------------------------------------------

void Engine::Shell::serve() {
  struct sigaction action {
  }, before{};
  if (use_signals_) {
    action.sa_handler = &on_interrupt;
    sigemptyset(&action.sa_mask);
    ::sigaction(kInterruptSignal, &action, &before);  // without SA_RESTART: sleeps end
    interruptible.executor.store(&executor_);
  }
  const ThisThread outer = std::exchange(this_thread, {this, kMainThread});
  main_ = ::pthread_self();
  std::map<ThreadId, std::thread> helpers;
  {
    MutexLock lock(mutex_);
    connection_.send({SessionId{}, wire::kHub, wire::Hello{wire::kVersion, ::getpid()}});
    write();
    start_io();
    wait(
        lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return ended_; }, Clock::time_point::max(),
        [this] { executor_.idle(); }, kIdleEvery);
    helpers = std::move(helpers_);
    helpers_.clear();
    stopping_ = true;
    helper_wakes_.notify_all();
    wake_all();
  }
  for (auto& [id, thread] : helpers) thread.join();
  stop_io();
  this_thread = outer;
  if (use_signals_) {
    interruptible.executor.store(nullptr);
    ::sigaction(kInterruptSignal, &before, nullptr);
  }
  MutexLock lock(mutex_);
  if (!refused_.empty()) throw ProtocolError(refused_);
}

bool Engine::Shell::work(MutexLock& lock) {
  if (this_thread.shell != this || ended_) return false;
  if (machine_.has_drops()) {
    const auto drops = machine_.take_drops();
    lock.unlock();
    executor_.drop(drops);
    lock.lock();
    return true;
  }
  if (!machine_.has_work(this_thread.id)) return false;
  do {
    run(lock, this_thread.id);
  } while (machine_.has_work(this_thread.id) && !machine_.has_drops() && machine_.replies() < kWriteAt && !ended_);
  return true;
}

/// Runs one command, on top of whatever waits on this thread.
void Engine::Shell::run(MutexLock& lock, ThreadId thread) {
  Task* task = machine_.begin(thread);
  if (!task) return;
  auto chain = std::make_shared<std::vector<CommandId>>(task->command.chain);
  chain->push_back(task->command.id);
  if (thread == kMainThread) arm();
  leave();  // user code may take its time: somebody else has to read what comes meanwhile
  lock.unlock();

  const auto& command = task->command;
  const Incoming incoming{command.id,      task->sender,  command.target, command.payload, command.references,
                          command.buffers, task->results, command.label,  task->callback};
  Outcome outcome;
  {
    const session::ChainScope scope(std::move(chain));
    RunningContext context(*this, *task, shared_from_this());
    try {
      outcome = executor_.execute(incoming, context);
    } catch (const Cancelled& error) {
      outcome = {.status = Status::Cancelled, .payload = bytes_of(error.what())};
    } catch (const std::exception& error) {
      outcome = {.status = Status::Error, .payload = bytes_of(error.what())};
    } catch (...) {
      outcome = {.status = Status::Error, .payload = bytes_of("an unknown exception")};
    }
    if (thread == kMainThread) disarm();
  }
  if (forked()) ::_exit(0);  // user code forked and came back in the child, which is no engine
  lock.lock();
  machine_.finish(thread, std::move(outcome));
}

void Engine::Shell::start_helper(ThreadId thread) {
  sigset_t all, old;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &old);
  try {
    helpers_[thread] = std::thread([this, thread] { helper_loop(thread); });
  } catch (const std::system_error& error) {
    log()->warn("a helper thread could not be started: {}", error.what());
    helpers_.erase(thread);
    machine_.helper_failed(thread);
  }
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void Engine::Shell::helper_loop(ThreadId thread) {
  ::pthread_setname_np(::pthread_self(), "distob-helper");
  this_thread = {this, thread};
  executor_.thread_started();
  {
    MutexLock lock(mutex_);
    while (!stopping_ && !ended_) {
      if (work(lock)) {
        settle();
      } else {
        lock.wait(helper_wakes_);
      }
    }
  }
  executor_.thread_ending();
}

void Engine::Shell::will_wait(CommandId call) {
  if (this_thread.shell != this) return;
  if (this_thread.id == kMainThread) disarm();
  machine_.suspend(this_thread.id, call ? std::vector<CommandId>{call} : std::vector<CommandId>{});
  dispatch();
}

void Engine::Shell::has_waited() {
  if (this_thread.shell != this) return;
  machine_.resume(this_thread.id);
  if (this_thread.id == kMainThread) arm();
}

bool Engine::Shell::wait_is_cancelled() {
  return this_thread.shell == this && machine_.is_suspended(this_thread.id) && machine_.is_cancelled(this_thread.id);
}

bool Engine::Shell::may_overdraw() { return this_thread.shell == this && machine_.is_waited_for(this_thread.id); }

// --- Interrupts ---------------------------------------------------------------------------------------------------

void Engine::Shell::arm() {
  if (!use_signals_) return;
  const Task* task = machine_.top(kMainThread);
  interruptible.running.store(task && task->interruptible ? task->arrival : 0);
}

void Engine::Shell::disarm() noexcept {
  if (use_signals_ && this_thread.shell == this && this_thread.id == kMainThread) interruptible.running.store(0);
}

void Engine::Shell::interrupt_main() {
  const Task* task = machine_.top(kMainThread);
  if (!use_signals_ || !task || machine_.is_suspended(kMainThread)) return;
  interruptible.cancelled.store(task->arrival);
  ::pthread_kill(main_, kInterruptSignal);
}

// --- The calling side ---------------------------------------------------------------------------------------------

ObjectId Engine::Shell::new_object() {
  MutexLock lock(mutex_);
  return machine_.new_object();
}

std::vector<session::EngineInfo> Engine::Shell::engines() const {
  MutexLock lock(mutex_);
  return {{machine_.self(), ::getpid(), session::EngineInfo::State::Ready}};
}

SessionId Engine::Shell::session() const {
  MutexLock lock(mutex_);
  return wire::session_of(machine_.self());
}

std::optional<EngineId> Engine::Shell::own_engine() const {
  MutexLock lock(mutex_);
  return machine_.self() ? std::optional(machine_.self()) : std::nullopt;
}

void Engine::Shell::abandon() noexcept {
  connection_.close();
  client_.reset();
}

// --- Engine -------------------------------------------------------------------------------------------------------

Engine::Engine(EngineOptions options, Executor& executor)
    : shell_(std::make_shared<Shell>(std::move(options), executor)), endpoint_(shell_) {}
Engine::~Engine() = default;
void Engine::serve() { shell_->serve(); }
const std::shared_ptr<session::Endpoint>& Engine::endpoint() const { return endpoint_; }

}  // namespace distob::engine

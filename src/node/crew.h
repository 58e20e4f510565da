// The worker threads of a node.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "node/task.h"

namespace distob::node {

/// Threads that run tasks. They block all signals, never enter Python and hold no lock while they run units.
///
/// A crew knows nothing of order: what it is given may run. Several tasks share the threads, oldest first.
class Crew {
 public:
  /// Called by the thread that ended a task, outside of every lock.
  using Ended = std::function<void(Task&)>;

  /// Starts `workers` threads (0: tasks run only where somebody helps).
  Crew(int workers, Ended ended);
  ~Crew() { stop(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Runs what was posted to its end, then joins the threads. Not to be called by one of them.
  void stop() DISTOB_EXCLUDES(mutex_);

  /// Adds a task and wakes up to `wake` sleeping threads for it. Without threads the task runs here and now.
  void post(std::shared_ptr<Task> task, int wake) DISTOB_EXCLUDES(mutex_);

  /// Takes part in one task that wants help, if there is one, in the calling thread. Returns whether there was.
  bool help(program::Scratch& scratch) DISTOB_EXCLUDES(mutex_);

 private:
  void work();
  std::shared_ptr<Task> pick() DISTOB_REQUIRES(mutex_);
  void take_part(const std::shared_ptr<Task>& task, program::Scratch& scratch);

  Ended ended_;
  Mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Task>> tasks_ DISTOB_GUARDED_BY(mutex_);
  bool closing_ DISTOB_GUARDED_BY(mutex_) = false;
  int workers_;
  std::vector<std::thread> threads_;
};

/// How many threads this process should compute with: DISTOB_THREADS, else the cores it may run on.
/// Throws ValueError if DISTOB_THREADS is no number above zero.
[[nodiscard]] int default_threads();

/// The cores this process may run on.
[[nodiscard]] int usable_cores();

}  // namespace distob::node

#include "node/crew.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "distob/errors.h"
#include "node/signals.h"

namespace distob::node {

Crew::Crew(int workers, Ended ended) : ended_(std::move(ended)), workers_(workers) {
  const AllSignalsBlocked blocked;
  for (int i = 0; i < workers; ++i) {
    threads_.emplace_back([this] { work(); });
    pthread_setname_np(threads_.back().native_handle(), "distob-node");
  }
}

void Crew::stop() {
  {
    const MutexLock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Crew::post(std::shared_ptr<Task> task, int wake) {
  bool here = workers_ == 0;
  if (!here) {
    const MutexLock lock(mutex_);
    here = closing_;
    if (!here) tasks_.push_back(task);
  }
  if (here) {
    program::Scratch scratch;
    task->run_alone(scratch);
    ended_(*task);
    return;
  }
  for (int i = 0; i < std::min(wake, workers_); ++i) wake_.notify_one();
}

// The oldest task with a free seat; tasks whose units are all claimed leave the queue.
std::shared_ptr<Task> Crew::pick() {
  std::erase_if(tasks_, [](const std::shared_ptr<Task>& task) { return task->claimed(); });
  for (const std::shared_ptr<Task>& task : tasks_) {
    if (task->wants_help()) return task;
  }
  return nullptr;
}

void Crew::take_part(const std::shared_ptr<Task>& task, program::Scratch& scratch) {
  if (task->take_part(scratch)) ended_(*task);
}

bool Crew::help(program::Scratch& scratch) {
  std::shared_ptr<Task> task;
  {
    const MutexLock lock(mutex_);
    task = pick();
  }
  if (task == nullptr) return false;
  take_part(task, scratch);
  return true;
}

void Crew::work() {
  program::Scratch scratch;
  while (true) {
    std::shared_ptr<Task> task;
    {
      MutexLock lock(mutex_);
      while ((task = pick()) == nullptr) {
        if (closing_) return;
        lock.wait(wake_);
      }
    }
    take_part(task, scratch);
  }
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int default_threads() {
  const char* text = std::getenv("DISTOB_THREADS");
  if (text == nullptr || *text == '\0') return usable_cores();
  const std::string_view view(text);
  int n = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), n);
  if (error != std::errc{} || end != view.data() + view.size() || n < 1) {
    throw ValueError("DISTOB_THREADS must be a number above zero, not \"" + std::string(view) + "\"");
  }
  return n;
}

}  // namespace distob::node

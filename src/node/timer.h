// The clock that flushes a window nobody reads from.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace distob::node {

/// Calls back when nothing was touched for `idle`, and at the latest `limit` after the first touch. One thread, which
/// sleeps without a deadline while nothing was touched since the last call; it blocks all signals.
class FlushTimer {
 public:
  using Clock = std::chrono::steady_clock;

  FlushTimer(Clock::duration idle, Clock::duration limit, std::function<void()> flush);
  ~FlushTimer();
  FlushTimer(const FlushTimer&) = delete;
  FlushTimer& operator=(const FlushTimer&) = delete;

  /// Something is waiting to be flushed. Cost: two atomics, and a wake-up if the timer was asleep.
  void touch();

 private:
  void work();

  const Clock::duration idle_;
  const Clock::duration limit_;
  const std::function<void()> flush_;
  std::atomic<Clock::rep> last_touch_{0};
  std::atomic<bool> armed_{false};
  Mutex mutex_;
  std::condition_variable wake_;
  bool closing_ DISTOB_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace distob::node

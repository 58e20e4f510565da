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

/// Calls back when nothing was touched for some time, and at the latest some time after the first touch. One thread, which
/// sleeps without a deadline while nothing was touched since the last call; it blocks all signals.
class FlushTimer {
 public:
  using Clock = std::chrono::steady_clock;

  explicit FlushTimer(std::function<void()> flush);
  ~FlushTimer();
  FlushTimer(const FlushTimer&) = delete;
  FlushTimer& operator=(const FlushTimer&) = delete;

  /// Something is waiting to be flushed: after `idle` without another touch, or `limit` after the first. The last touch
  /// decides how long both are. Cost: a few atomics, and a wake-up if the timer was asleep.
  void touch(Clock::duration idle, Clock::duration limit);

 private:
  void work();

  const std::function<void()> flush_;
  std::atomic<Clock::rep> quiet_until_{0};  ///< since the clock's epoch
  std::atomic<Clock::rep> limit_{0};
  std::atomic<bool> armed_{false};
  Mutex mutex_;
  std::condition_variable wake_;
  bool closing_ DISTOB_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace distob::node

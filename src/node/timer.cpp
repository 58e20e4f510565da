#include "node/timer.h"

#include <pthread.h>

#include <algorithm>

#include "node/signals.h"

namespace distob::node {

FlushTimer::FlushTimer(std::function<void()> flush) : flush_(std::move(flush)) {
  const AllSignalsBlocked blocked;
  thread_ = std::thread([this] { work(); });
  pthread_setname_np(thread_.native_handle(), "distob-flush");
}

FlushTimer::~FlushTimer() {
  {
    const MutexLock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void FlushTimer::touch(Clock::duration idle, Clock::duration limit) {
  limit_.store(limit.count(), std::memory_order_relaxed);
  quiet_until_.store((Clock::now() + idle).time_since_epoch().count(), std::memory_order_relaxed);
  if (armed_.exchange(true)) return;
  { const MutexLock lock(mutex_); }  // the thread is either before its test of armed_ or asleep
  wake_.notify_one();
}

void FlushTimer::work() {
  MutexLock lock(mutex_);
  while (true) {
    while (!closing_ && !armed_.load()) lock.wait(wake_);
    const Clock::time_point first = Clock::now();
    while (!closing_) {
      const Clock::time_point quiet(Clock::duration(quiet_until_.load(std::memory_order_relaxed)));
      const Clock::time_point latest = first + Clock::duration(limit_.load(std::memory_order_relaxed));
      const Clock::time_point deadline = std::min(quiet, latest);
      if (Clock::now() >= deadline) break;
      lock.wait_until(wake_, deadline);
    }
    if (closing_) return;
    armed_.store(false);  // before the flush: a touch during it asks for another
    lock.unlock();
    flush_();
    lock.lock();
  }
}

}  // namespace distob::node

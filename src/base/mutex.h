// Mutexes whose discipline the compiler checks: clang's -Wthread-safety reads these annotations, GCC ignores them.
//
// Fields are declared beside the mutex that guards them with DISTOB_GUARDED_BY(mutex_); a private function that expects
// the lock to be held says DISTOB_REQUIRES(mutex_).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define DISTOB_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define DISTOB_THREAD_ANNOTATION(x)
#endif

#define DISTOB_CAPABILITY(name) DISTOB_THREAD_ANNOTATION(capability(name))
#define DISTOB_SCOPED_CAPABILITY DISTOB_THREAD_ANNOTATION(scoped_lockable)
#define DISTOB_GUARDED_BY(mutex) DISTOB_THREAD_ANNOTATION(guarded_by(mutex))
#define DISTOB_POINTEE_GUARDED_BY(mutex) DISTOB_THREAD_ANNOTATION(pt_guarded_by(mutex))
#define DISTOB_REQUIRES(...) DISTOB_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define DISTOB_EXCLUDES(...) DISTOB_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define DISTOB_ACQUIRE(...) DISTOB_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define DISTOB_RELEASE(...) DISTOB_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define DISTOB_TRY_ACQUIRE(...) DISTOB_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define DISTOB_RETURN_CAPABILITY(mutex) DISTOB_THREAD_ANNOTATION(lock_returned(mutex))
#define DISTOB_NO_THREAD_SAFETY_ANALYSIS DISTOB_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace distob {

/// std::mutex with annotations. Satisfies Lockable.
class DISTOB_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() DISTOB_ACQUIRE() { mutex_.lock(); }
  void unlock() DISTOB_RELEASE() { mutex_.unlock(); }
  [[nodiscard]] bool try_lock() DISTOB_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope. unlock() and lock() give it up in between, for calling out.
class DISTOB_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DISTOB_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() DISTOB_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() DISTOB_RELEASE() {
    mutex_.unlock();
    held_ = false;
  }
  void lock() DISTOB_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  friend class Condition;
  Mutex& mutex_;
  bool held_ = true;
};

/// A condition variable for Mutex. Waiting releases the lock and holds it again on return; wake-ups may be spurious.
class Condition {
 public:
  void wait(MutexLock& lock) { condition_.wait(lock.mutex_); }

  /// Returns false if `ready()` is still false at `deadline`.
  template <class Clock, class Duration, class Predicate>
  bool wait_until(MutexLock& lock, std::chrono::time_point<Clock, Duration> deadline, Predicate ready) {
    return condition_.wait_until(lock.mutex_, deadline, ready);
  }
  template <class Rep, class Period>
  void wait_for(MutexLock& lock, std::chrono::duration<Rep, Period> timeout) {
    condition_.wait_for(lock.mutex_, timeout);
  }

  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace distob

// A mutex whose guarded fields the compiler checks (clang's -Wthread-safety; other compilers see plain code).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define DISTOB_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define DISTOB_THREAD_ANNOTATION(x)
#endif

/// The field may be touched only while `m` is held.
#define DISTOB_GUARDED_BY(m) DISTOB_THREAD_ANNOTATION(guarded_by(m))
/// The caller holds `m`.
#define DISTOB_REQUIRES(...) DISTOB_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/// The caller does not hold `m`.
#define DISTOB_EXCLUDES(...) DISTOB_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
/// For the few functions whose locking the analysis cannot follow; say why at each.
#define DISTOB_NO_THREAD_SAFETY_ANALYSIS DISTOB_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace distob {

class DISTOB_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() DISTOB_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() DISTOB_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  bool try_lock() DISTOB_THREAD_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

/// Holds a Mutex for a scope; may be released and taken again inside it, and waited with.
class DISTOB_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& m) DISTOB_THREAD_ANNOTATION(acquire_capability(m)) : lock_(m.mutex_) {}
  ~MutexLock() DISTOB_THREAD_ANNOTATION(release_capability()) {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() DISTOB_THREAD_ANNOTATION(release_capability()) { lock_.unlock(); }
  void lock() DISTOB_THREAD_ANNOTATION(acquire_capability()) { lock_.lock(); }
  /// Releases the mutex until `condition` is notified; holds it again afterwards. Test the predicate in a loop around it.
  void wait(std::condition_variable& condition) { condition.wait(lock_); }
  template <class Clock, class Duration>
  std::cv_status wait_until(std::condition_variable& condition, std::chrono::time_point<Clock, Duration> time) {
    return condition.wait_until(lock_, time);
  }
  template <class Rep, class Period>
  std::cv_status wait_for(std::condition_variable& condition, std::chrono::duration<Rep, Period> time) {
    return condition.wait_for(lock_, time);
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace distob

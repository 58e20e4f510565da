// The result of a call that may still be under way.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "distob/codec.h"

namespace distob {

namespace detail {

class PendingCall;

/// A reply that was taken: the bytes of the result and the references among them.
struct Answer {
  std::vector<std::byte> bytes;
  std::vector<Ref> references;
};
/// Waits for the reply and takes it. Throws the error that the call ended with.
Answer take_answer(PendingCall& call);
bool is_ready(const PendingCall& call);
void wait_for_reply(const PendingCall& call);
bool wait_for_reply_until(const PendingCall& call, std::chrono::steady_clock::time_point deadline);
void cancel_call(const PendingCall& call);

template <class R>
R decode_answer(const Answer& answer) {
  if constexpr (!std::is_void_v<R>) {
    Reader in(answer.bytes, answer.references);
    return distob::decode<R>(in);
  }
}

}  // namespace detail

/// The result, in time, of a call made with async<...>(): like std::future, from any thread, one at a time.
///
/// Dropping a Future does not stop its call.
template <class R>
class Future {
 public:
  Future() = default;
  explicit Future(std::shared_ptr<detail::PendingCall> call) : call_(std::move(call)) {}
  Future(Future&&) noexcept = default;
  Future& operator=(Future&&) noexcept = default;

  /// Waits and gives the result, once. Throws what the call threw (see Remote), EngineDied, ObjectLost, Cancelled,
  /// ClosedError.
  R get() {
    detail::PendingCall& pending = call();
    const auto keep = std::exchange(call_, nullptr);
    return detail::decode_answer<R>(detail::take_answer(pending));
  }
  /// False once the result was taken.
  [[nodiscard]] bool valid() const { return call_ != nullptr; }
  /// True if get() would not wait.
  [[nodiscard]] bool ready() const { return detail::is_ready(call()); }
  void wait() const { detail::wait_for_reply(call()); }
  /// Waits for `patience` at the most; true if the result is there.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> patience) const {
    return detail::wait_for_reply_until(call(), std::chrono::steady_clock::now() + patience);
  }
  /// Asks the engine to stop the call and returns at once. A call that has not begun does not begin; one that runs gets
  /// its sleeps and waits interrupted (EINTR) and sees distob::cancelled(). get() tells whether it came in time: it
  /// throws Cancelled.
  void cancel() const { detail::cancel_call(call()); }

 private:
  [[nodiscard]] detail::PendingCall& call() const {
    if (!call_) throw ValueError("this Future has no result: it was taken, or there never was a call");
    return *call_;
  }

  std::shared_ptr<detail::PendingCall> call_;
};

/// The results of many calls, in order. Waits for all of them; if some failed, throws the first failure's error, its text
/// followed by those of the others.
template <class R>
std::conditional_t<std::is_void_v<R>, void, std::vector<R>> get_all(std::vector<Future<R>> futures);

namespace detail {

/// Collects the failures of many calls, to throw them as one.
class Failures {
 public:
  /// Notes the exception that is being handled, of call number `index`.
  void add_current(std::size_t index);
  /// Throws if there was any.
  void throw_if_any(std::size_t calls) const;

 private:
  struct Entry {
    std::size_t index;
    std::exception_ptr error;
  };
  std::vector<Entry> entries_;
};

}  // namespace detail

template <class R>
std::conditional_t<std::is_void_v<R>, void, std::vector<R>> get_all(std::vector<Future<R>> futures) {
  detail::Failures failures;
  std::vector<std::conditional_t<std::is_void_v<R>, char, R>> results;
  results.reserve(futures.size());
  for (std::size_t i = 0; i < futures.size(); ++i) {
    try {
      if constexpr (std::is_void_v<R>) {
        futures[i].get();
      } else {
        results.push_back(futures[i].get());
      }
    } catch (...) {
      failures.add_current(i);
    }
  }
  failures.throw_if_any(futures.size());
  if constexpr (!std::is_void_v<R>) return results;
}

}  // namespace distob

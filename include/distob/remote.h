// An object that lives in an engine, used from anywhere.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "distob/codec.h"
#include "distob/detail/tasks.h"
#include "distob/future.h"
#include "distob/ref.h"

namespace distob {

namespace detail {

/// The bytes of a call to `operation`, up to its arguments.
Writer begin_call(const Operation& operation);
/// Sends a call to the object. With `synchronous` the caller waits at once. Throws ClosedError, ForkedError, ValueError.
std::shared_ptr<PendingCall> submit_to(const Ref& target, const Operation& operation, const Writer& call,
                                       bool synchronous);

}  // namespace detail

/// A counted reference to a T in some engine. Copies refer to the same object; when the last one goes, wherever it is, the
/// object is destroyed. Copying, moving and destroying never wait.
///
/// Methods run in the engine, one at a time for an object; calls of one thread to one object run in their order. Arguments
/// and results travel as <distob/codec.h> says. A Remote passed as an argument arrives as a Remote to the same object. A
/// method that returns a reference to non-const gives a Remote to what it refers to (an alias that keeps the object alive);
/// `return *this` gives a Remote to the same object.
///
/// Errors. What the method throws is thrown here with its type and text if it is a standard exception or one of distob's,
/// else as RemoteError, which names the type. EngineDied and ObjectLost tell that the object is gone.
template <class T>
class Remote {
 public:
  Remote() = default;
  /// The object that `ref` refers to, which must be a T: calls throw TypeError if it is not.
  explicit Remote(Ref ref) : ref_(std::move(ref)) {}

  /// Calls a method and waits: `age = tree.call<&Tree::grow>(30)`.
  template <auto Method, class... A>
  auto call(const A&... arguments) const {
    return this->template start<Method>(true, arguments...).get();
  }

  /// Calls a method; the result comes in time: `Future<int> age = tree.async<&Tree::grow>(30)`.
  template <auto Method, class... A>
  [[nodiscard]] auto async(const A&... arguments) const {
    return this->template start<Method>(false, arguments...);
  }

  /// The value of a data member: `tree.get<&Tree::age>()`.
  template <auto Field>
  [[nodiscard]] auto get() const {
    check_field<Field>();
    using Value = typename detail::FieldOf<decltype(Field)>::Value;
    return send<std::remove_cv_t<Value>, detail::GetTask<T, Field>>(true).get();
  }

  /// Assigns to a data member: `tree.set<&Tree::age>(2)`. Waits, so that an error is thrown here.
  template <auto Field, class V>
  void set(const V& value) const {
    check_field<Field>();
    using Task = detail::SetTask<T, Field>;
    Writer call = detail::begin_call(detail::Registered<Task>::operation);
    detail::encode_argument<typename Task::Value>(call, value);
    detail::take_answer(*detail::submit_to(ref_, detail::Registered<Task>::operation, call, true));
  }

  /// Calls a function (a lambda without captures) with the object itself: `tree.apply([](Tree& t, int n) {...}, 3)`.
  template <class F, class... A>
  auto apply(F function, const A&... arguments) const {
    return start_apply(true, function, arguments...).get();
  }
  template <class F, class... A>
  [[nodiscard]] auto async_apply(F function, const A&... arguments) const {
    return start_apply(false, function, arguments...);
  }

  /// A local copy of the whole object.
  [[nodiscard]] T copy() const { return async_copy().get(); }
  [[nodiscard]] Future<T> async_copy() const { return send<T, detail::GatherTask<T>>(false); }

  [[nodiscard]] const Ref& ref() const { return ref_; }
  /// The number of the engine that holds the object.
  [[nodiscard]] int engine() const { return ref_.engine(); }
  explicit operator bool() const { return static_cast<bool>(ref_); }
  /// True if both are the same object.
  friend bool operator==(const Remote&, const Remote&) = default;

  void distob_encode(Writer& out) const { out.put_reference(ref_); }
  static Remote distob_decode(Reader& in) { return Remote(in.get_reference()); }

 private:
  template <auto Method, class... A>
  auto start(bool synchronous, const A&... arguments) const {
    using Traits = detail::Signature<decltype(Method)>;
    static_assert(std::is_base_of_v<typename Traits::Class, T>, "distob: this is a method of another class");
    using Task = detail::MethodTask<T, Method>;
    Writer call = detail::begin_call(detail::Registered<Task>::operation);
    detail::encode_arguments(call, typename Traits::Parameters{}, arguments...);
    return Future<detail::Result<typename Traits::Result>>(
        detail::submit_to(ref_, detail::Registered<Task>::operation, call, synchronous));
  }

  template <class F, class... A>
  auto start_apply(bool synchronous, F, const A&... arguments) const {
    detail::check_function<F>();
    using Task = detail::ApplyTask<F, T, detail::Held<A>...>;
    Writer call = detail::begin_call(detail::Registered<Task>::operation);
    (detail::encode_argument<detail::Held<A>>(call, arguments), ...);
    return Future<detail::Result<typename Task::R>>(
        detail::submit_to(ref_, detail::Registered<Task>::operation, call, synchronous));
  }

  template <class R, class Task>
  Future<R> send(bool synchronous) const {
    const detail::Operation& operation = detail::Registered<Task>::operation;
    return Future<R>(detail::submit_to(ref_, operation, detail::begin_call(operation), synchronous));
  }

  template <auto Field>
  static constexpr void check_field() {
    static_assert(std::is_member_object_pointer_v<decltype(Field)>,
                  "distob: get and set take a data member, as in get<&Tree::age>(); methods are called with call<>");
    static_assert(std::is_base_of_v<typename detail::FieldOf<decltype(Field)>::Class, T>,
                  "distob: this is a member of another class");
  }

  Ref ref_;
};

}  // namespace distob

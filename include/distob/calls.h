// Calls on many objects at a time, in parallel over the engines that hold them.
#pragma once

#include <cstddef>
#include <ranges>
#include <utility>
#include <vector>

#include "distob/remote.h"

namespace distob {

/// Calls a method of each object, with the same arguments; the results in the order of the objects. The arguments are
/// encoded once. If calls fail, waits for the others, then throws the first error, with the text of the others.
///
///     std::vector<int> ages = distob::call_all<&Tree::grow>(trees, 30);
template <auto Method, class T, class... A>
auto call_all(const std::vector<Remote<T>>& objects, const A&... arguments) {
  using Traits = detail::Signature<decltype(Method)>;
  static_assert(std::is_base_of_v<typename Traits::Class, T>, "distob: this is a method of another class");
  const detail::Operation& operation = detail::Registered<detail::MethodTask<T, Method>>::operation;
  Writer call = detail::begin_call(operation);
  detail::encode_arguments(call, typename Traits::Parameters{}, arguments...);
  std::vector<Future<detail::Result<typename Traits::Result>>> futures;
  futures.reserve(objects.size());
  for (const auto& object : objects) futures.emplace_back(detail::submit_to(object.ref(), operation, call, false));
  return get_all(std::move(futures));
}

/// Calls a function (a lambda without captures) with each object itself, where it lives:
///
///     std::vector<double> areas = distob::apply([](const Tree& t) { return t.height * t.width; }, trees);
template <class F, class T, class... A>
auto apply(F function, const std::vector<Remote<T>>& objects, const A&... arguments) {
  using R = decltype(objects[0].async_apply(function, arguments...).get());
  std::vector<Future<R>> futures;
  futures.reserve(objects.size());
  for (const auto& object : objects) futures.push_back(object.async_apply(function, arguments...));
  return get_all(std::move(futures));
}

/// apply() with its function fixed: `auto area = distob::vectorize([](const Tree& t) {...}); area(trees);`
template <class F>
auto vectorize(F function) {
  return [function](const auto& objects, const auto&... arguments) { return apply(function, objects, arguments...); };
}

/// Local copies.
template <class T>
[[nodiscard]] T gather(const Remote<T>& object) {
  return object.copy();
}
template <class T>
[[nodiscard]] std::vector<T> gather(const std::vector<Remote<T>>& objects) {
  std::vector<Future<T>> futures;
  futures.reserve(objects.size());
  for (const auto& object : objects) futures.push_back(object.async_copy());
  return get_all(std::move(futures));
}

/// In code that an engine runs: true once the call that this thread runs was cancelled. Long loops ask it now and then and
/// throw distob::Cancelled; sleeps and system calls that wait are interrupted (EINTR) without asking.
[[nodiscard]] bool cancelled() noexcept;
/// Throws Cancelled if cancelled().
void throw_if_cancelled();

}  // namespace distob

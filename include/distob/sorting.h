// Sorting, searching and counting the elements of distributed arrays, on all threads.
//
//   auto order = distob::argsort(prices);                       // equal elements keep their order: every sort is stable
//   auto [names, counts] = distob::unique_counts(labels);
//   double middle = distob::median(prices);
//
// The order is NumPy's: what is not a number comes last, complex numbers are ordered by their real, then by their imaginary
// parts. Results do not depend on the number of threads. These functions wait until their result is there.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "distob/array.h"

namespace distob {
namespace detail {

AnyArray sorted(const AnyArray& a, int axis);
AnyArray argsorted(const AnyArray& a, int axis);
AnyArray lexsorted(std::span<const AnyArray> keys, int axis);
AnyArray searched(const AnyArray& among, const AnyArray& values, bool right);
AnyArray contained(const AnyArray& a, const AnyArray& others, bool invert);
/// The values, and after them what is asked for: first indices, inverse, counts.
std::vector<AnyArray> distinct(const AnyArray& a, bool index, bool inverse, bool counts);
/// The two elements in the middle of all and the greatest. Throws ValueError if there are none.
AnyArray middle_elements(const AnyArray& a);
AnyArray counted(const AnyArray& a, const AnyArray* weights, std::int64_t minlength);
AnyArray binned(const AnyArray& a, const AnyArray& edges);
AnyArray interpolated(const AnyArray& x, const AnyArray& xp, const AnyArray& fp);
AnyArray convolved(const AnyArray& a, const AnyArray& v);

}  // namespace detail

/// A sorted copy, along `axis`. Throws AxisError.
template <Element T>
[[nodiscard]] DistArray<T> sort(const DistArray<T>& a, int axis = -1) {
  return DistArray<T>(detail::sorted(a.any(), axis));
}
/// The indices along `axis` that sort `a`. Throws AxisError.
template <Element T>
[[nodiscard]] DistArray<std::int64_t> argsort(const DistArray<T>& a, int axis = -1) {
  return DistArray<std::int64_t>(detail::argsorted(a.any(), axis));
}
/// The indices along the last axis that sort by the last key, equal ones by the key before it, and so on.
/// Throws ValueError if the keys have different shapes.
template <Element... T>
[[nodiscard]] DistArray<std::int64_t> lexsort(const DistArray<T>&... keys) {
  const detail::AnyArray all[] = {keys.any()...};
  return DistArray<std::int64_t>(detail::lexsorted(all, -1));
}

/// How many elements of `sorted`, one row in ascending order, come before each value, or with `right` not after it.
template <Element T>
[[nodiscard]] DistArray<std::int64_t> searchsorted(const DistArray<T>& sorted, const DistArray<T>& values,
                                                   bool right = false) {
  return DistArray<std::int64_t>(detail::searched(sorted.any(), values.any(), right));
}
/// Whether each element of `a` is among `others`, or with `invert` is not.
template <Element T>
[[nodiscard]] DistArray<bool> isin(const DistArray<T>& a, const DistArray<T>& others, bool invert = false) {
  return DistArray<bool>(detail::contained(a.any(), others.any(), invert));
}

/// The distinct elements in order; all that are not a number count as one.
template <Element T>
[[nodiscard]] DistArray<T> unique(const DistArray<T>& a) {
  return DistArray<T>(detail::distinct(a.any(), false, false, false)[0]);
}
/// And how often each occurs.
template <Element T>
[[nodiscard]] std::pair<DistArray<T>, DistArray<std::int64_t>> unique_counts(const DistArray<T>& a) {
  const std::vector<detail::AnyArray> parts = detail::distinct(a.any(), false, false, true);
  return {DistArray<T>(parts[0]), DistArray<std::int64_t>(parts[1])};
}
/// And for each element of `a`, in C order, which of them it is.
template <Element T>
[[nodiscard]] std::pair<DistArray<T>, DistArray<std::int64_t>> unique_inverse(const DistArray<T>& a) {
  const std::vector<detail::AnyArray> parts = detail::distinct(a.any(), false, true, false);
  return {DistArray<T>(parts[0]), DistArray<std::int64_t>(parts[1])};
}

/// The element in the middle of all, or the mean of the two there; not a number if any is none.
/// Throws ValueError for an array without elements.
template <Element T>
[[nodiscard]] detail::Quotient<T> median(const DistArray<T>& a) {
  static_assert(!std::is_same_v<T, bool>, "the median of truths has no type");
  using Result = detail::Quotient<T>;
  const DistArray<T> found(detail::middle_elements(a.any()));
  const T low = found.at(0), high = found.at(1), greatest = found.at(2);
  if (greatest != greatest) return static_cast<Result>(greatest);
  return (static_cast<Result>(low) + static_cast<Result>(high)) / Result{2};
}

/// How often 0, 1, ... occur, up to the greatest element or `minlength` - 1. Throws ValueError for negative elements.
template <std::integral T>
[[nodiscard]] DistArray<std::int64_t> bincount(const DistArray<T>& a, std::int64_t minlength = 0) {
  return DistArray<std::int64_t>(detail::counted(a.any(), nullptr, minlength));
}
/// The sums of the weights of 0, 1, ...; they are of the length of `a`.
template <std::integral T>
[[nodiscard]] DistArray<double> bincount(const DistArray<T>& a, const DistArray<double>& weights,
                                         std::int64_t minlength = 0) {
  return DistArray<double>(detail::counted(a.any(), &weights.any(), minlength));
}
/// How many elements are in each bin [edges[i], edges[i + 1]), the last with its upper edge; edges ascend.
/// Throws ValueError for fewer than two edges.
template <Element T>
[[nodiscard]] DistArray<std::int64_t> histogram(const DistArray<T>& a, const DistArray<T>& edges) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int64_t>,
                "histogram takes float, double and std::int64_t: use astype");
  return DistArray<std::int64_t>(detail::binned(a.any(), edges.any()));
}

/// The piecewise linear function through the points (xp, fp), xp ascending, at each element of `x`; outside of them the
/// value of the nearest point. Throws ValueError if there are no points or xp and fp differ in length.
[[nodiscard]] DistArray<double> interp(const DistArray<double>& x, const DistArray<double>& xp,
                                       const DistArray<double>& fp);

/// The convolution of two vectors, all overlaps of them: as many elements as both together, less one.
/// Throws ValueError if one has no elements.
template <Element T>
[[nodiscard]] DistArray<T> convolve(const DistArray<T>& a, const DistArray<T>& v) {
  static_assert(std::is_floating_point_v<T> || std::is_same_v<T, std::int64_t>,
                "convolve takes floating point numbers and std::int64_t: use astype");
  return DistArray<T>(detail::convolved(a.any(), v.any()));
}

}  // namespace distob

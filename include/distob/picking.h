// Elements of arrays picked by arrays of indices and by masks, as NumPy's advanced indexing does it.
//
//   auto big = distob::pick(a, a > 0.5);                       // a[a > 0.5]
//   auto rows = distob::pick(a, order, distob::from(1));       // a[order, 1:]
//   distob::assign_at(a, 0.0, distob::all, columns);           // a[:, columns] = 0
//
// Index arrays are broadcast together; their axes come where they stand if they stand side by side, else first. Everything
// here is done when it returns. Throws IndexError, with NumPy's words, before anything is written.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "distob/array.h"
#include "distob/index.h"

namespace distob {

/// A part of an index with arrays in it: what a basic index may have, an array of integers, or a mask.
class Pick {
 public:
  template <std::integral I>
  Pick(I i)
      : basic_(static_cast<std::int64_t>(i)) {}  // NOLINT(google-explicit-constructor): parts are written as they are
  Pick(Slice slice) : basic_(slice) {}           // NOLINT(google-explicit-constructor)
  Pick(NewAxis axis) : basic_(axis) {}           // NOLINT(google-explicit-constructor)
  Pick(Ellipsis axes) : basic_(axes) {}          // NOLINT(google-explicit-constructor)
  template <std::integral I>
  Pick(const DistArray<I>& indices) : array_(indices.any()) {}  // NOLINT(google-explicit-constructor)

  /// The array; one that names nothing for a basic part.
  [[nodiscard]] const detail::AnyArray& array() const { return array_; }
  [[nodiscard]] const Index& basic() const { return basic_; }

 private:
  Index basic_;
  detail::AnyArray array_;
};

namespace detail {
AnyArray picked(const AnyArray& a, std::span<const Pick> index);
void assign_picked(const AnyArray& a, std::span<const Pick> index, const Argument& value);
void add_picked(const AnyArray& a, std::span<const Pick> index, const Argument& value);
AnyArray taken(const AnyArray& a, const AnyArray& indices, int axis);
std::vector<AnyArray> nonzero(const AnyArray& a);
AnyArray diagonal(const AnyArray& a, std::int64_t offset, int axis1, int axis2);
}  // namespace detail

/// a[index...], a new array.
template <class T, class... I>
[[nodiscard]] DistArray<T> pick(const DistArray<T>& a, const I&... index) {
  const Pick parts[] = {Pick(index)...};
  return DistArray<T>(detail::picked(a.any(), parts));
}

/// a[index...] = value, broadcast; of indices named twice the last value stays. Throws ValueError if it does not fit.
template <class T, class... I>
void assign_at(const DistArray<T>& a, const typename DistArray<T>::Operand& value, const I&... index) {
  const Pick parts[] = {Pick(index)...};
  detail::assign_picked(a.any(), parts, value);
}

/// a[index...] += value, where indices named twice count twice, in their order.
template <class T, class... I>
requires(!std::is_same_v<T, bool>) void add_at(const DistArray<T>& a, const typename DistArray<T>::Operand& value,
                                               const I&... index) {
  const Pick parts[] = {Pick(index)...};
  detail::add_picked(a.any(), parts, value);
}

/// The elements along `axis` with these indices, whose shape stands in place of the axis.
template <class T, std::integral I>
[[nodiscard]] DistArray<T> take(const DistArray<T>& a, const DistArray<I>& indices, int axis = 0) {
  return DistArray<T>(detail::taken(a.any(), indices.any(), axis));
}

/// The indices of elements that are not zero, a vector for each axis. Throws ValueError for an array without axes.
template <class T>
[[nodiscard]] std::vector<DistArray<std::int64_t>> nonzero(const DistArray<T>& a) {
  std::vector<DistArray<std::int64_t>> result;
  for (detail::AnyArray& positions : detail::nonzero(a.any())) result.emplace_back(std::move(positions));
  return result;
}

/// The diagonals of two axes as a view, the last axis of the result.
template <class T>
[[nodiscard]] DistArray<T> diagonal(const DistArray<T>& a, std::int64_t offset = 0, int axis1 = 0, int axis2 = 1) {
  return DistArray<T>(detail::diagonal(a.any(), offset, axis1, axis2));
}

}  // namespace distob

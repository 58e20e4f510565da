// Linear algebra on distributed arrays, on all cores.
//
//   auto a = distob::random::uniform<double>({2000, 500}, 1);
//   auto gram = distob::matmul(a.transpose(), a);            // transposed operands are read where they lie
//   double t = distob::trace(gram);
//
// Sums of floating point are taken in an order that depends on shape and layout alone: the same bits on any number of
// threads. Integers wrap around.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "distob/array.h"
#include "distob/picking.h"

namespace distob {

/// Matrices in the last two axes, the axes before them broadcast; a vector on the left is a row, on the right a column, and
/// loses that axis in the result. Throws ValueError if the extents summed over differ, or for an array without axes.
template <Element T>
[[nodiscard]] DistArray<T> matmul(const DistArray<T>& a, const DistArray<T>& b) {
  return DistArray<T>(detail::product("matmul", a.any(), b.any(), kind_of<T>));
}
/// Sums of conj(a) * b over the last axis; the axes before it broadcast. Throws ValueError if its extents differ.
template <Element T>
[[nodiscard]] DistArray<T> vecdot(const DistArray<T>& a, const DistArray<T>& b) {
  return DistArray<T>(detail::product("vecdot", a.any(), b.any(), kind_of<T>));
}
/// The sum of the products of two vectors. Waits for it. Throws ValueError if they are no vectors of one length.
template <Element T>
[[nodiscard]] T dot(const DistArray<T>& a, const DistArray<T>& b) {
  return matmul(a, b).item();
}
/// Sums of products over axes of `a` and as many of `b`; what is left of `a`, then of `b`, are the axes of the result.
/// Throws ValueError if extents differ.
template <Element T>
[[nodiscard]] DistArray<T> tensordot(const DistArray<T>& a, const DistArray<T>& b, const std::vector<int>& a_axes,
                                     const std::vector<int>& b_axes) {
  return DistArray<T>(detail::tensordot(a.any(), b.any(), a_axes, b_axes, kind_of<T>));
}
/// Einstein's summation of one or two arrays: einsum("bij,bjk->bik", {a, b}). Letters that the result lacks are summed over.
/// Throws ValueError for subscripts that do not fit.
template <Element T>
[[nodiscard]] DistArray<T> einsum(std::string_view subscripts, std::initializer_list<DistArray<T>> operands) {
  std::vector<detail::AnyArray> any;
  for (const DistArray<T>& operand : operands) any.push_back(operand.any());
  return DistArray<T>(detail::einsum(subscripts, any, kind_of<T>));
}
/// The sum of the main diagonal of a matrix. Waits for it.
template <Element T>
[[nodiscard]] T trace(const DistArray<T>& a) {
  return static_cast<T>(sum(diagonal(a)));
}

/// Ones where the second index is `offset` more than the first, else zeros.
template <Element T>
[[nodiscard]] DistArray<T> eye(std::int64_t rows, std::int64_t columns, int offset = 0) {
  return DistArray<T>(detail::eye(rows, columns, offset, kind_of<T>));
}
template <Element T>
[[nodiscard]] DistArray<T> eye(std::int64_t n) {
  return eye<T>(n, n);
}
/// `count` numbers from `start` to `stop`, both included, evenly spaced.
template <std::floating_point T>
[[nodiscard]] DistArray<T> linspace(T start, T stop, std::int64_t count) {
  return DistArray<T>(detail::linspace(static_cast<double>(start), static_cast<double>(stop), count, kind_of<T>));
}

}  // namespace distob

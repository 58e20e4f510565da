// Where values stand among sorted ones. One dimension, one thread; elements stand
// contiguous, aligned and native.
#pragma once

#include <cstddef>
#include <cstdint>

#include "distob/dtype.h"

namespace distob::kernels {

/// For each of `n` values, how many of the `count` sorted elements come before it, or with `right` do not come after it:
/// numpy.searchsorted. `order`, if not null: the elements stand in `sorted` at these indices, each in [0, count).
using SortedSearch = void (*)(const char* sorted, std::ptrdiff_t count, const std::int64_t* order, const char* values,
                              std::ptrdiff_t n, bool right, std::int64_t* out);
/// The search among elements of `kind`; `times` as in kernels/sort.h.
[[nodiscard]] SortedSearch search_of(Kind kind, bool times = false);

/// Whether each of `n` values equals one of the sorted elements, or with `invert` none.
using Contains = void (*)(const char* sorted, std::ptrdiff_t count, const char* values, std::ptrdiff_t n, bool invert,
                          bool* out);
[[nodiscard]] Contains contains_of(Kind kind, bool times = false);

/// A piecewise linear function through points (x[i], y[i]), x ascending; `left` below and `right` above them.
struct Interpolation {
  const double* x = nullptr;
  const double* y = nullptr;
  std::ptrdiff_t count = 0;
  double left = 0;
  double right = 0;
  /// NumPy multiplies by the inverse of the distance where it interpolates complex numbers, and divides elsewhere.
  bool by_inverse = false;
};
/// numpy.interp, bit by bit.
void interpolate(const Interpolation& f, const double* at, std::ptrdiff_t n, double* out);

}  // namespace distob::kernels

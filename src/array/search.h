// Looking values up among others. All functions wait for the arrays they read and return when the result is there.
#pragma once

#include "array/array.h"

namespace distob::array {

struct SearchOptions {
  bool right = false;             ///< behind equal elements, not before them
  const Array* sorter = nullptr;  ///< int64 indices that sort the elements
  bool times = false;             ///< as in array/sort.h
};

/// For each value the index (int64) at which it would have to stand among the sorted ones, one line. Both have one dtype.
/// Throws ValueError for a sorter that is no permutation's length or has indices out of bounds.
[[nodiscard]] Array searchsorted(const Array& sorted, const Array& values, const SearchOptions& options = {});

/// Whether each element of `a` is among `others` (bool), or with `invert` is not. Both have one dtype; what is not a
/// number equals nothing.
[[nodiscard]] Array isin(const Array& a, const Array& others, bool invert = false, bool times = false);

/// The piecewise linear function through (xp, fp), float64 and of one length above 0, at each element of `x`; `left` below
/// xp[0], `right` above the last. The bits are NumPy's: of a real function, or of a `part` of a complex one.
[[nodiscard]] Array interp(const Array& x, const Array& xp, const Array& fp, double left, double right,
                           bool part = false);

}  // namespace distob::array

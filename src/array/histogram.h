// Counting elements. All functions wait for the arrays they read and return when the result is there; results do not
// depend on threads.
#pragma once

#include "array/array.h"

namespace distob::array {

/// How often each of 0, 1, ... up to the greatest element, or `minlength` - 1, stands in `a`, integers along one axis:
/// int64, or with `weights` (float64, of the same length) the sum of the weights, float64.
/// Throws ValueError for negative elements and for weights of another length.
[[nodiscard]] Array bincount(const Array& a, const Array* weights, std::int64_t minlength);

/// How many elements of `a` are in each bin between ascending `edges`, one line of more than one, of Float32, Float64 or
/// Int64; elements are cast to that. Bin i is [edges[i], edges[i + 1]), the last one with its upper edge.
struct HistogramOptions {
  /// Not nullptr: the bins have one width, and this is the distance of the outer edges as NumPy subtracts them (a value of
  /// the edges' kind). Elements on a bin's edge are assigned as NumPy does it.
  const Scalar* range = nullptr;
  /// Float64, of the shape of `a`: the sums of the weights (float64) in place of counts (int64).
  const Array* weights = nullptr;
};
[[nodiscard]] Array histogram(const Array& a, const Array& edges, const HistogramOptions& options = {});

}  // namespace distob::array

// Means and variances: sums, divided as NumPy divides them.
#pragma once

#include <optional>
#include <span>

#include "array/array.h"

namespace distob::array {

/// Where the float flags of one stage of a computation go; as in ApplyOptions.
struct Stage {
  Site site = 0;
  unsigned* flags = nullptr;
};

struct MeanOptions {
  std::optional<std::span<const int>> axes{};  ///< none: all axes; negative ones count from the end
  bool keepdims = false;
  const Operand* where = nullptr;  ///< a boolean operand that broadcasts to the array: which elements count
  Kind kind = Kind::Float64;       ///< what is added up, and what the result is
  Stage sum, distance, square, quotient;
};

struct VarianceOptions : MeanOptions {
  Kind distance_kind = Kind::Float64;  ///< of the distances from the mean
  double ddof = 0;                     ///< what is subtracted from the number of elements before it divides
  Stage mean_quotient;                 ///< where the mean is divided
  const Array* mean = nullptr;         ///< the mean, if it is known: with the reduced axes kept
  Kind mean_kind = Kind::Float64;      ///< of the mean, if it is not
};

/// The sum over axes divided by the number of elements that count; by double where that is more precise than the kind.
/// Throws as reduce.
[[nodiscard]] Array mean(const Array& a, const MeanOptions& options);

/// The sum of squared distances from the mean over the number of elements that count less `ddof`, but not less than zero.
/// Of complex numbers the squared magnitude of the distance; `kind` is real then. Two passes over the elements: the
/// distances are never stored.
[[nodiscard]] Array variance(const Array& a, const VarianceOptions& options);

/// How many elements are not zero, as int64; times and other opaque types are refused (TypeError).
[[nodiscard]] Array count_nonzero(const Array& a, std::optional<std::span<const int>> axes, bool keepdims);

}  // namespace distob::array

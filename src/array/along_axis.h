// Work in the order of an axis: running totals, reductions that must not be reordered, parts of an axis, and where the
// greatest element is.
//
// All of it runs before the call returns, on all threads where there is enough of it. How an array is cut among them is a
// function of its shape alone, so the bits do not depend on their number. Operands that are not contiguous are copied.
#pragma once

#include <optional>
#include <span>

#include "array/array.h"

namespace distob::array {

/// How an element follows from the one before it and the next of the operand.
struct Step {
  kernels::Kernel kernel{};                        ///< (kind, kind) -> kind
  const kernels::Scan* scan = nullptr;             ///< the same for many elements, if there is such a loop
  const kernels::Reduction* reduction = nullptr;   ///< what it reduces to in any order, if order does not matter
  std::optional<kernels::ReduceOp> associative{};  ///< which reduction that is

  /// Of a native operation. Throws TypeError if it has no loop that takes two of `kind` and gives one.
  [[nodiscard]] static Step of(kernels::Op op, Kind kind);
  [[nodiscard]] Kind kind() const { return kernel.kinds[0]; }
};

struct AxisOptions {
  Site site = 0;
  unsigned* flags = nullptr;  ///< as in ApplyOptions
};

/// result[i] = result[i - 1] (step) a[i] along `axis`, result[0] = a[0]; elements are cast to the kind of the step first.
///
/// Strictly in order, as NumPy computes it, but for sums of real and complex numbers (not half precision) along a last axis
/// of more than 8 * kLeaf elements: there each kLeaf elements continue from the sum of all leaves before them, each of
/// which was summed pairwise. That is closer to the exact sum than NumPy's, by no more than NumPy's own error bound
/// n * epsilon * sum(|a|); from a leaf whose sum is not finite on, it is in order again.
/// Throws AxisError for a bad axis.
[[nodiscard]] Array accumulate(const Step& step, const Array& a, int axis, const AxisOptions& options = {});

struct FoldOptions : AxisOptions {
  std::optional<std::span<const int>> axes{};  ///< none: all axes; negative ones count from the end
  bool keepdims = false;
  std::optional<Scalar> initial{};  ///< where to begin; none: with the first element
  const Operand* where = nullptr;   ///< a boolean operand: elements where it is false are passed over
};

/// ((initial (step) a[0]) (step) a[1]) ... over axes in C order: reductions whose order matters.
/// Throws AxisError for a bad axis, ValueError for one named twice, for a mask without `initial`, and for a reduction of
/// nothing without one; `name` is what the errors call it.
[[nodiscard]] Array fold(const Step& step, const Array& a, std::string_view name, const FoldOptions& options);

/// For each index i but the last a[indices[i] : indices[i + 1]] reduced along `axis`, or a[indices[i]] itself if the next
/// is not greater; the last part goes to the end. Throws AxisError, and IndexError for an index outside of the axis.
[[nodiscard]] Array reduce_parts(const Step& step, const Array& a, std::span<const std::int64_t> indices, int axis,
                                 std::string_view name, const AxisOptions& options = {});

/// Positions (int64) of the greatest or least elements along `axis`, or in C order of all elements without one: the first of
/// equal ones, and the first that is not a number if there is one. `times`: elements are dates or durations, 8 bytes each.
/// Throws AxisError, ValueError where there is no element, TypeError for other opaque types.
[[nodiscard]] Array arg_extreme(bool greatest, const Array& a, std::optional<int> axis, bool keepdims,
                                bool times = false);

}  // namespace distob::array

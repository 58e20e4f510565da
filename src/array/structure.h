// The same elements under other axes, other types and in other orders of memory.
//
// What NumPy gives as a view is a view here, whatever the partition and however many pieces the array has; what moves
// elements says so. Blocks of a view keep the slots of the elements they show.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "array/array.h"

namespace distob::array {

// --- Other axes: views ------------------------------------------------------------------------------------------------

/// Without the axes of one element; or without `axes`. Throws AxisError, ValueError for a longer axis or one named twice.
[[nodiscard]] Array squeeze(const Array& a, std::optional<std::span<const int>> axes = {});
/// With new axes at the positions `axes` of the result. Throws AxisError, ValueError for a position named twice.
[[nodiscard]] Array expand_dims(const Array& a, std::span<const int> axes);
/// With two axes exchanged. Throws AxisError.
[[nodiscard]] Array swapaxes(const Array& a, int one, int other);
/// With axes `sources` at the positions `targets`, the others in their order. Throws AxisError, ValueError.
[[nodiscard]] Array moveaxis(const Array& a, std::span<const int> sources, std::span<const int> targets);
/// With the elements along all axes, or `axes`, in reverse. Throws AxisError, ValueError for an axis named twice.
[[nodiscard]] Array flip(const Array& a, std::optional<std::span<const int>> axes = {});
/// Turned `times` quarters in the plane of two axes, from `first` towards `second`. Throws AxisError, ValueError.
[[nodiscard]] Array rot90(const Array& a, int times = 1, int first = 0, int second = 1);
/// Consecutive parts along `axis`: [0, cuts[0]), [cuts[0], cuts[1]) ... to the end; cuts are read as slices read theirs.
[[nodiscard]] std::vector<Array> split(const Array& a, std::span<const std::int64_t> cuts, int axis);

// --- Other types: views -----------------------------------------------------------------------------------------------

/// The bytes of each element from `offset` on as `dtype`; with `inner`, as an array of that shape, whose axes come last.
/// Throws ValueError where they do not lie inside the element.
[[nodiscard]] Array field(const Array& a, DType dtype, std::int64_t offset, const Shape& inner = {});
/// The real and the imaginary parts of complex elements. Throws TypeError for others.
[[nodiscard]] Array real(const Array& a);
[[nodiscard]] Array imag(const Array& a);
/// The same bytes as elements of `dtype`. Of another size it is the last axis that gets longer or shorter; throws
/// ValueError, with NumPy's words, where that axis is not contiguous or does not divide.
[[nodiscard]] Array reinterpret(const Array& a, DType dtype);

// --- Other orders of memory -------------------------------------------------------------------------------------------

/// How elements follow each other: the last axis fastest, the first axis fastest, Fortran's order if the array has it and
/// C's otherwise, as the array has it.
enum class Order : std::uint8_t { c, fortran, any, keep };

/// The axes of `a` from slowest to fastest in that order.
[[nodiscard]] Dims axes_in(const Array& a, Order order);
/// Strides of a copy without gaps that keeps the order of `a`.
[[nodiscard]] Strides kept_strides(const Array& a);
/// A new array like empty(), with its memory in that order of `like`, which has as many axes (or C order if not).
[[nodiscard]] Array empty_like(const Array& like, const Shape& shape, DType dtype, Order order);
/// A new array of another dtype, cast as by casting="unsafe", its memory in that order.
[[nodiscard]] Array astype(const Array& a, DType dtype, Order order, Site site = 0);
[[nodiscard]] Array copy(const Array& a, Order order);
/// The elements along one axis, read in that order: a view where NumPy gives one.
[[nodiscard]] Array ravel(const Array& a, Order order);
/// The same, always a copy.
[[nodiscard]] Array flatten(const Array& a, Order order);
/// The elements, read and placed in that order, under another shape: a view where NumPy gives one. Throws ValueError
/// where the number of elements differs, and for Order::keep.
[[nodiscard]] Array reshape(const Array& a, const Shape& shape, Order order);
/// The view that reshape gives, or an empty handle where elements have to move.
[[nodiscard]] Array reshape_view(const Array& a, const Shape& shape, Order order);

// --- New arrays -------------------------------------------------------------------------------------------------------

/// The elements moved by `shifts[i]` places along `axes[i]`, those that leave at one end coming back at the other.
[[nodiscard]] Array roll(const Array& a, std::span<const std::int64_t> shifts, std::span<const int> axes);
/// Every element `times` times, side by side along `axis`. Throws ValueError for a negative number.
[[nodiscard]] Array repeat(const Array& a, std::int64_t times, int axis);
/// The whole array `times[i]` times along axis i; missing leading axes on either side are of length one.
[[nodiscard]] Array tile(const Array& a, std::span<const std::int64_t> times);

}  // namespace distob::array

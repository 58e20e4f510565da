// Indexing by arrays, as NumPy does it: a[index] and a[index] = value with integer arrays and masks among the parts.
//
// All of it is done when the call returns: results have a shape that depends on data, and an index outside of its axis is
// an error at its line, before anything is written. Reads and writes take their place in the sequence like other work.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "array/array.h"
#include "array/masks.h"
#include "array/picks.h"

namespace distob::array {

/// What may stand between brackets; an operand is an array of integers or booleans (0-d integers: pass the number).
using IndexPart = std::variant<std::int64_t, Slice, NewAxis, Ellipsis, Operand>;

/// a[index], a new array. Of several arrays the shapes broadcast; their axes come where the arrays stand if they stand side
/// by side, else first. Memory order is NumPy's. Throws IndexError with NumPy's words.
[[nodiscard]] Array read_at(const Array& a, std::span<const IndexPart> index);
/// a[index] = value, broadcast and cast; of indices named twice the last value stays. `site`: for flags of the cast.
/// Throws IndexError, and ValueError where the value does not fit.
void assign_at(const Array& a, std::span<const IndexPart> index, const Operand& value, Site site = 0);

/// Throws what the shapes and integers of an index are to blame for, without a look at its arrays' elements.
void check_index(const Array& a, std::span<const IndexPart> index);

/// a[mask] for a mask of the shape of `a`: the elements where it is true, in C order.
[[nodiscard]] Array read_masked(const Array& a, const Operand& mask);
/// a[mask] = value: one value, or a vector of as many as are true. Throws ValueError or TypeError with NumPy's words.
void assign_masked(const Array& a, const Operand& mask, const Operand& value, Site site = 0);
/// The same with any number of values, at least one, which are taken over and over in `order`: np.place, np.putmask.
void fill_masked(const Array& a, const Operand& mask, const Operand& values, ValueOrder order, Site site = 0);

/// ufunc.at: a[index] = kernel(a[index], value) as if one position after the other, so that of equal indices all count. The
/// kernel gives the kind that it takes first; elements are cast to it and back, and `value` (null for one operand) to what
/// it takes. `a` has a native dtype. The float flags go to `flags` if given, else to `site`. Throws IndexError, ValueError before anything is written.
void apply_at(kernels::Op op, const kernels::Kernel& kernel, const Array& a, std::span<const IndexPart> index,
              const Operand* value, Site site = 0, unsigned* flags = nullptr);

/// The indices of elements that are not zero, an Int64 vector for each axis. Throws ValueError for an array without axes.
[[nodiscard]] std::vector<Array> nonzero(const Array& a);

/// np.take along an axis: a shape with the index's shape in place of the axis, in C order. Throws IndexError.
[[nodiscard]] Array take(const Array& a, const Operand& indices, int axis, OutOfRange mode = OutOfRange::raise);
/// np.put: a.flat[indices] = values, the values over and over. Throws IndexError.
void put(const Array& a, const Operand& indices, const Operand& values, OutOfRange mode = OutOfRange::raise,
         Site site = 0);

/// np.choose: each element from the array among `choices` (of one dtype) that its index names, all broadcast together.
/// Throws ValueError for an index that names none, and without choices.
[[nodiscard]] Array choose(const Array& indices, std::span<const Array> choices, OutOfRange mode = OutOfRange::raise);

/// The view of the diagonals of two axes, which becomes the last axis. Throws ValueError or AxisError with NumPy's words.
[[nodiscard]] Array diagonal(const Array& a, std::int64_t offset = 0, int axis1 = 0, int axis2 = 1);

}  // namespace distob::array

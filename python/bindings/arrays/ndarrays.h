// NumPy's view of array memory: snapshots, accesses, and foreign operands.
#pragma once

#include "array/array.h"
#include "arrays/handle.h"
#include "arrays/numpy_api.h"
#include "arrays/reference.h"

namespace distob::python {

/// The elements of an ndarray as an operand of array calls; valid while the ndarray lives.
/// Throws TypeError if they are references.
[[nodiscard]] array::Foreign foreign_of(PyArrayObject* ndarray);

/// A read-only ndarray on the elements of `a` as they are now: np.asarray(d). Gives up Python's lock while it waits.
[[nodiscard]] Reference snapshot_ndarray(const array::Array& a);

/// A writable ndarray on the elements of `a` themselves. Others' work on them waits until it is gone.
[[nodiscard]] Reference access_ndarray(const array::Array& a);

/// A new writable ndarray with a copy of `a` in the order it has in memory, made by all threads.
[[nodiscard]] Reference gathered_ndarray(const array::Array& a);

/// The NumPy scalar of an array of one element.
[[nodiscard]] Reference item_scalar(const array::Array& a);
/// The NumPy scalar of the element that an index of integers names, one for each axis.
[[nodiscard]] Reference element_scalar(const array::Array& a, std::span<const Index> index);

/// A new array with a copy of an ndarray's elements.
[[nodiscard]] array::Array array_from_ndarray(PyArrayObject* ndarray);

}  // namespace distob::python

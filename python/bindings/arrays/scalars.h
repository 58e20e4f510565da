// Python and NumPy scalars as the bytes of one element, and back.
#pragma once

#include "arrays/numpy_api.h"
#include "arrays/reference.h"
#include "distob/dtype.h"

namespace distob::python {

/// Converts `object` (a Python number, a NumPy scalar, a 0-d array) to an element of `kind`, stored at `bytes` (aligned).
/// Throws nanobind::python_error with NumPy's own error where NumPy refuses: an integer out of bounds, a complex for a real.
void scalar_bytes(PyObject* object, Kind kind, char* bytes);

/// The NumPy scalar of the element at `data` (aligned or not).
[[nodiscard]] Reference numpy_scalar(const char* data, const DType& dtype);

}  // namespace distob::python

// What ufuncs are called on: Python objects as promotion and the array machine see them.
#pragma once

#include <optional>
#include <span>

#include "array/array.h"
#include "arrays/handle.h"
#include "arrays/promotion.h"

namespace distob::python {

/// One operand. Refers to the object it was made from, which must outlive it.
struct Input {
  PyObject* object = nullptr;  ///< borrowed
  Reference converted;         ///< owns `object` if it had to be made: a list as an ndarray
  bool native = false;         ///< of a type kernels know
  OperandType type = 0;        ///< if native
  array::Scalar scalar{};      ///< what an operand of an array call refers to, if it is no array
  std::optional<array::Foreign> foreign{};
};

/// Sorts an operand; things NumPy would make an array of become ndarrays. Throws nanobind::python_error.
[[nodiscard]] Input input_of(PyObject* object);
/// The operand for a loop that takes `kind`; refers to `input`. Throws nanobind::python_error with NumPy's OverflowError
/// for a Python integer that does not fit.
[[nodiscard]] array::Operand operand_of(Input& input, Kind kind);
/// What stands for an operand in ufunc.resolve_dtypes.
[[nodiscard]] Reference token_of(const Input& input);

[[nodiscard]] Shape shape_of(PyObject* object);
[[nodiscard]] std::int64_t elements_of(PyObject* object);

/// The class of results: DistArray, unless every array among the objects is a RemoteArray.
[[nodiscard]] PyTypeObject* face_of(std::span<PyObject* const> objects);

/// An object of the caller's as an array of ours: itself, or a copy of what NumPy makes of it, as `descriptor` (borrowed)
/// if given, cast as NumPy's safe casting allows.
[[nodiscard]] array::Array array_from(PyObject* object, PyArray_Descr* descriptor = nullptr);

/// `where=` as NumPy takes it: anything that is safely cast to bool. Throws nanobind::python_error otherwise.
[[nodiscard]] array::Array mask_from(PyObject* object);

}  // namespace distob::python

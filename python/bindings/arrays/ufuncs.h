// Every call of a ufunc that has an array among its operands: natively where a kernel exists, else by NumPy on the
// elements themselves.
#pragma once

#include <span>

#include "arrays/handle.h"
#include "kernels/kernel.h"

namespace distob::python {

/// `op` of one or two operands, at least one of them an array; the slots of the number protocol end here.
/// Returns Py_NotImplemented for an operand that wants to handle the operation itself.
[[nodiscard]] Reference call_operator(kernels::Op op, std::span<PyObject* const> inputs);

/// `op` with its result written into `target` (an array): `target += other`. Returns a reference to `target`.
[[nodiscard]] Reference call_in_place(kernels::Op op, PyObject* target, PyObject* other);

/// ufunc(*inputs, **kwargs) with out=, where=, dtype= and so on. `kwargs` may be null.
[[nodiscard]] Reference call_ufunc(PyObject* ufunc, std::span<PyObject* const> inputs, PyObject* kwargs);

/// NEP 13: __array_ufunc__(self, ufunc, method, *inputs, **kwargs).
PyObject* array_ufunc(PyObject* self, PyObject* args, PyObject* kwargs);

}  // namespace distob::python

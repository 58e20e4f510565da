// Ufuncs that have no loop here: NumPy runs them in the calling thread, on the elements themselves.
#pragma once

#include <span>

#include "arrays/keywords.h"
#include "arrays/operands.h"

namespace distob::python {

/// ufunc(*inputs) by NumPy, reading snapshots and writing into the elements of the results. Says so once for each ufunc
/// (distob.PerformanceWarning).
[[nodiscard]] Reference call_by_numpy(PyObject* ufunc, std::span<const Input> inputs, const Keywords& keywords,
                                      PyTypeObject* face);

}  // namespace distob::python

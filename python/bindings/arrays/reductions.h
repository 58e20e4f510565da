// Reductions, running totals and the like: ufunc methods and the methods of arrays that NumPy makes of them.
#pragma once

#include <nanobind/nanobind.h>

#include <span>

#include "arrays/numpy_api.h"

namespace distob::python {

/// Methods of the array type: sum, prod, min, max, any, all.
[[nodiscard]] std::span<const PyMethodDef> reduction_methods();

/// Adds what distob._reductions calls to the module. Where native code has no loop for the operands these functions return
/// NotImplemented.
void register_reductions(nanobind::module_& module);

}  // namespace distob::python

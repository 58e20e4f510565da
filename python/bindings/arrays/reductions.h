// Reductions: sum prod min max any all.
#pragma once

#include <span>

#include "arrays/handle.h"

namespace distob::python {

/// The methods sum, prod, min, max, any and all for the type's table; ends with the last of them.
[[nodiscard]] std::span<const PyMethodDef> reduction_methods();

/// reduce(a, name, axes, dtype, keepdims, initial, where, out): what distob._reductions asks for when the arguments are not
/// the plain ones. `axes` a tuple or None. Returns NotImplemented if there is no native reduction of that dtype.
PyObject* reduce_with_options(PyObject* module, PyObject* args);

}  // namespace distob::python

#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

/// Adds the array types and functions to the extension module. Called once, when it is imported.
void register_arrays(nanobind::module_& module);

}  // namespace distob::python

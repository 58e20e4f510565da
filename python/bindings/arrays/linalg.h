#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

/// Products of matrices, for the module. What takes a dtype computes in it.
void register_linalg(nanobind::module_& module);

}  // namespace distob::python

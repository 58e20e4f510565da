// The same elements under other axes, types and orders of memory, for Python.
#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

void register_structure(nanobind::module_& m);

}  // namespace distob::python

// Elements of arrays in memory of Python's: bytes, and ndarrays that others made.
#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

void register_exchange(nanobind::module_& m);

}  // namespace distob::python

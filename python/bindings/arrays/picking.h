// Functions that pick elements: take, put, nonzero and their like.
#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

void register_picking(nanobind::module_& m);

}  // namespace distob::python

#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

/// Random arrays, for the module: streams are given by three words of key and the number of the use.
void register_random(nanobind::module_& module);

}  // namespace distob::python

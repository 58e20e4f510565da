// Sorting, searching, counting and correlating, as distob._core offers them to distob._functions.
#pragma once

#include <nanobind/nanobind.h>

namespace distob::python {

void register_sorting(nanobind::module_& m);

}  // namespace distob::python

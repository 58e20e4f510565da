// The number protocol of arrays: operators, in-place operators, comparisons, conversions to Python numbers.
#pragma once

#include <vector>

#include "arrays/numpy_api.h"

namespace distob::python {

/// Adds the slots to those of the type being made.
void add_number_slots(std::vector<PyType_Slot>& slots);

}  // namespace distob::python

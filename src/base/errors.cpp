#include "distob/errors.h"

namespace distob {

AxisError::AxisError(int axis, int ndim)
    : ValueError("axis " + std::to_string(axis) + " is out of bounds for array of dimension " + std::to_string(ndim)) {}

}  // namespace distob

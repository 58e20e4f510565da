// ndarrays whose memory becomes an array's.
#pragma once

#include "array/array.h"
#include "arrays/numpy_api.h"

namespace distob::python {

/// An array on the memory of an ndarray, without a copy. Nobody else may write to the ndarray from now on.
[[nodiscard]] array::Array adopt_ndarray(PyArrayObject* ndarray);

}  // namespace distob::python

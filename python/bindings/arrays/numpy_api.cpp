#define DISTOB_NUMPY_API_OWNER
#include "arrays/numpy_api.h"

#include <nanobind/nanobind.h>

namespace distob::python {

void import_numpy() {
  if (PyArray_ImportNumPyAPI() < 0) throw nanobind::python_error();
}

}  // namespace distob::python

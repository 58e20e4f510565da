#include "arrays/adoption.h"

#include <Python.h>

#include "arrays/ndarrays.h"

namespace distob::python {

array::Array adopt_ndarray(PyArrayObject* ndarray) {
  const array::Foreign foreign = foreign_of(ndarray);
  Py_INCREF(ndarray);
  const auto release = [ndarray] {
    if (Py_IsInitialized() == 0) return;  // the process ends: its memory goes with it
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(ndarray);
    PyGILState_Release(state);
  };
  return array::adopt(foreign, release);
}

}  // namespace distob::python

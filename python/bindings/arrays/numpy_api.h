// NumPy's C interface. Include this, never NumPy's headers, so that its table of functions is one for the whole module.
#pragma once

#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL distob_numpy_api
#ifndef DISTOB_NUMPY_API_OWNER
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

namespace distob::python {

/// Fills NumPy's table of functions. Throws nanobind::python_error if NumPy cannot be imported.
void import_numpy();

}  // namespace distob::python

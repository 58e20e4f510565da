// a[index] and a[index] = value.
#pragma once

#include "arrays/handle.h"

namespace distob::python {

/// a[index]. Basic indices (integers, slices, None, ...) give views, or a NumPy scalar where NumPy gives one; others are
/// left to distob._indexing.
PyObject* array_subscript(PyObject* self, PyObject* index);
/// a[index] = value; `value` null: del a[index], which arrays refuse.
int array_assign_subscript(PyObject* self, PyObject* index, PyObject* value);
/// a[i] for the sequence protocol.
PyObject* array_item(PyObject* self, Py_ssize_t i);

/// target[...] = value, cast as NumPy's assignment casts.
void assign_value(PyObject* target, PyObject* value);

}  // namespace distob::python

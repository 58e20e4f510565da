// NumPy's dtypes and distob's: the same types under two names.
#pragma once

#include <optional>

#include "arrays/numpy_api.h"
#include "arrays/reference.h"
#include "distob/dtype.h"

namespace distob::python {

/// The NumPy type number of a native kind.
[[nodiscard]] int type_number(Kind kind);
/// The kind of a NumPy type number, or nothing if native code does not compute with it.
[[nodiscard]] std::optional<Kind> kind_of_number(int type_number);

/// The dtype of a NumPy descriptor. Datetimes, fixed-width strings and records become Kind::Opaque; they are remembered for
/// the life of the process, and equal descriptors get equal dtypes.
/// Throws TypeError for types whose elements are references (object, StringDType): no native memory can hold them.
[[nodiscard]] DType dtype_of(PyArray_Descr* descriptor);

/// The NumPy descriptor of `dtype`: the inverse of dtype_of.
[[nodiscard]] Reference descriptor_of(const DType& dtype);

/// True if elements of `descriptor` are or contain references to Python objects.
[[nodiscard]] bool holds_references(PyArray_Descr* descriptor);

/// True for records whose fields are not all of their bytes, as views of some fields have: writing an element must leave
/// the bytes between alone.
[[nodiscard]] bool has_gaps(const DType& dtype);

/// The descriptor that `object` names, as numpy.dtype(object) does.
[[nodiscard]] Reference descriptor_from(PyObject* object);

}  // namespace distob::python

// What every family of array functions translates: arguments of Python's to arrays, axes and dtypes, and results back.
#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "array/array.h"
#include "arrays/handle.h"
#include "arrays/reference.h"

namespace distob::python {

/// An argument that must be an array of ours. Throws TypeError for others.
[[nodiscard]] PyObject* array_argument(nanobind::handle object);
[[nodiscard]] inline const array::Array& array_in(nanobind::handle object) { return array_of(array_argument(object)); }
/// A sequence of them.
[[nodiscard]] std::vector<array::Array> arrays_argument(nanobind::handle parts);

[[nodiscard]] inline PyTypeObject* face_argument(nanobind::handle face) {
  return reinterpret_cast<PyTypeObject*>(face.ptr());
}
/// Anything that numpy.dtype takes.
[[nodiscard]] DType dtype_argument(nanobind::handle dtype);
/// A sequence of integers.
[[nodiscard]] Dims dims_argument(nanobind::handle sequence);
[[nodiscard]] std::vector<int> axes_argument(nanobind::handle sequence);

[[nodiscard]] inline nanobind::object object_of(Reference reference) { return nanobind::steal(reference.release()); }
[[nodiscard]] inline nanobind::object wrapped(array::Array array, PyTypeObject* face) {
  return object_of(wrap(std::move(array), face));
}
/// A copy of `of`, perhaps with another dtype: of a scalar a scalar.
[[nodiscard]] nanobind::object wrapped_copy(array::Array array, nanobind::handle of);
/// A view of `of`; null `face`: the face of that.
[[nodiscard]] nanobind::object wrapped_view(array::Array array, nanobind::handle of, PyTypeObject* face = nullptr);

}  // namespace distob::python

#include "arrays/scalars.h"

#include <cstring>

#include "arrays/dtypes.h"

namespace distob::python {
namespace {

template <class T>
void store(char* bytes, T value) {
  std::memcpy(bytes, &value, sizeof value);
}

/// The long way: NumPy converts, with all its rules and errors.
void convert_by_numpy(PyObject* object, Kind kind, char* bytes) {
  const Reference descriptor = descriptor_of(DType(kind));
  if (PyArray_Pack(reinterpret_cast<PyArray_Descr*>(descriptor.get()), bytes, object) < 0)
    throw nanobind::python_error();
}

/// A scalar of strings, dates or records. NumPy's records refer to the array they come from; this one refers to a copy,
/// which is read-only: a write is refused, and not lost.
Reference opaque_scalar(const char* data, const Reference& descriptor) {
  auto* type = reinterpret_cast<PyArray_Descr*>(Reference(descriptor).release());
  const Reference copy =
      Reference::take(PyArray_NewFromDescr(&PyArray_Type, type, 0, nullptr, nullptr, nullptr, 0, nullptr));
  auto* element = reinterpret_cast<PyArrayObject*>(copy.get());
  std::memcpy(PyArray_DATA(element), data, static_cast<std::size_t>(PyArray_ITEMSIZE(element)));
  PyArray_CLEARFLAGS(element, NPY_ARRAY_WRITEABLE);
  return Reference::take(PyArray_Scalar(PyArray_DATA(element), PyArray_DESCR(element), copy.get()));
}

}  // namespace

void scalar_bytes(PyObject* object, Kind kind, char* bytes) {
  if (kind == Kind::Float64) {
    if (PyFloat_CheckExact(object)) return store(bytes, PyFloat_AS_DOUBLE(object));
    if (PyLong_CheckExact(object)) {
      const double value = PyLong_AsDouble(object);
      if (value == -1.0 && PyErr_Occurred()) throw nanobind::python_error();
      return store(bytes, value);
    }
  } else if (kind == Kind::Int64 && PyLong_CheckExact(object)) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) return store(bytes, static_cast<std::int64_t>(value));
  }
  convert_by_numpy(object, kind, bytes);
}

Reference numpy_scalar(const char* data, const DType& dtype) {
  const Reference descriptor = descriptor_of(dtype);
  if (dtype.kind == Kind::Opaque) return opaque_scalar(data, descriptor);
  return Reference::take(
      PyArray_Scalar(const_cast<char*>(data), reinterpret_cast<PyArray_Descr*>(descriptor.get()), nullptr));
}

}  // namespace distob::python

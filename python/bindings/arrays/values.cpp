#include "arrays/values.h"

#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/handle.h"
#include "arrays/ndarrays.h"
#include "arrays/scalars.h"

namespace distob::python {
namespace {

void warn_if_imaginary_part_is_lost(const DType& from, const DType& to) {
  if (!is_complex(from.kind) || is_complex(to.kind) || to.kind == Kind::Bool || to.kind == Kind::Opaque) return;
  static PyObject* const warning = [] {
    const Reference home = Reference::take(PyImport_ImportModule("numpy.exceptions"));
    return PyObject_GetAttrString(home.get(), "ComplexWarning");
  }();
  if (PyErr_WarnEx(warning, "Casting complex values to real discards the imaginary part", 1) < 0)
    throw nanobind::python_error();
}

}  // namespace

Value::Value(PyObject* object, const DType& dtype) {
  if (is_array(object)) {
    const DType from = array_of(object).dtype();
    if (from != dtype && (from.kind == Kind::Opaque || dtype.kind == Kind::Opaque)) {
      take_ndarray(snapshot_ndarray(array_of(object)).get(), dtype);
      return;
    }
    warn_if_imaginary_part_is_lost(from, dtype);
    array_ = array_of(object);
    casts_ = from != dtype;
    return;
  }
  if (PyArray_Check(object)) {
    take_ndarray(object, dtype);
    return;
  }
  const bool is_number =
      PyFloat_Check(object) || PyLong_Check(object) || PyComplex_Check(object) || PyArray_IsScalar(object, Number);
  if (is_number && dtype.kind != Kind::Opaque) {
    if (PyArray_IsScalar(object, ComplexFloating)) warn_if_imaginary_part_is_lost(DType(Kind::Complex128), dtype);
    scalar_.kind = dtype.kind;
    scalar_bytes(object, dtype.kind, scalar_.bytes.data());
    return;
  }
  Reference descriptor = descriptor_of(dtype);
  const Reference made = Reference::take(PyArray_FromAny(object, reinterpret_cast<PyArray_Descr*>(descriptor.release()),
                                                         0, 0, NPY_ARRAY_FORCECAST, nullptr));
  take_ndarray(made.get(), dtype);
}

void Value::take_ndarray(PyObject* ndarray, const DType& dtype) {
  owner_ = Reference::copy(ndarray);
  auto* array = reinterpret_cast<PyArrayObject*>(ndarray);
  const bool native = kind_of_number(PyArray_DESCR(array)->type_num) && dtype.kind != Kind::Opaque;
  if (!native) {  // NumPy converts what native code has no cast for: datetimes, strings, objects
    Reference descriptor = descriptor_of(dtype);
    owner_ = Reference::take(PyArray_CastToType(array, reinterpret_cast<PyArray_Descr*>(descriptor.release()), 0));
    array = reinterpret_cast<PyArrayObject*>(owner_.get());
  }
  foreign_ = foreign_of(array);
  warn_if_imaginary_part_is_lost(foreign_->dtype, dtype);
  casts_ = foreign_->dtype != dtype;
}

array::Operand Value::operand() const {
  if (array_) return array_;
  if (foreign_) return *foreign_;
  return scalar_;
}

std::int64_t Value::elements() const {
  if (array_) return array_.size();
  return foreign_ ? element_count(foreign_->shape) : 1;
}

void Value::drop_leading_ones(int rank) {
  while (array_ && array_.ndim() > rank && array_.shape()[0] == 1) {
    const Index first[] = {std::int64_t{0}};
    array_ = array::view(array_, first);
  }
  while (foreign_ && foreign_->shape.rank() > rank && foreign_->shape[0] == 1) {
    foreign_->shape.erase(0);
    foreign_->strides.erase(0);
  }
}

array::Site Value::site() const { return casts_ ? float_handling("cast").site : 0; }

}  // namespace distob::python

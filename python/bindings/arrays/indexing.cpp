#include "arrays/indexing.h"

#include <array>
#include <optional>
#include <string>

#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/ndarrays.h"
#include "arrays/python_side.h"
#include "arrays/scalars.h"

namespace distob::python {
namespace {

/// A basic index: parts, and whether integers fixed every axis, so that NumPy returns a scalar.
struct BasicIndex {
  std::array<Index, 2 * Dims::kMaxRank> parts;
  std::size_t count = 0;
  int integers = 0;
  bool only_integers = true;

  [[nodiscard]] std::span<const Index> span() const { return std::span(parts).first(count); }
};

std::optional<std::int64_t> slice_end(PyObject* object) {
  if (object == Py_None) return std::nullopt;
  // Beyond 63 bits an end is clipped, as Python clips it.
  const Reference number = Reference::take(PyNumber_Index(object));
  const Py_ssize_t value = PyNumber_AsSsize_t(number.get(), nullptr);
  if (value == -1 && PyErr_Occurred()) throw nanobind::python_error();
  return value;
}

bool is_integer_index(PyObject* object) {
  if (PyLong_CheckExact(object)) return true;
  if (PyBool_Check(object) || PyArray_IsScalar(object, Bool)) return false;
  return PyLong_Check(object) || PyArray_IsScalar(object, Integer);
}

/// Adds one part; false if it is not basic.
bool add_part(BasicIndex& index, PyObject* part) {
  if (index.count == index.parts.size()) throw_python(PyExc_IndexError, "too many indices for array");
  Index& place = index.parts[index.count];
  if (is_integer_index(part)) {
    const Py_ssize_t at = PyNumber_AsSsize_t(part, PyExc_IndexError);
    if (at == -1 && PyErr_Occurred()) throw nanobind::python_error();
    place = static_cast<std::int64_t>(at);
    ++index.integers;
  } else if (PySlice_Check(part)) {
    auto* slice = reinterpret_cast<PySliceObject*>(part);
    place = Slice{slice_end(slice->start), slice_end(slice->stop), slice_end(slice->step)};
    index.only_integers = false;
  } else if (part == Py_None) {
    place = NewAxis{};
    index.only_integers = false;
  } else if (part == Py_Ellipsis) {
    place = Ellipsis{};
    index.only_integers = false;
  } else {
    return false;
  }
  ++index.count;
  return true;
}

bool parse(PyObject* object, BasicIndex& index) {
  if (!PyTuple_Check(object)) return add_part(index, object);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
    if (!add_part(index, PyTuple_GET_ITEM(object, i))) return false;
  }
  return true;
}

/// What a basic index gives: always an array, of a scalar's element a copy.
Reference view_of(PyObject* self, array::Array view) {
  if (as_array_object(self)->is_scalar) return wrap(array::copy(view), Py_TYPE(self));
  return wrap_view(std::move(view), self, Py_TYPE(self));
}

void require_assignable(PyObject* self) {
  if (as_array_object(self)->is_scalar) {
    const DType dtype = array_of(self).dtype();
    const std::string type = reinterpret_cast<PyArray_Descr*>(descriptor_of(dtype).get())->typeobj->tp_name;
    throw_python(PyExc_TypeError, ("'" + type + "' object does not support item assignment").c_str());
  }
  if (!as_array_object(self)->writeable) throw_value_error("assignment destination is read-only");
}

/// Drops leading axes of one element that the target does not have: NumPy's assignment allows them.
void drop_leading_ones(array::Foreign& foreign, int rank) {
  while (foreign.shape.rank() > rank && foreign.shape[0] == 1) {
    foreign.shape.erase(0);
    foreign.strides.erase(0);
  }
}
array::Array without_leading_ones(const array::Array& a, int rank) {
  array::Array result = a;
  while (result.ndim() > rank && result.shape()[0] == 1) {
    const Index first[] = {std::int64_t{0}};
    result = array::view(result, first);
  }
  return result;
}

void warn_if_imaginary_part_is_lost(const DType& from, const DType& to) {
  if (!is_complex(from.kind) || is_complex(to.kind) || to.kind == Kind::Bool || to.kind == Kind::Opaque) return;
  static PyObject* const warning = [] {
    const Reference home = Reference::take(PyImport_ImportModule("numpy.exceptions"));
    return PyObject_GetAttrString(home.get(), "ComplexWarning");
  }();
  if (PyErr_WarnEx(warning, "Casting complex values to real discards the imaginary part", 1) < 0)
    throw nanobind::python_error();
}

void assign_operand(const array::Array& target, const array::Operand& value, bool casts) {
  const array::Site site = casts ? float_handling("cast").site : 0;
  {
    const Unlocked unlocked(target.size());
    array::assign(target, value, site);
  }
  issue_warnings_if_any();
}

void assign_ndarray(const array::Array& target, PyObject* ndarray) {
  const DType dtype = target.dtype();
  auto* array = reinterpret_cast<PyArrayObject*>(ndarray);
  Reference cast;
  const bool native = kind_of_number(PyArray_DESCR(array)->type_num) && dtype.kind != Kind::Opaque;
  if (!native) {  // NumPy converts what native code has no cast for: datetimes, strings, objects
    Reference descriptor = descriptor_of(dtype);
    cast = Reference::take(PyArray_CastToType(array, reinterpret_cast<PyArray_Descr*>(descriptor.release()), 0));
    array = reinterpret_cast<PyArrayObject*>(cast.get());
  }
  array::Foreign foreign = foreign_of(array);
  warn_if_imaginary_part_is_lost(foreign.dtype, dtype);
  drop_leading_ones(foreign, target.ndim());
  assign_operand(target, foreign, foreign.dtype != dtype);
}

/// One element takes one value. Whether an array with axes is one, NumPy decides: it takes array([True]) for a bool and no
/// other. False if `value` is no sequence; what NumPy takes is assigned.
bool assign_sequence_to_element(const array::Array& element, PyObject* value) {
  const Kind kind = element.dtype().kind;
  if (kind == Kind::Opaque) return false;  // a record takes a tuple
  const bool sequence = is_array(value)        ? array_of(value).ndim() > 0
                        : PyArray_Check(value) ? PyArray_NDIM(reinterpret_cast<PyArrayObject*>(value)) > 0
                                               : PyList_Check(value) || PyTuple_Check(value);
  if (!sequence) return false;
  const Reference ndarray = is_array(value) ? snapshot_ndarray(array_of(value)) : Reference::copy(value);
  array::Scalar scalar;
  scalar.kind = kind;
  scalar_bytes(ndarray.get(), kind, scalar.bytes.data());
  assign_operand(element, scalar, false);
  return true;
}

}  // namespace

void assign_value(PyObject* self, PyObject* value) {
  const array::Array& target = array_of(self);
  const DType dtype = target.dtype();
  require_assignable(self);
  if (is_array(value)) {
    const DType from = array_of(value).dtype();
    if (from != dtype && (from.kind == Kind::Opaque || dtype.kind == Kind::Opaque)) {
      return assign_ndarray(target, snapshot_ndarray(array_of(value)).get());
    }
    warn_if_imaginary_part_is_lost(from, dtype);
    return assign_operand(target, without_leading_ones(array_of(value), target.ndim()), from != dtype);
  }
  if (PyArray_Check(value)) return assign_ndarray(target, value);
  const bool is_number =
      PyFloat_Check(value) || PyLong_Check(value) || PyComplex_Check(value) || PyArray_IsScalar(value, Number);
  if (is_number && dtype.kind != Kind::Opaque) {
    if (PyArray_IsScalar(value, ComplexFloating)) warn_if_imaginary_part_is_lost(DType(Kind::Complex128), dtype);
    array::Scalar scalar;
    scalar.kind = dtype.kind;
    scalar_bytes(value, dtype.kind, scalar.bytes.data());
    return assign_operand(target, scalar, false);
  }
  Reference descriptor = descriptor_of(dtype);
  const Reference made = Reference::take(PyArray_FromAny(value, reinterpret_cast<PyArray_Descr*>(descriptor.release()),
                                                         0, 0, NPY_ARRAY_FORCECAST, nullptr));
  assign_ndarray(target, made.get());
}

PyObject* array_subscript(PyObject* self, PyObject* object) {
  return guarded([&]() -> PyObject* {
    BasicIndex index;
    if (!parse(object, index)) {
      const Reference function = python_side("_indexing", "get");
      return PyObject_CallFunctionObjArgs(function.get(), self, object, nullptr);
    }
    const array::Array& a = array_of(self);
    array::Array view = array::view(a, index.span());
    if (index.only_integers && index.integers == a.ndim()) return item_scalar(view).release();
    return view_of(self, std::move(view)).release();
  });
}

int array_assign_subscript(PyObject* self, PyObject* object, PyObject* value) {
  return guarded_status([&] {
    if (!value) throw_value_error("cannot delete array elements");
    require_assignable(self);
    BasicIndex index;
    if (!parse(object, index)) {
      const Reference function = python_side("_indexing", "put");
      const Reference done =
          Reference::take(PyObject_CallFunctionObjArgs(function.get(), self, object, value, nullptr));
      return 0;
    }
    const array::Array& a = array_of(self);
    const Reference target = view_of(self, array::view(a, index.span()));
    const bool one_element = index.only_integers && index.integers == a.ndim();
    if (one_element && assign_sequence_to_element(array_of(target.get()), value)) return 0;
    assign_value(target.get(), value);
    return 0;
  });
}

PyObject* array_item(PyObject* self, Py_ssize_t i) {
  return guarded([&]() -> PyObject* {
    const array::Array& a = array_of(self);
    if (a.ndim() == 0)
      throw_python(PyExc_IndexError, "too many indices for array: array is 0-dimensional, but 1 were indexed");
    const Index parts[] = {static_cast<std::int64_t>(i)};
    array::Array view = array::view(a, parts);
    if (view.ndim() == 0) return item_scalar(view).release();
    return view_of(self, std::move(view)).release();
  });
}

}  // namespace distob::python

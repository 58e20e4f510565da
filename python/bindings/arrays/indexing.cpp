#include "arrays/indexing.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "arrays/any_index.h"
#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/ndarrays.h"
#include "arrays/python_side.h"
#include "arrays/scalars.h"
#include "arrays/values.h"

namespace distob::python {
namespace {

/// A basic index: parts, and whether integers fixed every axis, so that NumPy returns a scalar.
struct BasicIndex {
  std::array<Index, 2 * Dims::kMaxRank> parts;
  std::size_t count = 0;
  bool only_integers = true;

  [[nodiscard]] std::span<const Index> span() const { return std::span(parts).first(count); }
};

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
    if (at == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      return false;
    }
    place = static_cast<std::int64_t>(at);
  } else if (PySlice_Check(part)) {
    const auto slice = slice_of(part);
    if (!slice) return false;  // NumPy has the words, after what it says of the other parts
    place = *slice;
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

void assign_operand(const array::Array& target, const Value& value) {
  const array::Site site = value.site();
  {
    const Unlocked unlocked(target.size());
    array::assign(target, value.operand(), site);
  }
  issue_warnings_if_any();
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
  array::assign(element, scalar);
  return true;
}

/// self[index] = value for records with bytes between their fields, which NumPy knows to leave alone.
void write_fields(PyObject* self, PyObject* index, PyObject* value) {
  const Reference function = python_side("_indexing", "write_fields");
  (void)Reference::take(PyObject_CallFunctionObjArgs(function.get(), self, index, value, nullptr));
}

}  // namespace

void assign_value(PyObject* self, PyObject* object) {
  const array::Array& target = array_of(self);
  require_assignable(self);
  if (has_gaps(target.dtype())) return write_fields(self, Py_Ellipsis, object);
  Value value(object, target.dtype());
  value.drop_leading_ones(target.ndim());
  assign_operand(target, value);
}

namespace {

/// Whether the index is a field's name or a list of names, which distob._indexing knows.
bool names_fields(PyObject* index) {
  if (PyUnicode_Check(index)) return true;
  if (!PyList_Check(index) || PyList_GET_SIZE(index) == 0) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(index); ++i) {
    if (!PyUnicode_Check(PyList_GET_ITEM(index, i))) return false;
  }
  return true;
}

/// NumPy's own error for an index that can be none.
[[noreturn]] void refuse(PyObject* self, PyObject* index) {
  const Reference function = python_side("_indexing", "refuse");
  (void)Reference::take(PyObject_CallFunctionObjArgs(function.get(), self, index, nullptr));
  throw_python(PyExc_IndexError, "not an index");
}

Reference read_view(PyObject* self, std::span<const Index> index, bool all_integers) {
  const array::Array& a = array_of(self);
  if (all_integers && index.size() == static_cast<std::size_t>(a.ndim())) return element_scalar(a, index);
  return view_of(self, array::view(a, index));
}

void write_view(PyObject* self, std::span<const Index> index, bool all_integers, PyObject* value) {
  const array::Array& a = array_of(self);
  const Reference target = view_of(self, array::view(a, index));
  const bool one_element = all_integers && index.size() == static_cast<std::size_t>(a.ndim());
  if (one_element && assign_sequence_to_element(array_of(target.get()), value)) return;
  assign_value(target.get(), value);
}

Reference read_arrays(PyObject* self, const AnyIndex& index) {
  const array::Array& a = array_of(self);
  const array::Operand* mask = index.mask_of(a.shape());
  array::Array result;
  {
    const Unlocked unlocked(std::max(a.size(), index.elements()));
    result = mask ? array::read_masked(a, *mask) : array::read_at(a, index.parts());
  }
  return wrap(std::move(result), Py_TYPE(self));
}

void write_arrays(PyObject* self, const AnyIndex& index, PyObject* object) {
  const array::Array& a = array_of(self);
  const array::Operand* mask = index.mask_of(a.shape());
  std::optional<Value> made;
  try {
    made.emplace(object, a.dtype());
  } catch (const nanobind::python_error&) {
    array::check_index(a, index.parts());  // an index that does not fit is told first
    throw;
  }
  const Value& value = *made;
  const array::Site site = value.site();
  {
    const Unlocked unlocked(std::max(a.size(), index.elements()));
    if (mask) {
      array::assign_masked(a, *mask, value.operand(), site);
    } else {
      array::assign_at(a, index.parts(), value.operand(), site);
    }
  }
  issue_warnings_if_any();
}

}  // namespace

PyObject* array_subscript(PyObject* self, PyObject* object) {
  return guarded([&]() -> PyObject* {
    BasicIndex basic;
    if (parse(object, basic)) return read_view(self, basic.span(), basic.only_integers).release();
    if (names_fields(object)) {
      const Reference function = python_side("_indexing", "get");
      return PyObject_CallFunctionObjArgs(function.get(), self, object, nullptr);
    }
    const AnyIndex index(object, array_of(self).ndim());
    if (!index.understood()) refuse(self, object);
    if (index.has_arrays()) return read_arrays(self, index).release();
    const Reference view = read_view(self, index.basic(), index.only_integers());
    if (!index.from_array() || !is_array(view.get())) return Reference(view).release();
    return wrap(array::copy(array_of(view.get())), Py_TYPE(self)).release();
  });
}

int array_assign_subscript(PyObject* self, PyObject* object, PyObject* value) {
  return guarded_status([&] {
    if (!value) throw_value_error("cannot delete array elements");
    require_assignable(self);
    BasicIndex basic;
    if (parse(object, basic)) {
      write_view(self, basic.span(), basic.only_integers, value);
    } else if (names_fields(object)) {
      const Reference function = python_side("_indexing", "put");
      (void)Reference::take(PyObject_CallFunctionObjArgs(function.get(), self, object, value, nullptr));
    } else {
      const AnyIndex index(object, array_of(self).ndim());
      if (!index.understood()) refuse(self, object);
      if (index.has_arrays() && has_gaps(array_of(self).dtype())) {
        write_fields(self, object, value);
      } else if (index.has_arrays()) {
        write_arrays(self, index, value);
      } else {
        write_view(self, index.basic(), index.only_integers(), value);
      }
    }
    return 0;
  });
}

PyObject* array_item(PyObject* self, Py_ssize_t i) {
  return guarded([&]() -> PyObject* {
    const array::Array& a = array_of(self);
    if (a.ndim() == 0)
      throw_python(PyExc_IndexError, "too many indices for array: array is 0-dimensional, but 1 were indexed");
    const Index parts[] = {static_cast<std::int64_t>(i)};
    if (a.ndim() == 1) return element_scalar(a, parts).release();
    return view_of(self, array::view(a, parts)).release();
  });
}

}  // namespace distob::python

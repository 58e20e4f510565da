#include "arrays/any_index.h"

#include <string_view>
#include "arrays/dtypes.h"
#include "arrays/handle.h"
#include "arrays/ndarrays.h"
#include "arrays/python_side.h"

namespace distob::python {
namespace {

/// An end of a slice; false if it is none.
bool read_end(PyObject* object, std::optional<std::int64_t>& end) {
  if (object == Py_None) return true;
  PyObject* number = PyNumber_Index(object);
  if (!number) {
    PyErr_Clear();
    return false;
  }
  const Reference owner = Reference::take(number);
  end = PyNumber_AsSsize_t(number, nullptr);  // beyond 63 bits an end is clipped, as Python clips it
  return true;
}

/// The value of what Python takes for an integer, bools apart; nothing for all else and for what has too many bits.
std::optional<std::int64_t> integer_of(PyObject* object) {
  if (PyBool_Check(object) || PyArray_IsScalar(object, Bool) || PyList_Check(object)) return std::nullopt;
  if (PyTuple_Check(object) || !PyIndex_Check(object)) return std::nullopt;
  const Py_ssize_t value = PyNumber_AsSsize_t(object, PyExc_IndexError);
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<Slice> slice_of(PyObject* object) {
  auto* given = reinterpret_cast<PySliceObject*>(object);
  Slice slice;
  const bool read =
      read_end(given->start, slice.start) && read_end(given->stop, slice.stop) && read_end(given->step, slice.step);
  return read ? std::optional(slice) : std::nullopt;
}

AnyIndex::AnyIndex(PyObject* object, int rank) {
  if (!PyTuple_Check(object)) {
    understood_ = add(object, rank);
    return;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object) && understood_; ++i) {
    if (parts_.size() >= static_cast<std::size_t>(2 * Dims::kMaxRank))
      throw_python(PyExc_IndexError, "too many indices for array");
    understood_ = add(PyTuple_GET_ITEM(object, i), rank);
  }
}

bool AnyIndex::add(PyObject* part, int rank) {
  if (part == Py_Ellipsis) {
    parts_.emplace_back(Ellipsis{});
    only_integers_ = false;
  } else if (part == Py_None) {
    parts_.emplace_back(NewAxis{});
    only_integers_ = false;
  } else if (PySlice_Check(part)) {
    const auto slice = slice_of(part);
    if (!slice) return false;
    parts_.emplace_back(*slice);
    only_integers_ = false;
  } else if (is_array(part)) {
    return add_array(part);
  } else if (PyArray_Check(part)) {
    return add_ndarray(part);
  } else if (const auto value = rank != 0 || PyLong_CheckExact(part) ? integer_of(part) : std::nullopt) {
    add_integer(*value);
  } else {
    Reference made = Reference::take(PyArray_FromAny(part, nullptr, 0, 0, 0, nullptr));
    if (PyArray_SIZE(reinterpret_cast<PyArrayObject*>(made.get())) == 0) {  // an empty list is no list of floats
      made = Reference::take(PyArray_FromArray(reinterpret_cast<PyArrayObject*>(made.get()),
                                               PyArray_DescrFromType(NPY_INTP), NPY_ARRAY_FORCECAST));
    }
    return add_ndarray(made.get());
  }
  return true;
}

bool AnyIndex::add_array(PyObject* part) {
  const array::Array& a = array_of(part);
  const Kind kind = a.dtype().kind;
  if (kind == Kind::Opaque || !(kind == Kind::Bool || is_integer(kind))) return false;
  if (a.ndim() == 0 && kind != Kind::Bool) {
    const auto value = integer_of(item_scalar(a).get());
    if (value) add_integer(*value);
    from_array_ = from_array_ || !as_array_object(part)->is_scalar;
    return value.has_value();
  }
  owners_.push_back(Reference::copy(part));
  add_operand(a, a.size());
  return true;
}

bool AnyIndex::add_ndarray(PyObject* part) {
  auto* ndarray = reinterpret_cast<PyArrayObject*>(part);
  if (!PyArray_ISINTEGER(ndarray) && !PyArray_ISBOOL(ndarray)) return false;
  if (PyArray_NDIM(ndarray) == 0 && !PyArray_ISBOOL(ndarray)) {
    const auto value = integer_of(part);
    if (value) add_integer(*value);
    from_array_ = true;
    return value.has_value();
  }
  owners_.push_back(Reference::copy(part));
  add_operand(foreign_.emplace_back(foreign_of(ndarray)), PyArray_SIZE(ndarray));
  return true;
}

void AnyIndex::add_operand(const array::Operand& operand, std::int64_t elements) {
  parts_.emplace_back(operand);
  elements_ += elements;
  has_arrays_ = true;
  only_integers_ = false;
}

void AnyIndex::add_integer(std::int64_t value) { parts_.emplace_back(value); }

std::vector<Index> AnyIndex::basic() const {
  std::vector<Index> index;
  for (const array::IndexPart& part : parts_) {
    std::visit(
        [&](const auto& p) {
          if constexpr (std::is_constructible_v<Index, decltype(p)>) index.emplace_back(p);
        },
        part);
  }
  return index;
}

const array::Operand* AnyIndex::mask_of(const Shape& shape) const {
  const auto* operand = parts_.size() == 1 ? std::get_if<array::Operand>(&parts_[0]) : nullptr;
  if (operand == nullptr) return nullptr;
  const bool is_array = operand->array() != nullptr;
  const Kind kind = is_array ? operand->array()->dtype().kind : operand->foreign()->dtype.kind;
  const Shape& own = is_array ? operand->array()->shape() : operand->foreign()->shape;
  return kind == Kind::Bool && own == shape ? operand : nullptr;
}

namespace {

void require_castable(PyArray_Descr* from, const char* rule) {
  const Reference index = Reference::take(reinterpret_cast<PyObject*>(PyArray_DescrFromType(NPY_INTP)));
  const NPY_CASTING casting = std::string_view(rule) == "safe" ? NPY_SAFE_CASTING : NPY_SAME_KIND_CASTING;
  if (PyArray_CanCastTypeTo(from, reinterpret_cast<PyArray_Descr*>(index.get()), casting)) return;
  PyErr_Format(PyExc_TypeError, "Cannot cast array data from %R to %R according to the rule '%s'", from, index.get(),
               rule);
  throw nanobind::python_error();
}

}  // namespace

IndexOperand::IndexOperand(PyObject* object, const char* rule) {
  if (is_array(object)) {
    array_ = array_of(object);
    require_castable(reinterpret_cast<PyArray_Descr*>(descriptor_of(array_.dtype()).get()), rule);
    if (!is_integer(array_.dtype().kind)) array_ = array::astype(array_, Kind::Int64);
    operand_ = array::Operand(array_);
    elements_ = array_.size();
    return;
  }
  if (PyArray_Check(object)) {
    require_castable(PyArray_DESCR(reinterpret_cast<PyArrayObject*>(object)), rule);
    owner_ = Reference::copy(object);
  } else {
    owner_ = Reference::take(PyArray_FromAny(object, PyArray_DescrFromType(NPY_INTP), 0, 0, 0, nullptr));
  }
  if (!PyArray_ISINTEGER(reinterpret_cast<PyArrayObject*>(owner_.get()))) {
    owner_ = Reference::take(PyArray_FromAny(owner_.get(), PyArray_DescrFromType(NPY_INTP), 0, 0, 0, nullptr));
  }
  auto* ndarray = reinterpret_cast<PyArrayObject*>(owner_.get());
  foreign_ = foreign_of(ndarray);
  operand_ = array::Operand(foreign_);
  elements_ = PyArray_SIZE(ndarray);
}

}  // namespace distob::python

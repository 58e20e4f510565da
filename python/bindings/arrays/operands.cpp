#include "arrays/operands.h"

#include "arrays/dtypes.h"
#include "arrays/ndarrays.h"
#include "arrays/scalars.h"

namespace distob::python {
namespace {

std::optional<Kind> scalar_kind(PyObject* scalar) {
  const Reference descriptor = Reference::take(reinterpret_cast<PyObject*>(PyArray_DescrFromScalar(scalar)));
  return kind_of_number(reinterpret_cast<PyArray_Descr*>(descriptor.get())->type_num);
}

void set_kind(Input& input, std::optional<Kind> kind) {
  input.native = kind.has_value();
  if (kind) input.type = static_cast<OperandType>(*kind);
}

PyArrayObject* as_ndarray(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }

}  // namespace

Input input_of(PyObject* object) {
  Input input;
  input.object = object;
  if (is_array(object)) {
    const Kind kind = array_of(object).dtype().kind;
    set_kind(input, kind == Kind::Opaque ? std::nullopt : std::optional(kind));
  } else if (const auto weak = weak_type_of(object)) {
    input.native = true;
    input.type = *weak;
  } else if (PyBool_Check(object)) {
    set_kind(input, Kind::Bool);
  } else if (PyArray_IsScalar(object, Generic)) {
    set_kind(input, scalar_kind(object));
  } else {
    if (!PyArray_Check(object)) {
      input.converted = Reference::take(PyArray_FromAny(object, nullptr, 0, 0, 0, nullptr));
      input.object = input.converted.get();
    }
    set_kind(input, kind_of_number(PyArray_DESCR(as_ndarray(input.object))->type_num));
  }
  return input;
}

array::Operand operand_of(Input& input, Kind kind) {
  if (is_array(input.object)) return array_of(input.object);
  if (PyArray_Check(input.object)) {
    input.foreign = foreign_of(as_ndarray(input.object));
    return *input.foreign;
  }
  input.scalar.kind = kind;
  scalar_bytes(input.object, kind, input.scalar.bytes.data());
  return input.scalar;
}

Reference token_of(const Input& input) {
  PyObject* object = input.object;
  if (is_array(object)) return descriptor_of(array_of(object).dtype());
  if (const auto weak = weak_type_of(object)) return promotion_token(*weak);
  if (PyBool_Check(object)) return descriptor_of(DType(Kind::Bool));
  if (PyArray_Check(object)) return Reference::copy(reinterpret_cast<PyObject*>(PyArray_DESCR(as_ndarray(object))));
  return Reference::take(reinterpret_cast<PyObject*>(PyArray_DescrFromScalar(object)));
}

Shape shape_of(PyObject* object) {
  if (is_array(object)) return array_of(object).shape();
  if (!PyArray_Check(object)) return {};
  auto* ndarray = as_ndarray(object);
  return Shape(std::span<const std::int64_t>(PyArray_DIMS(ndarray), static_cast<std::size_t>(PyArray_NDIM(ndarray))));
}

std::int64_t elements_of(PyObject* object) {
  if (is_array(object)) return array_of(object).size();
  return PyArray_Check(object) ? PyArray_SIZE(as_ndarray(object)) : 1;
}

PyTypeObject* face_of(std::span<PyObject* const> objects) {
  PyTypeObject* face = nullptr;
  for (PyObject* object : objects) {
    if (object && is_array(object)) face = face ? common_face(face, Py_TYPE(object)) : Py_TYPE(object);
  }
  return face ? face : array_types.dist;
}

array::Array array_from(PyObject* object, PyArray_Descr* descriptor) {
  if (is_array(object)) {
    const array::Array& a = array_of(object);
    if (!descriptor || dtype_of(descriptor) == a.dtype()) return a;
    if (a.dtype().kind != Kind::Opaque && kind_of_number(descriptor->type_num)) {
      const Reference from = descriptor_of(a.dtype());
      if (PyArray_CanCastTypeTo(reinterpret_cast<PyArray_Descr*>(from.get()), descriptor, NPY_SAFE_CASTING)) {
        return array::astype(a, dtype_of(descriptor));
      }
    }
  }
  const Reference source = is_array(object) ? snapshot_ndarray(array_of(object)) : Reference::copy(object);
  Py_XINCREF(descriptor);
  const Reference made = Reference::take(PyArray_FromAny(source.get(), descriptor, 0, 0, 0, nullptr));
  return array_from_ndarray(as_ndarray(made.get()));
}

array::Array mask_from(PyObject* object) {
  const Reference boolean = descriptor_of(DType(Kind::Bool));
  return array_from(object, reinterpret_cast<PyArray_Descr*>(boolean.get()));
}

}  // namespace distob::python

#include "arrays/dtypes.h"

#include <array>
#include <vector>

#include "distob/errors.h"

namespace distob::python {
namespace {

constexpr std::array<int, kNativeKinds> kNumbers = {
    NPY_BOOL,   NPY_INT8, NPY_UINT8, NPY_INT16,  NPY_UINT16,     NPY_INT32,  NPY_UINT32,  NPY_INT64,
    NPY_UINT64, NPY_HALF, NPY_FLOAT, NPY_DOUBLE, NPY_LONGDOUBLE, NPY_CFLOAT, NPY_CDOUBLE, NPY_CLONGDOUBLE};

/// Opaque descriptors by their number, and the dict that finds the number of an equal one. Guarded by Python's lock.
struct OpaqueTypes {
  std::vector<PyArray_Descr*> by_number;
  PyObject* numbers = PyDict_New();
};

OpaqueTypes& opaque_types() {
  static OpaqueTypes& types = *new OpaqueTypes;  // outlives every array
  return types;
}

std::uint32_t number_of_opaque(PyArray_Descr* descriptor) {
  OpaqueTypes& types = opaque_types();
  auto* key = reinterpret_cast<PyObject*>(descriptor);
  if (PyObject* known = PyDict_GetItemWithError(types.numbers, key))
    return static_cast<std::uint32_t>(PyLong_AsUnsignedLong(known));
  if (PyErr_Occurred()) throw nanobind::python_error();
  const auto number = static_cast<std::uint32_t>(types.by_number.size());
  const Reference value = Reference::take(PyLong_FromUnsignedLong(number));
  if (PyDict_SetItem(types.numbers, key, value.get()) < 0) throw nanobind::python_error();
  types.by_number.push_back(reinterpret_cast<PyArray_Descr*>(Py_NewRef(key)));
  return number;
}

}  // namespace

int type_number(Kind kind) { return kNumbers[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_of_number(int number) {
  switch (number) {
    case NPY_LONGLONG: return Kind::Int64;
    case NPY_ULONGLONG: return Kind::UInt64;
    case NPY_HALF: return Kind::Float16;
    case NPY_FLOAT: return Kind::Float32;
    case NPY_DOUBLE: return Kind::Float64;
    default: break;
  }
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    if (kNumbers[i] == number) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

bool holds_references(PyArray_Descr* descriptor) {
  return PyDataType_FLAGCHK(descriptor, NPY_ITEM_REFCOUNT) || descriptor->type_num == NPY_VSTRING;
}

DType dtype_of(PyArray_Descr* descriptor) {
  if (holds_references(descriptor)) {
    throw TypeError(
        "an array of Python objects or variable-width strings has no native memory; it is scattered whole, as an "
        "object");
  }
  if (const auto kind = kind_of_number(descriptor->type_num)) {
    DType dtype(*kind);
    dtype.swapped = PyArray_ISNBO(descriptor->byteorder) == 0;
    return dtype;
  }
  return DType(Kind::Opaque, false, static_cast<std::uint32_t>(PyDataType_ELSIZE(descriptor)),
               number_of_opaque(descriptor));
}

Reference descriptor_of(const DType& dtype) {
  if (dtype.kind == Kind::Opaque) {
    return Reference::copy(reinterpret_cast<PyObject*>(opaque_types().by_number.at(dtype.descriptor)));
  }
  Reference native = Reference::take(reinterpret_cast<PyObject*>(PyArray_DescrFromType(type_number(dtype.kind))));
  if (!dtype.swapped) return native;
  auto* swapped = PyArray_DescrNewByteorder(reinterpret_cast<PyArray_Descr*>(native.get()), NPY_SWAP);
  return Reference::take(reinterpret_cast<PyObject*>(swapped));
}

namespace {

bool descriptor_has_gaps(PyArray_Descr* descriptor) {
  if (PyDataType_HASSUBARRAY(descriptor)) return descriptor_has_gaps(PyDataType_SUBARRAY(descriptor)->base);
  if (!PyDataType_HASFIELDS(descriptor)) return false;
  PyObject* names = PyDataType_NAMES(descriptor);
  npy_intp bytes = 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i) {
    PyObject* field = PyDict_GetItem(PyDataType_FIELDS(descriptor), PyTuple_GET_ITEM(names, i));
    auto* type = reinterpret_cast<PyArray_Descr*>(PyTuple_GET_ITEM(field, 0));
    if (descriptor_has_gaps(type)) return true;
    bytes += PyDataType_ELSIZE(type);
  }
  return bytes != PyDataType_ELSIZE(descriptor);
}

}  // namespace

bool has_gaps(const DType& dtype) {
  if (dtype.kind != Kind::Opaque) return false;
  return descriptor_has_gaps(reinterpret_cast<PyArray_Descr*>(descriptor_of(dtype).get()));
}

Reference descriptor_from(PyObject* object) {
  PyArray_Descr* descriptor = nullptr;
  if (PyArray_DescrConverter(object, &descriptor) != NPY_SUCCEED) throw nanobind::python_error();
  return Reference::take(reinterpret_cast<PyObject*>(descriptor));
}

}  // namespace distob::python

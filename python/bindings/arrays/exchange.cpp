#include "arrays/exchange.h"

#include <algorithm>

#include "array/structure.h"
#include "arrays/arguments.h"
#include "arrays/dtypes.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

/// The elements as bytes, in C order or with the axes reversed, copied by all threads.
nb::object to_bytes(nb::handle a, bool fortran) {
  array::Array array = array_in(a);
  if (fortran && array.ndim() > 1) array = array::transpose(array);
  const std::int64_t size = byte_count(array.shape(), array.dtype().itemsize);
  Reference bytes = Reference::take(PyBytes_FromStringAndSize(nullptr, size));
  {
    const Unlocked unlocked(array.size());
    array::gather_into(array, PyBytes_AS_STRING(bytes.get()), array.dtype(),
                       c_strides(array.shape(), array.dtype().itemsize));
  }
  return object_of(std::move(bytes));
}

/// Copies the elements to an ndarray of the same shape and dtype, by all threads.
void gather_to(nb::handle a, nb::handle ndarray) {
  const array::Array& array = array_in(a);
  auto* to = reinterpret_cast<PyArrayObject*>(ndarray.ptr());
  const Strides strides(std::span<const std::int64_t>(PyArray_STRIDES(to), static_cast<std::size_t>(PyArray_NDIM(to))));
  const DType dtype = dtype_of(PyArray_DESCR(to));
  const Unlocked unlocked(array.size());
  array::gather_into(array, PyArray_DATA(to), dtype, strides);
}

}  // namespace

void register_exchange(nb::module_& m) {
  m.def("to_bytes", to_bytes);
  m.def("gather_to", gather_to);
}

}  // namespace distob::python

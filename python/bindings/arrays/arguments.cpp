#include "arrays/arguments.h"

#include "arrays/dtypes.h"
#include "distob/errors.h"

namespace nb = nanobind;

namespace distob::python {

PyObject* array_argument(nb::handle object) {
  if (!is_array(object.ptr())) throw TypeError("a DistArray or RemoteArray was expected");
  return object.ptr();
}

std::vector<array::Array> arrays_argument(nb::handle parts) {
  std::vector<array::Array> arrays;
  for (nb::handle part : nb::iter(parts)) arrays.push_back(array_in(part));
  return arrays;
}

DType dtype_argument(nb::handle dtype) {
  const Reference descriptor = descriptor_from(dtype.ptr());
  return dtype_of(reinterpret_cast<PyArray_Descr*>(descriptor.get()));
}

Dims dims_argument(nb::handle sequence) {
  Dims dims;
  for (nb::handle item : nb::iter(sequence)) dims.push_back(nb::cast<std::int64_t>(item));
  return dims;
}

std::vector<int> axes_argument(nb::handle sequence) {
  std::vector<int> axes;
  for (nb::handle item : nb::iter(sequence)) axes.push_back(nb::cast<int>(item));
  return axes;
}

nb::object wrapped_copy(array::Array array, nb::handle of) {
  PyTypeObject* face = Py_TYPE(of.ptr());
  return object_of(as_array_object(of.ptr())->is_scalar ? wrap_result(std::move(array), face)
                                                        : wrap(std::move(array), face));
}

nb::object wrapped_view(array::Array array, nb::handle of, PyTypeObject* face) {
  return object_of(wrap_view(std::move(array), of.ptr(), face != nullptr ? face : Py_TYPE(of.ptr())));
}

}  // namespace distob::python

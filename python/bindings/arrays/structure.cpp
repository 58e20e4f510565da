#include "arrays/structure.h"

#include <optional>
#include <string_view>

#include "array/structure.h"
#include "arrays/arguments.h"
#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "distob/errors.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

using array::Order;

/// NumPy's names of orders: the letter, in either case, or None for "K" or what else is `missing`.
Order order_argument(nb::handle order, NPY_ORDER missing) {
  NPY_ORDER value = missing;
  if (!order.is_none() && PyArray_OrderConverter(order.ptr(), &value) != NPY_SUCCEED) throw nb::python_error();
  switch (value) {
    case NPY_CORDER: return Order::c;
    case NPY_FORTRANORDER: return Order::fortran;
    case NPY_ANYORDER: return Order::any;
    default: return Order::keep;
  }
}

// --- Views ------------------------------------------------------------------------------------------------------------

nb::object squeeze(nb::handle a, nb::handle axes) {
  if (axes.is_none()) return wrapped_view(array::squeeze(array_in(a)), a);
  return wrapped_view(array::squeeze(array_in(a), axes_argument(axes)), a);
}

nb::object swapaxes(nb::handle a, int one, int other) {
  return wrapped_view(array::swapaxes(array_in(a), one, other), a);
}

nb::object real_part(nb::handle a) { return wrapped_view(array::real(array_in(a)), a); }
nb::object imaginary_part(nb::handle a) { return wrapped_view(array::imag(array_in(a)), a); }

nb::object field(nb::handle a, nb::handle dtype, std::int64_t offset) {
  Reference descriptor = descriptor_from(dtype.ptr());
  Shape inner;
  if (const auto* sub = PyDataType_SUBARRAY(reinterpret_cast<PyArray_Descr*>(descriptor.get()))) {
    inner = dims_argument(nb::handle(sub->shape));
    descriptor = Reference::copy(reinterpret_cast<PyObject*>(sub->base));
  }
  const DType type = dtype_of(reinterpret_cast<PyArray_Descr*>(descriptor.get()));
  return wrapped_view(array::field(array_in(a), type, offset, inner), a);
}

nb::object reinterpret(nb::handle a, nb::handle dtype) {
  return wrapped_view(array::reinterpret(array_in(a), dtype_argument(dtype)), a);
}

nb::object reshape_view(nb::handle a, nb::handle shape, nb::handle order) {
  array::Array view = array::reshape_view(array_in(a), dims_argument(shape), order_argument(order, NPY_CORDER));
  return view ? wrapped_view(std::move(view), a) : nb::none();
}

// --- Views where NumPy gives one, else copies -------------------------------------------------------------------------

nb::object reshape(nb::handle a, nb::handle shape, nb::handle order) {
  const Dims wanted = dims_argument(shape);
  const Order how = order_argument(order, NPY_CORDER);
  if (array::Array view = array::reshape_view(array_in(a), wanted, how)) return wrapped_view(std::move(view), a);
  array::Array made;
  {
    const Unlocked unlocked(array_in(a).size());
    made = array::reshape(array_in(a), wanted, how);
  }
  return wrapped(std::move(made), Py_TYPE(a.ptr()));
}

nb::object ravel(nb::handle a, nb::handle order) {
  const Order how = order_argument(order, NPY_CORDER);
  const array::Array& array = array_in(a);
  array::Array made;
  {
    const Unlocked unlocked(array.size());
    made = array::ravel(array, how);
  }
  const bool is_view = made.may_share_memory(array);
  return is_view ? wrapped_view(std::move(made), a) : wrapped(std::move(made), Py_TYPE(a.ptr()));
}

// --- Copies -----------------------------------------------------------------------------------------------------------

template <class Make>
nb::object new_array(nb::handle a, Make make) {
  const array::Array& array = array_in(a);
  array::Array made;
  {
    const Unlocked unlocked(array.size());
    made = make(array);
  }
  return wrapped(std::move(made), Py_TYPE(a.ptr()));
}

nb::object copy(nb::handle a, nb::handle order) {
  const Order how = order_argument(order, NPY_KEEPORDER);
  const array::Array& array = array_in(a);
  array::Array made;
  {
    const Unlocked unlocked(array.size());
    made = array::copy(array, how);
  }
  return wrapped_copy(std::move(made), a);
}

nb::object astype(nb::handle a, nb::handle dtype, nb::handle order) {
  const array::Array& array = array_in(a);
  const DType type = dtype_argument(dtype);
  const Order how = order_argument(order, NPY_KEEPORDER);
  const array::Site site = float_handling("cast").site;
  array::Array made;
  {
    const Unlocked unlocked(array.size());
    made = array::astype(array, type, how, site);
  }
  issue_warnings_if_any();
  return wrapped_copy(std::move(made), a);
}

nb::object flatten(nb::handle a, nb::handle order) {
  const Order how = order_argument(order, NPY_CORDER);
  return new_array(a, [&](const array::Array& array) { return array::flatten(array, how); });
}

nb::object empty_like(nb::handle a, nb::handle shape, nb::handle dtype, nb::handle order) {
  const DType type = dtype_argument(dtype);
  return wrapped(array::empty_like(array_in(a), dims_argument(shape), type, order_argument(order, NPY_KEEPORDER)),
                 Py_TYPE(a.ptr()));
}

nb::object repeat(nb::handle a, std::int64_t times, int axis) {
  return new_array(a, [&](const array::Array& array) { return array::repeat(array, times, axis); });
}

nb::object tile(nb::handle a, nb::handle times) {
  const Dims counts = dims_argument(times);
  return new_array(a, [&](const array::Array& array) { return array::tile(array, counts); });
}

nb::object roll(nb::handle a, nb::handle shifts, nb::handle axes) {
  const Dims by = dims_argument(shifts);
  const std::vector<int> along = axes_argument(axes);
  return new_array(a, [&](const array::Array& array) { return array::roll(array, by, along); });
}

}  // namespace

void register_structure(nb::module_& m) {
  m.def("squeeze", squeeze, nb::arg("a"), nb::arg("axes").none());
  m.def("swapaxes", swapaxes);
  m.def("real_part", real_part);
  m.def("imaginary_part", imaginary_part);
  m.def("field", field);
  m.def("reinterpret", reinterpret);
  m.def("reshape_view", reshape_view, nb::arg("a"), nb::arg("shape"), nb::arg("order") = "C");
  m.def("reshape", reshape, nb::arg("a"), nb::arg("shape"), nb::arg("order") = "C");
  m.def("ravel", ravel, nb::arg("a"), nb::arg("order").none());
  m.def("flatten", flatten, nb::arg("a"), nb::arg("order").none());
  m.def("copy", copy, nb::arg("a"), nb::arg("order").none() = nb::none());
  m.def("astype", astype, nb::arg("a"), nb::arg("dtype"), nb::arg("order").none() = nb::none());
  m.def("empty_like", empty_like, nb::arg("a"), nb::arg("shape"), nb::arg("dtype"), nb::arg("order").none());
  m.def("repeat", repeat);
  m.def("tile", tile);
  m.def("roll", roll);
}

}  // namespace distob::python

#include "arrays/linalg.h"

#include <algorithm>
#include <vector>

#include "array/linalg.h"
#include "arrays/arguments.h"
#include "arrays/floats.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

/// Calls `compute` with the options for `dtype`, float errors handled as those of the ufunc `name` (null: not looked at, as
/// NumPy's functions that are no ufuncs have it). Of a result without axes NumPy would have made a scalar.
template <class Compute>
nb::object product(const char* name, nb::handle dtype, nb::handle face, const Compute& compute) {
  array::ProductOptions options;
  options.kind = dtype_argument(dtype).kind;
  unsigned flags = 0;
  bool immediate = false;
  if (name != nullptr && options.kind >= Kind::Float16) {
    const FloatHandling handling = float_handling(name);
    options.site = handling.site;
    immediate = handling.immediate;
    if (immediate) options.flags = &flags;
  }
  array::Array made;
  {
    const Unlocked unlocked;
    made = compute(options);
  }
  if (flags != 0) report_now(name, flags);
  issue_warnings_if_any();
  return object_of(wrap_result(std::move(made), face_argument(face)));
}

using Product = array::Array (*)(const array::Array&, const array::Array&, const array::ProductOptions&);

template <Product kProduct>
auto generalized(const char* name) {
  return [name](nb::handle a, nb::handle b, nb::handle dtype, nb::handle face) {
    const array::Array &left = array_in(a), &right = array_in(b);
    return product(name, dtype, face, [&](const array::ProductOptions& o) { return kProduct(left, right, o); });
  };
}

nb::object dot(nb::handle a, nb::handle b, nb::handle dtype, nb::handle face) {
  const array::Array &left = array_in(a), &right = array_in(b);
  return product(nullptr, dtype, face, [&](const array::ProductOptions& o) { return array::matmul(left, right, o); });
}

nb::object tensordot(nb::handle a, nb::handle b, nb::handle a_axes, nb::handle b_axes, nb::handle dtype,
                     nb::handle face) {
  const array::Array &left = array_in(a), &right = array_in(b);
  const std::vector<int> of_a = axes_argument(a_axes), of_b = axes_argument(b_axes);
  return product(nullptr, dtype, face,
                 [&](const array::ProductOptions& o) { return array::tensordot(left, right, of_a, of_b, o); });
}

nb::object einsum(nb::handle operands, nb::handle labels, nb::handle result, nb::handle dtype, nb::handle face) {
  const std::vector<array::Array> arrays = arrays_argument(operands);
  std::vector<std::vector<int>> of_operands;
  for (nb::handle one : nb::iter(labels)) of_operands.push_back(axes_argument(one));
  const std::vector<int> of_result = axes_argument(result);
  return product(nullptr, dtype, face,
                 [&](const array::ProductOptions& o) { return array::einsum(arrays, of_operands, of_result, o); });
}

}  // namespace

void register_linalg(nb::module_& m) {
  m.def("matmul", generalized<array::matmul>("matmul"));
  m.def("vecdot", generalized<array::vecdot>("vecdot"));
  m.def("matvec", generalized<array::matvec>("matvec"));
  m.def("vecmat", generalized<array::vecmat>("vecmat"));
  m.def("dot", dot);
  m.def("tensordot", tensordot);
  m.def("einsum", einsum);
}

}  // namespace distob::python

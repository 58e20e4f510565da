#include "arrays/picking.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <optional>
#include <string>

#include "array/indexing.h"
#include "arrays/any_index.h"
#include "arrays/arguments.h"
#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/operands.h"
#include "arrays/promotion.h"
#include "arrays/python_side.h"
#include "arrays/values.h"
#include "distob/errors.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

array::OutOfRange mode_of(const std::string& name) {
  if (name == "raise") return array::OutOfRange::raise;
  if (name == "wrap") return array::OutOfRange::wrap;
  if (name == "clip") return array::OutOfRange::clip;
  throw ValueError("clipmode must be one of 'clip', 'raise', or 'wrap' (got '" + name + "')");
}

nb::object take(nb::handle a, nb::handle indices, int axis, const std::string& mode_name) {
  const array::Array& array = array_in(a);
  const array::OutOfRange mode = mode_of(mode_name);
  axis = normalize_axis(axis, array.ndim());
  const IndexOperand index(indices.ptr(), "same_kind");
  array::Array result;
  {
    const Unlocked unlocked(std::max(array.size(), index.elements()));
    result = array::take(array, index.operand(), axis, mode);
  }
  return object_of(wrap_result(std::move(result), Py_TYPE(a.ptr())));
}

void put(nb::handle a, nb::handle indices, nb::handle values, const std::string& mode_name) {
  const array::Array& array = array_in(a);
  const array::OutOfRange mode = mode_of(mode_name);
  const IndexOperand index(indices.ptr(), "safe");
  const Value value(values.ptr(), array.dtype());
  const array::Site site = value.site();
  {
    const Unlocked unlocked(std::max(array.size(), index.elements()));
    array::put(array, index.operand(), value.operand(), mode, site);
  }
  issue_warnings_if_any();
}

/// For each true element of the mask the next value, or with `by_place` the value with its number.
void fill_masked(nb::handle a, nb::handle mask, nb::handle values, bool by_place) {
  const array::Array& array = array_in(a);
  const array::Array& where = array_in(mask);
  const Value value(values.ptr(), array.dtype());
  const array::Site site = value.site();
  {
    const Unlocked unlocked(array.size());
    array::fill_masked(array, where, value.operand(),
                       by_place ? array::ValueOrder::by_place : array::ValueOrder::by_count, site);
  }
  issue_warnings_if_any();
}

nb::tuple nonzero(nb::handle a) {
  const array::Array& array = array_in(a);
  std::vector<array::Array> positions;
  {
    const Unlocked unlocked(array.size());
    positions = array::nonzero(array);
  }
  const Reference tuple = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(positions.size())));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                     wrap(std::move(positions[i]), Py_TYPE(a.ptr())).release());
  }
  return nb::borrow<nb::tuple>(tuple.get());
}

nb::object diagonal(nb::handle a, std::int64_t offset, int axis1, int axis2) {
  return wrapped_view(array::diagonal(array_in(a), offset, axis1, axis2), a);
}

nb::object choose(nb::handle indices, nb::handle choices, const std::string& mode, nb::handle face) {
  const array::Array& index = array_in(indices);
  const std::vector<array::Array> from = arrays_argument(choices);
  array::Array result;
  {
    const Unlocked unlocked;
    result = array::choose(index, from, mode_of(mode));
  }
  return object_of(wrap_result(std::move(result), face_argument(face)));
}

/// Whether NumPy lets a result of `kind` be written to elements of `dtype` when nobody says how to cast.
bool casts_to(Kind kind, const DType& dtype) {
  const Reference from = descriptor_of(kind), to = descriptor_of(dtype);
  return PyArray_CanCastTypeTo(reinterpret_cast<PyArray_Descr*>(from.get()), reinterpret_cast<PyArray_Descr*>(to.get()),
                               NPY_SAME_KIND_CASTING) != 0;
}

/// ufunc.at(a, indices, operand) natively; False where NumPy has to do it. `operand` is None for ufuncs of one.
bool apply_at(nb::handle ufunc, nb::handle a, nb::handle indices, nb::handle operand) {
  const array::Array& array = array_in(a);
  const auto op = op_of(ufunc.ptr());
  if (!op || !array.dtype().native()) return false;
  const Kind kind = array.dtype().kind;
  const bool binary = !operand.is_none();
  Reference value_object = Reference::copy(operand.ptr());
  if (binary && !is_array(operand.ptr())) {  // a number is an array here, and does not adapt to the target
    value_object = Reference::take(PyArray_FromAny(operand.ptr(), nullptr, 0, 0, 0, nullptr));
  }
  Input input = binary ? input_of(value_object.get()) : Input{};
  if (binary && !input.native) return false;
  const OperandType types[] = {static_cast<OperandType>(kind), input.type};
  const kernels::Kernel* kernel = resolve(*op, ufunc.ptr(), std::span(types).first(binary ? 2 : 1));
  if (!kernel || kernel->outputs != 1 || kernel->inputs != (binary ? 2 : 1)) return false;
  const Kind result = kernel->kinds[kernel->inputs];
  if (kernel->kinds[0] != result || !casts_to(result, array.dtype())) return false;
  if (!as_array_object(a.ptr())->writeable) throw_value_error("output array is read-only");
  const AnyIndex index(indices.ptr(), array.ndim());
  if (!index.understood()) return false;
  const char* name = kernels::name_of(*op).data();
  const FloatHandling handling = kernel->sets_float_flags ? float_handling(name) : FloatHandling{};
  unsigned flags = 0;
  std::optional<array::Operand> value;
  if (binary) value = operand_of(input, kernel->kinds[1]);
  {
    const Unlocked unlocked(std::max(array.size(), index.elements()));
    array::apply_at(*op, *kernel, array, index.parts(), value ? &*value : nullptr, handling.site,
                    handling.immediate ? &flags : nullptr);
  }
  if (flags != 0) report_now(name, flags);
  issue_warnings_if_any();
  return true;
}

}  // namespace

void register_picking(nb::module_& m) {
  m.def("take", take);
  m.def("put", put);
  m.def("fill_masked", fill_masked);
  m.def("nonzero", nonzero);
  m.def("diagonal", diagonal);
  m.def("choose", choose);
  m.def("apply_at", apply_at, nb::arg("ufunc"), nb::arg("a"), nb::arg("indices"), nb::arg("operand").none());
}

}  // namespace distob::python

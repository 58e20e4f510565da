#include "arrays/reductions.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "array/along_axis.h"
#include "array/statistics.h"
#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/operands.h"
#include "arrays/python_side.h"
#include "arrays/scalars.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

using kernels::Op;
using kernels::ReduceOp;

const array::Array& array_in(nb::handle object) {
  if (!is_array(object.ptr())) throw_python(PyExc_TypeError, "a DistArray or RemoteArray was expected");
  return array_of(object.ptr());
}

nb::object result_for(array::Array array, nb::handle of) {
  return nb::steal(wrap_result(std::move(array), Py_TYPE(of.ptr())).release());
}
nb::object not_implemented() { return nb::borrow(Py_NotImplemented); }

/// The float errors of one stage of work: where its flags go, and what is told of them at the end.
class Errors {
 public:
  /// `name` lives for ever; errors of work that cannot have any cost nothing.
  Errors(const char* name, bool possible) : name_(name) {
    if (possible) handling_ = float_handling(name);
  }
  [[nodiscard]] array::Site site() const { return handling_.site; }
  [[nodiscard]] unsigned* flags() { return handling_.immediate ? &flags_ : nullptr; }
  [[nodiscard]] array::Stage stage() { return {site(), flags()}; }
  /// Throws nanobind::python_error where np.errstate says so.
  void report() const {
    if (flags_ != 0) report_now(name_, flags_);
  }

 private:
  const char* name_;
  FloatHandling handling_;
  unsigned flags_ = 0;
};

bool may_raise(Kind kind) { return is_floating(kind) || is_complex(kind); }

// --- The loops of reductions ------------------------------------------------------------------------------------------

/// The kind NumPy accumulates in when no dtype is asked for.
Kind default_kind(ReduceOp op, Kind kind) {
  switch (op) {
    case ReduceOp::sum:
    case ReduceOp::prod:
      if (is_unsigned(kind)) return Kind::UInt64;
      return is_integer(kind) || kind == Kind::Bool ? Kind::Int64 : kind;
    case ReduceOp::any:
    case ReduceOp::all:
    case ReduceOp::logical_xor: return Kind::Bool;
    default: return kind;
  }
}

/// The kind that a method of `ufunc` computes in, as NumPy resolves it for elements of `from`; nothing if native code has
/// no such kind. Throws nanobind::python_error where NumPy has no loop.
std::optional<Kind> kind_of_method(PyObject* ufunc, const DType& from, PyObject* dtype, PyObject* out_dtype) {
  const Reference first = out_dtype == Py_None ? Reference::copy(Py_None) : descriptor_from(out_dtype);
  const Reference tokens = Reference::take(PyTuple_Pack(3, first.get(), descriptor_of(from).get(), Py_None));
  const Reference kwargs = Reference::take(Py_BuildValue("{s:s,s:O}", "casting", "unsafe", "reduction", Py_True));
  if (dtype != Py_None) {
    const Reference signature = Reference::take(PyTuple_Pack(3, dtype, Py_None, Py_None));
    PyDict_SetItemString(kwargs.get(), "signature", signature.get());
  }
  const Reference method = Reference::take(PyObject_GetAttrString(ufunc, "resolve_dtypes"));
  const Reference args = Reference::take(PyTuple_Pack(1, tokens.get()));
  const Reference dtypes = Reference::take(PyObject_Call(method.get(), args.get(), kwargs.get()));
  const auto* descriptor = reinterpret_cast<PyArray_Descr*>(PyTuple_GET_ITEM(dtypes.get(), 0));
  return kind_of_number(descriptor->type_num);
}

/// The operation and the kind of a method of a ufunc, or nothing if native code has no loop for it.
struct Method {
  Op op{};
  Kind kind{};
  [[nodiscard]] const char* name() const { return kernels::name_of(op).data(); }
};
std::optional<Method> method_of(nb::handle ufunc, const array::Array& a, nb::handle dtype, nb::handle out_dtype) {
  const auto op = op_of(ufunc.ptr());
  if (!op || a.dtype().kind == Kind::Opaque) return std::nullopt;
  const auto kind = kind_of_method(ufunc.ptr(), a.dtype(), dtype.ptr(), out_dtype.ptr());
  if (!kind) return std::nullopt;
  const Kind kinds[] = {*kind, *kind};
  const kernels::Kernel* kernel = kernels::find(*op, kinds);
  if (!kernel || kernel->outputs != 1 || kernel->kinds[2] != *kind) return std::nullopt;
  return Method{*op, *kind};
}

array::Scalar scalar_of(nb::handle object, Kind kind) {
  array::Scalar scalar;
  scalar.kind = kind;
  scalar_bytes(object.ptr(), kind, scalar.bytes.data());
  return scalar;
}

/// Arguments that all reductions share.
struct Over {
  std::optional<std::vector<int>> axes;
  std::optional<array::Operand> where;

  Over(const array::Array& of, std::optional<std::vector<int>> a, nb::handle mask) : axes(std::move(a)) {
    if (mask.is_none()) return;
    if (array_in(mask).ndim() > of.ndim())
      throw_value_error("input operand has more dimensions than allowed by the axis remapping");
    where = array::Operand(array_in(mask));
  }
  template <class Options>
  void fill(Options& options, bool keepdims) const {
    if (axes) options.axes = *axes;
    options.keepdims = keepdims;
    if (where) options.where = &*where;
  }
};

void check_reorderable(nb::handle ufunc, const char* name, const array::Array& a,
                       const std::optional<std::vector<int>>& axes) {
  const std::size_t count = axes ? axes->size() : static_cast<std::size_t>(a.ndim());
  if (count < 2 || !nb::getattr(ufunc, "identity").is_none()) return;
  throw_value_error(
      ("reduction operation '" + std::string(name) + "' is not reorderable, so at most one axis may be specified")
          .c_str());
}

/// Reductions whose order matters.
array::Array fold(nb::handle ufunc, const Method& method, const array::Array& a, const Over& over, bool keepdims,
                  std::optional<array::Scalar> initial, bool no_identity) {
  check_reorderable(ufunc, method.name(), a, over.axes);
  array::FoldOptions options;
  over.fill(options, keepdims);
  options.initial = initial;
  if (!initial && !no_identity) {
    const nb::object identity = nb::getattr(ufunc, "identity");
    if (!identity.is_none()) options.initial = scalar_of(identity, method.kind);
  }
  Errors errors("reduce", true);
  options.site = errors.site();
  options.flags = errors.flags();
  array::Array result;
  {
    const Unlocked unlocked;
    if (method.op == Op::power && is_integer(method.kind)) array::check_exponents(a);
    result = array::fold(array::Step::of(method.op, method.kind), a, method.name(), options);
  }
  errors.report();
  issue_warnings_if_any();
  return result;
}

array::Array run(ReduceOp op, const array::Array& a, array::ReduceOptions& options) {
  Errors errors("reduce", may_raise(options.kind));
  options.site = errors.site();
  options.flags = errors.flags();
  array::Array result;
  {
    const Unlocked unlocked(a.size());
    result = array::reduce(op, a, options);
  }
  errors.report();
  issue_warnings_if_any();
  return result;
}

/// ufunc.reduce(a, axes, dtype, ...) as a new array. `initial`: an empty tuple if none was given, None for "no identity".
nb::object reduce(nb::handle ufunc, nb::handle a, std::optional<std::vector<int>> axes, nb::handle dtype,
                  nb::handle out_dtype, bool keepdims, nb::handle initial, nb::handle where) {
  const array::Array& array = array_in(a);
  const auto method = method_of(ufunc, array, dtype, out_dtype);
  if (!method) return not_implemented();
  const Over over(array, std::move(axes), where);
  std::optional<array::Scalar> start;
  const bool no_identity = initial.is_none();
  if (!no_identity && !nb::isinstance<nb::tuple>(initial)) start = scalar_of(initial, method->kind);
  const auto reduction = kernels::reduction_by(method->op);
  if (!reduction || !kernels::reduction(*reduction, method->kind)) {
    return result_for(fold(ufunc, *method, array, over, keepdims, start, no_identity), a);
  }
  array::ReduceOptions options;
  over.fill(options, keepdims);
  options.kind = method->kind;
  options.initial = start;
  options.no_identity = no_identity;
  return result_for(run(*reduction, array, options), a);
}

/// a.sum(...): with no arguments at once, else through distob._reductions, which knows NumPy's signatures.
template <ReduceOp op>
PyObject* method(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names);

constexpr std::array<const char*, 6> kNames = {"sum", "prod", "min", "max", "any", "all"};

template <ReduceOp op>
PyObject* method(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> PyObject* {
    const array::Array& a = array_of(self);
    const DType dtype = a.dtype();
    const bool plain = count == 0 && (!names || PyTuple_GET_SIZE(names) == 0);
    if (plain && dtype.kind != Kind::Opaque) {
      array::ReduceOptions options;
      options.kind = default_kind(op, dtype.kind);
      if (kernels::reduction(op, options.kind)) return wrap_result(run(op, a, options), Py_TYPE(self)).release();
    }
    const Reference function = python_side("_reductions", kNames[static_cast<std::size_t>(op)]);
    std::vector<PyObject*> all = {self};
    all.insert(all.end(), args, args + count + (names ? PyTuple_GET_SIZE(names) : 0));
    return PyObject_Vectorcall(function.get(), all.data(), static_cast<std::size_t>(count) + 1, names);
  });
}

template <ReduceOp op>
PyMethodDef entry(const char* doc) {
  // The detour through void* is CPython's own way to store functions of several signatures in one table.
  auto* function = reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(method<op>));
  return {kNames[static_cast<std::size_t>(op)], function, METH_FASTCALL | METH_KEYWORDS, doc};
}

// --- Along an axis ----------------------------------------------------------------------------------------------------

nb::object accumulate(nb::handle ufunc, nb::handle a, int axis, nb::handle dtype, nb::handle out_dtype) {
  const array::Array& array = array_in(a);
  const auto method = method_of(ufunc, array, dtype, out_dtype);
  if (!method) return not_implemented();
  Errors errors("accumulate", true);
  array::Array result;
  {
    const Unlocked unlocked;
    if (method->op == Op::power && is_integer(method->kind)) array::check_exponents(array);
    result = array::accumulate(array::Step::of(method->op, method->kind), array, axis, {errors.site(), errors.flags()});
  }
  errors.report();
  issue_warnings_if_any();
  return result_for(std::move(result), a);
}

nb::object reduceat(nb::handle ufunc, nb::handle a, const std::vector<std::int64_t>& indices, int axis,
                    nb::handle dtype, nb::handle out_dtype) {
  const array::Array& array = array_in(a);
  const auto method = method_of(ufunc, array, dtype, out_dtype);
  if (!method) return not_implemented();
  Errors errors("reduceat", true);
  array::Array result;
  {
    const Unlocked unlocked;
    if (method->op == Op::power && is_integer(method->kind)) array::check_exponents(array);
    result = array::reduce_parts(array::Step::of(method->op, method->kind), array, indices, axis, method->name(),
                                 {errors.site(), errors.flags()});
  }
  errors.report();
  issue_warnings_if_any();
  return result_for(std::move(result), a);
}

/// Dates and durations in this machine's order of bytes.
bool are_times(const DType& dtype) {
  if (dtype.kind != Kind::Opaque) return false;
  const Reference descriptor = descriptor_of(dtype);
  const auto* d = reinterpret_cast<PyArray_Descr*>(descriptor.get());
  return (d->type_num == NPY_DATETIME || d->type_num == NPY_TIMEDELTA) && PyArray_ISNBO(d->byteorder);
}

nb::object arg_extreme(nb::handle a, bool greatest, std::optional<int> axis, bool keepdims) {
  const array::Array& array = array_in(a);
  const bool times = are_times(array.dtype());
  if (array.dtype().kind == Kind::Opaque && !times) return not_implemented();
  array::Array result;
  {
    const Unlocked unlocked;
    result = array::arg_extreme(greatest, array, axis, keepdims, times);
  }
  return result_for(std::move(result), a);
}

// --- Statistics -------------------------------------------------------------------------------------------------------

std::optional<Kind> native_kind(nb::handle dtype) {
  const Reference descriptor = descriptor_from(dtype.ptr());
  return kind_of_number(reinterpret_cast<PyArray_Descr*>(descriptor.get())->type_num);
}

/// Whether a count has to be cast to divide it.
bool is_narrow(Kind kind) { return kind == Kind::Float16 || kind == Kind::Float32 || kind == Kind::Complex64; }

/// The stages of a mean or a variance, and the names NumPy gives their float errors.
struct StageErrors {
  Errors sum, mean_quotient, distance, square, quotient;

  /// NumPy has arithmetic of its own for scalars, but only where no operand is cast.
  StageErrors(Kind kind, bool scalar)
      : sum("reduce", may_raise(kind)),
        mean_quotient("divide", true),
        distance("subtract", true),
        square("square", true),
        quotient(scalar && !is_narrow(kind) ? "scalar divide" : "divide", true) {}
  void fill(array::MeanOptions& options) {
    options.sum = sum.stage();
    options.distance = distance.stage();
    options.square = square.stage();
    options.quotient = quotient.stage();
  }
  void report() const {
    for (const Errors* one : {&sum, &mean_quotient, &distance, &square, &quotient}) one->report();
    issue_warnings_if_any();
  }
};

bool gives_scalar(const array::Array& a, const Over& over, bool keepdims) {
  return !keepdims && (!over.axes || static_cast<int>(over.axes->size()) == a.ndim());
}

nb::object mean(nb::handle a, std::optional<std::vector<int>> axes, nb::handle dtype, bool keepdims, nb::handle where) {
  const array::Array& array = array_in(a);
  const auto kind = native_kind(dtype);
  if (!kind || array.dtype().kind == Kind::Opaque) return not_implemented();
  const Over over(array, std::move(axes), where);
  array::MeanOptions options;
  over.fill(options, keepdims);
  options.kind = *kind;
  StageErrors errors(*kind, gives_scalar(array, over, keepdims));
  errors.fill(options);
  array::Array result;
  {
    const Unlocked unlocked(array.size());
    result = array::mean(array, options);
  }
  errors.report();
  return result_for(std::move(result), a);
}

/// `dtypes`: of the mean (if that is not given), of the distances from it, and of the sum of their squares.
nb::object variance(nb::handle a, std::optional<std::vector<int>> axes, nb::handle dtypes, bool keepdims, double ddof,
                    nb::handle where, nb::handle mean) {
  const array::Array& array = array_in(a);
  const auto mean_kind = native_kind(dtypes[0]), distance = native_kind(dtypes[1]), kind = native_kind(dtypes[2]);
  if (!mean_kind || !distance || !kind || array.dtype().kind == Kind::Opaque) return not_implemented();
  const Over over(array, std::move(axes), where);
  StageErrors errors(*kind, gives_scalar(array, over, keepdims));
  array::VarianceOptions options;
  over.fill(options, keepdims);
  options.kind = *kind;
  options.mean_kind = *mean_kind;
  options.distance_kind = *distance;
  options.ddof = ddof;
  options.mean_quotient = errors.mean_quotient.stage();
  if (!mean.is_none()) options.mean = &array_in(mean);
  errors.fill(options);
  array::Array result;
  {
    const Unlocked unlocked(array.size());
    result = array::variance(array, options);
  }
  errors.report();
  return result_for(std::move(result), a);
}

nb::object count_nonzero(nb::handle a, std::optional<std::vector<int>> axes, bool keepdims) {
  const array::Array& array = array_in(a);
  if (array.dtype().kind == Kind::Opaque) return not_implemented();
  std::optional<std::span<const int>> over;
  if (axes) over = *axes;
  array::Array result;
  {
    const Unlocked unlocked(array.size());
    result = array::count_nonzero(array, over, keepdims);
  }
  return result_for(std::move(result), a);
}

}  // namespace

std::span<const PyMethodDef> reduction_methods() {
  static const std::array<PyMethodDef, 6> methods = {
      entry<ReduceOp::sum>("Sum of the elements over the given axes, as numpy.sum."),
      entry<ReduceOp::prod>("Product of the elements over the given axes, as numpy.prod."),
      entry<ReduceOp::min>("Smallest element over the given axes, as numpy.min."),
      entry<ReduceOp::max>("Largest element over the given axes, as numpy.max."),
      entry<ReduceOp::any>("Whether any element is true over the given axes, as numpy.any."),
      entry<ReduceOp::all>("Whether all elements are true over the given axes, as numpy.all."),
  };
  return methods;
}

void register_reductions(nb::module_& m) {
  m.def("reduce", reduce, nb::arg("ufunc"), nb::arg("a"), nb::arg("axes").none(), nb::arg("dtype").none(),
        nb::arg("out_dtype").none(), nb::arg("keepdims"), nb::arg("initial").none(), nb::arg("where").none());
  m.def("accumulate", accumulate, nb::arg("ufunc"), nb::arg("a"), nb::arg("axis"), nb::arg("dtype").none(),
        nb::arg("out_dtype").none());
  m.def("reduceat", reduceat, nb::arg("ufunc"), nb::arg("a"), nb::arg("indices"), nb::arg("axis"),
        nb::arg("dtype").none(), nb::arg("out_dtype").none());
  m.def("arg_extreme", arg_extreme, nb::arg("a"), nb::arg("greatest"), nb::arg("axis").none(), nb::arg("keepdims"));
  m.def("mean", mean, nb::arg("a"), nb::arg("axes").none(), nb::arg("dtype"), nb::arg("keepdims"),
        nb::arg("where").none());
  m.def("variance", variance, nb::arg("a"), nb::arg("axes").none(), nb::arg("dtypes"), nb::arg("keepdims"),
        nb::arg("ddof"), nb::arg("where").none(), nb::arg("mean").none());
  m.def("count_nonzero", count_nonzero, nb::arg("a"), nb::arg("axes").none(), nb::arg("keepdims"));
  m.def(
      "mask",
      [](nb::handle where, nb::handle face) {
        return nb::steal(wrap(mask_from(where.ptr()), reinterpret_cast<PyTypeObject*>(face.ptr())).release());
      },
      "`where=` as a boolean array.");
  m.def("check_writeable", [](nb::handle out) { require_writeable(out.ptr()); });
}

}  // namespace distob::python

#include "arrays/ufuncs.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/keywords.h"
#include "arrays/ndarrays.h"
#include "arrays/numpy_calls.h"
#include "arrays/operands.h"
#include "arrays/python_side.h"
#include "arrays/scalars.h"
#include "tensor/view.h"

namespace distob::python {
namespace {

using kernels::Kernel;
using kernels::Op;

constexpr std::size_t kMostOutputs = 2;

bool is_comparison(Op op) { return op >= Op::equal && op <= Op::greater_equal; }

bool all_native(std::span<const Input> inputs) {
  return std::all_of(inputs.begin(), inputs.end(), [](const Input& input) { return input.native; });
}

const Kernel* native_kernel(Op op, PyObject* ufunc, std::span<const Input> inputs) {
  if (inputs.size() > kMostInputs || !all_native(inputs)) return nullptr;
  std::array<OperandType, kMostInputs> types{};
  for (std::size_t i = 0; i < inputs.size(); ++i) types[i] = inputs[i].type;
  return resolve(op, ufunc, std::span(types).first(inputs.size()));
}

// --- Running a kernel -------------------------------------------------------------------------------------------------

/// A comparison of integers with one that their type cannot hold has one answer everywhere. This makes of it a comparison
/// with the type's own greatest or least value that has the same answer: element <= greatest is true, element < least not.
Op compare_with_bound(Op op, bool too_large, bool on_the_left, Kind kind, array::Scalar& bound) {
  const bool asks_less =
      on_the_left ? op == Op::greater || op == Op::greater_equal : op == Op::less || op == Op::less_equal;
  const bool answer = op == Op::not_equal || (op != Op::equal && asks_less == too_large);
  const std::size_t bytes = itemsize_of(kind);
  const bool greatest = answer != on_the_left;
  bound.kind = kind;
  std::fill_n(bound.bytes.begin(), bytes, greatest ? '\xff' : '\0');
  if (!is_unsigned(kind)) bound.bytes[bytes - 1] = greatest ? '\x7f' : '\x80';
  return answer ? Op::less_equal : Op::less;
}

/// What a call reads and writes, as the array machine takes it.
class Operands {
 public:
  /// Throws nanobind::python_error for what NumPy refuses to convert.
  Operands(Op op, const Kernel& kernel, std::span<Input> inputs) : kernel_(&kernel), count_(inputs.size()) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      try {
        operands_[i] = operand_of(inputs[i], kernel.kinds[i]);
      } catch (nanobind::python_error& e) {
        if (!is_comparison(op) || !is_integer(kernel.kinds[i]) || !e.matches(PyExc_OverflowError)) throw;
        compare_with(op, i, inputs[i]);
      }
      elements_ = std::max(elements_, elements_of(inputs[i].object));
    }
  }

  [[nodiscard]] const Kernel& kernel() const { return *kernel_; }
  [[nodiscard]] std::span<const array::Operand> span() const { return std::span(operands_).first(count_); }
  [[nodiscard]] std::int64_t elements() const { return elements_; }

 private:
  void compare_with(Op op, std::size_t at, Input& input) {
    const Reference zero = Reference::take(PyLong_FromLong(0));
    const int positive = PyObject_RichCompareBool(input.object, zero.get(), Py_GT);
    if (positive < 0) throw nanobind::python_error();
    const Kind kind = kernel_->kinds[at];
    const Op same = compare_with_bound(op, positive != 0, at == 0, kind, input.scalar);
    const Kind kinds[] = {kind, kind};
    kernel_ = kernels::find(same, kinds);
    operands_[at] = input.scalar;
  }

  const array::Array nothing_;
  const Kernel* kernel_;
  std::size_t count_;
  std::array<array::Operand, kMostInputs> operands_ = {nothing_, nothing_, nothing_};
  std::int64_t elements_ = 1;
};

/// Runs the kernel with float errors handled as the caller's np.errstate says.
void run(Op op, const Operands& operands, array::ApplyOptions options, std::span<array::Array> results) {
  const Kernel& kernel = operands.kernel();
  unsigned flags = 0;
  const char* name = kernels::name_of(op).data();
  if (kernel.sets_float_flags || !options.out.empty()) {
    const FloatHandling handling = float_handling(name);
    options.site = handling.site;
    if (handling.immediate) options.flags = &flags;
  }
  {
    const Unlocked unlocked(operands.elements());
    if (op == Op::power && is_integer(kernel.kinds[1])) array::check_exponents(operands.span()[1], options.where);
    if (kernel.outputs == 1) {
      results[0] = array::apply(kernel, operands.span(), options);
    } else {
      std::vector<array::Array> all = array::apply_all(kernel, operands.span(), options);
      std::move(all.begin(), all.end(), results.begin());
    }
  }
  if (flags != 0) report_now(name, flags);
  issue_warnings_if_any();
}

Reference tuple_of(std::span<Reference> results) {
  if (results.size() == 1) return std::move(results[0]);
  const Reference tuple = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
  for (std::size_t i = 0; i < results.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), results[i].release());
  }
  return tuple;
}

/// The way of operators and plain calls: new results, every element.
Reference run_plain(Op op, const Kernel& kernel, std::span<Input> inputs, PyTypeObject* face) {
  std::array<array::Array, kMostOutputs> arrays;
  run(op, Operands(op, kernel, inputs), {}, arrays);
  if (kernel.outputs == 1) return wrap_result(std::move(arrays[0]), face);
  std::array<Reference, kMostOutputs> results;
  for (std::size_t i = 0; i < kernel.outputs; ++i) results[i] = wrap_result(std::move(arrays[i]), face);
  return tuple_of(std::span(results).first(kernel.outputs));
}

// --- out=, where=, order= ---------------------------------------------------------------------------------------------

bool is_ndarray_out(PyObject* out) {
  if (!PyArray_CheckExact(out)) return false;
  return kind_of_number(PyArray_DESCR(reinterpret_cast<PyArrayObject*>(out))->type_num).has_value();
}

/// The dtype of an `out` that native code can write: an array of ours, or an ndarray that gets a copy.
std::optional<DType> dtype_of_out(PyObject* out) {
  if (is_array(out)) {
    const DType dtype = array_of(out).dtype();
    return dtype.kind == Kind::Opaque ? std::nullopt : std::optional(dtype);
  }
  if (is_ndarray_out(out)) return dtype_of(PyArray_DESCR(reinterpret_cast<PyArrayObject*>(out)));
  return std::nullopt;
}

bool outputs_are_native(std::span<PyObject* const> out) {
  return std::all_of(out.begin(), out.end(), [](PyObject* one) { return !one || dtype_of_out(one); });
}

/// Whether NumPy lets results be written to `out` without a casting= of the caller's.
bool outputs_fit(const Kernel& kernel, std::span<PyObject* const> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!out[i]) continue;
    const DType dtype = *dtype_of_out(out[i]);
    const Kind kind = kernel.kinds[kernel.inputs + i];
    if (dtype.kind == kind) continue;
    const Reference from = descriptor_of(DType(kind));
    const Reference to = descriptor_of(dtype);
    if (PyArray_CanCastTypeTo(reinterpret_cast<PyArray_Descr*>(from.get()), reinterpret_cast<PyArray_Descr*>(to.get()),
                              NPY_SAME_KIND_CASTING) == 0) {
      return false;
    }
  }
  return true;
}

/// The kernel for a call with dtype=, signature=, casting= or an `out` of another dtype: NumPy resolves it each time.
/// Throws nanobind::python_error with NumPy's own error where it finds no loop or refuses a cast.
const Kernel* kernel_by_request(Op op, PyObject* ufunc, std::span<const Input> inputs, const Keywords& keywords) {
  const Reference outputs = Reference::take(PyObject_GetAttrString(ufunc, "nout"));
  const auto results = static_cast<std::size_t>(PyLong_AsLong(outputs.get()));
  const auto total = static_cast<Py_ssize_t>(inputs.size() + results);
  const Reference tokens = Reference::take(PyTuple_New(total));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    PyTuple_SET_ITEM(tokens.get(), static_cast<Py_ssize_t>(i), token_of(inputs[i]).release());
  }
  for (std::size_t i = 0; i < results; ++i) {
    PyObject* out = i < keywords.out.size() ? keywords.out[i] : nullptr;
    Reference token = out ? descriptor_of(*dtype_of_out(out)) : Reference::copy(Py_None);
    PyTuple_SET_ITEM(tokens.get(), static_cast<Py_ssize_t>(inputs.size() + i), token.release());
  }
  const Reference kwargs = Reference::take(PyDict_New());
  if (PyObject* casting = keywords.get("casting")) PyDict_SetItemString(kwargs.get(), "casting", casting);
  for (const char* name : {"sig", "signature"}) {
    if (PyObject* value = keywords.get(name)) PyDict_SetItemString(kwargs.get(), "signature", value);
  }
  if (PyObject* dtype = keywords.get("dtype")) {
    const Reference descriptor = descriptor_from(dtype);
    const Reference signature = Reference::take(PyTuple_New(total));
    for (Py_ssize_t i = 0; i < total; ++i) {
      const bool is_output = i >= static_cast<Py_ssize_t>(inputs.size());
      PyTuple_SET_ITEM(signature.get(), i, Py_NewRef(is_output ? descriptor.get() : Py_None));
    }
    PyDict_SetItemString(kwargs.get(), "signature", signature.get());
  }
  const Reference method = Reference::take(PyObject_GetAttrString(ufunc, "resolve_dtypes"));
  const Reference args = Reference::take(PyTuple_Pack(1, tokens.get()));
  const Reference dtypes = Reference::take(PyObject_Call(method.get(), args.get(), kwargs.get()));
  PyObject* const* first = &PyTuple_GET_ITEM(dtypes.get(), 0);
  return kernel_of_loop(op, std::span(first, static_cast<std::size_t>(total)), inputs.size());
}

Shape broadcast_shape(std::span<const Input> inputs, const array::Array& mask) {
  std::vector<Shape> shapes;
  for (const Input& input : inputs) shapes.push_back(shape_of(input.object));
  if (mask) shapes.push_back(mask.shape());
  std::vector<const Shape*> pointers;
  for (const Shape& shape : shapes) pointers.push_back(&shape);
  return array::broadcast_shapes(pointers);
}

bool f_contiguous(PyObject* object) {
  if (is_array(object)) {
    const array::Array& a = array_of(object);
    const View view{0, a.shape(), a.strides(), a.dtype()};
    return a.pieces() == 1 && view.is_f_contiguous();
  }
  return !PyArray_Check(object) || PyArray_IS_F_CONTIGUOUS(reinterpret_cast<PyArrayObject*>(object));
}

/// New elements in the order that `order` asks for: "C", "F" or "A".
array::Array new_in_order(PyObject* order, std::span<const Input> inputs, const Shape& shape, Kind kind) {
  NPY_ORDER wanted = NPY_KEEPORDER;
  if (PyArray_OrderConverter(order, &wanted) != NPY_SUCCEED) throw nanobind::python_error();
  const bool fortran = wanted == NPY_FORTRANORDER ||
                       (wanted == NPY_ANYORDER && std::all_of(inputs.begin(), inputs.end(), [](const Input& input) {
                          return f_contiguous(input.object);
                        }));
  if (!fortran) return array::empty(shape, kind);
  Shape reversed;
  for (std::size_t i = shape.size(); i-- > 0;) reversed.push_back(shape[i]);
  return array::transpose(array::empty(reversed, kind));
}

/// A result that goes to an ndarray: computed in an array of ours that begins as a copy if not all of it is written.
array::Array stand_in(PyObject* ndarray, bool partly) {
  auto* array = reinterpret_cast<PyArrayObject*>(ndarray);
  if (PyArray_FailUnlessWriteable(array, "output array") < 0) throw nanobind::python_error();
  if (partly) return array_from_ndarray(array);
  DType dtype = dtype_of(PyArray_DESCR(array));
  dtype.swapped = false;
  return array::empty(shape_of(ndarray), dtype);
}

void copy_to_ndarray(const array::Array& result, PyObject* ndarray) {
  const array::Foreign to = foreign_of(reinterpret_cast<PyArrayObject*>(ndarray));
  const Unlocked unlocked(result.size());
  array::gather_into(result, const_cast<void*>(to.data), to.dtype, to.strides);
}

Reference run_with_keywords(Op op, const Kernel& kernel, std::span<Input> inputs, const Keywords& keywords,
                            PyTypeObject* face) {
  const array::Array mask = keywords.where ? mask_from(keywords.where) : array::Array();
  const std::optional<array::Operand> where = mask ? std::optional<array::Operand>(mask) : std::nullopt;
  const Operands operands(op, kernel, inputs);
  std::array<array::Array, kMostOutputs> out;
  for (std::size_t i = 0; i < kernel.outputs; ++i) {
    PyObject* given = i < keywords.out.size() ? keywords.out[i] : nullptr;
    if (given && is_array(given)) {
      require_writeable(given);
      out[i] = array_of(given);
    } else if (given) {
      out[i] = stand_in(given, where.has_value());
    } else if (keywords.order) {
      out[i] = new_in_order(keywords.order, inputs, broadcast_shape(inputs, mask), kernel.kinds[kernel.inputs + i]);
    }
  }
  array::ApplyOptions options;
  options.out = std::span<const array::Array>(out).first(kernel.outputs);
  if (where) options.where = &*where;
  std::array<array::Array, kMostOutputs> arrays;
  run(op, operands, options, arrays);
  std::array<Reference, kMostOutputs> results;
  for (std::size_t i = 0; i < kernel.outputs; ++i) {
    PyObject* given = i < keywords.out.size() ? keywords.out[i] : nullptr;
    if (given && !is_array(given)) copy_to_ndarray(arrays[i], given);
    results[i] = given ? Reference::copy(given) : wrap_result(std::move(arrays[i]), face);
  }
  return tuple_of(std::span(results).first(kernel.outputs));
}

/// ufunc(*inputs, **keywords) natively, or nothing if it has to be NumPy.
Reference call_natively(Op op, PyObject* ufunc, std::span<Input> inputs, const Keywords& keywords, PyTypeObject* face) {
  if (keywords.unknown || inputs.size() > kMostInputs || !all_native(inputs)) return {};
  if (!outputs_are_native(keywords.out)) return {};
  const Kernel* kernel = keywords.given_types ? nullptr : native_kernel(op, ufunc, inputs);
  if (keywords.given_types || (kernel && !outputs_fit(*kernel, keywords.out))) {
    kernel = kernel_by_request(op, ufunc, inputs, keywords);
  }
  if (!kernel || keywords.out.size() > kernel->outputs) return {};
  if (keywords.out.empty() && !keywords.where && !keywords.order) return run_plain(op, *kernel, inputs, face);
  return run_with_keywords(op, *kernel, inputs, keywords, face);
}

// --- Whose operation it is --------------------------------------------------------------------------------------------

/// Whether `object` is an ndarray with a behaviour of its own, such as a masked array. A memmap has none.
bool is_subclass_of_ndarray(PyObject* object) {
  if (!PyArray_Check(object) || PyArray_CheckExact(object)) return false;
  static PyObject* const memmap = [] {
    const Reference numpy = Reference::take(PyImport_ImportModule("numpy"));
    return Reference::take(PyObject_GetAttrString(numpy.get(), "memmap")).release();
  }();
  return !PyType_IsSubtype(Py_TYPE(object), reinterpret_cast<PyTypeObject*>(memmap));
}

/// Whether `object` asks that operators leave the operation to it, as ndarray decides for its own.
bool takes_over(PyObject* object) {
  if (is_array(object) || PyArray_CheckExact(object) || PyArray_IsScalar(object, Generic)) return false;
  static PyObject* name = PyUnicode_InternFromString("__array_ufunc__");
  const bool subclass = is_subclass_of_ndarray(object);
  PyObject* protocol = PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(object)), name);
  if (protocol && !subclass) return Reference::take(protocol).get() == Py_None;
  Py_XDECREF(protocol);
  PyErr_Clear();
  static PyObject* priority_name = PyUnicode_InternFromString("__array_priority__");
  PyObject* priority = PyObject_GetAttr(object, priority_name);
  PyErr_Clear();
  const bool prior = priority && PyNumber_Check(priority) && PyFloat_AsDouble(priority) > 0;
  Py_XDECREF(priority);
  PyErr_Clear();
  return prior;
}

bool is_plain(PyObject* object) {
  return is_array(object) || weak_type_of(object) || PyBool_Check(object) || PyArray_IsScalar(object, Generic) ||
         PyArray_CheckExact(object);
}

/// Whether an operand has an __array_ufunc__ of its own (NEP 13): it must get its turn, since we do not know it.
bool has_own_protocol(PyObject* object) {
  if (!object || is_plain(object)) return false;
  static PyObject* const name = PyUnicode_InternFromString("__array_ufunc__");
  static PyObject* const of_ndarray =
      Reference::take(PyObject_GetAttr(reinterpret_cast<PyObject*>(&PyArray_Type), name)).release();
  PyObject* own = PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(object)), name);
  PyErr_Clear();
  Py_XDECREF(own);  // its type keeps it
  return own && own != of_ndarray;
}

}  // namespace

Reference call_operator(Op op, std::span<PyObject* const> inputs) {
  std::array<Input, kMostInputs> sorted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_plain(inputs[i])) [[unlikely]] {
      if (takes_over(inputs[i])) return Reference::copy(Py_NotImplemented);
      // The long way, so that an operand with an __array_ufunc__ of its own gets its turn.
      return Reference::take(PyObject_Vectorcall(ufunc_of(op), inputs.data(), inputs.size(), nullptr));
    }
    sorted[i] = input_of(inputs[i]);
  }
  const std::span<Input> span(sorted.data(), inputs.size());
  PyTypeObject* face = face_of(inputs);
  if (const Kernel* kernel = native_kernel(op, ufunc_of(op), span)) [[likely]]
    return run_plain(op, *kernel, span, face);
  return call_by_numpy(ufunc_of(op), span, {}, face);
}

Reference call_in_place(Op op, PyObject* target, PyObject* other) {
  PyObject* const inputs[] = {target, other};
  if (as_array_object(target)->is_scalar) return call_operator(op, inputs);
  if (!is_plain(other) && takes_over(other)) return Reference::copy(Py_NotImplemented);
  Keywords keywords;
  keywords.out = {target};
  std::array<Input, 2> sorted = {input_of(target), input_of(other)};
  require_writeable(target);
  if (Reference result = call_natively(op, ufunc_of(op), sorted, keywords, Py_TYPE(target))) return result;
  return call_by_numpy(ufunc_of(op), sorted, keywords, Py_TYPE(target));
}

/// A generalized ufunc (matmul): not distributed, and distob._fallback says so.
static Reference call_generalized(PyObject* ufunc, std::span<PyObject* const> inputs, PyObject* kwargs) {
  const Reference function = python_side("_ufuncs", "call_generalized");
  const Reference args = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(inputs.size()) + 1));
  PyTuple_SET_ITEM(args.get(), 0, Py_NewRef(ufunc));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    PyTuple_SET_ITEM(args.get(), static_cast<Py_ssize_t>(i) + 1, Py_NewRef(inputs[i]));
  return Reference::take(PyObject_Call(function.get(), args.get(), kwargs));
}

Reference call_ufunc(PyObject* ufunc, std::span<PyObject* const> inputs, PyObject* kwargs) {
  if (Reference::take(PyObject_GetAttrString(ufunc, "signature")).get() != Py_None) {
    return call_generalized(ufunc, inputs, kwargs);
  }
  const Keywords keywords = keywords_of(kwargs);
  if (std::any_of(inputs.begin(), inputs.end(), has_own_protocol) ||
      std::any_of(keywords.out.begin(), keywords.out.end(), has_own_protocol)) {
    return Reference::copy(Py_NotImplemented);
  }
  std::vector<Input> sorted;
  for (PyObject* input : inputs) sorted.push_back(input_of(input));
  std::vector<PyObject*> faces(inputs.begin(), inputs.end());
  faces.insert(faces.end(), keywords.out.begin(), keywords.out.end());
  PyTypeObject* face = face_of(faces);
  if (const auto op = op_of(ufunc)) {
    if (Reference result = call_natively(*op, ufunc, sorted, keywords, face)) return result;
  }
  return call_by_numpy(ufunc, sorted, keywords, face);
}

PyObject* array_ufunc(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    if (PyTuple_GET_SIZE(args) < 2) throw_value_error("__array_ufunc__ needs a ufunc and a method");
    PyObject* ufunc = PyTuple_GET_ITEM(args, 0);
    PyObject* method = PyTuple_GET_ITEM(args, 1);
    for (Py_ssize_t i = 2; i < PyTuple_GET_SIZE(args); ++i) {
      if (!is_subclass_of_ndarray(PyTuple_GET_ITEM(args, i))) continue;
      const Reference function = python_side("_ufuncs", "call_on_subclasses");
      const Reference full = Reference::take(PySequence_Concat(Reference::take(PyTuple_Pack(1, self)).get(), args));
      return PyObject_Call(function.get(), full.get(), kwargs);
    }
    if (PyUnicode_CompareWithASCIIString(method, "__call__") != 0) {
      const Reference function = python_side("_ufuncs", "call_method");
      const Reference full = Reference::take(PySequence_Concat(Reference::take(PyTuple_Pack(1, self)).get(), args));
      return PyObject_Call(function.get(), full.get(), kwargs);
    }
    PyObject* const* first = &PyTuple_GET_ITEM(args, 2);
    const std::span<PyObject* const> inputs(first, static_cast<std::size_t>(PyTuple_GET_SIZE(args) - 2));
    if ((!kwargs || PyDict_GET_SIZE(kwargs) == 0) && inputs.size() <= kMostInputs &&
        std::all_of(inputs.begin(), inputs.end(), is_plain)) {
      const auto op = op_of(ufunc);
      if (op && ufunc_of(*op) == ufunc) return call_operator(*op, inputs).release();
    }
    return call_ufunc(ufunc, inputs, kwargs).release();
  });
}

}  // namespace distob::python

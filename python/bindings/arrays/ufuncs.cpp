#include "arrays/ufuncs.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/ndarrays.h"
#include "arrays/promotion.h"
#include "arrays/python_side.h"
#include "arrays/scalars.h"

namespace distob::python {
namespace {

using kernels::Op;

constexpr std::size_t kMostInputs = 2;  ///< of operations that run natively as ufuncs

/// One operand as promotion and the machine see it.
struct Input {
  PyObject* object = nullptr;  ///< borrowed
  Reference converted;         ///< owns `object` if it had to be made: a list as an ndarray
  bool native = false;         ///< of a type kernels know
  OperandType type = 0;        ///< if native
  array::Scalar scalar{};      ///< what an operand of an array call refers to, if it is no array
  std::optional<array::Foreign> foreign{};
};

std::optional<Kind> scalar_kind(PyObject* scalar) {
  const Reference descriptor = Reference::take(reinterpret_cast<PyObject*>(PyArray_DescrFromScalar(scalar)));
  return kind_of_number(reinterpret_cast<PyArray_Descr*>(descriptor.get())->type_num);
}

void set_kind(Input& input, std::optional<Kind> kind) {
  input.native = kind.has_value();
  if (kind) input.type = static_cast<OperandType>(*kind);
}

/// Sorts an operand; things NumPy would make an array of become ndarrays.
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
    set_kind(input, kind_of_number(PyArray_DESCR(reinterpret_cast<PyArrayObject*>(input.object))->type_num));
  }
  return input;
}

/// The operand for a loop that takes `kind`; refers to `input`.
array::Operand operand_of(Input& input, Kind kind) {
  if (is_array(input.object)) return array_of(input.object);
  if (PyArray_Check(input.object)) {
    input.foreign = foreign_of(reinterpret_cast<PyArrayObject*>(input.object));
    return *input.foreign;
  }
  input.scalar.kind = kind;
  scalar_bytes(input.object, kind, input.scalar.bytes.data());
  return input.scalar;
}

Shape shape_of(PyObject* object) {
  if (is_array(object)) return array_of(object).shape();
  if (!PyArray_Check(object)) return {};
  auto* ndarray = reinterpret_cast<PyArrayObject*>(object);
  return Shape(std::span<const std::int64_t>(PyArray_DIMS(ndarray), static_cast<std::size_t>(PyArray_NDIM(ndarray))));
}

std::int64_t elements_of(PyObject* object) {
  if (is_array(object)) return array_of(object).size();
  return PyArray_Check(object) ? PyArray_SIZE(reinterpret_cast<PyArrayObject*>(object)) : 1;
}

PyTypeObject* face_of(std::span<PyObject* const> objects) {
  PyTypeObject* face = nullptr;
  for (PyObject* object : objects) {
    if (is_array(object)) face = face ? common_face(face, Py_TYPE(object)) : Py_TYPE(object);
  }
  return face ? face : array_types.dist;
}

bool is_comparison(Op op) { return op >= Op::equal && op <= Op::greater_equal; }

// --- Native ---------------------------------------------------------------------------------------------------------

struct Target {
  PyObject* out = nullptr;  ///< an array of ours to write to, or null
  const array::Operand* where = nullptr;
};

/// Runs a kernel over operands, with float errors handled. Empty if a Python integer does not fit the loop's type and NumPy
/// knows better (comparisons).
std::optional<array::Array> run_kernel(Op op, const Resolution& resolution, std::span<Input> inputs,
                                       const Target& target) {
  const array::Array nothing;
  std::array<array::Operand, kMostInputs> operands = {nothing, nothing};
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    try {
      operands[i] = operand_of(inputs[i], resolution.inputs[i]);
    } catch (nanobind::python_error& e) {
      if (!is_comparison(op) || !e.matches(PyExc_OverflowError)) throw;
      return std::nullopt;
    }
    elements = std::max(elements, elements_of(inputs[i].object));
  }
  array::ApplyOptions options;
  unsigned flags = 0;
  const char* name = kernels::name_of(op).data();
  if (resolution.kernel->sets_float_flags) {
    const FloatHandling handling = float_handling(name);
    options.site = handling.site;
    if (handling.immediate) options.flags = &flags;
  }
  if (target.out) options.out = {&array_of(target.out), 1};
  options.where = target.where;
  array::Array result;
  {
    const Unlocked unlocked(elements);
    result = array::apply(*resolution.kernel, std::span<const array::Operand>(operands).first(inputs.size()), options);
  }
  if (flags != 0) report_now(name, flags);
  issue_warnings_if_any();
  return result;
}

bool all_native(std::span<const Input> inputs) {
  for (const Input& input : inputs) {
    if (!input.native) return false;
  }
  return true;
}

const Resolution* native_resolution(Op op, std::span<const Input> inputs) {
  if (inputs.empty() || inputs.size() > kMostInputs || !all_native(inputs)) return nullptr;
  std::array<OperandType, kMostInputs> types{};
  for (std::size_t i = 0; i < inputs.size(); ++i) types[i] = inputs[i].type;
  const Resolution* resolution = resolve(op, std::span(types).first(inputs.size()));
  return resolution && resolution->kernel ? resolution : nullptr;
}

/// Whether NumPy lets a result of `kind` be written to `out` without a casting= of the caller's.
bool casts_to(Kind kind, const DType& out) {
  if (out.kind == kind) return true;
  if (out.kind == Kind::Opaque) return false;
  const Reference from = descriptor_of(DType(kind));
  const Reference to = descriptor_of(out);
  return PyArray_CanCastTypeTo(reinterpret_cast<PyArray_Descr*>(from.get()), reinterpret_cast<PyArray_Descr*>(to.get()),
                               NPY_SAME_KIND_CASTING) != 0;
}

// --- By NumPy on the elements ----------------------------------------------------------------------------------------

/// The keyword arguments of a call, without `out`.
struct Keywords {
  Reference others;            ///< a dict of its own, or nothing
  std::vector<PyObject*> out;  ///< borrowed from the caller's; null for None
  PyObject* where = nullptr;   ///< borrowed from `others`; null if every element is meant
  bool given_types = false;    ///< dtype=, signature= or casting=
};

Keywords keywords_of(PyObject* kwargs) {
  Keywords result;
  if (!kwargs || PyDict_GET_SIZE(kwargs) == 0) return result;
  result.others = Reference::take(PyDict_Copy(kwargs));
  PyObject* dict = result.others.get();
  if (PyObject* out = PyDict_GetItemString(kwargs, "out")) {
    if (PyTuple_Check(out)) {
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(out); ++i) {
        PyObject* one = PyTuple_GET_ITEM(out, i);
        result.out.push_back(one == Py_None ? nullptr : one);
      }
    } else if (out != Py_None) {
      result.out.push_back(out);
    }
    PyDict_DelItemString(dict, "out");
  }
  if (PyObject* where = PyDict_GetItemString(dict, "where")) {
    if (where == Py_True) {
      PyDict_DelItemString(dict, "where");
    } else {
      result.where = where;
    }
  }
  for (const char* name : {"dtype", "sig", "signature", "casting"}) {
    PyObject* value = PyDict_GetItemString(dict, name);
    if (value == Py_None) {
      PyDict_DelItemString(dict, name);
    } else if (value) {
      result.given_types = true;
    }
  }
  return result;
}

Py_ssize_t number_attribute(PyObject* object, const char* name) {
  const Reference value = Reference::take(PyObject_GetAttrString(object, name));
  return PyLong_AsSsize_t(value.get());
}

/// The dtypes of a ufunc's results as NumPy resolves them, or nothing if it cannot say without data.
std::vector<Reference> result_descriptors(PyObject* ufunc, std::span<const Input> inputs, Py_ssize_t outputs,
                                          const Keywords& keywords) {
  std::vector<Reference> result;
  const Reference tokens = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(inputs.size()) + outputs));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Reference token;
    if (is_array(inputs[i].object)) {
      token = descriptor_of(array_of(inputs[i].object).dtype());
    } else if (weak_type_of(inputs[i].object)) {
      token = Reference::copy(reinterpret_cast<PyObject*>(Py_TYPE(inputs[i].object)));
    } else if (PyArray_Check(inputs[i].object)) {
      token = Reference::copy(
          reinterpret_cast<PyObject*>(PyArray_DESCR(reinterpret_cast<PyArrayObject*>(inputs[i].object))));
    } else {
      token = Reference::take(reinterpret_cast<PyObject*>(PyArray_DescrFromScalar(inputs[i].object)));
    }
    PyTuple_SET_ITEM(tokens.get(), static_cast<Py_ssize_t>(i), token.release());
  }
  for (Py_ssize_t i = 0; i < outputs; ++i) {
    PyTuple_SET_ITEM(tokens.get(), static_cast<Py_ssize_t>(inputs.size()) + i, Py_NewRef(Py_None));
  }
  const Reference method = Reference::take(PyObject_GetAttrString(ufunc, "resolve_dtypes"));
  const Reference args = Reference::take(PyTuple_Pack(1, tokens.get()));
  const Reference kwargs = Reference::take(PyDict_New());
  if (keywords.others) {
    for (const char* name : {"casting", "signature"}) {
      if (PyObject* value = PyDict_GetItemString(keywords.others.get(), name))
        PyDict_SetItemString(kwargs.get(), name, value);
    }
    if (PyDict_GetItemString(keywords.others.get(), "dtype") || PyDict_GetItemString(keywords.others.get(), "sig"))
      return result;
  }
  PyObject* dtypes = PyObject_Call(method.get(), args.get(), kwargs.get());
  if (!dtypes) {
    PyErr_Clear();
    return result;
  }
  const Reference owner = Reference::take(dtypes);
  for (Py_ssize_t i = 0; i < outputs; ++i) {
    PyObject* descriptor = PyTuple_GET_ITEM(dtypes, static_cast<Py_ssize_t>(inputs.size()) + i);
    if (!PyArray_DescrCheck(descriptor) || holds_references(reinterpret_cast<PyArray_Descr*>(descriptor))) return {};
    result.push_back(Reference::copy(descriptor));
  }
  return result;
}

/// New arrays for the results, if their shapes and dtypes are known beforehand: NumPy then writes where they will live.
std::vector<Reference> new_results(PyObject* ufunc, std::span<const Input> inputs, Py_ssize_t outputs,
                                   const Keywords& keywords, PyTypeObject* face) {
  std::vector<Reference> results;
  if (keywords.where) return results;
  const std::vector<Reference> descriptors = result_descriptors(ufunc, inputs, outputs, keywords);
  if (descriptors.empty()) return results;
  std::vector<Shape> shapes;
  for (const Input& input : inputs) shapes.push_back(shape_of(input.object));
  std::vector<const Shape*> pointers;
  for (const Shape& shape : shapes) pointers.push_back(&shape);
  const Shape shape = array::broadcast_shapes(pointers);
  for (const Reference& descriptor : descriptors) {
    const DType dtype = dtype_of(reinterpret_cast<PyArray_Descr*>(descriptor.get()));
    if (dtype.itemsize == 0) return {};
    results.push_back(wrap_result(array::empty(shape, dtype), face));
  }
  return results;
}

Reference readable(PyObject* object) {
  return is_array(object) ? snapshot_ndarray(array_of(object)) : Reference::copy(object);
}

/// What NumPy returned, as ours: an ndarray becomes an array, unless its elements are references.
Reference adopted(PyObject* object, PyTypeObject* face) {
  if (PyTuple_CheckExact(object)) {
    const Reference tuple = Reference::take(PyTuple_New(PyTuple_GET_SIZE(object)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
      PyTuple_SET_ITEM(tuple.get(), i, adopted(PyTuple_GET_ITEM(object, i), face).release());
    }
    return tuple;
  }
  if (!PyArray_CheckExact(object)) return Reference::copy(object);
  auto* ndarray = reinterpret_cast<PyArrayObject*>(object);
  if (holds_references(PyArray_DESCR(ndarray))) return Reference::copy(object);
  return wrap_result(array_from_ndarray(ndarray), face);
}

/// NumPy runs `ufunc` in this thread, reading snapshots and writing to the elements of the results.
Reference call_by_numpy(PyObject* ufunc, std::span<const Input> inputs, const Keywords& keywords, PyTypeObject* face) {
  const Py_ssize_t outputs = number_attribute(ufunc, "nout");
  std::vector<Reference> results;
  if (keywords.out.empty()) results = new_results(ufunc, inputs, outputs, keywords, face);
  const bool made = !results.empty();
  for (PyObject* out : keywords.out) results.push_back(Reference::copy(out ? out : Py_None));

  const Reference args = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(inputs.size())));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    PyTuple_SET_ITEM(args.get(), static_cast<Py_ssize_t>(i), readable(inputs[i].object).release());
  }
  const Reference kwargs = Reference::take(keywords.others ? PyDict_Copy(keywords.others.get()) : PyDict_New());
  if (keywords.where && is_array(keywords.where)) {
    PyDict_SetItemString(kwargs.get(), "where", snapshot_ndarray(array_of(keywords.where)).get());
  }
  if (!results.empty()) {
    const Reference out = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
    for (std::size_t i = 0; i < results.size(); ++i) {
      PyObject* target = results[i].get();
      Reference ndarray = Reference::copy(target);
      if (is_array(target)) {
        if (!made) require_writeable(target);
        ndarray = access_ndarray(array_of(target));
      }
      PyTuple_SET_ITEM(out.get(), static_cast<Py_ssize_t>(i), ndarray.release());
    }
    PyDict_SetItemString(kwargs.get(), "out", out.get());
  }
  const Reference answer = Reference::take(PyObject_Call(ufunc, args.get(), kwargs.get()));
  if (made || (!results.empty() &&
               std::none_of(keywords.out.begin(), keywords.out.end(), [](PyObject* o) { return o == nullptr; }))) {
    if (results.size() == 1) return results[0];
    const Reference tuple = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
    for (std::size_t i = 0; i < results.size(); ++i)
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), results[i].release());
    return tuple;
  }
  return adopted(answer.get(), face);
}

/// ufunc(*inputs, out=, where=) natively, or nothing if it has to be NumPy.
Reference call_natively(Op op, std::span<Input> inputs, const Keywords& keywords, PyTypeObject* face) {
  const Resolution* resolution = native_resolution(op, inputs);
  if (!resolution || keywords.out.size() > 1) return {};
  Target target;
  if (!keywords.out.empty()) {
    target.out = keywords.out[0];
    if (!target.out || !is_array(target.out) || !casts_to(resolution->output, array_of(target.out).dtype())) return {};
    require_writeable(target.out);
  }
  std::optional<array::Operand> where;
  if (keywords.where) {
    if (!is_array(keywords.where) || array_of(keywords.where).dtype() != DType(Kind::Bool)) return {};
    if (!target.out) return {};
    where = array::Operand(array_of(keywords.where));
    target.where = &*where;
  }
  auto result = run_kernel(op, *resolution, inputs, target);
  if (!result) return {};
  return target.out ? Reference::copy(target.out) : wrap_result(std::move(*result), face);
}

/// Whether `object` asks that operators leave the operation to it, as ndarray decides for its own.
bool takes_over(PyObject* object) {
  if (is_array(object) || PyArray_CheckExact(object) || PyArray_IsScalar(object, Generic)) return false;
  static PyObject* name = PyUnicode_InternFromString("__array_ufunc__");
  if (const Reference own = Reference::copy(PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(object)), name))) {
    if (own.get() == Py_None) return true;
    return false;
  }
  PyErr_Clear();
  static PyObject* priority_name = PyUnicode_InternFromString("__array_priority__");
  const Reference priority = Reference::copy(PyObject_GetAttr(object, priority_name));
  PyErr_Clear();
  return priority && PyFloat_Check(priority.get()) && PyFloat_AS_DOUBLE(priority.get()) > 0;
}

bool is_plain(PyObject* object) {
  return is_array(object) || weak_type_of(object) || PyBool_Check(object) || PyArray_IsScalar(object, Generic) ||
         PyArray_CheckExact(object);
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
  if (const Resolution* resolution = native_resolution(op, span)) [[likely]] {
    if (auto result = run_kernel(op, *resolution, span, {})) return wrap_result(std::move(*result), face);
  }
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
  if (Reference result = call_natively(op, sorted, keywords, Py_TYPE(target))) return result;
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
  std::vector<Input> sorted;
  for (PyObject* input : inputs) sorted.push_back(input_of(input));
  PyTypeObject* face = face_of(inputs);
  const auto op = op_of(ufunc);
  const bool simple = !keywords.given_types && inputs.size() <= kMostInputs &&
                      (!keywords.others || PyDict_GET_SIZE(keywords.others.get()) == (keywords.where ? 1 : 0));
  if (op && simple) {
    if (Reference result = call_natively(*op, sorted, keywords, face)) return result;
  }
  return call_by_numpy(ufunc, sorted, keywords, face);
}

PyObject* array_ufunc(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    if (PyTuple_GET_SIZE(args) < 2) throw_value_error("__array_ufunc__ needs a ufunc and a method");
    PyObject* ufunc = PyTuple_GET_ITEM(args, 0);
    PyObject* method = PyTuple_GET_ITEM(args, 1);
    if (PyUnicode_CompareWithASCIIString(method, "__call__") != 0) {
      const Reference function = python_side("_ufuncs", "call_method");
      const Reference full = Reference::take(PySequence_Concat(Reference::take(PyTuple_Pack(1, self)).get(), args));
      return PyObject_Call(function.get(), full.get(), kwargs);
    }
    PyObject* const* first = &PyTuple_GET_ITEM(args, 2);
    const std::span<PyObject* const> inputs(first, static_cast<std::size_t>(PyTuple_GET_SIZE(args) - 2));
    if ((!kwargs || PyDict_GET_SIZE(kwargs) == 0) && inputs.size() <= kMostInputs &&
        std::all_of(inputs.begin(), inputs.end(), is_plain)) {
      if (const auto op = op_of(ufunc)) return call_operator(*op, inputs).release();
    }
    return call_ufunc(ufunc, inputs, kwargs).release();
  });
}

}  // namespace distob::python

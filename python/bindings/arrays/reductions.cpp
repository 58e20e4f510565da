#include "arrays/reductions.h"

#include <array>
#include <cstring>
#include <vector>

#include "arrays/dtypes.h"
#include "arrays/floats.h"
#include "arrays/python_side.h"
#include "arrays/scalars.h"

namespace distob::python {
namespace {

using kernels::ReduceOp;

constexpr std::array<const char*, 12> kNames = {"sum",        "prod",        "min",         "max",
                                                "any",        "all",         "logical_xor", "bitwise_and",
                                                "bitwise_or", "bitwise_xor", "fmin",        "fmax"};

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

/// Runs a reduction with float errors handled.
array::Array run(ReduceOp op, const array::Array& a, array::ReduceOptions& options) {
  unsigned flags = 0;
  if (is_floating(options.kind) || is_complex(options.kind)) {
    const FloatHandling handling = float_handling("reduce");
    options.site = handling.site;
    if (handling.immediate) options.flags = &flags;
  }
  array::Array result;
  {
    const Unlocked unlocked(a.size());
    result = array::reduce(op, a, options);
  }
  if (flags != 0) report_now("reduce", flags);
  issue_warnings_if_any();
  return result;
}

/// a.sum(...): with no arguments at once, else through distob._reductions, which knows NumPy's signatures.
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

ReduceOp op_named(const char* name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (std::strcmp(kNames[i], name) == 0) return static_cast<ReduceOp>(i);
  }
  throw_value_error("no such reduction");
}

std::vector<int> integers_of(PyObject* tuple) {
  std::vector<int> values;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    const long value = PyLong_AsLong(PyTuple_GET_ITEM(tuple, i));
    if (value == -1 && PyErr_Occurred()) throw nanobind::python_error();
    values.push_back(static_cast<int>(value));
  }
  return values;
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

PyObject* reduce_with_options(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *self, *axes, *dtype, *initial, *where, *out;
    const char* name;
    int keepdims;
    if (!PyArg_ParseTuple(args, "OsOOpOOO", &self, &name, &axes, &dtype, &keepdims, &initial, &where, &out))
      return nullptr;
    const ReduceOp op = op_named(name);
    const array::Array& a = array_of(self);
    array::ReduceOptions options;
    if (a.dtype().kind == Kind::Opaque) return Py_NewRef(Py_NotImplemented);
    options.kind = default_kind(op, a.dtype().kind);
    if (dtype != Py_None) {
      const Reference descriptor = descriptor_from(dtype);
      const auto kind = kind_of_number(reinterpret_cast<PyArray_Descr*>(descriptor.get())->type_num);
      if (!kind) return Py_NewRef(Py_NotImplemented);
      options.kind = *kind;
    }
    if (!kernels::reduction(op, options.kind)) return Py_NewRef(Py_NotImplemented);
    std::vector<int> numbers;
    if (axes != Py_None) {
      numbers = integers_of(axes);
      options.axes = numbers;
    }
    options.keepdims = keepdims != 0;
    if (initial != Py_None) {
      options.initial.emplace();
      options.initial->kind = options.kind;
      scalar_bytes(initial, options.kind, options.initial->bytes.data());
    }
    std::optional<array::Operand> mask;
    if (where != Py_None) {
      mask = array::Operand(array_of(where));
      options.where = &*mask;
    }
    if (out != Py_None) options.out = array_of(out);
    array::Array result = run(op, a, options);
    return out != Py_None ? Py_NewRef(out) : wrap_result(std::move(result), Py_TYPE(self)).release();
  });
}

}  // namespace distob::python

#include "arrays/numbers.h"

#include <cstring>
#include <iterator>

#include "arrays/handle.h"
#include "arrays/ndarrays.h"
#include "arrays/python_side.h"
#include "arrays/ufuncs.h"

namespace distob::python {
namespace {

using kernels::Op;

template <Op op>
PyObject* unary(PyObject* a) {
  return guarded([&] {
    PyObject* const inputs[] = {a};
    return call_operator(op, inputs).release();
  });
}

template <Op op>
PyObject* binary(PyObject* a, PyObject* b) {
  return guarded([&] {
    PyObject* const inputs[] = {a, b};
    return call_operator(op, inputs).release();
  });
}

template <Op op>
PyObject* in_place(PyObject* a, PyObject* b) {
  return guarded([&] { return call_in_place(op, a, b).release(); });
}

/// The operation that NumPy's ** takes instead of power for some exponents, or power itself.
Op power_by(PyObject* base, PyObject* exponent) {
  if (!is_array(base)) return Op::power;
  const Kind kind = array_of(base).dtype().kind;
  const bool real_or_complex = is_floating(kind) || is_complex(kind);
  if (PyLong_CheckExact(exponent)) {
    int overflow = 0;
    const long value = PyLong_AsLongAndOverflow(exponent, &overflow);
    if (overflow == 0 && value == 2 && kind != Kind::Opaque) return Op::square;
    if (overflow == 0 && value == -1 && real_or_complex) return Op::reciprocal;
  } else if (PyFloat_CheckExact(exponent) && real_or_complex) {
    const double value = PyFloat_AS_DOUBLE(exponent);
    if (value == 2.0) return Op::square;
    if (value == -1.0) return Op::reciprocal;
    if (value == 0.5) return Op::sqrt;
  }
  return Op::power;
}

PyObject* power(PyObject* a, PyObject* b, PyObject* modulo) {
  if (modulo != Py_None) return Py_NewRef(Py_NotImplemented);
  return guarded([&] {
    PyObject* const inputs[] = {a, b};
    const Op op = power_by(a, b);
    return call_operator(op, std::span(inputs).first(op == Op::power ? 2 : 1)).release();
  });
}

PyObject* in_place_power(PyObject* a, PyObject* b, PyObject*) {
  return guarded([&] { return call_in_place(Op::power, a, b).release(); });
}

PyObject* matrix_multiply(PyObject* a, PyObject* b) {
  return guarded([&] { return PyObject_CallFunctionObjArgs(python_side("_ufuncs", "matmul").get(), a, b, nullptr); });
}

PyObject* in_place_matrix_multiply(PyObject* a, PyObject* b) {
  return guarded([&] { return PyObject_CallFunctionObjArgs(python_side("_ufuncs", "imatmul").get(), a, b, nullptr); });
}

PyObject* compare(PyObject* a, PyObject* b, int how) {
  constexpr Op ops[] = {Op::less, Op::less_equal, Op::equal, Op::not_equal, Op::greater, Op::greater_equal};
  return guarded([&] {
    PyObject* const inputs[] = {a, b};
    try {
      return call_operator(ops[how], inputs).release();
    } catch (nanobind::python_error& e) {
      const char* type = reinterpret_cast<PyTypeObject*>(e.type().ptr())->tp_name;
      if ((how != Py_EQ && how != Py_NE) || std::strcmp(type, "UFuncTypeError") != 0) throw;  // no loop
    }
    return PyObject_CallFunctionObjArgs(python_side("_ufuncs", "compare_without_loop").get(), a, b,
                                        how == Py_NE ? Py_True : Py_False, nullptr);
  });
}

/// What NumPy would convert: the scalar of a scalar, else an ndarray, which knows what to say.
Reference convertible(PyObject* self) {
  const array::Array& a = array_of(self);
  return as_array_object(self)->is_scalar ? item_scalar(a) : snapshot_ndarray(a);
}

int truth(PyObject* self) {
  return guarded_status([&] { return PyObject_IsTrue(convertible(self).get()); });
}
PyObject* to_int(PyObject* self) {
  return guarded([&] { return PyNumber_Long(convertible(self).get()); });
}
PyObject* to_index(PyObject* self) {
  return guarded([&] { return PyNumber_Index(convertible(self).get()); });
}
PyObject* to_float(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const array::Array& a = array_of(self);
    if (a.ndim() == 0 && a.dtype().kind == Kind::Float64) {
      double value = 0;
      {
        const Unlocked unlocked;
        array::item(a, &value);
      }
      return PyFloat_FromDouble(value);
    }
    return PyNumber_Float(convertible(self).get());
  });
}

Py_hash_t hash(PyObject* self) {
  if (!as_array_object(self)->is_scalar) return PyObject_HashNotImplemented(self);
  const PyObject* failed = nullptr;
  Py_hash_t result = -1;
  failed = guarded([&]() -> PyObject* {
    result = PyObject_Hash(item_scalar(array_of(self)).get());
    return result == -1 ? nullptr : Py_None;
  });
  return failed ? result : -1;
}

template <class Function>
PyType_Slot slot(int id, Function* function) {
  return {id, reinterpret_cast<void*>(function)};
}

}  // namespace

void add_number_slots(std::vector<PyType_Slot>& slots) {
  const PyType_Slot added[] = {
      slot(Py_nb_add, binary<Op::add>),
      slot(Py_nb_subtract, binary<Op::subtract>),
      slot(Py_nb_multiply, binary<Op::multiply>),
      slot(Py_nb_true_divide, binary<Op::divide>),
      slot(Py_nb_floor_divide, binary<Op::floor_divide>),
      slot(Py_nb_remainder, binary<Op::remainder>),
      slot(Py_nb_lshift, binary<Op::left_shift>),
      slot(Py_nb_rshift, binary<Op::right_shift>),
      slot(Py_nb_and, binary<Op::bitwise_and>),
      slot(Py_nb_or, binary<Op::bitwise_or>),
      slot(Py_nb_xor, binary<Op::bitwise_xor>),
      slot(Py_nb_power, power),
      slot(Py_nb_divmod, binary<Op::divmod>),
      slot(Py_nb_matrix_multiply, matrix_multiply),
      slot(Py_nb_inplace_matrix_multiply, in_place_matrix_multiply),
      slot(Py_nb_inplace_add, in_place<Op::add>),
      slot(Py_nb_inplace_subtract, in_place<Op::subtract>),
      slot(Py_nb_inplace_multiply, in_place<Op::multiply>),
      slot(Py_nb_inplace_true_divide, in_place<Op::divide>),
      slot(Py_nb_inplace_floor_divide, in_place<Op::floor_divide>),
      slot(Py_nb_inplace_remainder, in_place<Op::remainder>),
      slot(Py_nb_inplace_lshift, in_place<Op::left_shift>),
      slot(Py_nb_inplace_rshift, in_place<Op::right_shift>),
      slot(Py_nb_inplace_and, in_place<Op::bitwise_and>),
      slot(Py_nb_inplace_or, in_place<Op::bitwise_or>),
      slot(Py_nb_inplace_xor, in_place<Op::bitwise_xor>),
      slot(Py_nb_inplace_power, in_place_power),
      slot(Py_nb_negative, unary<Op::negative>),
      slot(Py_nb_positive, unary<Op::positive>),
      slot(Py_nb_absolute, unary<Op::absolute>),
      slot(Py_nb_invert, unary<Op::invert>),
      slot(Py_nb_bool, truth),
      slot(Py_nb_int, to_int),
      slot(Py_nb_float, to_float),
      slot(Py_nb_index, to_index),
      slot(Py_tp_richcompare, compare),
      slot(Py_tp_hash, hash),
  };
  slots.insert(slots.end(), std::begin(added), std::end(added));
}

}  // namespace distob::python

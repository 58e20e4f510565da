// distob._core.Array: attributes, methods and the assembly of the type.
#include <Python.h>

#include <structmember.h>

#include <utility>
#include <vector>

#include "arrays/dtypes.h"
#include "arrays/handle.h"
#include "arrays/indexing.h"
#include "arrays/ndarrays.h"
#include "arrays/numbers.h"
#include "arrays/python_side.h"
#include "arrays/reductions.h"
#include "arrays/ufuncs.h"

namespace distob::python {
namespace {

void destroy(PyObject* self) {
  ArrayObject* object = as_array_object(self);
  if (object->weak_references) PyObject_ClearWeakRefs(self);
  object->array.~Array();
  delete object->former;
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

Reference tuple_of(const Dims& values) {
  Reference tuple = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(values.size())));
  for (std::size_t i = 0; i < values.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                     Reference::take(PyLong_FromLongLong(values[i])).release());
  }
  return tuple;
}

// --- Attributes -----------------------------------------------------------------------------------------------------

PyObject* get_shape(PyObject* self, void*) {
  return guarded([&] { return tuple_of(array_of(self).shape()).release(); });
}
int set_shape(PyObject* self, PyObject* value, void*) {
  return guarded_status([&] {
    if (!value) throw_python(PyExc_AttributeError, "Cannot delete array shape");
    PyArray_Dims lengths{nullptr, 0};
    if (PyArray_IntpConverter(value, &lengths) != NPY_SUCCEED) throw nanobind::python_error();
    const Dims wanted(std::span<const std::int64_t>(lengths.ptr, static_cast<std::size_t>(lengths.len)));
    PyDimMem_FREE(lengths.ptr);
    ArrayObject* object = as_array_object(self);
    array::Array view = array::reshape_view(object->array, wanted);
    if (!view) {
      throw_python(PyExc_AttributeError,
                   "Incompatible shape for in-place modification. Use `.reshape()` to make a copy with the desired "
                   "shape.");
    }
    if (!object->former) object->former = new std::vector<array::Array>;
    object->former->push_back(std::exchange(object->array, std::move(view)));
    return 0;
  });
}
PyObject* get_strides(PyObject* self, void*) {
  return guarded([&] { return tuple_of(array_of(self).strides()).release(); });
}
PyObject* get_dtype(PyObject* self, void*) {
  return guarded([&] { return descriptor_of(array_of(self).dtype()).release(); });
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLong(array_of(self).ndim()); }
PyObject* get_size(PyObject* self, void*) { return PyLong_FromLongLong(array_of(self).size()); }
PyObject* get_itemsize(PyObject* self, void*) { return PyLong_FromUnsignedLong(array_of(self).dtype().itemsize); }
PyObject* get_nbytes(PyObject* self, void*) {
  return PyLong_FromLongLong(array_of(self).size() * static_cast<long long>(array_of(self).dtype().itemsize));
}
PyObject* get_transposed(PyObject* self, void*) {
  return guarded([&] { return wrap_view(array::transpose(array_of(self)), self, Py_TYPE(self)).release(); });
}
PyObject* get_writeable(PyObject* self, void*) { return PyBool_FromLong(as_array_object(self)->writeable); }
int set_writeable(PyObject* self, PyObject* value, void*) {
  const int truth = value ? PyObject_IsTrue(value) : 0;
  if (truth < 0) return -1;
  as_array_object(self)->writeable = truth != 0;
  return 0;
}
PyObject* get_is_scalar(PyObject* self, void*) { return PyBool_FromLong(as_array_object(self)->is_scalar); }
int set_is_scalar(PyObject* self, PyObject* value, void*) {
  const int truth = value ? PyObject_IsTrue(value) : 0;
  if (truth < 0) return -1;
  as_array_object(self)->is_scalar = truth != 0;
  as_array_object(self)->writeable = truth == 0;
  return 0;
}

/// What isinstance() asks: NumPy's scalar type where NumPy would have returned a scalar, so that code which looks for a
/// float or an np.generic finds one in a result that is still being computed.
PyObject* get_class(PyObject* self, void*) {
  if (!as_array_object(self)->is_scalar) return Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(self)));
  return guarded([&] {
    const Reference descriptor = descriptor_of(array_of(self).dtype());
    return Reference::take(PyObject_GetAttrString(descriptor.get(), "type")).release();
  });
}

PyGetSetDef attributes[] = {
    {"__class__", get_class, nullptr, "The type that isinstance() takes the object for.", nullptr},
    {"shape", get_shape, set_shape, "Lengths of the axes; setting them must not need a copy.", nullptr},
    {"strides", get_strides, nullptr, "Bytes from one element to the next along each axis.", nullptr},
    {"dtype", get_dtype, nullptr, "The numpy.dtype of the elements.", nullptr},
    {"ndim", get_ndim, nullptr, "Number of axes.", nullptr},
    {"size", get_size, nullptr, "Number of elements.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"T", get_transposed, nullptr, "The view with axes reversed.", nullptr},
    {"_writeable", get_writeable, set_writeable, "False for views whose elements are each other.", nullptr},
    {"_is_scalar", get_is_scalar, set_is_scalar, "Whether NumPy would have returned a scalar.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// --- Methods --------------------------------------------------------------------------------------------------------

PyObject* to_complex(PyObject* self, PyObject*) {
  return guarded([&] {
    const Reference ndarray = snapshot_ndarray(array_of(self));
    return PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyComplex_Type), ndarray.get());
  });
}

PyObject* iterate(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const array::Array& a = array_of(self);
    if (a.ndim() == 0) throw_python(PyExc_TypeError, "iteration over a 0-d array");
    return PySeqIter_New(self);  // each element as it is when its turn comes, as in NumPy
  });
}

Py_ssize_t length(PyObject* self) {
  const array::Array& a = array_of(self);
  if (a.ndim() > 0) return a.shape()[0];
  PyErr_SetString(PyExc_TypeError, "len() of unsized object");
  return -1;
}

int contains(PyObject* self, PyObject* value) {
  return guarded_status([&] {
    const Reference equal = Reference::take(PyObject_RichCompare(self, value, Py_EQ));
    const Reference any = Reference::take(PyObject_CallMethod(equal.get(), "any", nullptr));
    return PyObject_IsTrue(any.get());
  });
}

std::vector<PyMethodDef>& methods() {
  static std::vector<PyMethodDef>& table = *new std::vector<PyMethodDef>;
  if (table.empty()) {
    for (const PyMethodDef& method : reduction_methods()) table.push_back(method);
    auto* ufunc = reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(array_ufunc));
    table.push_back(
        {"__array_ufunc__", ufunc, METH_VARARGS | METH_KEYWORDS, "NEP 13: every ufunc runs where the elements are."});
    table.push_back({"__complex__", to_complex, METH_NOARGS, "The element as a Python complex."});
    table.push_back({nullptr, nullptr, 0, nullptr});
  }
  return table;
}

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ArrayObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

PyTypeObject* make_array_type(PyObject* module) {
  std::vector<PyType_Slot> slots = {
      {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
      {Py_tp_doc,
       const_cast<char*>("An array whose elements are computed by all cores. Made by scatter, not by hand.")},
      {Py_tp_getset, attributes},
      {Py_tp_methods, methods().data()},
      {Py_tp_members, members},
      {Py_tp_iter, reinterpret_cast<void*>(iterate)},
      {Py_mp_subscript, reinterpret_cast<void*>(array_subscript)},
      {Py_mp_ass_subscript, reinterpret_cast<void*>(array_assign_subscript)},
      {Py_mp_length, reinterpret_cast<void*>(length)},
      {Py_sq_length, reinterpret_cast<void*>(length)},
      {Py_sq_item, reinterpret_cast<void*>(array_item)},
      {Py_sq_contains, reinterpret_cast<void*>(contains)},
  };
  add_number_slots(slots);
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"distob._core.Array", sizeof(ArrayObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots.data()};
  const Reference type = Reference::take(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (PyModule_AddObjectRef(module, "Array", type.get()) < 0) throw nanobind::python_error();
  return reinterpret_cast<PyTypeObject*>(Py_NewRef(type.get()));
}

}  // namespace distob::python

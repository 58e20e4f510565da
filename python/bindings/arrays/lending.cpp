#include "arrays/lending.h"

#include <Python.h>

#include <structmember.h>

#include <algorithm>
#include <new>

#include "arrays/dtypes.h"
#include "arrays/ndarrays.h"
#include "arrays/python_side.h"

namespace distob::python {
namespace {

struct LoanObject {
  PyObject_HEAD
  array::Loan loan;
  std::int64_t low;   ///< bytes from the first element back to the lowest byte of the block
  std::int64_t size;  ///< bytes from the lowest to behind the highest
  bool open;
};

PyTypeObject* loan_type = nullptr;

LoanObject* as_loan(PyObject* object) { return reinterpret_cast<LoanObject*>(object); }

void finish(LoanObject* self, bool kept) {
  if (!self->open) return;
  self->open = false;
  --open_accesses;
  const Unlocked unlocked;
  self->loan.give_back(kept);
}

void destroy(PyObject* object) {
  LoanObject* self = as_loan(object);
  if (self->open) {
    self->open = false;
    --open_accesses;
  }
  self->loan.~Loan();
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* give_back(PyObject* object, PyObject* kept) {
  return guarded([&]() -> PyObject* {
    const int truth = PyObject_IsTrue(kept);
    if (truth < 0) return nullptr;
    finish(as_loan(object), truth != 0);
    return Py_NewRef(Py_None);
  });
}

int get_buffer(PyObject* object, Py_buffer* view, int flags) {
  LoanObject* self = as_loan(object);
  if (!self->open) {
    PyErr_SetString(PyExc_BufferError, "the block was given back");
    return -1;
  }
  return PyBuffer_FillInfo(view, object, self->loan.layout().data - self->low, self->size, 0, flags);
}

Reference tuple_of(const Dims& values) {
  Reference tuple = Reference::take(PyTuple_New(static_cast<Py_ssize_t>(values.size())));
  for (std::size_t i = 0; i < values.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                     Reference::take(PyLong_FromLongLong(values[i])).release());
  }
  return tuple;
}

PyObject* get_shape(PyObject* self, void*) {
  return guarded([&] { return tuple_of(as_loan(self)->loan.layout().shape).release(); });
}
PyObject* get_strides(PyObject* self, void*) {
  return guarded([&] { return tuple_of(as_loan(self)->loan.layout().strides).release(); });
}
PyObject* get_dtype(PyObject* self, void*) {
  return guarded([&] { return descriptor_of(as_loan(self)->loan.layout().dtype).release(); });
}
PyObject* get_start(PyObject* self, void*) { return PyLong_FromLongLong(as_loan(self)->low); }

PyGetSetDef attributes[] = {
    {"shape", get_shape, nullptr, "Lengths of the block's axes.", nullptr},
    {"strides", get_strides, nullptr, "Bytes between elements along each axis.", nullptr},
    {"dtype", get_dtype, nullptr, "The numpy.dtype of the elements.", nullptr},
    {"start", get_start, nullptr, "Where the first element lies in the buffer.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"give_back", give_back, METH_O,
     "give_back(kept): the engine is done; kept: an ndarray on the block lives on there."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

std::optional<SharedPart> lent_part(PyObject* exporter) {
  if (!exporter || Py_TYPE(exporter) != loan_type) return std::nullopt;
  const LoanObject* self = as_loan(exporter);
  const std::int64_t offset = static_cast<std::int64_t>(self->loan.offset()) - self->low;
  return SharedPart{self->loan.segment(), static_cast<std::size_t>(offset)};
}

Reference lend_block(const array::Array& a, std::size_t block, bool write) {
  array::Loan loan;
  {
    const Unlocked unlocked;
    loan = array::lend(a, block, write);
  }
  Reference object = Reference::take(loan_type->tp_alloc(loan_type, 0));
  LoanObject* self = as_loan(object.get());
  new (&self->loan) array::Loan(std::move(loan));
  self->open = true;
  ++open_accesses;
  const array::Layout& layout = self->loan.layout();
  std::int64_t low = 0, high = static_cast<std::int64_t>(layout.dtype.itemsize);
  for (std::size_t axis = 0; axis < layout.shape.size(); ++axis) {
    if (layout.shape[axis] == 0) {
      low = high = 0;
      break;
    }
    const std::int64_t reach = (layout.shape[axis] - 1) * layout.strides[axis];
    (reach < 0 ? low : high) += reach;
  }
  self->low = -low;
  self->size = high - low;
  return object;
}

array::Array adopt_ndarray(PyArrayObject* ndarray) {
  const array::Foreign foreign = foreign_of(ndarray);
  Py_INCREF(ndarray);
  const auto release = [ndarray] {
    if (Py_IsInitialized() == 0) return;  // the process ends: its memory goes with it
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(ndarray);
    PyGILState_Release(state);
  };
  return array::adopt(foreign, release);
}

void register_lending(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
                         {Py_tp_doc, const_cast<char*>("A block of an array, lent to user code in an engine.")},
                         {Py_tp_getset, attributes},
                         {Py_tp_methods, methods},
                         {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                         {0, nullptr}};
  PyType_Spec spec = {"distob._core.Loan", sizeof(LoanObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  loan_type =
      reinterpret_cast<PyTypeObject*>(Reference::take(PyType_FromModuleAndSpec(module, &spec, nullptr)).release());
  if (PyModule_AddObjectRef(module, "Loan", reinterpret_cast<PyObject*>(loan_type)) < 0) throw nanobind::python_error();
}

}  // namespace distob::python

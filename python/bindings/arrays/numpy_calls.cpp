#include "arrays/numpy_calls.h"

#include <algorithm>

#include "arrays/dtypes.h"
#include "arrays/ndarrays.h"
#include "arrays/python_side.h"

namespace distob::python {
namespace {

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
    PyTuple_SET_ITEM(tokens.get(), static_cast<Py_ssize_t>(i), token_of(inputs[i]).release());
  }
  for (Py_ssize_t i = 0; i < outputs; ++i) {
    PyTuple_SET_ITEM(tokens.get(), static_cast<Py_ssize_t>(inputs.size()) + i, Py_NewRef(Py_None));
  }
  const Reference method = Reference::take(PyObject_GetAttrString(ufunc, "resolve_dtypes"));
  const Reference args = Reference::take(PyTuple_Pack(1, tokens.get()));
  const Reference kwargs = Reference::take(PyDict_New());
  for (const char* name : {"casting", "signature"}) {
    if (PyObject* value = keywords.get(name)) PyDict_SetItemString(kwargs.get(), name, value);
  }
  if (keywords.get("dtype") || keywords.get("sig")) return result;
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
  if (keywords.where || keywords.order) return results;
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

/// A result of NumPy's, as ours: an ndarray becomes an array, unless its elements are references.
Reference adopted(PyObject* object, PyTypeObject* face) {
  if (!PyArray_CheckExact(object)) return Reference::copy(object);
  auto* ndarray = reinterpret_cast<PyArrayObject*>(object);
  if (holds_references(PyArray_DESCR(ndarray))) return Reference::copy(object);
  return wrap_result(array_from_ndarray(ndarray), face);
}

void tell(PyObject* ufunc) {
  const Reference name = Reference::take(PyObject_GetAttrString(ufunc, "__name__"));
  const Reference full = Reference::take(PyUnicode_FromFormat("numpy.%U", name.get()));
  Reference::take(PyObject_CallOneArg(python_side("_fallback", "tell").get(), full.get()));
}

}  // namespace

Reference call_by_numpy(PyObject* ufunc, std::span<const Input> inputs, const Keywords& keywords, PyTypeObject* face) {
  tell(ufunc);
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
  PyObject* returned = PyObject_Call(ufunc, args.get(), kwargs.get());
  if (!returned && made && PyErr_ExceptionMatches(PyExc_TypeError)) {  // some ufuncs of strings know no out=
    PyErr_Clear();
    PyDict_DelItemString(kwargs.get(), "out");
    results.clear();
    returned = PyObject_Call(ufunc, args.get(), kwargs.get());
  }
  const Reference answer = Reference::take(returned);
  if (outputs == 1) return results.empty() || results[0].get() == Py_None ? adopted(answer.get(), face) : results[0];
  const Reference tuple = Reference::take(PyTuple_New(outputs));
  for (Py_ssize_t i = 0; i < outputs; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool given = at < results.size() && results[at].get() != Py_None;
    Reference one = given ? results[at] : adopted(PyTuple_GET_ITEM(answer.get(), i), face);
    PyTuple_SET_ITEM(tuple.get(), i, one.release());
  }
  return tuple;
}

}  // namespace distob::python

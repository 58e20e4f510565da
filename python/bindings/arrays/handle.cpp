#include "arrays/handle.h"

#include <new>

#include "arrays/python_side.h"
#include "errors.h"

namespace distob::python {

Reference wrap(array::Array array, PyTypeObject* face) {
  Reference object = Reference::take(face->tp_alloc(face, 0));
  ArrayObject* made = as_array_object(object.get());
  made->weak_references = nullptr;
  new (&made->array) array::Array(std::move(array));
  made->writeable = true;
  made->former = nullptr;
  made->is_scalar = false;
  ++handles_made;
  return object;
}

Reference wrap_result(array::Array array, PyTypeObject* face) {
  const bool is_scalar = array.ndim() == 0;
  Reference object = wrap(std::move(array), face);
  as_array_object(object.get())->is_scalar = is_scalar;
  as_array_object(object.get())->writeable = !is_scalar;
  return object;
}

Reference wrap_view(array::Array view, PyObject* of, PyTypeObject* face) {
  if (as_array_object(of)->is_scalar) {
    return view.ndim() == 0 ? wrap_result(std::move(view), face) : wrap(array::copy(view), face);
  }
  Reference result = wrap(std::move(view), face);
  as_array_object(result.get())->writeable = as_array_object(of)->writeable;
  return result;
}

void require_writeable(PyObject* target) {
  if (as_array_object(target)->is_scalar) throw_python(PyExc_TypeError, "return arrays must be of ArrayType");
  if (!as_array_object(target)->writeable) throw_value_error("output array is read-only");
}

void set_error_from_exception() noexcept { set_python_error(); }

}  // namespace distob::python

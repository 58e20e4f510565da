#include "arrays/handle.h"

#include <new>

#include "errors.h"

namespace distob::python {

Reference wrap(array::Array array, PyTypeObject* face) {
  Reference object = Reference::take(face->tp_alloc(face, 0));
  ArrayObject* made = as_array_object(object.get());
  made->weak_references = nullptr;
  new (&made->array) array::Array(std::move(array));
  made->writeable = true;
  made->is_scalar = false;
  return object;
}

Reference wrap_result(array::Array array, PyTypeObject* face) {
  const bool is_scalar = array.ndim() == 0;
  Reference object = wrap(std::move(array), face);
  as_array_object(object.get())->is_scalar = is_scalar;
  return object;
}

void set_error_from_exception() noexcept { set_python_error(); }

}  // namespace distob::python

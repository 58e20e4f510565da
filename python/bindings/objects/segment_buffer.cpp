#include "objects/segment_buffer.h"

#include <unistd.h>

#include <memory>
#include <new>

#include "memory/segment.h"
#include "objects/kinds.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

struct SegmentBuffer {
  PyObject_HEAD
  std::shared_ptr<memory::SharedSegment> segment;
  std::size_t offset;
  std::size_t size;
};

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  reinterpret_cast<SegmentBuffer*>(self)->segment.~shared_ptr();
  type->tp_free(self);
  Py_DECREF(type);
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  auto* buffer = reinterpret_cast<SegmentBuffer*>(self);
  return PyBuffer_FillInfo(view, self, buffer->segment->data() + buffer->offset, static_cast<Py_ssize_t>(buffer->size),
                           0, flags);
}

PyTypeObject* type() {
  static PyTypeObject* made = [] {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                           {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                           {0, nullptr}};
    PyType_Spec spec = {"distob._core.SegmentBuffer", sizeof(SegmentBuffer), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    declare_atom(type);  // memory is part of the arrays on it, not of values
    return type;
  }();
  return made;
}

}  // namespace

nb::object map_buffer(const SharedBuffer& buffer) {
  auto segment = memory::SharedSegment::from_descriptor(::dup(buffer.file->get()), buffer.offset + buffer.size);
  PyObject* object = type()->tp_alloc(type(), 0);
  if (!object) throw nb::python_error();
  auto* made = reinterpret_cast<SegmentBuffer*>(object);
  new (&made->segment) std::shared_ptr<memory::SharedSegment>(std::move(segment));
  made->offset = buffer.offset;
  made->size = buffer.size;
  return nb::steal(object);
}

}  // namespace distob::python

#include "arrays/ndarrays.h"

#include <array>
#include <vector>

#include "array/structure.h"
#include "arrays/dtypes.h"
#include "arrays/scalars.h"

namespace distob::python {
namespace {

// npy_intp and int64_t are the same type on every machine with 64-bit Linux; spans of one are used as spans of the other.
static_assert(std::is_same_v<npy_intp, std::int64_t>);

Dims dims_of(const npy_intp* values, int count) {
  return Dims(std::span<const std::int64_t>(values, static_cast<std::size_t>(count)));
}

/// What keeps an ndarray's memory: deleted with the capsule that is the ndarray's base.
template <class Owner>
Reference capsule_of(Owner owner) {
  auto* held = new Owner(std::move(owner));
  PyObject* capsule = PyCapsule_New(
      held, nullptr, [](PyObject* self) { delete static_cast<Owner*>(PyCapsule_GetPointer(self, nullptr)); });
  if (!capsule) delete held;
  return Reference::take(capsule);
}

Reference ndarray_on(const array::Layout& layout, int flags, Reference base) {
  auto* descriptor = reinterpret_cast<PyArray_Descr*>(descriptor_of(layout.dtype).release());
  static char nowhere[32];  // NumPy would allocate for a null pointer, and arrays without elements may have one
  char* data = layout.data ? layout.data : nowhere;
  Reference result =
      Reference::take(PyArray_NewFromDescr(&PyArray_Type, descriptor, layout.shape.rank(), layout.shape.data(),
                                           layout.strides.data(), data, flags, nullptr));
  auto* ndarray = reinterpret_cast<PyArrayObject*>(result.get());
  if (PyArray_SetBaseObject(ndarray, base.release()) < 0) throw nanobind::python_error();
  PyArray_UpdateFlags(ndarray, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_ALIGNED);
  return result;
}

/// An access that is counted while it is open.
struct CountedAccess {
  array::Access access;
  explicit CountedAccess(array::Access a) : access(std::move(a)) { ++open_accesses; }
  CountedAccess(CountedAccess&& other) noexcept : access(std::move(other.access)) { ++open_accesses; }
  ~CountedAccess() { --open_accesses; }
};

}  // namespace

array::Foreign foreign_of(PyArrayObject* ndarray) {
  array::Foreign foreign;
  foreign.data = PyArray_DATA(ndarray);
  foreign.dtype = dtype_of(PyArray_DESCR(ndarray));
  foreign.shape = dims_of(PyArray_DIMS(ndarray), PyArray_NDIM(ndarray));
  foreign.strides = dims_of(PyArray_STRIDES(ndarray), PyArray_NDIM(ndarray));
  return foreign;
}

Reference snapshot_ndarray(const array::Array& a) {
  array::Snapshot snapshot;
  {
    const Unlocked unlocked;
    snapshot = array::snapshot(a);
  }
  const array::Layout& layout = snapshot.layout();
  return ndarray_on(layout, 0, capsule_of(std::move(snapshot)));
}

Reference access_ndarray(const array::Array& a) {
  array::Access access;
  {
    const Unlocked unlocked;
    access = array::access_for_write(a);
  }
  const array::Layout& layout = access.layout();
  return ndarray_on(layout, NPY_ARRAY_WRITEABLE, capsule_of(CountedAccess(std::move(access))));
}

Reference gathered_ndarray(const array::Array& a) {
  // From here on the pool's memory, which is often warm and always in huge pages, is worth a capsule.
  constexpr std::int64_t kPooled = 1 << 20;
  if (a.size() * static_cast<std::int64_t>(a.dtype().itemsize) >= kPooled) {
    array::Snapshot copy;
    {
      const Unlocked unlocked;
      copy = array::gather(a);
    }
    const array::Layout& layout = copy.layout();
    return ndarray_on(layout, NPY_ARRAY_WRITEABLE, capsule_of(std::move(copy)));
  }
  auto* descriptor = reinterpret_cast<PyArray_Descr*>(descriptor_of(a.dtype()).release());
  const Strides strides = array::kept_strides(a);
  Reference result = Reference::take(
      PyArray_NewFromDescr(&PyArray_Type, descriptor, a.ndim(), a.shape().data(), strides.data(), nullptr, 0, nullptr));
  auto* ndarray = reinterpret_cast<PyArrayObject*>(result.get());
  const Unlocked unlocked(a.size());
  array::gather_into(a, PyArray_DATA(ndarray), a.dtype(), dims_of(PyArray_STRIDES(ndarray), PyArray_NDIM(ndarray)));
  return result;
}

namespace {

/// Room for one element, of which small ones need no allocation.
class Element {
 public:
  explicit Element(const DType& dtype) : dtype_(dtype) {
    if (dtype.itemsize > small_.size()) large_.resize(dtype.itemsize);
  }
  [[nodiscard]] char* bytes() { return large_.empty() ? small_.data() : large_.data(); }
  /// The scalar of what was stored at bytes() in native order.
  [[nodiscard]] Reference scalar() {
    DType native = dtype_;
    native.swapped = false;
    return numpy_scalar(bytes(), native);
  }

 private:
  DType dtype_;
  alignas(16) std::array<char, 64> small_;
  std::vector<char> large_;
};

}  // namespace

Reference item_scalar(const array::Array& a) {
  Element element(a.dtype());
  if (a.ndim() > 0 || !array::read_if_written(a, {}, element.bytes())) {
    const Unlocked unlocked;
    array::item(a, element.bytes());
  }
  return element.scalar();
}

Reference element_scalar(const array::Array& a, std::span<const Index> index) {
  Element element(a.dtype());
  if (!array::read_if_written(a, index, element.bytes())) return item_scalar(array::view(a, index));
  return element.scalar();
}

array::Array array_from_ndarray(PyArrayObject* ndarray) {
  const array::Foreign foreign = foreign_of(ndarray);
  const Unlocked unlocked(PyArray_SIZE(ndarray));
  return array::from_foreign(foreign);
}

}  // namespace distob::python

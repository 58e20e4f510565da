// The Python objects that hold arrays.
//
// distob._core.Array is the C type with every slot. The two faces, DistArray and RemoteArray, are Python classes that
// derive from it without adding state; they tell the module of themselves when the package is imported.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "array/array.h"
#include "arrays/numpy_api.h"
#include "arrays/reference.h"

namespace distob::python {

struct ArrayObject {
  PyObject_HEAD
  PyObject* weak_references;
  array::Array array;
  bool writeable;  ///< false for scalars and for broadcast views, whose elements are each other
  /// Arrays this object named before its shape was set: a call of another thread may still be using them. Or null.
  std::vector<array::Array>* former;
  bool is_scalar;  ///< a value that NumPy would have returned as a scalar: immutable, so `s += 1` makes a new one
};

/// The types, set once at import. Guarded by Python's lock.
struct ArrayTypes {
  PyTypeObject* base = nullptr;    ///< distob._core.Array
  PyTypeObject* dist = nullptr;    ///< distob.DistArray
  PyTypeObject* remote = nullptr;  ///< distob.RemoteArray
};
inline ArrayTypes array_types;

[[nodiscard]] inline bool is_array(PyObject* object) {
  return Py_TYPE(object) == array_types.dist || Py_TYPE(object) == array_types.remote ||
         PyObject_TypeCheck(object, array_types.base);
}
[[nodiscard]] inline ArrayObject* as_array_object(PyObject* object) { return reinterpret_cast<ArrayObject*>(object); }
[[nodiscard]] inline const array::Array& array_of(PyObject* object) { return as_array_object(object)->array; }

/// A new object of type `face` around `array`. Throws nanobind::python_error without memory.
[[nodiscard]] Reference wrap(array::Array array, PyTypeObject* face);
/// The same for what NumPy returns as a scalar if it has no axes.
[[nodiscard]] Reference wrap_result(array::Array array, PyTypeObject* face);
/// The same for a view of `of`, which may be written exactly if `of` may. Of a scalar, whose elements must stay as they
/// are, it is a scalar again if it has no axes, else a copy, as in NumPy.
[[nodiscard]] Reference wrap_view(array::Array view, PyObject* of, PyTypeObject* face);
/// Throws TypeError for a scalar, ValueError for a read-only array: what NumPy says of such an `out`.
void require_writeable(PyObject* target);

/// The face of a result: a DistArray if any operand is one.
[[nodiscard]] inline PyTypeObject* common_face(PyTypeObject* a, PyTypeObject* b) {
  return a == b ? a : array_types.dist;
}

/// Things of Python's that are open on arrays: accesses and loans. While there are any, every call that may wait gives up
/// Python's lock, since whoever is to close them may need it. Loans end without the lock.
inline std::atomic<int> open_accesses{0};

/// Array objects made since the start of the process, for tests that ask whether arrays of ours took part. Guarded by
/// Python's lock.
inline std::uint64_t handles_made = 0;

/// Elements up to which a call keeps Python's lock: a few microseconds of work, beside which handing it over would show.
inline constexpr std::int64_t kKeepsLock = 4096;

/// Gives up Python's lock for its life, if the work ahead is `elements` long or may have to wait for another thread.
class Unlocked {
 public:
  explicit Unlocked(std::int64_t elements)
      : state_(elements > kKeepsLock || open_accesses > 0 ? PyEval_SaveThread() : nullptr) {}
  Unlocked() : state_(PyEval_SaveThread()) {}
  ~Unlocked() {
    if (state_) PyEval_RestoreThread(state_);
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  PyThreadState* state_;
};

/// Runs `body` and turns C++ exceptions into Python errors: the edge of every slot.
void set_error_from_exception() noexcept;
template <class Body>
PyObject* guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    set_error_from_exception();
    return nullptr;
  }
}
template <class Body>
int guarded_status(Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    set_error_from_exception();
    return -1;
  }
}

/// distob._core.Array with all its slots; called once.
[[nodiscard]] PyTypeObject* make_array_type(PyObject* module);

}  // namespace distob::python

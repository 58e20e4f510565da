// What Python assigns to elements, as an operand of their dtype.
#pragma once

#include <optional>

#include "array/array.h"
#include "arrays/reference.h"

namespace distob::python {

/// A value on its way into elements of some dtype, and what it refers to. Not copied.
class Value {
 public:
  /// `object`: an array, an ndarray, a number, or anything NumPy makes an array of that dtype of. Throws
  /// nanobind::python_error where NumPy refuses.
  Value(PyObject* object, const DType& dtype);
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;

  [[nodiscard]] array::Operand operand() const;
  [[nodiscard]] std::int64_t elements() const;
  /// Lets leading axes of one element go that a target of `rank` axes does not have: NumPy's assignment allows them.
  void drop_leading_ones(int rank);
  /// The line to warn at for float errors of the cast; 0 if there is nothing to cast.
  [[nodiscard]] array::Site site() const;

 private:
  void take_ndarray(PyObject* ndarray, const DType& dtype);

  array::Array array_;
  std::optional<array::Foreign> foreign_;
  array::Scalar scalar_;
  Reference owner_;
  bool casts_ = false;
};

}  // namespace distob::python

// What may stand between the brackets of an array in Python, arrays and lists included.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "array/indexing.h"
#include "arrays/reference.h"

namespace distob::python {

/// An index as the array room takes it, with what its operands refer to. Built once, then read; not copied.
class AnyIndex {
 public:
  /// Reads `object` for an array of `rank` axes, as NumPy does: sequences become arrays, arrays of one number numbers.
  /// Throws nanobind::python_error if one of them is no array at all.
  AnyIndex(PyObject* object, int rank);
  AnyIndex(const AnyIndex&) = delete;
  AnyIndex& operator=(const AnyIndex&) = delete;

  /// False if some part can be no index; NumPy has the words for why.
  [[nodiscard]] bool understood() const { return understood_; }
  [[nodiscard]] std::span<const array::IndexPart> parts() const { return parts_; }
  /// Whether an array is among the parts, so that elements are picked; else it is a basic index.
  [[nodiscard]] bool has_arrays() const { return has_arrays_; }
  [[nodiscard]] std::vector<Index> basic() const;
  /// Of a basic index: whether there are integers only, and whether one came as an array, which makes a copy of the view.
  [[nodiscard]] bool only_integers() const { return only_integers_; }
  [[nodiscard]] bool from_array() const { return from_array_; }
  /// The mask, if the index is one of exactly this shape.
  [[nodiscard]] const array::Operand* mask_of(const Shape& shape) const;
  /// The elements of all its arrays.
  [[nodiscard]] std::int64_t elements() const { return elements_; }

 private:
  bool add(PyObject* part, int rank);
  bool add_array(PyObject* part);
  bool add_ndarray(PyObject* ndarray);
  void add_operand(const array::Operand& operand, std::int64_t elements);
  void add_integer(std::int64_t value);

  std::vector<array::IndexPart> parts_;
  std::deque<array::Foreign> foreign_;
  std::vector<Reference> owners_;
  std::int64_t elements_ = 0;
  bool understood_ = true, has_arrays_ = false, only_integers_ = true, from_array_ = false;
};

/// One index array that a function takes, such as take: an operand of integers, and what it refers to.
class IndexOperand {
 public:
  /// `object`: an array, or anything NumPy makes an array of integers of. Throws nanobind::python_error with NumPy's words
  /// where the `rule` ("safe", "same_kind") lets nothing become an index.
  IndexOperand(PyObject* object, const char* rule);
  IndexOperand(const IndexOperand&) = delete;
  IndexOperand& operator=(const IndexOperand&) = delete;
  [[nodiscard]] const array::Operand& operand() const { return *operand_; }
  [[nodiscard]] std::int64_t elements() const { return elements_; }

 private:
  Reference owner_;
  array::Array array_;
  array::Foreign foreign_;
  std::optional<array::Operand> operand_;
  std::int64_t elements_ = 0;
};

/// The slice that a Python slice object is, or nothing if its ends are no integers.
[[nodiscard]] std::optional<Slice> slice_of(PyObject* slice);

}  // namespace distob::python

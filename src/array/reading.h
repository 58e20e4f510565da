// Operands read in place by work that is no program.
#pragma once

#include <optional>

#include "array/array.h"
#include "array/representation.h"
#include "memory/memory.h"
#include "tensor/view.h"

namespace distob::array {

/// The elements of an operand as they are now and where they lie, for as long as this lives: a pin in the sequence like a
/// snapshot. Waits for earlier work on them; later writes go elsewhere. Foreign elements must outlive it.
class Reading {
 public:
  /// Elements as they are, in one storage. If they lie with those of `written`, which the reader is about to write, they
  /// are copied: a pin would only make the writer move all of it.
  explicit Reading(const Operand& operand, const Array* written = nullptr);
  /// Elements of `dtype`, cast if they are not.
  Reading(const Operand& operand, DType dtype, const Array* written = nullptr, Site site = 0);

  [[nodiscard]] const View& view() const { return view_; }
  [[nodiscard]] const Shape& shape() const { return view_.shape; }
  [[nodiscard]] DType dtype() const { return view_.dtype; }
  /// The element with index zero.
  [[nodiscard]] const char* data() const { return (base_ != nullptr ? base_ : scalar_.bytes.data()) + view_.offset; }
  /// The same elements in C order without gaps; a copy where they are not.
  void make_contiguous();
  /// The same elements along one axis.
  void flatten();
  /// The same elements along one axis, n of them, over and over if there are fewer; there is at least one.
  void cycle(std::int64_t n);

 private:
  void read(const Operand& operand);
  void read(const Array& a);

  View view_;
  const char* base_ = nullptr;  ///< null: the scalar
  Scalar scalar_;
  Array owner_;
  memory::Pin pin_;
};

namespace detail {
[[nodiscard]] DType dtype_of(const Operand& operand);
/// A new array in C order that has its memory already, written by the caller before anybody sees it.
[[nodiscard]] Array new_array_with_memory(const Shape& shape, DType dtype);
/// The element with index zero of such an array.
[[nodiscard]] char* data_of(const Array& fresh);
}  // namespace detail

}  // namespace distob::array

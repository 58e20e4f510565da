// What an index with arrays among its parts means for one array.
#pragma once

#include "array/indexing.h"
#include "array/picks.h"
#include "array/rows.h"

namespace distob::array {

/// The elements that an index with arrays names: a basic view, picks along some of its axes, all of the others.
struct Selection {
  Array base;  ///< the basic parts applied; its strides are those of a copy if it is joined
  Picks picks;
  Shape inner;  ///< the axes of `base` that nothing picks from
  Strides inner_strides;
  std::size_t at = 0;  ///< where the axes of the picks stand among them

  /// The shape of what the index gives.
  [[nodiscard]] Shape shape() const;
};

/// Reads the arrays of an index into `a`, masks as the positions where they are true; the picks are not checked yet.
/// `written`: `a` if it is about to be written. Throws IndexError.
[[nodiscard]] Selection select(const Array& a, std::span<const IndexPart> index, const Array* written);

/// The rows of a selection that is written, from a value that broadcasts to its shape; the picks then go in the order that
/// NumPy writes in. Throws ValueError if the value does not fit.
[[nodiscard]] Rows rows_of(Selection& selection, const View& value);

/// An index array as it is now: integers of any width in native order. Throws IndexError for other dtypes.
[[nodiscard]] Reading read_index(const Operand& operand, const Array* written);

}  // namespace distob::array

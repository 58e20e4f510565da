// From what callers pass to what instructions read.
#pragma once

#include <span>

#include "array/array.h"
#include "array/instruction.h"
#include "array/representation.h"

namespace distob::array::detail {

/// The view that `operand` shows, its shape before broadcasting; a scalar has shape ().
[[nodiscard]] const Shape& shape_of(const Operand& operand);

/// An operand as a source of an instruction: arrays of several pieces and foreign elements are copied first.
[[nodiscard]] Source source_of(const Operand& operand);

/// `scalar` as an element of `kind`, cast as by astype.
[[nodiscard]] Scalar cast_scalar(const Scalar& scalar, Kind kind);

/// Throws TypeError where native code has no cast.
void check_castable(DType from, DType to);

/// A copy of a source, in its own dtype: an operand that the same instruction overwrites at other indices.
[[nodiscard]] Source copied(const Source& source);

/// Runs `instruction` now if it is small, plain (native elements of the kernel's own kinds, no mask) and its operands are
/// ready. Returns false if it has to go another way.
[[nodiscard]] bool run_small(const Instruction& instruction, unsigned* flags);

/// Runs or queues an apply or copy instruction: takes crossing operands away first. Stores flags in `flags` if given.
void submit(Instruction instruction, unsigned* flags);

}  // namespace distob::array::detail

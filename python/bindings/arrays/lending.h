// Blocks of arrays in the hands of user functions: shared memory that travels to an engine without being copied.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "arrays/handle.h"
#include "memory/segment.h"

namespace distob::python {

/// A part of a shared segment.
struct SharedPart {
  std::shared_ptr<memory::SharedSegment> segment;
  std::size_t offset = 0;
};

/// The segment behind `exporter`, if it is a loan: its buffer then travels as the segment itself, not as a copy.
[[nodiscard]] std::optional<SharedPart> lent_part(PyObject* exporter);

/// Lends block `block` of `a`: an object with the buffer protocol over the bytes of the block (`start` is where its first
/// element lies in them), its `shape`, `strides` and `dtype`, and give_back(kept). Dropping it gives it back.
[[nodiscard]] Reference lend_block(const array::Array& a, std::size_t block, bool write);

/// An array on the memory of an ndarray, without a copy. Nobody else may write to the ndarray from now on.
[[nodiscard]] array::Array adopt_ndarray(PyArrayObject* ndarray);

/// Makes the type of loans; called once.
void register_lending(PyObject* module);

}  // namespace distob::python

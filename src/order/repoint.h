// Whether a storage keeps its memory when it is written, or gets a new one.
//
// A storage is written in place unless somebody still needs the old bytes: an exported view, a lent block that was kept,
// or the very program that writes (a stencil in place reads neighbours that it overwrites). Then it gets new memory, what
// is not overwritten is carried over, and every view follows, because views name the storage.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tensor/view.h"

namespace distob::order {

/// Why the old bytes may still be needed.
struct Needs {
  bool pinned = false;         ///< readers outside the order of work hold the memory
  bool read_crossing = false;  ///< the writing program reads these bytes at other indices
};

/// Where a program that writes a storage shall write, and what has to be in a new memory before others may read it.
struct WritePlan {
  bool fresh = false;
  bool carry_first = false;   ///< `carried` overlaps what is written, so it must be copied before the program runs
  std::vector<View> carried;  ///< bytes to copy from the old memory to the new
};

/// Decides for a storage of `size` bytes that has memory. `written`: what the program stores on every element of; with
/// `partly` there is something else as well (a mask, views that are not told), so all bytes have to be carried.
[[nodiscard]] WritePlan plan_write(std::int64_t size, std::span<const View> written, bool partly, Needs needs);

/// The bytes of [0, size) that `view` does not cover, as views of bytes; nullopt if they are too scattered to say.
[[nodiscard]] std::optional<std::vector<View>> uncovered(std::int64_t size, const View& view);

}  // namespace distob::order

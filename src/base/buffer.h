// Bytes that travel beside a message instead of inside it: a range of shared memory named by a descriptor.
#pragma once

#include <cstdint>
#include <memory>

#include "base/unique_fd.h"

namespace distob {

/// `size` bytes at `offset` of the memory that `file` names (a memfd, sealed against resizing by whoever made it).
///
/// Copies share the descriptor. On arrival the descriptor is the receiver's own; nothing is mapped yet.
struct SharedBuffer {
  std::shared_ptr<const UniqueFd> file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  /// For the front door: which memory this is, so that a receiver that maps the same memory again can tell. 0: unknown.
  std::uint64_t memory = 0;
};

}  // namespace distob

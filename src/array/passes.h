// The cut of a window into passes: straight lines over one shape that run as one program each.
//
// Pure: instructions in, passes out. Three steps, each a function: what nobody needs goes, what may run together is put
// together, and what need not reach memory is found.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "array/instruction.h"

namespace distob::array {

/// Instructions, by number, that one program runs in this order.
struct Pass {
  Shape shape;
  std::vector<std::uint32_t> instructions;
  /// Storages that the pass reads at other indices than it writes: they have to get new memory.
  std::unordered_set<const memory::Storage*> repointed;
  bool reduces = false;
  Dims axes;  ///< of its reductions
};

struct Plan {
  std::vector<Pass> passes;
  /// Storages whose new values have to reach memory: an array names them, or some pass loads them.
  std::unordered_set<const memory::Storage*> stored;
};

/// Whether a target covers enough of its storage that writing all of it to new memory beats copying operands first.
[[nodiscard]] bool may_repoint(const Target& target);

/// The numbers of the instructions whose results somebody can see, in order. Work that can raise float warnings for a
/// line of the user's program counts as seen.
[[nodiscard]] std::vector<std::uint32_t> live(std::span<const Instruction> window);

/// Joins each live instruction to the latest pass of its shape that no dependency forbids.
[[nodiscard]] Plan plan_passes(std::span<const Instruction> window);

}  // namespace distob::array

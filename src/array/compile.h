// From a pass to a program: slots for memories, registers for values that need not reach memory.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "array/passes.h"
#include "memory/memory.h"
#include "order/order.h"
#include "program/program.h"

namespace distob::array {

/// The memory a pass reads a storage from, and the one it writes to; two if the storage gets new memory in this pass.
struct Binding {
  memory::MemoryPtr read;
  memory::MemoryPtr write;
};
using Bindings = std::unordered_map<const memory::Storage*, Binding>;

/// A program with the memories of its slots, and what it does to them.
struct Compiled {
  program::Program program;
  std::vector<memory::MemoryPtr> memories;  ///< by slot
  std::vector<order::Access> accesses;
};

/// Compiles `pass`. `bindings` has every storage of the pass that is in `plan.stored`.
[[nodiscard]] Compiled compile(std::span<const Instruction> window, const Pass& pass, const Plan& plan,
                               const Bindings& bindings);

/// The program that copies `from` (in slot 0) to `to` (in slot 1), cast; both have one shape.
[[nodiscard]] program::Program copying(const View& from, const View& to);

}  // namespace distob::array

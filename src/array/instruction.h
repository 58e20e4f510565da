// What waits in the window: one line of array work.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "array/array.h"
#include "kernels/kernel.h"
#include "memory/storage.h"
#include "tensor/view.h"

namespace distob::array {
namespace detail {
inline std::atomic<std::int64_t> small_elements{32768};
}

/// Work on fewer elements than this runs whole, in one thread, and at once if its operands are ready.
inline std::int64_t small_limit() { return detail::small_elements.load(std::memory_order_relaxed); }
/// For tests, which want the window and the threads to work on arrays that they can check.
inline void set_small_limit(std::int64_t elements) {
  detail::small_elements.store(elements, std::memory_order_relaxed);
}

/// Elements that an instruction reads: a view of a storage, or one value everywhere.
struct Source {
  memory::StoragePtr storage;  ///< null: the constant
  View view;                   ///< broadcasts to the instruction's shape
  Scalar constant{};
  /// For elements that were copied just to be read here: a flush must not take them for dead before this instruction has
  /// joined theirs in the window, which lets go of it.
  Array handle{};
};

/// Elements that an instruction writes, every one unless it has a mask.
struct Target {
  memory::StoragePtr storage;
  View view;
};

/// One line of work over one shape. Operands of one storage are the same or disjoint, or the target covers enough of its
/// storage to be written to new memory (see may_repoint in passes.h).
struct Instruction {
  enum class What : std::uint8_t {
    apply,   ///< targets = kernel(sources)
    copy,    ///< target = source, cast to its dtype
    reduce,  ///< target = source reduced over `axes`; the target keeps those axes with extent 1
  };
  What what = What::apply;
  kernels::Kernel kernel{};
  kernels::Reduction reduction{};
  Dims axes;
  Shape shape;
  std::vector<Source> sources;
  std::vector<Target> targets;
  std::optional<Source> mask;
  Site site = 0;
};

}  // namespace distob::array

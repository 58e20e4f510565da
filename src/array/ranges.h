// Work on items of any weight, cut into ranges for all threads.
#pragma once

#include <cstdint>
#include <functional>

#include "array/instruction.h"
#include "array/workspace.h"

namespace distob::array {

/// Calls work(first, last) for ranges that make up [0, count) and waits for all; an item is worth `weight` >= 1 elements.
template <class Work>
void run_weighted(std::int64_t count, std::int64_t weight, Work&& work) {
  if (count * weight < small_limit()) {
    if (count > 0) work(std::int64_t{0}, count);
    return;
  }
  Workspace::instance().run_ranges(count * weight, [&](std::int64_t start, std::int64_t stop) {
    const std::int64_t first = (start + weight - 1) / weight, last = (stop + weight - 1) / weight;
    if (first < last) work(first, last);
  });
}

}  // namespace distob::array

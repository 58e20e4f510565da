// What the reductions of all kinds have in common: identities, strided accumulators, and the shape of the tree.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/float_flags.h"
#include "kernels/strided.h"
#include "kernels/table.h"

namespace distob::kernels {

/// Element j of a leaf belongs to lane j % kLanes.
inline constexpr std::ptrdiff_t kLanes = 32;
/// A lane takes this many elements one after the other; the groups that arise are combined pairwise.
inline constexpr std::ptrdiff_t kGroupRows = 16;
inline constexpr std::ptrdiff_t kGroup = kLanes * kGroupRows;
static_assert(kLeaf % kGroup == 0);
/// Partial results that wait for a partner: one for each bit of the number of groups.
inline constexpr int kWaiting = 5;

/// Combines the results of groups as they come, pairwise: the tree over g groups is that of the binary number g.
/// `merge(to, from)` puts `to (op) from` into slot `to`; slots 0 .. kWaiting - 1 belong to the caller.
class PairwiseTree {
 public:
  /// The slot that the next group writes.
  [[nodiscard]] int next() const { return depth_; }
  template <class Merge>
  void added(Merge merge) {
    ++depth_;
    for (unsigned groups = groups_++; (groups & 1) != 0; groups >>= 1) pop(merge);
  }
  /// Afterwards the result is in slot 0.
  template <class Merge>
  void finish(Merge merge) {
    while (depth_ > 1) pop(merge);
  }

 private:
  template <class Merge>
  void pop(Merge merge) {
    --depth_;
    merge(depth_ - 1, depth_);
  }
  int depth_ = 0;
  unsigned groups_ = 0;
};

/// accumulator[i] = accumulator[i] (op) in[i] by a block of two inputs that takes scalars.
template <Block block, std::size_t kItemsize>
void combine_by(char* accumulator, std::ptrdiff_t accumulator_stride, const char* in, std::ptrdiff_t in_stride,
                std::ptrdiff_t n) {
  constexpr std::ptrdiff_t kUnit = kItemsize;
  const auto run = [](char* to, const char* from, std::ptrdiff_t count, unsigned scalars) {
    const void* const inputs[] = {to, from};
    void* const outputs[] = {to};
    block(inputs, outputs, count, scalars);
  };
  if (n == 1 || (accumulator_stride == kUnit && in_stride == kUnit)) return run(accumulator, in, n, 0);
  if (accumulator_stride == kUnit && in_stride == 0) return run(accumulator, in, n, 2);
  constexpr std::ptrdiff_t kPiece = 4096 / kUnit;
  alignas(64) char to[4096];
  alignas(64) char from[4096];
  for (std::ptrdiff_t start = 0; start < n; start += kPiece) {
    const std::ptrdiff_t count = std::min(kPiece, n - start);
    gather(accumulator + start * accumulator_stride, accumulator_stride, kItemsize, count, to);
    gather(in + start * in_stride, in_stride, kItemsize, count, from);
    run(to, from, count, 0);
    scatter(to, kItemsize, count, accumulator + start * accumulator_stride, accumulator_stride);
  }
}

template <class T>
void set_identity(Reduction& reduction, T value) {
  static_assert(sizeof(T) <= sizeof(reduction.identity));
  reduction.has_identity = true;
  std::memcpy(reduction.identity.data(), &value, sizeof(T));
}

}  // namespace distob::kernels

// Rows that integer arrays pick on one side and that stand in order on the other.
#pragma once

#include <cstdint>

#include "array/picks.h"
#include "array/runs.h"
#include "kernels/moving.h"

namespace distob::array {

/// The axes of a transfer between a side whose places are picked and a plain one: outer axes, then the picks' own, then
/// those of each row. Strides in bytes; those of a plain source may be 0.
struct Rows {
  std::int64_t itemsize = 0;
  Shape outer;
  Strides picked_outer, plain_outer;
  Runs plain;  ///< the shape of the picks on the plain side
  Shape inner;
  Strides picked_inner, plain_inner;
};

/// plain = picked, on all threads. Throws IndexError for an index outside; the target is then anything.
void read_rows(const Picks& picks, const Rows& rows, const char* picked, char* plain);

/// picked = plain, as if one position after the other, so of positions that are the same the last one wins; on all threads
/// all the same. The picks must have been checked. Both sides may not overlap.
void write_rows(const Picks& picks, const Rows& rows, char* picked, const char* plain);

/// In how many parts writers share a target, and which of them may write at a byte offset: each place has one writer, who
/// sees all positions in order.
class Shares {
 public:
  explicit Shares(int threads);
  [[nodiscard]] int count() const { return mask_ + 1; }
  /// Keeps of n pairs of offsets those whose `to` is of `part`. Returns how many.
  [[nodiscard]] std::int64_t keep(int part, std::int64_t* to, std::int64_t* from, std::int64_t n) const {
    return kernels::keep_part(to, from, n, kBlockShift, mask_, part);
  }

 private:
  static constexpr int kBlockShift = 16;
  int mask_;
};

/// Calls work(part) for each of `count` parts, on all threads.
void run_parts(int count, const std::function<void(int)>& work);

}  // namespace distob::array

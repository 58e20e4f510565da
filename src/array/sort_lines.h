// Sorting one line of plain memory, in the calling thread or on all.
#pragma once

#include <cstdint>
#include <functional>

#include "array/lines.h"
#include "kernels/sort.h"

namespace distob::array::detail {

/// Who works on a line: the calling thread alone (it may be one of the crew, which must not wait for others), or all.
class Team {
 public:
  static Team alone() { return Team(true); }
  static Team all() { return Team(false); }

  [[nodiscard]] int size() const;
  /// Calls `work(i)` for each i in [0, n); or `work(first, last)` for ranges that make up [0, n).
  void each(std::int64_t n, const std::function<void(std::int64_t)>& work) const;
  void ranges(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) const;

 private:
  explicit Team(bool is_alone) : alone_(is_alone) {}
  bool alone_;
};

/// Calls `line(i, team, spare)` for each line; `spare` is room for `bytes` that nobody else uses meanwhile. Long lines come one
/// after the other, each for all threads; others go to the threads line by line.
void for_each_line(const Lines& lines, std::int64_t bytes,
                   const std::function<void(std::int64_t line, Team team, char* spare)>& line);

/// Sorts the line at `in` into `out`, which is apart from it; `spare` is room for as much.
void sort_line(Team team, const Lines& lines, bool times, const char* in, char* out, char* spare);
/// Bytes of spare room that `argsort_line` needs.
[[nodiscard]] std::int64_t argsort_room(const Lines& lines, bool times);
void argsort_line(Team team, const Lines& lines, bool times, const char* in, std::int64_t* out, char* spare);

}  // namespace distob::array::detail

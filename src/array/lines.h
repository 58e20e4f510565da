// Arrays as lines of plain memory, for work that is not a program: sorting, searching, counting.
#pragma once

#include <functional>

#include "array/array.h"
#include "array/representation.h"

namespace distob::array::detail {

/// The elements of an array along one axis, each such line contiguous, aligned and native. Read-only.
struct Lines {
  Snapshot keeps;
  const char* data = nullptr;
  std::int64_t count = 0;   ///< lines, in C order of the other axes
  std::int64_t length = 0;  ///< elements of a line
  Kind kind = Kind::Float64;
  std::int64_t itemsize = 8;

  [[nodiscard]] const char* line(std::int64_t i) const { return data + i * length * itemsize; }
};

/// Waits for `a` and shows it as lines along `axis`; a copy where its elements lie otherwise.
[[nodiscard]] Lines lines_of(const Array& a, int axis);
/// The elements of `a` cast to `kind`, in C order, as one line.
[[nodiscard]] Lines flat_line(const Array& a, Kind kind);

/// An array that is being made: `memory` becomes its elements when `finished` is called. Nobody else sees it before.
class Fresh {
 public:
  /// C order; throws MemoryError if the budget has no room.
  Fresh(const Shape& shape, DType dtype, CutPtr cut = {});
  [[nodiscard]] char* data() const { return memory_ ? memory_->data() : nullptr; }
  template <class T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data());
  }
  [[nodiscard]] Array finished() &&;

 private:
  Array array_;
  memory::MemoryPtr memory_;
};

/// Memory of `bytes` for the time of an operation, from the budget.
[[nodiscard]] Fresh scratch(std::int64_t bytes);

/// `a` with `axis` moved to the end, and the inverse of that for a result. Views.
[[nodiscard]] Array with_axis_last(const Array& a, int axis);
[[nodiscard]] Array with_last_axis_at(const Array& a, int axis);

/// Calls `work(i)` for each i in [0, n) on all threads, and waits. Worth it from 100 us a call.
void each_of(std::int64_t n, const std::function<void(std::int64_t)>& work);

/// Calls `work(first, last)` for runs of lines that make up [0, count), on all threads if the lines are worth it.
void run_lines(std::int64_t count, std::int64_t length, const std::function<void(std::int64_t, std::int64_t)>& work);

/// Elements below which one thread does it all.
inline constexpr std::int64_t kWorthThreads = 32768;

}  // namespace distob::array::detail

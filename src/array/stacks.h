// Arrays as contiguous stacks of rows, and threads that work on them: inside of work along an axis (along_axis.h).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

#include "array/along_axis.h"
#include "array/operands.h"
#include "array/workspace.h"

namespace distob::array::detail {

// An array as `outer` stacks of `n` rows of `inner` contiguous elements.
struct Stacks {
  std::int64_t outer = 1, n = 1, inner = 1;
};

inline Stacks stacks_of(const Shape& shape, int axis) {
  Stacks s;
  const auto at = static_cast<std::size_t>(axis);
  for (std::size_t i = 0; i < shape.size(); ++i) (i < at ? s.outer : i == at ? s.n : s.inner) *= shape[i];
  return s;
}

// Operands below this many elements are worked on by the calling thread alone.
inline constexpr std::int64_t kFew = 32768;
// Neighbouring columns of one task: 4 KiB of doubles, so that running totals stay in the first-level cache.
inline constexpr std::int64_t kColumns = 512;

// `a` in C order, as elements of `dtype`, in one piece: itself if it is like that.
inline Array contiguous(const Array& a, DType dtype, const AxisOptions& options) {
  if (a.node()->single() && a.dtype() == dtype && view_of(a).is_contiguous() &&
      view_of(a).is_aligned(std::min<std::int64_t>(dtype.itemsize, 16))) {
    return a;
  }
  Array copy = new_array(a.shape(), dtype);
  assign(copy, a, options.site);
  return copy;
}

// The elements of an array for reading, as they are now.
class Reading {
 public:
  explicit Reading(const Array& a) : pin_(Workspace::instance().pin(*storage_of(a), view_of(a))) {
    data_ = pin_.memory()->data() + view_of(a).offset;
  }
  [[nodiscard]] const char* data() const { return data_; }

 private:
  memory::Pin pin_;
  const char* data_;
};

// A new array in C order whose elements nobody else sees before it is done.
class Writing {
 public:
  Writing(const Shape& shape, DType dtype, CutPtr cut)
      : array_(new_array(shape, dtype, std::move(cut))),
        memory_(memory::Memory::allocate(static_cast<std::size_t>(storage_of(array_)->size()))) {}
  [[nodiscard]] char* data() const { return memory_->data(); }
  [[nodiscard]] Array done() && {
    storage_of(array_)->set_memory(std::move(memory_));
    return std::move(array_);
  }

 private:
  Array array_;
  memory::MemoryPtr memory_;
};

// Runs tasks on all threads and gathers the float flags that they raise.
class Team {
 public:
  explicit Team(bool few) : few_(few) {}

  template <class Work>
  void run(std::int64_t tasks, Work&& work) {
    const auto part = [&](std::int64_t first, std::int64_t last) {
      (void)program::take_float_flags();
      for (std::int64_t task = first; task < last; ++task) work(task);
      flags_.fetch_or(program::take_float_flags(), std::memory_order_relaxed);
    };
    if (few_ || tasks <= 1) {
      part(0, tasks);
    } else {
      Workspace::instance().run_parts(tasks, part);
    }
  }

  void report(const AxisOptions& options, bool matters) const {
    const unsigned flags = matters ? flags_.load() : 0;
    if (options.flags != nullptr) {
      *options.flags = flags;
    } else if (flags != 0 && options.site != 0) {
      Workspace::instance().raised(flags, options.site);
    }
  }

 private:
  bool few_;
  std::atomic<unsigned> flags_{0};
};

// Calls the kernel: to[i] = left[i] (step) right[i] for n elements. `to` may be `left`, same stride.
inline void call(const Step& step, char* left, std::ptrdiff_t left_stride, const char* right,
                 std::ptrdiff_t right_stride, char* to, std::ptrdiff_t to_stride, std::int64_t n) {
  char* data[] = {left, const_cast<char*>(right), to};
  const std::ptrdiff_t strides[] = {left_stride, right_stride, to_stride};
  program::run_single(step.kernel, data, n, strides);
}

inline bool raises(const Step& step) { return step.kernel.sets_float_flags; }

inline Dims all_axes(int rank) {
  Dims axes;
  for (int i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

inline bool contains(const Dims& axes, std::int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

inline Shape without(const Shape& shape, const Dims& axes, bool keepdims) {
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool gone = contains(axes, static_cast<std::int64_t>(i));
    if (!gone || keepdims) result.push_back(gone ? 1 : shape[i]);
  }
  return result;
}

inline CutPtr cut_without(const Array& a, const Dims& axes, bool keepdims) {
  return derive_cut(a, [axes, keepdims](const Partition& p) { return p.reduce(axes, keepdims); });
}

}  // namespace distob::array::detail

// The elements of a view in C order, as runs of elements at one distance.
#pragma once

#include <algorithm>
#include <cstdint>

#include "distob/shape.h"

namespace distob::array {

/// A walk over a shape that any part of can be done alone. Neighbouring axes that step as one are one.
class Runs {
 public:
  Runs() : Runs({}, {}) {}
  Runs(const Shape& shape, const Strides& strides) {
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] == 1) continue;
      if (!extents_.empty() && strides_.back() == strides[axis] * shape[axis]) {
        extents_.back() *= shape[axis];
        strides_.back() = strides[axis];
      } else {
        extents_.push_back(shape[axis]);
        strides_.push_back(strides[axis]);
      }
    }
    if (extents_.empty()) {
      extents_.push_back(1);
      strides_.push_back(0);
    }
  }

  /// The distance of elements in a run.
  [[nodiscard]] std::int64_t step() const { return strides_.back(); }
  /// Whether all elements are one run.
  [[nodiscard]] bool single() const { return extents_.size() == 1; }

  /// Calls run(offset, n) for the runs that the elements [first, first + count) are made of, in order.
  template <class Run>
  void over(std::int64_t first, std::int64_t count, Run&& run) const {
    if (single()) return run(first * step(), count);
    const std::size_t inner = extents_.size() - 1;
    std::int64_t row = first / extents_[inner], at = first % extents_[inner];
    Dims index = Dims::filled(inner, 0);
    std::int64_t offset = 0;
    for (std::size_t axis = inner; axis-- > 0; row /= extents_[axis]) {
      index[axis] = row % extents_[axis];
      offset += index[axis] * strides_[axis];
    }
    while (count > 0) {
      const std::int64_t n = std::min(count, extents_[inner] - at);
      run(offset + at * step(), n);
      count -= n;
      at = 0;
      for (std::size_t axis = inner; axis-- > 0;) {
        offset += strides_[axis];
        if (++index[axis] < extents_[axis]) break;
        offset -= strides_[axis] * extents_[axis];
        index[axis] = 0;
      }
    }
  }

  /// The offset of one element.
  [[nodiscard]] std::int64_t offset(std::int64_t element) const {
    std::int64_t sum = 0;
    for (std::size_t axis = extents_.size(); axis-- > 0; element /= extents_[axis])
      sum += element % extents_[axis] * strides_[axis];
    return sum;
  }

 private:
  Dims extents_;
  Dims strides_;
};

}  // namespace distob::array

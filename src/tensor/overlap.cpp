// Do two views of one storage share a byte? Each view is a sum of multiples of its strides, bounded by its extents, so the
// question is whether a linear equation with bounded integer unknowns has a solution. In general that is NP-complete
// (a subset sum in disguise); for strides that nest, as slicing makes them, a search
// from the largest stride down has one or two candidates on each level.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>

#include "tensor/view.h"

namespace distob {
namespace {

/// stride * x with 0 <= x <= most.
struct Term {
  std::int64_t stride;
  std::int64_t most;
};

class Equation {
 public:
  void add(std::int64_t stride, std::int64_t most) {
    if (stride == 0 || most == 0) return;
    if (count_ == terms_.size()) {
      too_long_ = true;
      return;
    }
    terms_[count_++] = {stride, most};
  }

  /// Is the sum of the terms `target` for some x? nullopt if the search was given up.
  std::optional<bool> has_solution(std::int64_t target) {
    if (too_long_) return std::nullopt;
    std::sort(terms_.begin(), terms_.begin() + count_, [](Term a, Term b) { return a.stride > b.stride; });
    merge_equal();
    std::int64_t reach = 0, divisor = 0;
    for (std::size_t i = count_; i-- > 0;) {
      if (__builtin_mul_overflow(terms_[i].stride, terms_[i].most, &terms_[i].most)) return std::nullopt;
      reach_[i] = reach += terms_[i].most;
      divisor_[i] = divisor = std::gcd(divisor, terms_[i].stride);
    }
    steps_left_ = 2000;
    const bool found = search(0, target);
    if (steps_left_ < 0) return std::nullopt;
    return found;
  }

 private:
  void merge_equal() {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < count_; ++i) {
      if (terms_[i].stride == terms_[kept].stride) {
        terms_[kept].most += terms_[i].most;
      } else {
        terms_[++kept] = terms_[i];
      }
    }
    if (count_ > 0) count_ = kept + 1;
  }

  // Here `most` is in bytes already: stride * greatest x.
  bool search(std::size_t i, std::int64_t target) {
    if (target == 0) return true;
    if (i == count_ || target < 0 || target > reach_[i] || target % divisor_[i] != 0) return false;
    if (--steps_left_ < 0) return false;
    const std::int64_t rest = i + 1 < count_ ? reach_[i + 1] : 0;
    const std::int64_t stride = terms_[i].stride;
    std::int64_t x = std::min(target / stride, terms_[i].most / stride);
    for (; x >= 0 && target - x * stride <= rest; --x) {
      if (search(i + 1, target - x * stride)) return true;
      if (steps_left_ < 0) return false;
    }
    return false;
  }

  std::array<Term, 24> terms_;
  std::array<std::int64_t, 24> reach_, divisor_;
  std::size_t count_ = 0;
  int steps_left_ = 0;
  bool too_long_ = false;
};

bool same_elements(const View& a, const View& b) {
  if (a.offset != b.offset || a.dtype.itemsize != b.dtype.itemsize || a.shape != b.shape) return false;
  for (std::size_t axis = 0; axis < a.shape.size(); ++axis) {
    if (a.shape[axis] > 1 && a.strides[axis] != b.strides[axis]) return false;
  }
  return true;
}

}  // namespace

Overlap overlap(const View& a, const View& b) {
  const ByteRange x = a.byte_bounds(), y = b.byte_bounds();
  if (x.empty() || y.empty() || x.stop <= y.start || y.stop <= x.start) return Overlap::disjoint;
  if (same_elements(a, b)) return overlaps_itself(a) ? Overlap::crossing : Overlap::same;

  // lowest(a) + sum |sa| i + byte_a == lowest(b) + sum |sb| j + byte_b; with j turned round (most - j) every sign is plus:
  // sum |sa| i + byte_a + sum |sb| j' + byte_b' == last byte of b - lowest(a).
  Equation equation;
  for (const View* view : {&a, &b}) {
    for (std::size_t axis = 0; axis < view->shape.size(); ++axis) {
      equation.add(std::abs(view->strides[axis]), view->shape[axis] - 1);
    }
    equation.add(1, static_cast<std::int64_t>(view->dtype.itemsize) - 1);
  }
  const std::optional<bool> met = equation.has_solution(y.stop - 1 - x.start);
  return met.value_or(true) ? Overlap::crossing : Overlap::disjoint;
}

bool overlaps_itself(const View& view) {
  if (view.size() == 0) return false;
  // Strides that nest, each as long as all that is inside it, cannot meet; anything else is suspect.
  std::array<std::pair<std::int64_t, std::int64_t>, Dims::kMaxRank> axes;
  std::size_t count = 0;
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    if (view.shape[axis] > 1) axes[count++] = {std::abs(view.strides[axis]), view.shape[axis]};
  }
  std::sort(axes.begin(), axes.begin() + static_cast<std::ptrdiff_t>(count));
  std::int64_t inside = view.dtype.itemsize;
  for (std::size_t i = 0; i < count; ++i) {
    if (axes[i].first < inside) return true;
    inside = axes[i].first * (axes[i].second - 1) + inside;
  }
  return false;
}

}  // namespace distob

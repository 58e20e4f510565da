#include <vector>

#include "array/stacks.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using namespace detail;

// What was found in one part of the rows of one set of columns.
struct Found {
  std::vector<char> best;
  std::vector<std::int64_t> positions;
};

class Searching {
 public:
  /// `leaf`: the reduction that gives the element that is looked for, or null; it sees many elements at once.
  Searching(const kernels::Search& search, const kernels::Reduction* leaf, std::int64_t size, const Stacks& stacks,
            const char* in)
      : search_(search), leaf_(leaf), size_(size), stacks_(stacks), in_(in) {
    columns_ = std::min(stacks.inner, kColumns);
    wide_ = (stacks.inner + kColumns - 1) / kColumns;
    // Of columns a part is worth a task of about 64 K elements; positions are exact, so any cut is as good.
    rows_ = std::max<std::int64_t>(1, 65536 / columns_);
    parts_ = (stacks.n + rows_ - 1) / rows_;
  }

  void run(char* out) {
    const std::int64_t sets = stacks_.outer * wide_;
    found_.resize(static_cast<std::size_t>(sets * parts_));
    Team team(stacks_.outer * stacks_.n * stacks_.inner < kFew);
    team.run(sets * parts_, [&](std::int64_t task) { look(task); });
    auto* positions = reinterpret_cast<std::int64_t*>(out);
    for (std::int64_t set = 0; set < sets; ++set) {
      const Found& all = merged(set);
      const std::int64_t at = set / wide_ * stacks_.inner + set % wide_ * kColumns;
      std::copy(all.positions.begin(), all.positions.end(), positions + at);
    }
  }

 private:
  void look(std::int64_t task) {
    const std::int64_t set = task / parts_, first = task % parts_ * rows_, last = std::min(first + rows_, stacks_.n);
    const std::int64_t column = set % wide_ * kColumns, width = std::min(kColumns, stacks_.inner - column);
    const std::int64_t row = stacks_.inner * size_;
    const char* from = in_ + (set / wide_ * stacks_.n * stacks_.inner + column) * size_;
    Found& found = found_[static_cast<std::size_t>(task)];
    found.best.resize(static_cast<std::size_t>(width * size_));
    found.positions.resize(static_cast<std::size_t>(width));
    if (stacks_.inner == 1 && leaf_ != nullptr) return row_of(from, first, last, found);
    if (width == 1) {
      search_.along(from + first * row, row, last - first, first, found.best.data(), found.positions.data(), true);
      return;
    }
    for (std::int64_t k = first; k < last; ++k) {
      search_.across(from + k * row, width, k, found.best.data(), found.positions.data(), k == first);
    }
  }

  // In a row of neighbours the leaf that holds the first of the best is found by reductions, and only that one is searched.
  void row_of(const char* from, std::int64_t first, std::int64_t last, Found& found) const {
    using kernels::kLeaf;
    char* best = found.best.data();
    std::int64_t at = first;
    alignas(16) char top[32];
    for (std::int64_t k = first; k < last; k += kLeaf) {
      leaf_->leaf(from + k * size_, size_, std::min(kLeaf, last - k), top);
      search_.along(top, 0, 1, k, best, &at, k == first);
    }
    search_.along(from + at * size_, size_, std::min(kLeaf, last - at), at, best, found.positions.data(), true);
  }

  const Found& merged(std::int64_t set) {
    Found& all = found_[static_cast<std::size_t>(set * parts_)];
    for (std::int64_t part = 1; part < parts_; ++part) {
      const Found& next = found_[static_cast<std::size_t>(set * parts_ + part)];
      for (std::size_t i = 0; i < all.positions.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i) * size_;
        search_.along(next.best.data() + at, 0, 1, next.positions[i], all.best.data() + at, &all.positions[i], false);
      }
    }
    return all;
  }

  const kernels::Search& search_;
  const kernels::Reduction* leaf_;
  std::int64_t size_;
  Stacks stacks_;
  const char* in_;
  std::int64_t columns_, wide_, rows_, parts_;
  std::vector<Found> found_;
};

}  // namespace

Array arg_extreme(bool greatest, const Array& a, std::optional<int> axis, bool keepdims, bool times) {
  const DType dtype = times ? DType(Kind::Opaque, false, 8, a.dtype().descriptor) : DType(a.dtype().kind);
  const kernels::Search* search = kernels::search(greatest, a.dtype().kind, times);
  if (search == nullptr) throw TypeError("no order of elements of type " + a.dtype().name());
  const Dims axes = axis ? Dims{normalize_axis(*axis, a.ndim())} : all_axes(a.ndim());
  const Array from = contiguous(a, dtype, {});
  const Stacks stacks = axis ? stacks_of(a.shape(), static_cast<int>(axes[0])) : Stacks{1, a.size(), 1};
  if (stacks.n == 0) {
    throw ValueError(std::string("attempt to get ") + (greatest ? "argmax" : "argmin") + " of an empty sequence");
  }
  Writing out(without(a.shape(), axes, keepdims), Kind::Int64, cut_without(a, axes, keepdims));
  if (stacks.outer * stacks.inner > 0) {
    const Reading in(from);
    const bool in_leaves = !times && !is_complex(dtype.kind);
    const auto op = greatest ? kernels::ReduceOp::max : kernels::ReduceOp::min;
    const kernels::Reduction* leaf = in_leaves ? kernels::reduction(op, dtype.kind) : nullptr;
    Searching(*search, leaf, static_cast<std::int64_t>(dtype.itemsize), stacks, in.data()).run(out.data());
  }
  return std::move(out).done();
}

}  // namespace distob::array

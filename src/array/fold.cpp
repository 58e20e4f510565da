#include <vector>

#include "array/stacks.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using namespace detail;

// Elements to be folded and what they are folded into, for one set of neighbouring columns.
class Folding {
 public:
  Folding(const Step& step, const Stacks& stacks, const char* in, const char* mask)
      : step_(step),
        stacks_(stacks),
        in_(in),
        mask_(mask),
        size_(static_cast<std::int64_t>(itemsize_of(step.kind()))) {}

  // to[column] (step)= row[column] for the rows [first, last) of stack `outer`; `fresh`: the first row is where it begins.
  void columns(std::int64_t outer, std::int64_t first, std::int64_t last, std::int64_t column, std::int64_t width,
               char* to, bool fresh) const {
    for (std::int64_t k = first; k < last; ++k) {
      const std::int64_t at = (outer * stacks_.n + k) * stacks_.inner + column;
      if (fresh && k == first) {
        std::memcpy(to, in_ + at * size_, static_cast<std::size_t>(width * size_));
      } else if (mask_ == nullptr) {
        call(step_, to, size_, in_ + at * size_, size_, to, size_, width);
      } else {
        masked(at, width, to);
      }
    }
  }

  // The same for `count` neighbouring rows whose elements follow each other: each is folded into one.
  void rows(std::int64_t row, std::int64_t count, char* to, bool fresh) const {
    if (mask_ != nullptr) {
      for (std::int64_t i = 0; i < count; ++i) columns(row + i, 0, stacks_.n, 0, 1, to + i * size_, fresh);
      return;
    }
    const std::int64_t stride = stacks_.n * size_;
    for (std::int64_t k = 0; k < stacks_.n; ++k) {
      const char* from = in_ + row * stride + k * size_;
      if (fresh && k == 0) {
        for (std::int64_t i = 0; i < count; ++i)
          std::memcpy(to + i * size_, from + i * stride, static_cast<std::size_t>(size_));
      } else {
        call(step_, to, size_, from, stride, to, size_, count);
      }
    }
  }

 private:
  // Runs of elements that count.
  void masked(std::int64_t at, std::int64_t width, char* to) const {
    for (std::int64_t i = 0; i < width;) {
      std::int64_t end = i;
      while (end < width && mask_[at + end] != 0) ++end;
      if (end > i) {
        call(step_, to + i * size_, size_, in_ + (at + i) * size_, size_, to + i * size_, size_, end - i);
      }
      i = end + 1;
    }
  }

  const Step& step_;
  Stacks stacks_;
  const char* in_;
  const char* mask_;
  std::int64_t size_;
};

// `a` with the axes `axes` moved to the end and made one.
Array with_last(const Array& a, const Dims& axes) {
  std::vector<int> order;
  Shape shape;
  std::int64_t n = 1;
  for (int i = 0; i < a.ndim(); ++i) {
    if (contains(axes, i)) continue;
    order.push_back(i);
    shape.push_back(a.shape()[static_cast<std::size_t>(i)]);
  }
  for (const std::int64_t axis : axes) {
    order.push_back(static_cast<int>(axis));
    n *= a.shape()[static_cast<std::size_t>(axis)];
  }
  shape.push_back(n);
  return reshape(order.empty() ? a : transpose(a, order), shape);
}

void check_fold(std::string_view name, std::int64_t n, const FoldOptions& options) {
  if (options.initial) return;
  if (options.where != nullptr) {
    throw ValueError("reduction operation '" + std::string(name) +
                     "' does not have an identity, so to use a where mask one has to specify 'initial'");
  }
  if (n == 0)
    throw ValueError("zero-size array to reduction operation " + std::string(name) + " which has no identity");
}

void fill(char* to, std::int64_t n, const Scalar& value) {
  const auto size = static_cast<std::size_t>(itemsize_of(value.kind));
  for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + static_cast<std::size_t>(i) * size, value.bytes.data(), size);
}

}  // namespace

Array fold(const Step& step, const Array& a, std::string_view name, const FoldOptions& options) {
  const Dims axes = options.axes ? normalize_axes(*options.axes, a.ndim()) : all_axes(a.ndim());
  const Shape shape = without(a.shape(), axes, options.keepdims);
  // One axis can be folded where it is; several become one at the end.
  const bool stays = axes.size() == 1;
  const Array moved = stays ? a : with_last(a, axes);
  const int axis = stays ? static_cast<int>(axes[0]) : moved.ndim() - 1;
  const Stacks stacks = stacks_of(moved.shape(), axis);
  check_fold(name, stacks.n, options);
  if (options.flags != nullptr) *options.flags = 0;
  Writing out(shape, step.kind(), cut_without(a, axes, options.keepdims));
  const std::int64_t size = itemsize_of(step.kind()), results = stacks.outer * stacks.inner;
  if (options.initial) fill(out.data(), results, detail::cast_scalar(*options.initial, step.kind()));
  if (results == 0 || stacks.n == 0) return std::move(out).done();

  const Array from = contiguous(moved, step.kind(), options);
  const Reading in(from);
  std::optional<Reading> mask;
  Array flags;
  if (options.where != nullptr) {
    const Source source = detail::source_of(*options.where);
    Array given = source.storage ? detail::make_array(source.storage, source.view, {}, true)
                                 : full(Shape{}, Kind::Bool, source.constant);
    given = broadcast_to(given, a.shape());
    flags = contiguous(stays ? given : with_last(given, axes), Kind::Bool, options);
    mask.emplace(flags);
  }
  const Folding folding(step, stacks, in.data(), mask ? mask->data() : nullptr);
  Team team(stacks.outer * stacks.n * stacks.inner < kFew);
  const bool fresh = !options.initial;
  if (stacks.inner == 1) {
    constexpr std::int64_t kRows = 64;
    team.run((stacks.outer + kRows - 1) / kRows, [&](std::int64_t task) {
      const std::int64_t row = task * kRows;
      folding.rows(row, std::min(kRows, stacks.outer - row), out.data() + row * size, fresh);
    });
  } else {
    const std::int64_t wide = (stacks.inner + kColumns - 1) / kColumns;
    team.run(stacks.outer * wide, [&](std::int64_t task) {
      const std::int64_t outer = task / wide, column = task % wide * kColumns;
      folding.columns(outer, 0, stacks.n, column, std::min(kColumns, stacks.inner - column),
                      out.data() + (outer * stacks.inner + column) * size, fresh);
    });
  }
  team.report(options, raises(step));
  return std::move(out).done();
}

Array reduce_parts(const Step& step, const Array& a, std::span<const std::int64_t> indices, int axis,
                   std::string_view name, const AxisOptions& options) {
  axis = normalize_axis(axis, a.ndim());
  const Stacks stacks = stacks_of(a.shape(), axis);
  for (const std::int64_t index : indices) {
    if (index < 0 || index >= stacks.n) {
      throw IndexError("index " + std::to_string(index) + " out-of-bounds in " + std::string(name) + ".reduceat [0, " +
                       std::to_string(stacks.n) + ")");
    }
  }
  Shape shape = a.shape();
  const auto parts = static_cast<std::int64_t>(indices.size());
  shape[static_cast<std::size_t>(axis)] = parts;
  if (options.flags != nullptr) *options.flags = 0;
  Writing out(shape, step.kind(), {});
  if (element_count(shape) == 0) return std::move(out).done();
  const Array from = contiguous(a, step.kind(), options);
  const Reading in(from);
  const Folding folding(step, stacks, in.data(), nullptr);
  const std::int64_t size = itemsize_of(step.kind());
  Team team(a.size() < kFew);
  team.run(stacks.outer * parts, [&](std::int64_t task) {
    const std::int64_t outer = task / parts, part = task % parts;
    const std::int64_t first = indices[static_cast<std::size_t>(part)];
    const std::int64_t next = part + 1 < parts ? indices[static_cast<std::size_t>(part) + 1] : stacks.n;
    const std::int64_t last = std::max(next, first + 1);
    char* to = out.data() + task * stacks.inner * size;
    if (stacks.inner == 1 && step.reduction != nullptr) {
      program::reduce_single(*step.reduction, in.data() + (outer * stacks.n + first) * size, size, last - first, to);
    } else {
      folding.columns(outer, first, last, 0, stacks.inner, to, true);
    }
  });
  team.report(options, raises(step));
  return std::move(out).done();
}

}  // namespace distob::array

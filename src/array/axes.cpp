// Views under other axes, and the new arrays that are views of themselves assigned: roll, repeat, tile.
#include <algorithm>

#include "array/operands.h"
#include "array/structure.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using Parts = std::vector<Index>;

Parts all_of(const Array& a) { return Parts(static_cast<std::size_t>(a.ndim()), Index(all)); }

// The axes that an optional list names, all of them without one: sorted, from the front.
Dims named_axes(const Array& a, std::optional<std::span<const int>> axes) {
  if (axes) return normalize_axes(*axes, a.ndim());
  Dims every;
  for (int axis = 0; axis < a.ndim(); ++axis) every.push_back(axis);
  return every;
}

Array transposed(const Array& a, const Dims& order) {
  if (order.empty()) return view(a, Parts{Index(ellipsis)});
  const std::vector<int> axes(order.begin(), order.end());
  return transpose(a, axes);
}

}  // namespace

Array squeeze(const Array& a, std::optional<std::span<const int>> axes) {
  Parts index = all_of(a);
  for (std::int64_t axis : named_axes(a, axes)) {
    const auto i = static_cast<std::size_t>(axis);
    if (a.shape()[i] == 1) {
      index[i] = std::int64_t{0};
    } else if (axes) {
      throw ValueError("cannot select an axis to squeeze out which has size not equal to one");
    }
  }
  index.emplace_back(ellipsis);
  return view(a, index);
}

Array expand_dims(const Array& a, std::span<const int> axes) {
  const int rank = a.ndim() + static_cast<int>(axes.size());
  Dims fresh;
  for (int axis : axes) fresh.push_back(normalize_axis(axis, rank));
  std::sort(fresh.begin(), fresh.end());
  if (std::adjacent_find(fresh.begin(), fresh.end()) != fresh.end()) throw ValueError("repeated axis");
  Parts index;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    index.push_back(std::binary_search(fresh.begin(), fresh.end(), axis) ? Index(newaxis) : Index(all));
  }
  index.emplace_back(ellipsis);
  return view(a, index);
}

Array swapaxes(const Array& a, int one, int other) {
  Dims order = named_axes(a, {});
  const auto first = static_cast<std::size_t>(normalize_axis(one, a.ndim()));
  const auto second = static_cast<std::size_t>(normalize_axis(other, a.ndim()));
  std::swap(order[first], order[second]);
  return transposed(a, order);
}

Array moveaxis(const Array& a, std::span<const int> sources, std::span<const int> targets) {
  if (sources.size() != targets.size()) {
    throw ValueError("`source` and `destination` arguments must have the same number of elements");
  }
  const Dims moving = normalize_axes(sources, a.ndim());
  (void)normalize_axes(targets, a.ndim());  // both say which axis is missing or named twice
  Dims order;
  for (int axis = 0; axis < a.ndim(); ++axis) {
    if (!std::binary_search(moving.begin(), moving.end(), axis)) order.push_back(axis);
  }
  std::vector<std::pair<int, int>> moves;  // where to, which
  for (std::size_t i = 0; i < sources.size(); ++i) {
    moves.emplace_back(normalize_axis(targets[i], a.ndim()), normalize_axis(sources[i], a.ndim()));
  }
  std::sort(moves.begin(), moves.end());
  for (const auto& [target, source] : moves) order.insert(static_cast<std::size_t>(target), source);
  return transposed(a, order);
}

Array flip(const Array& a, std::optional<std::span<const int>> axes) {
  Parts index = all_of(a);
  for (std::int64_t axis : named_axes(a, axes)) index[static_cast<std::size_t>(axis)] = Slice{{}, {}, -1};
  index.emplace_back(ellipsis);
  return view(a, index);
}

Array rot90(const Array& a, int times, int first, int second) {
  const int one = normalize_axis(first, a.ndim()), two = normalize_axis(second, a.ndim());
  if (one == two) throw ValueError("Axes must be different.");
  const int quarters = (times % 4 + 4) % 4;
  const int both[] = {one, two};
  if (quarters == 0) return view(a, Parts{Index(ellipsis)});
  if (quarters == 2) return flip(a, both);
  const std::span<const int> first_axis(both, 1), second_axis(both + 1, 1);
  return quarters == 1 ? swapaxes(flip(a, second_axis), one, two) : flip(swapaxes(a, one, two), second_axis);
}

std::vector<Array> split(const Array& a, std::span<const std::int64_t> cuts, int axis_number) {
  const auto axis = static_cast<std::size_t>(normalize_axis(axis_number, a.ndim()));
  std::vector<Array> parts;
  Parts index = all_of(a);
  for (std::size_t k = 0; k <= cuts.size(); ++k) {
    Slice part;
    part.start = k == 0 ? 0 : cuts[k - 1];
    if (k < cuts.size()) part.stop = cuts[k];
    index[axis] = part;
    parts.push_back(view(a, index));
  }
  return parts;
}

Array roll(const Array& a, std::span<const std::int64_t> shifts, std::span<const int> axes) {
  if (shifts.size() != axes.size()) throw ValueError("'shift' and 'axis' should be scalars or 1D sequences");
  Dims by = Dims::filled(static_cast<std::size_t>(a.ndim()), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    by[static_cast<std::size_t>(normalize_axis(axes[i], a.ndim()))] += shifts[i];
  }
  const Array result = empty_like(a, a.shape(), a.dtype(), Order::keep);
  if (a.size() == 0) return result;
  // Each axis that moves falls in two halves that change places: one assignment for each choice of halves.
  Parts from = all_of(a), to = from;
  const auto place = [&](const auto& next, std::size_t axis) -> void {
    if (axis == by.size()) return assign(view(result, to), view(a, from));
    const std::int64_t extent = a.shape()[axis];
    const std::int64_t shift = (by[axis] % extent + extent) % extent;
    from[axis] = until(extent - shift), to[axis] = distob::from(shift);
    next(next, axis + 1);
    if (shift == 0) return;
    from[axis] = distob::from(extent - shift), to[axis] = until(shift);
    next(next, axis + 1);
  };
  place(place, 0);
  return result;
}

Array repeat(const Array& a, std::int64_t times, int axis_number) {
  if (times < 0) throw ValueError("repeats may not contain negative values.");
  const auto axis = static_cast<std::size_t>(normalize_axis(axis_number, a.ndim()));
  Shape apart = a.shape();
  apart.insert(axis + 1, times);
  Shape shape = a.shape();
  if (__builtin_mul_overflow(shape[axis], times, &shape[axis])) throw ValueError("array is too big.");
  const Array result = empty(shape, a.dtype());
  const int fresh[] = {static_cast<int>(axis) + 1};
  assign(array::reshape(result, apart), expand_dims(a, fresh));
  return result;
}

Array tile(const Array& a, std::span<const std::int64_t> times) {
  Dims counts(times);
  while (counts.rank() < a.ndim()) counts.insert(0, 1);
  Parts index;  // of `a`: a new axis in front of each that is repeated
  Shape shape, apart;
  const std::size_t missing = counts.size() - a.shape().size();
  for (std::size_t axis = 0; axis < counts.size(); ++axis) {
    if (counts[axis] < 0) throw ValueError("negative dimensions are not allowed");
    const std::int64_t extent = axis < missing ? 1 : a.shape()[axis - missing];
    std::int64_t whole = 0;
    if (__builtin_mul_overflow(extent, counts[axis], &whole)) throw ValueError("array is too big.");
    shape.push_back(whole);
    if (counts[axis] != 1 || axis < missing) {
      apart.push_back(counts[axis]);
      index.emplace_back(newaxis);
    }
    if (axis < missing) continue;
    apart.push_back(extent);
    index.emplace_back(all);
  }
  const Array result = empty(shape, a.dtype());
  index.emplace_back(ellipsis);
  assign(array::reshape(result, apart), view(a, index));
  return result;
}

}  // namespace distob::array

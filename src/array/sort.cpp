#include "array/sort.h"

#include <algorithm>
#include <vector>

#include "array/sort_lines.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::Fresh;
using detail::Lines;
using detail::Team;

void check(const Array& a, const SortOptions& options) {
  if (!can_sort(a.dtype(), options.times)) throw TypeError("elements of type " + a.dtype().name() + " have no order");
}

int axis_of(const Array& a, int axis) { return normalize_axis(axis, a.ndim()); }

Shape turned_shape(const Array& a, int axis) { return detail::with_axis_last(a, axis).shape(); }

/// A result that was made with its axis last, in C order of the axes of `a`.
Array turned_back(Array made, const Array& a, int axis) {
  if (axis == a.ndim() - 1) return made;
  Array result = detail::new_array(a.shape(), made.dtype(), a.node()->cut);
  assign(result, detail::with_last_axis_at(made, axis));
  return result;
}

detail::CutPtr cut_of(const Array& a, int axis) { return axis == a.ndim() - 1 ? a.node()->cut : detail::CutPtr{}; }

}  // namespace

bool can_sort(DType dtype, bool times) {
  return times ? dtype.kind == Kind::Opaque && dtype.itemsize == 8 : dtype.kind != Kind::Opaque;
}

Array sort(const Array& a, const SortOptions& options) {
  check(a, options);
  const int axis = axis_of(a, options.axis);
  const Lines lines = detail::lines_of(a, axis);
  DType native = a.dtype();
  native.swapped = false;
  Fresh result(turned_shape(a, axis), native, cut_of(a, axis));
  const std::int64_t bytes = lines.length * lines.itemsize;
  detail::for_each_line(lines, bytes, [&](std::int64_t i, Team team, char* spare) {
    detail::sort_line(team, lines, options.times, lines.line(i), result.data() + i * bytes, spare);
  });
  Array sorted = turned_back(std::move(result).finished(), a, axis);
  return a.dtype().swapped ? astype(sorted, a.dtype()) : sorted;
}

Array argsort(const Array& a, const SortOptions& options) {
  check(a, options);
  const int axis = axis_of(a, options.axis);
  const Lines lines = detail::lines_of(a, axis);
  Fresh result(turned_shape(a, axis), Kind::Int64, cut_of(a, axis));
  const std::int64_t room = detail::argsort_room(lines, options.times);
  detail::for_each_line(lines, room, [&](std::int64_t i, Team team, char* spare) {
    detail::argsort_line(team, lines, options.times, lines.line(i), result.as<std::int64_t>() + i * lines.length,
                         spare);
  });
  return turned_back(std::move(result).finished(), a, axis);
}

Array lexsort(std::span<const Array> keys, int given_axis) {
  if (keys.empty()) throw ValueError("need sequence of keys with len > 0 in lexsort");
  const Array& first = keys.front();
  const int axis = axis_of(first, given_axis);
  std::vector<Lines> all;
  for (const Array& key : keys) {
    check(key, {});
    if (!(key.shape() == first.shape())) throw ValueError("all keys need to be the same shape");
    all.push_back(detail::lines_of(key, axis));
  }
  const std::int64_t n = all.front().length;
  Fresh result(turned_shape(first, axis), Kind::Int64, cut_of(first, axis));
  // Room for a sort, the key in the order found so far, and the order within that.
  const std::int64_t widest = 32;
  detail::for_each_line(all.front(), n * (32 + widest + 8), [&](std::int64_t i, Team team, char* spare) {
    std::int64_t* const order = result.as<std::int64_t>() + i * n;
    char* const ordered = spare + 32 * n;
    auto* const within = reinterpret_cast<std::int64_t*>(ordered + widest * n);
    detail::argsort_line(team, all.front(), false, all.front().line(i), order, spare);
    for (std::size_t k = 1; k < all.size(); ++k) {
      const Lines& key = all[k];
      team.ranges(n, [&](std::int64_t begin, std::int64_t end) {
        kernels::take(key.line(i), static_cast<std::size_t>(key.itemsize), order + begin, end - begin,
                      ordered + begin * key.itemsize);
      });
      detail::argsort_line(team, key, false, ordered, within, spare);
      auto* const next = reinterpret_cast<std::int64_t*>(spare);
      team.ranges(n, [&](std::int64_t begin, std::int64_t end) {
        kernels::take(reinterpret_cast<const char*>(order), 8, within + begin, end - begin,
                      reinterpret_cast<char*>(next + begin));
      });
      std::copy(next, next + n, order);
    }
  });
  return turned_back(std::move(result).finished(), first, axis);
}

}  // namespace distob::array

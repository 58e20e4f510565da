#include <algorithm>
#include <memory>
#include <vector>

#include "array/sort.h"
#include "array/sort_lines.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::Fresh;
using detail::Lines;
using detail::Team;

/// Where the classes of equal elements start in a sorted line.
struct Classes {
  std::int64_t length = 0;
  std::unique_ptr<bool[]> starts;  // for each element, whether a class starts there
  std::vector<std::int64_t>
      before;  // for each part of the line, how many classes start before it; then how many in all
  std::int64_t parts = 1;

  [[nodiscard]] std::int64_t first_of(std::int64_t part) const { return length * part / parts; }
  [[nodiscard]] std::int64_t count() const { return before.back(); }

  /// Calls `work(class, element)` for each start in a part.
  template <class Work>
  void each_start(std::int64_t part, Work&& work) const {
    std::int64_t number = before[static_cast<std::size_t>(part)];
    for (std::int64_t i = first_of(part); i < first_of(part + 1); ++i) {
      if (starts[static_cast<std::size_t>(i)]) work(number++, i);
    }
  }
};

Classes classes_of(const Lines& lines, const char* sorted, const UniqueOptions& options) {
  Classes classes;
  classes.length = lines.length;
  classes.parts = std::clamp<std::int64_t>(lines.length / detail::kWorthThreads, 1, 8L * Team::all().size());
  classes.starts = std::make_unique_for_overwrite<bool[]>(static_cast<std::size_t>(lines.length));
  classes.before.resize(static_cast<std::size_t>(classes.parts) + 1);
  const kernels::Starts mark = kernels::starts_of(lines.kind, options.times);
  Team::all().each(classes.parts, [&](std::int64_t part) {
    const std::int64_t first = classes.first_of(part);
    classes.before[static_cast<std::size_t>(part) + 1] =
        mark(sorted, first, classes.first_of(part + 1), options.equal_nan, classes.starts.get() + first);
  });
  for (std::size_t i = 1; i < classes.before.size(); ++i) classes.before[i] += classes.before[i - 1];
  return classes;
}

void take_all(const Lines& lines, const std::int64_t* indices, std::int64_t n, char* out) {
  Team::all().ranges(n, [&](std::int64_t first, std::int64_t last) {
    kernels::take(lines.data, static_cast<std::size_t>(lines.itemsize), indices + first, last - first,
                  out + first * lines.itemsize);
  });
}

}  // namespace

Unique unique(const Array& a, const UniqueOptions& options) {
  if (!can_sort(a.dtype(), options.times)) throw TypeError("elements of type " + a.dtype().name() + " have no order");
  const Array flat = reshape(a, {-1});
  const Lines lines = detail::lines_of(flat, 0);
  const std::int64_t n = flat.size();
  const bool needs_order = options.index || options.inverse;

  const Fresh room = detail::scratch(needs_order ? detail::argsort_room(lines, options.times) : n * lines.itemsize);
  const Fresh order = detail::scratch(needs_order ? n * 8 : 0);
  const Fresh sorted = detail::scratch(n * lines.itemsize);
  const auto* indices = order.as<std::int64_t>();
  if (needs_order) {
    detail::argsort_line(Team::all(), lines, options.times, lines.data, order.as<std::int64_t>(), room.data());
    take_all(lines, indices, n, sorted.data());
  } else {
    detail::sort_line(Team::all(), lines, options.times, lines.data, sorted.data(), room.data());
  }

  const Classes classes = classes_of(lines, sorted.data(), options);
  const std::int64_t count = classes.count();
  Fresh places({count}, Kind::Int64);  // of the first element of each class, in the sorted line
  Team::all().each(classes.parts, [&](std::int64_t part) {
    classes.each_start(part, [&](std::int64_t number, std::int64_t i) { places.as<std::int64_t>()[number] = i; });
  });

  DType native = a.dtype();
  native.swapped = false;
  Unique result;
  Fresh values({count}, native);
  Lines from_sorted = lines;
  from_sorted.data = sorted.data();
  take_all(from_sorted, places.as<std::int64_t>(), count, values.data());
  result.values = std::move(values).finished();
  if (a.dtype().swapped) result.values = astype(result.values, a.dtype());
  if (options.index) {
    Fresh index({count}, Kind::Int64);
    Lines permutation;
    permutation.data = order.data();
    take_all(permutation, places.as<std::int64_t>(), count, index.data());
    result.index = std::move(index).finished();
  }
  if (options.inverse) {
    Fresh inverse({n}, Kind::Int64);
    auto* const numbers = inverse.as<std::int64_t>();
    Team::all().each(classes.parts, [&](std::int64_t part) {
      std::int64_t number = classes.before[static_cast<std::size_t>(part)] - 1;
      for (std::int64_t i = classes.first_of(part); i < classes.first_of(part + 1); ++i) {
        number += classes.starts[static_cast<std::size_t>(i)] ? 1 : 0;
        numbers[indices[i]] = number;
      }
    });
    result.inverse = std::move(inverse).finished();
  }
  if (options.counts) {
    Fresh counts({count}, Kind::Int64);
    const auto* const starts = places.as<std::int64_t>();
    for (std::int64_t i = 0; i < count; ++i) {
      counts.as<std::int64_t>()[i] = (i + 1 < count ? starts[i + 1] : n) - starts[i];
    }
    result.counts = std::move(counts).finished();
  }
  return result;
}

}  // namespace distob::array

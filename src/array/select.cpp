// Elements at given places of the sorted lines, without sorting what lies between them.
//
// A sample tells between which keys each wanted element almost surely lies. One pass counts what is below and collects
// what is between; only that is sorted (Floyd and Rivest, "Expected Time Bounds for Selection", 1975). Where the sample
// misled, the line is sorted.
#include <algorithm>
#include <cmath>
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
using kernels::Keys;
using Positions = std::span<const std::int64_t>;

constexpr std::int64_t kSample = 8192;
constexpr std::int64_t kWorthSelecting = 8 * kSample;  // elements; below, a sort is as quick
constexpr std::size_t kFewPositions = 16;              // each costs a comparison of every element
constexpr double kDeviations = 5;                      // of the place in the sample: a miss in a million

void take_sorted(const Lines& lines, const char* sorted, Positions positions, std::int64_t line, char* out) {
  for (std::size_t p = 0; p < positions.size(); ++p) {
    const char* from = sorted + positions[p] * lines.itemsize;
    std::copy(from, from + lines.itemsize, out + (static_cast<std::int64_t>(p) * lines.count + line) * lines.itemsize);
  }
}

std::vector<std::uint64_t> sorted_sample(const Keys& keys, const char* in, std::int64_t n) {
  std::vector<std::uint64_t> sample(kSample);
  const std::int64_t stride = n / kSample;
  std::uint64_t state = 0;
  for (std::int64_t i = 0; i < kSample; ++i) {
    state =
        state * 6364136223846793005U + 1442695040888963407U;  // Knuth's; a fixed step would meet periods of the data
    const auto offset = static_cast<std::int64_t>((state >> 33) % static_cast<std::uint64_t>(stride));
    sample[static_cast<std::size_t>(i)] = keys.key(in + (i * stride + offset) * static_cast<std::int64_t>(keys.width));
  }
  std::sort(sample.begin(), sample.end());
  return sample;
}

/// Ranges of keys that hold the elements at the positions, ascending and apart from each other.
struct Ranges {
  std::vector<std::uint64_t> low, high;

  [[nodiscard]] kernels::KeyRanges view() const {
    return {static_cast<std::ptrdiff_t>(low.size()), low.data(), high.data()};
  }
};

Ranges ranges_for(const std::vector<std::uint64_t>& sample, Positions positions, std::int64_t n) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
  const auto last = static_cast<double>(kSample - 1);
  for (const std::int64_t position : positions) {
    const double quantile = static_cast<double>(position) / static_cast<double>(n);
    const double place = quantile * last;
    const double margin = kDeviations * std::sqrt(quantile * (1 - quantile) * last) + 16;
    const auto at = [&](double index) { return sample[static_cast<std::size_t>(index)]; };
    all.emplace_back(place - margin < 0 ? 0 : at(place - margin),
                     place + margin >= last ? ~std::uint64_t{0} : at(std::ceil(place + margin)));
  }
  std::sort(all.begin(), all.end());
  Ranges ranges;
  for (const auto& [low, high] : all) {
    if (!ranges.low.empty() && low <= ranges.high.back()) {
      ranges.high.back() = std::max(ranges.high.back(), high);
    } else {
      ranges.low.push_back(low);
      ranges.high.push_back(high);
    }
  }
  return ranges;
}

/// Finds the elements of one line; false if the sample misled.
bool select_line(Team team, const Lines& lines, const Keys& keys, bool times, const char* in, Positions positions,
                 std::int64_t line, char* out) {
  const std::int64_t n = lines.length;
  const auto width = static_cast<std::int64_t>(keys.width);
  const Ranges ranges = ranges_for(sorted_sample(keys, in, n), positions, n);
  const auto count = static_cast<std::int64_t>(ranges.low.size());
  const std::int64_t parts = team.size() == 1 ? 1 : 4L * team.size();
  const auto start = [&](std::int64_t part) { return n * part / parts; };

  // Each part has room for all its elements, because nobody knows yet how few it will be.
  const Fresh room = detail::scratch(n * width);
  std::vector<std::int64_t> kept(static_cast<std::size_t>(parts) + 1);
  std::vector<std::int64_t> below(static_cast<std::size_t>(parts * count)), inside(below.size());
  team.each(parts, [&](std::int64_t part) {
    kept[static_cast<std::size_t>(part) + 1] =
        keys.collect(in + start(part) * width, start(part + 1) - start(part), ranges.view(),
                     room.data() + start(part) * width, below.data() + part * count, inside.data() + part * count);
  });
  for (std::size_t i = 1; i < kept.size(); ++i) kept[i] += kept[i - 1];

  // Where each position is among what was kept.
  std::vector<std::int64_t> places;
  for (const std::int64_t position : positions) {
    std::int64_t before = 0;  // kept elements of lower ranges
    for (std::int64_t r = 0; r < count; ++r) {
      std::int64_t less = 0, within = 0;
      for (std::int64_t part = 0; part < parts; ++part) {
        less += below[static_cast<std::size_t>(part * count + r)];
        within += inside[static_cast<std::size_t>(part * count + r)];
      }
      if (position >= less && position < less + within) places.push_back(position - less + before);
      before += within;
    }
  }
  if (places.size() != positions.size()) return false;

  Lines candidates = lines;
  candidates.length = kept.back();
  const std::int64_t bytes = candidates.length * width;
  const Fresh sorting = detail::scratch(3 * bytes);
  char* const elements = sorting.data();
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::int64_t first = kept[static_cast<std::size_t>(part)], last = kept[static_cast<std::size_t>(part) + 1];
    const char* from = room.data() + start(part) * width;
    std::copy(from, from + (last - first) * width, elements + first * width);
  }
  detail::sort_line(team, candidates, times, elements, elements + bytes, elements + 2 * bytes);
  take_sorted(lines, elements + bytes, places, line, out);
  return true;
}

}  // namespace

Array sorted_elements(const Array& a, Positions positions, const SortOptions& options) {
  if (!can_sort(a.dtype(), options.times)) throw TypeError("elements of type " + a.dtype().name() + " have no order");
  const int axis = normalize_axis(options.axis, a.ndim());
  const Lines lines = detail::lines_of(a, axis);
  Shape shape = detail::with_axis_last(a, axis).shape();
  shape.pop_back();
  shape.insert(0, static_cast<std::int64_t>(positions.size()));
  DType native = a.dtype();
  native.swapped = false;
  Fresh result(shape, native);
  const Keys* keys = kernels::keys_of(lines.kind, options.times);
  const bool selects = keys != nullptr && lines.length >= kWorthSelecting && positions.size() <= kFewPositions;
  const std::int64_t bytes = lines.length * lines.itemsize;
  detail::for_each_line(lines, 2 * bytes, [&](std::int64_t i, Team team, char* spare) {
    const char* in = lines.line(i);
    if (selects && select_line(team, lines, *keys, options.times, in, positions, i, result.data())) return;
    detail::sort_line(team, lines, options.times, in, spare, spare + bytes);
    take_sorted(lines, spare, positions, i, result.data());
  });
  return std::move(result).finished();
}

}  // namespace distob::array

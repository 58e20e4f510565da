#include "array/sort_lines.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <optional>

#include "array/workspace.h"

namespace distob::array::detail {
namespace {

using kernels::Keys;
using kernels::Sorter;

using Range = std::function<void(std::int64_t first, std::int64_t last, char* items)>;

// --- One line on all threads -----------------------------------------------------------------------------------------

// Sorted runs that are merged two by two: one for each thread, twice that where their number is no power of two.
std::int64_t runs_for(Team team, std::int64_t n) {
  const auto threads = static_cast<std::uint64_t>(team.size());
  if (n < kWorthThreads || threads == 1) return 1;
  const std::uint64_t runs = std::bit_ceil(threads);
  return static_cast<std::int64_t>(runs == threads ? runs : 2 * runs);
}

// Items that are merged by one thread at a time: finding where they come from costs some 10 us of waiting for memory.
constexpr std::int64_t kMerged = 131072;

/// Sorts `n` items into `out`. `load` puts items [first, last) to where it is told; `finish`, if any, is called for each
/// part of the result once it is there. `spare` is room for as many items, used only if there are several runs.
void sort_items(Team team, const Sorter& sorter, std::int64_t n, char* out, char* spare, const Range& load,
                const Range& finish) {
  const std::int64_t runs = runs_for(team, n);
  const auto width = static_cast<std::int64_t>(sorter.itemsize);
  const auto start = [&](std::int64_t run) { return n * std::min(run, runs) / runs; };
  char* from = std::countr_zero(static_cast<std::uint64_t>(runs)) % 2 == 0 ? out : spare;
  char* to = from == out ? spare : out;
  team.each(runs, [&](std::int64_t run) {
    const std::int64_t first = start(run), last = start(run + 1);
    load(first, last, from + first * width);
    sorter.sort(sorter.context, from + first * width, last - first);
    if (runs == 1 && finish) finish(first, last, from + first * width);
  });
  for (std::int64_t merged = 1; merged < runs; merged *= 2) {
    const bool is_last = 2 * merged == runs;
    const std::int64_t parts = std::max<std::int64_t>(runs, n / kMerged);
    team.each(parts, [&](std::int64_t part) {
      const std::int64_t first = n * part / parts, last = n * (part + 1) / parts;
      for (std::int64_t run = 0; run < runs; run += 2 * merged) {
        const std::int64_t a = start(run), b = start(run + merged), end = start(run + 2 * merged);
        const std::int64_t low = std::max(first, a), high = std::min(last, end);
        if (low >= high) continue;
        sorter.merge(sorter.context, from + a * width, b - a, from + b * width, end - b, low - a, high - a,
                     to + low * width);
        if (is_last && finish) finish(low, high, to + low * width);
      }
    });
    std::swap(from, to);
  }
}

void sort_keyed_line(Team team, const Keys& keys, const char* in, std::int64_t n, char* out, char* spare) {
  const auto width = static_cast<std::int64_t>(keys.width);
  std::atomic<std::int64_t> irregular{0};
  sort_items(
      team, kernels::sorter_of_keys(keys.width), n, out, spare,
      [&](std::int64_t first, std::int64_t last, char* items) {
        irregular.fetch_add(keys.load(in + first * width, last - first, items), std::memory_order_relaxed);
      },
      [&](std::int64_t first, std::int64_t last, char* items) { keys.restore(items, last - first); });
  if (irregular.load() > 0) keys.restore_equals(in, out, n);
}

// --- Indices --------------------------------------------------------------------------------------------------------

// How keys and indices of a line share 64 bits, or nothing if they do not fit.
struct Packing {
  std::uint64_t lowest = 0;
  int shift = 0;
};
std::optional<Packing> packing_of(Team team, const Keys& keys, const char* in, std::int64_t n) {
  const int bits = std::bit_width(static_cast<std::uint64_t>(n));
  if (8 * static_cast<int>(keys.width) + bits <= 64) return Packing{0, bits};
  const auto width = static_cast<std::int64_t>(keys.width);
  std::atomic<std::uint64_t> lowest{~std::uint64_t{0}}, highest{0};
  team.ranges(n, [&](std::int64_t first, std::int64_t last) {
    std::uint64_t low = 0, high = 0;
    keys.bounds(in + first * width, last - first, &low, &high);
    std::uint64_t seen = lowest.load();
    while (low < seen && !lowest.compare_exchange_weak(seen, low)) {
    }
    seen = highest.load();
    while (high > seen && !highest.compare_exchange_weak(seen, high)) {
    }
  });
  if (std::bit_width(highest.load() - lowest.load()) + bits > 64) return {};
  return Packing{lowest.load(), bits};
}

/// Sorts pairs in `pairs`, with as much room behind them, and writes their indices.
void argsort_keyed_line(Team team, const Keys& keys, const char* in, std::int64_t n, std::int64_t* out, char* pairs) {
  const auto width = static_cast<std::int64_t>(keys.width);
  if (const auto packing = packing_of(team, keys, in, n)) {
    const std::uint64_t mask = (std::uint64_t{1} << packing->shift) - 1;
    sort_items(
        team, kernels::sorter_of_keys(8), n, reinterpret_cast<char*>(out), pairs,
        [&](std::int64_t first, std::int64_t last, char* items) {
          keys.pair(in + first * width, last - first, first, packing->lowest, packing->shift,
                    reinterpret_cast<std::uint64_t*>(items));
        },
        [&](std::int64_t first, std::int64_t last, char* items) {
          auto* words = reinterpret_cast<std::uint64_t*>(items);
          for (std::int64_t i = 0; i < last - first; ++i) words[i] &= mask;
        });
    return;
  }
  sort_items(
      team, kernels::sorter_of_keys(16), n, pairs, pairs + 16 * n,
      [&](std::int64_t first, std::int64_t last, char* items) {
        keys.wide_pair(in + first * width, last - first, first, items);
      },
      [&](std::int64_t first, std::int64_t last, char* items) {
        kernels::indices_of_pairs(items, last - first, out + first);
      });
}

}  // namespace

int Team::size() const { return alone_ ? 1 : Workspace::instance().threads(); }

void Team::each(std::int64_t n, const std::function<void(std::int64_t)>& work) const {
  if (!alone_ && n > 1) return each_of(n, work);
  for (std::int64_t i = 0; i < n; ++i) work(i);
}

void Team::ranges(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) const {
  if (!alone_ && n >= kWorthThreads) return Workspace::instance().run_ranges(n, work);
  if (n > 0) work(0, n);
}

void for_each_line(const Lines& lines, std::int64_t bytes,
                   const std::function<void(std::int64_t line, Team team, char* spare)>& line) {
  if (lines.length >= kWorthThreads && lines.count < 4L * Workspace::instance().threads()) {
    const Fresh spare = scratch(bytes);
    for (std::int64_t i = 0; i < lines.count; ++i) line(i, Team::all(), spare.data());
    return;
  }
  run_lines(lines.count, lines.length, [&](std::int64_t first, std::int64_t last) {
    const auto spare = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(bytes));
    for (std::int64_t i = first; i < last; ++i) line(i, Team::alone(), spare.get());
  });
}

void sort_line(Team team, const Lines& lines, bool times, const char* in, char* out, char* spare) {
  if (const Keys* keys = kernels::keys_of(lines.kind, times)) {
    return sort_keyed_line(team, *keys, in, lines.length, out, spare);
  }
  const std::int64_t width = lines.itemsize;
  sort_items(team, kernels::sorter_of_elements(lines.kind), lines.length, out, spare,
             [&](std::int64_t first, std::int64_t last, char* items) {
               std::copy(in + first * width, in + last * width, items);
             },
             {});
}

std::int64_t argsort_room(const Lines& lines, bool times) {
  const Keys* keys = kernels::keys_of(lines.kind, times);
  return lines.length * (keys != nullptr && keys->width == 8 ? 32 : 8);  // pairs of 16 bytes, and where they are merged
}

void argsort_line(Team team, const Lines& lines, bool times, const char* in, std::int64_t* out, char* spare) {
  if (const Keys* keys = kernels::keys_of(lines.kind, times)) {
    return argsort_keyed_line(team, *keys, in, lines.length, out, spare);
  }
  sort_items(team, kernels::sorter_of_indices(lines.kind, in), lines.length, reinterpret_cast<char*>(out), spare,
             [&](std::int64_t first, std::int64_t last, char* items) {
               auto* indices = reinterpret_cast<std::int64_t*>(items);
               for (std::int64_t i = first; i < last; ++i) indices[i - first] = i;
             },
             {});
}

}  // namespace distob::array::detail

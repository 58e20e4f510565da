#include "array/histogram.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "array/lines.h"
#include "array/workspace.h"
#include "distob/errors.h"
#include "kernels/histogram.h"

namespace distob::array {
namespace {

using detail::Fresh;
using detail::Lines;

// Elements that NumPy adds up before it adds them to the histogram.
constexpr std::int64_t kBlock = 65536;

/// Runs `work(part, sums)` for each of the parts, each with zeroed sums of its own, and adds those up in order to `total`.
template <class T, class Work>
void add_parts(std::int64_t parts, std::int64_t bins, T* total, Work&& work) {
  std::fill(total, total + bins, T{});
  // As many at a time as there is memory for.
  const std::int64_t wave = std::clamp<std::int64_t>((std::int64_t{1} << 24) / std::max<std::int64_t>(1, bins), 1, 64);
  std::vector<T> sums(static_cast<std::size_t>(std::min(parts, wave) * bins));
  for (std::int64_t first = 0; first < parts; first += wave) {
    const std::int64_t some = std::min(wave, parts - first);
    detail::each_of(some, [&](std::int64_t i) {
      T* const own = sums.data() + i * bins;
      std::fill(own, own + bins, T{});
      work(first + i, own);
    });
    for (std::int64_t i = 0; i < some; ++i) {
      for (std::int64_t b = 0; b < bins; ++b) total[b] += sums[static_cast<std::size_t>(i * bins + b)];
    }
  }
}

/// Parts of n elements that are each worth clearing and adding `bins` sums; a function of these numbers alone.
std::int64_t parts_for(std::int64_t n, std::int64_t bins) {
  return std::clamp<std::int64_t>(n / std::max(kBlock, 4 * bins), 1, 64);
}

template <class T>
Array histogram_of(const Array& a, const Array& edges, const HistogramOptions& options) {
  const Lines values = detail::flat_line(a, kind_of<T>);
  const Lines limits = detail::flat_line(edges, kind_of<T>);
  kernels::Bins<T> bins;
  bins.edges = reinterpret_cast<const T*>(limits.data);
  bins.count = limits.length - 1;
  if (options.range != nullptr) {
    bins.even = true;
    std::memcpy(&bins.range, options.range->bytes.data(), sizeof(T));
  }
  const std::int64_t n = values.length;
  const auto* const all = reinterpret_cast<const T*>(values.data);
  if (options.weights == nullptr) {
    Fresh counts({bins.count}, Kind::Int64);
    const std::int64_t parts = parts_for(n, bins.count);
    add_parts(parts, bins.count, counts.as<std::int64_t>(), [&](std::int64_t part, std::int64_t* own) {
      const std::int64_t first = n * part / parts;
      kernels::count_into(bins, all + first, n * (part + 1) / parts - first, own);
    });
    return std::move(counts).finished();
  }
  const Lines weights = detail::flat_line(*options.weights, Kind::Float64);
  const auto* const weight = reinterpret_cast<const double*>(weights.data);
  Fresh sums({bins.count}, Kind::Float64);
  add_parts((n + kBlock - 1) / kBlock, bins.count, sums.as<double>(), [&](std::int64_t part, double* own) {
    const std::int64_t first = part * kBlock;
    kernels::add_into(bins, all + first, weight + first, std::min(kBlock, n - first), own);
  });
  return std::move(sums).finished();
}

}  // namespace

Array bincount(const Array& a, const Array* weights, std::int64_t minlength) {
  if (a.ndim() != 1) throw ValueError("object too deep for desired array");
  if (minlength < 0) throw ValueError("'minlength' must not be negative");
  const Lines lines = detail::flat_line(a, Kind::Int64);
  const auto* const values = reinterpret_cast<const std::int64_t*>(lines.data);
  const std::int64_t n = lines.length;
  std::int64_t bins = minlength;
  if (n > 0) {
    const std::int64_t parts = std::clamp<std::int64_t>(n / kBlock, 1, 64);
    std::vector<std::pair<std::int64_t, std::int64_t>> bounds(static_cast<std::size_t>(parts));
    detail::each_of(parts, [&](std::int64_t part) {
      std::int64_t low = values[n * part / parts], high = low;
      for (std::int64_t i = n * part / parts; i < n * (part + 1) / parts; ++i) {
        low = std::min(low, values[i]);
        high = std::max(high, values[i]);
      }
      bounds[static_cast<std::size_t>(part)] = {low, high};
    });
    for (const auto& [low, high] : bounds) {
      if (low < 0) throw ValueError("'list' argument must have no negative elements");
      bins = std::max(bins, high + 1);
    }
  }
  if (weights != nullptr && weights->size() != n) throw ValueError("The weights and list don't have the same length.");
  const std::int64_t parts = parts_for(n, bins);
  const auto start = [&](std::int64_t part) { return n * part / parts; };
  if (weights == nullptr) {
    Fresh counts({bins}, Kind::Int64);
    add_parts(parts, bins, counts.as<std::int64_t>(), [&](std::int64_t part, std::int64_t* own) {
      for (std::int64_t i = start(part); i < start(part + 1); ++i) ++own[values[i]];
    });
    return std::move(counts).finished();
  }
  const Lines added = detail::flat_line(*weights, Kind::Float64);
  const auto* const weight = reinterpret_cast<const double*>(added.data);
  Fresh sums({bins}, Kind::Float64);
  add_parts(parts, bins, sums.as<double>(), [&](std::int64_t part, double* own) {
    for (std::int64_t i = start(part); i < start(part + 1); ++i) own[values[i]] += weight[i];
  });
  return std::move(sums).finished();
}

Array histogram(const Array& a, const Array& edges, const HistogramOptions& options) {
  if (edges.ndim() != 1 || edges.size() < 2) throw ValueError("`bins` must have two edges or more");
  if (options.weights != nullptr && !(options.weights->shape() == a.shape())) {
    throw ValueError("weights should have the same shape as a.");
  }
  switch (edges.dtype().kind) {
    case Kind::Float32: return histogram_of<float>(a, edges, options);
    case Kind::Float64: return histogram_of<double>(a, edges, options);
    case Kind::Int64: return histogram_of<std::int64_t>(a, edges, options);
    default: throw TypeError("edges of type " + edges.dtype().name());
  }
}

}  // namespace distob::array

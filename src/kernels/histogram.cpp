#include "kernels/histogram.h"

#include <algorithm>
#include <array>

#include "kernels/bisect.h"

namespace distob::kernels {
namespace {

/// The bin of `value`, or -1: NumPy's arithmetic.
template <class T>
std::int64_t even_bin(const Bins<T>& bins, T value) {
  const T* const edges = bins.edges;
  const std::int64_t last = bins.count - 1;
  if (!(value >= edges[0] && value <= edges[bins.count])) return -1;
  auto bin = static_cast<std::int64_t>((value - edges[0]) / bins.range * static_cast<T>(bins.count));
  if (bin >= bins.count) bin = last;
  if (value < edges[bin]) --bin;
  if (bin != last && value >= edges[bin + 1]) ++bin;
  return bin;
}

/// Calls `with(i, bin)` for each value that is in a bin.
template <class T, class With>
void each_bin(const Bins<T>& bins, const T* values, std::ptrdiff_t n, With with) {
  if (bins.even) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const std::int64_t bin = even_bin(bins, values[i]);
      if (bin >= 0) with(i, bin);
    }
    return;
  }
  const T greatest = bins.edges[bins.count];
  std::array<std::int64_t, kSearchedTogether> places;
  for (std::ptrdiff_t i = 0; i < n; i += kSearchedTogether) {
    const std::ptrdiff_t some = std::min(kSearchedTogether, n - i);
    bisect([edges = bins.edges](std::int64_t at) { return edges[at]; }, bins.count + 1, values + i, some, places.data(),
           [](T edge, T value) { return edge <= value; });
    for (std::ptrdiff_t k = 0; k < some; ++k) {
      const T value = values[i + k];
      const std::int64_t bin = value == greatest ? bins.count - 1 : places[static_cast<std::size_t>(k)] - 1;
      if (bin >= 0 && bin < bins.count) with(i + k, bin);
    }
  }
}

}  // namespace

template <class T>
void count_into(const Bins<T>& bins, const T* values, std::ptrdiff_t n, std::int64_t* counts) {
  each_bin(bins, values, n, [counts](std::ptrdiff_t, std::int64_t bin) { ++counts[bin]; });
}

template <class T>
void add_into(const Bins<T>& bins, const T* values, const double* weights, std::ptrdiff_t n, double* sums) {
  each_bin(bins, values, n, [=](std::ptrdiff_t i, std::int64_t bin) { sums[bin] += weights[i]; });
}

template void count_into(const Bins<float>&, const float*, std::ptrdiff_t, std::int64_t*);
template void count_into(const Bins<double>&, const double*, std::ptrdiff_t, std::int64_t*);
template void count_into(const Bins<std::int64_t>&, const std::int64_t*, std::ptrdiff_t, std::int64_t*);
template void add_into(const Bins<float>&, const float*, const double*, std::ptrdiff_t, double*);
template void add_into(const Bins<double>&, const double*, const double*, std::ptrdiff_t, double*);
template void add_into(const Bins<std::int64_t>&, const std::int64_t*, const double*, std::ptrdiff_t, double*);

}  // namespace distob::kernels

// How many of a run of values fall into each bin. One thread; values stand contiguous, aligned and native.
#pragma once

#include <cstddef>
#include <cstdint>

namespace distob::kernels {

/// Bins between ascending edges: bin i holds what is in [edges[i], edges[i + 1]), the last one also its upper edge. What
/// is in no bin, or not a number, is not counted.
template <class T>
struct Bins {
  const T* edges = nullptr;  ///< count + 1
  std::int64_t count = 1;
  /// Bins of one width, which are found by arithmetic and set right by the edges, as NumPy does it: in the type of the
  /// edges, (value - first) / range * count. Else they are searched.
  bool even = false;
  T range = 0;
};

/// Adds each value to its bin's element of `counts`, once, or `weights[i]` times to `sums`. T: float, double, int64_t.
template <class T>
void count_into(const Bins<T>& bins, const T* values, std::ptrdiff_t n, std::int64_t* counts);
template <class T>
void add_into(const Bins<T>& bins, const T* values, const double* weights, std::ptrdiff_t n, double* sums);

}  // namespace distob::kernels

// Sliding sums of products. One thread.
#pragma once

#include <cstddef>

#include "distob/dtype.h"

namespace distob::kernels {

/// out[t - first] = sum over j of a[t - (m - 1) + j] * v[j], added in ascending j, over the j for which there is such an
/// element of `a`; for t in [first, last) within [0, n + m - 1). Everything stands contiguous, aligned and native.
using Correlate = void (*)(const char* a, std::ptrdiff_t n, const char* v, std::ptrdiff_t m, std::ptrdiff_t first,
                           std::ptrdiff_t last, char* out);

/// For Int64, which wraps around, and UInt64, Float32, Float64, LongDouble and the complex kinds of the first two of these;
/// nullptr for others.
[[nodiscard]] Correlate correlate_of(Kind kind);

}  // namespace distob::kernels

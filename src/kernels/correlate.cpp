#include "kernels/correlate.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/complex.h"

namespace distob::kernels {
namespace {

constexpr std::ptrdiff_t kBlock = 512;  // sums that stay in the first cache while `v` passes by

template <class T>
void correlate(const char* a_bytes, std::ptrdiff_t n, const char* v_bytes, std::ptrdiff_t m, std::ptrdiff_t first,
               std::ptrdiff_t last, char* out_bytes) {
  const T* const a = reinterpret_cast<const T*>(a_bytes);
  const T* const v = reinterpret_cast<const T*>(v_bytes);
  T* out = reinterpret_cast<T*>(out_bytes);
  std::array<T, kBlock> sums;
  for (std::ptrdiff_t start = first; start < last; start += kBlock) {
    const std::ptrdiff_t some = std::min(kBlock, last - start);
    std::fill(sums.begin(), sums.begin() + some, T{});
    for (std::ptrdiff_t j = 0; j < m; ++j) {
      const std::ptrdiff_t shift = start - (m - 1) + j;  // of `a` against the sums
      const std::ptrdiff_t low = std::max<std::ptrdiff_t>(0, -shift), high = std::min(some, n - shift);
      const T factor = v[j];
      const T* const from = a + shift;
      for (std::ptrdiff_t k = low; k < high; ++k) {
        T& sum = sums[static_cast<std::size_t>(k)];
        sum = sum + from[k] * factor;
      }
    }
    out = std::copy(sums.begin(), sums.begin() + some, out);
  }
}

}  // namespace

Correlate correlate_of(Kind kind) {
  switch (kind) {
    case Kind::Int64:
    case Kind::UInt64: return correlate<std::uint64_t>;
    case Kind::Float32: return correlate<float>;
    case Kind::Float64: return correlate<double>;
    case Kind::LongDouble: return correlate<long double>;
    case Kind::Complex64: return correlate<Complex<float>>;
    case Kind::Complex128: return correlate<Complex<double>>;
    default: return nullptr;
  }
}

}  // namespace distob::kernels

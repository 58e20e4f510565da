// Bisection of many values at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace distob::kernels {

/// Values searched side by side: one at a time would wait for memory, or for a guessed branch, at every step.
inline constexpr std::ptrdiff_t kSearchedTogether = 16;

/// out[k] = how many of `count` elements, which stand before all others, satisfy before(element(i), values[k]); for
/// n <= kSearchedTogether values.
template <class Element, class T, class Before>
inline void bisect(Element element, std::ptrdiff_t count, const T* values, std::ptrdiff_t n, std::int64_t* out,
                   Before before) {
  std::array<std::int64_t, kSearchedTogether> base{};
  for (std::ptrdiff_t length = count; length > 1; length -= length / 2) {
    const std::ptrdiff_t half = length / 2;
    for (std::ptrdiff_t k = 0; k < n; ++k) {
      std::int64_t& from = base[static_cast<std::size_t>(k)];
      from += half & -static_cast<std::int64_t>(before(element(from + half - 1), values[k]));
    }
  }
  for (std::ptrdiff_t k = 0; k < n; ++k) {
    const std::int64_t from = base[static_cast<std::size_t>(k)];
    out[k] = count == 0 ? 0 : from + (before(element(from), values[k]) ? 1 : 0);
  }
}

}  // namespace distob::kernels

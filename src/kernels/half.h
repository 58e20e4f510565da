// Half precision, one element at a time, where no instruction does it.
#pragma once

#include <bit>
#include <cfenv>
#include <cstdint>

namespace distob::kernels {

inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
  const std::uint32_t magnitude = half & 0x7fffU;
  if (magnitude == 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U);
  if (magnitude > 0x7c00U) return std::bit_cast<float>(sign | 0x7fc00000U | (magnitude << 13));  // quiet
  if (magnitude >= 0x0400U) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000U));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24F;  // exact
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(subnormal));
}

/// Rounds to nearest, ties to even; raises overflow and underflow as the instruction would.
inline std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  const auto with_sign = [sign](std::uint32_t half) { return static_cast<std::uint16_t>(sign | half); };
  if (magnitude > 0x7f800000U) return with_sign(0x7e00U | (magnitude >> 13 & 0x01ffU));
  if (magnitude == 0x7f800000U) return with_sign(0x7c00U);
  if (magnitude >= 0x477ff000U) {  // 65520: the first that rounds to infinity
    std::feraiseexcept(FE_OVERFLOW);
    return with_sign(0x7c00U);
  }
  const auto round = [](std::uint32_t mantissa, int shift) {
    const std::uint32_t half_way = (1U << (shift - 1)) - 1;
    return (mantissa + half_way + (mantissa >> shift & 1U)) >> shift;
  };
  if (magnitude >= 0x38800000U) return with_sign(round(magnitude - 0x38000000U, 13));
  if (magnitude == 0) return sign;
  // Below 2**-14: the exponent is fixed, so the mantissa moves. Below 2**-25 nothing is left of it.
  const int exponent = static_cast<int>(magnitude >> 23);
  const std::uint32_t mantissa = (magnitude & 0x7fffffU) | 0x800000U;
  const int shift = 126 - exponent;
  const std::uint32_t half = shift > 24 ? 0 : round(mantissa, shift);
  if (shift > 24 || (half << shift) != mantissa) std::feraiseexcept(FE_UNDERFLOW);
  return with_sign(half);
}

}  // namespace distob::kernels

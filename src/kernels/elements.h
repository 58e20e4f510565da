// Elements in memory, as the blocks see them.
#pragma once

#include <cstdint>
#include <type_traits>

#include "distob/dtype.h"

/// Before a loop: no iteration reads what another one writes (results are an input's very memory or apart from it).
#if defined(__clang__)
#define DISTOB_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#else
#define DISTOB_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#endif

/// For conversions out of range, whose result is meant to be what the processor gives.
#if defined(__clang__)
#define DISTOB_CONVERTS_OUT_OF_RANGE __attribute__((no_sanitize("float-cast-overflow")))
#else
#define DISTOB_CONVERTS_OUT_OF_RANGE
#endif

namespace distob::kernels {

template <class T>
struct PackedOf {
  typedef T type __attribute__((aligned(1), may_alias));  // NOLINT: an alias declaration drops the attributes
};
/// An arithmetic type that may stand at any address.
template <class T>
using Packed = typename PackedOf<T>::type;

/// The arithmetic type behind a kind; bools are bytes of 0 or 1.
template <Kind K>
struct ElementOf;
// clang-format off
template <> struct ElementOf<Kind::Bool> { using type = std::uint8_t; };
template <> struct ElementOf<Kind::Int8> { using type = std::int8_t; };
template <> struct ElementOf<Kind::UInt8> { using type = std::uint8_t; };
template <> struct ElementOf<Kind::Int16> { using type = std::int16_t; };
template <> struct ElementOf<Kind::UInt16> { using type = std::uint16_t; };
template <> struct ElementOf<Kind::Int32> { using type = std::int32_t; };
template <> struct ElementOf<Kind::UInt32> { using type = std::uint32_t; };
template <> struct ElementOf<Kind::Int64> { using type = std::int64_t; };
template <> struct ElementOf<Kind::UInt64> { using type = std::uint64_t; };
template <> struct ElementOf<Kind::Float32> { using type = float; };
template <> struct ElementOf<Kind::Float64> { using type = double; };
template <> struct ElementOf<Kind::LongDouble> { using type = long double; };
// clang-format on
template <Kind K>
using Element = typename ElementOf<K>::type;

/// Floating point to integer as C compilers for x86-64 do it, also out of range, where C leaves the result open and
/// AVX-512 differs from SSE2: narrow integers go through the ones that every x86-64 converts to, and uint64 takes its
/// upper half from a shifted argument.
template <class To, class From>
DISTOB_CONVERTS_OUT_OF_RANGE inline To float_to_integer(From a) {
  if constexpr (std::is_same_v<To, std::uint64_t>) {
    constexpr From kHalf = 9223372036854775808.0;
    const bool upper = a >= kHalf;
    const auto lower = static_cast<std::int64_t>(upper ? a - kHalf : a);
    return static_cast<std::uint64_t>(lower) ^ (std::uint64_t{upper} << 63);
  } else if constexpr (std::is_same_v<To, std::uint32_t>) {
    return static_cast<To>(static_cast<std::int64_t>(a));
  } else if constexpr (std::is_same_v<From, long double> && (sizeof(To) == 1 || std::is_same_v<To, std::int16_t>)) {
    return static_cast<To>(static_cast<std::int16_t>(a));  // the x87 stores 16 bits by itself
  } else if constexpr (sizeof(To) < 4) {
    return static_cast<To>(static_cast<std::int32_t>(a));
  } else {
    return static_cast<To>(a);
  }
}

/// Byte j of kBytesOfBits.of[b] is bit j of b: eight lanes of a comparison as eight bools.
struct BytesOfBits {
  std::uint64_t of[256];
  constexpr BytesOfBits() : of{} {
    for (int bits = 0; bits < 256; ++bits) {
      for (int j = 0; j < 8; ++j) of[bits] |= std::uint64_t{(bits >> j & 1) != 0} << (8 * j);
    }
  }
  constexpr const std::uint64_t& operator[](std::uint8_t bits) const { return of[bits]; }
};
inline constexpr BytesOfBits kBytesOfBits;

}  // namespace distob::kernels

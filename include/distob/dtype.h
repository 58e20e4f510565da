// The type of an array's elements, as a small value.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>

namespace distob {

/// What native code can compute with. The order is that of NumPy's type numbers for the kinds they share.
enum class Kind : std::uint8_t {
  // clang-format off
  Bool, Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64,
  Float16, Float32, Float64, LongDouble, Complex64, Complex128, CLongDouble,
  // clang-format on
  Opaque,  ///< bytes that only the front door understands: datetimes, fixed-width strings, records
};
inline constexpr int kNativeKinds = static_cast<int>(Kind::Opaque);

/// The type of one element: a kind, its width, and whether its bytes are in the other order than this machine's.
///
/// A DType is a value of 12 bytes, compared by content. `descriptor` means something only for Kind::Opaque: it is the
/// front door's own number for the type, so that two opaque types are equal exactly if it says so.
struct DType {
  Kind kind = Kind::Float64;
  bool swapped = false;
  std::uint32_t itemsize = 8;  ///< bytes
  std::uint32_t descriptor = 0;

  constexpr DType() = default;
  constexpr DType(Kind k);  // NOLINT(google-explicit-constructor): a kind is a dtype
  constexpr DType(Kind k, bool is_swapped, std::uint32_t size, std::uint32_t desc)
      : kind(k), swapped(is_swapped), itemsize(size), descriptor(desc) {}

  friend constexpr bool operator==(const DType&, const DType&) = default;

  /// True if kernels can compute with these bytes as they are (aligned or not, they still need a load).
  [[nodiscard]] constexpr bool native() const { return kind != Kind::Opaque && !swapped; }
  /// NumPy's name: "float64", "bool"; "opaque" types answer "void16" and the like.
  [[nodiscard]] std::string name() const;
};

/// Bytes of one element of a native kind.
constexpr std::uint32_t itemsize_of(Kind kind) {
  constexpr std::uint32_t sizes[] = {
      1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8, sizeof(long double), 8, 16, 2 * sizeof(long double), 0};
  return sizes[static_cast<int>(kind)];
}

constexpr DType::DType(Kind k) : kind(k), itemsize(itemsize_of(k)) {}

constexpr bool is_integer(Kind k) { return k >= Kind::Int8 && k <= Kind::UInt64; }
constexpr bool is_unsigned(Kind k) {
  return k == Kind::UInt8 || k == Kind::UInt16 || k == Kind::UInt32 || k == Kind::UInt64;
}
constexpr bool is_floating(Kind k) { return k >= Kind::Float16 && k <= Kind::LongDouble; }
constexpr bool is_complex(Kind k) { return k >= Kind::Complex64 && k <= Kind::CLongDouble; }

/// The kind of a C++ type: kind_of<double> is Kind::Float64. A type that is no element type does not compile.
template <class T>
struct KindOf;
// clang-format off
template <> struct KindOf<bool> { static constexpr Kind value = Kind::Bool; };
template <> struct KindOf<std::int8_t> { static constexpr Kind value = Kind::Int8; };
template <> struct KindOf<std::uint8_t> { static constexpr Kind value = Kind::UInt8; };
template <> struct KindOf<std::int16_t> { static constexpr Kind value = Kind::Int16; };
template <> struct KindOf<std::uint16_t> { static constexpr Kind value = Kind::UInt16; };
template <> struct KindOf<std::int32_t> { static constexpr Kind value = Kind::Int32; };
template <> struct KindOf<std::uint32_t> { static constexpr Kind value = Kind::UInt32; };
template <> struct KindOf<std::int64_t> { static constexpr Kind value = Kind::Int64; };
template <> struct KindOf<std::uint64_t> { static constexpr Kind value = Kind::UInt64; };
template <> struct KindOf<float> { static constexpr Kind value = Kind::Float32; };
template <> struct KindOf<double> { static constexpr Kind value = Kind::Float64; };
template <> struct KindOf<long double> { static constexpr Kind value = Kind::LongDouble; };
template <> struct KindOf<std::complex<float>> { static constexpr Kind value = Kind::Complex64; };
template <> struct KindOf<std::complex<double>> { static constexpr Kind value = Kind::Complex128; };
template <> struct KindOf<std::complex<long double>> { static constexpr Kind value = Kind::CLongDouble; };
// clang-format on
template <class T>
inline constexpr Kind kind_of = KindOf<T>::value;

}  // namespace distob

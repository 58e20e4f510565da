// The order of elements, NumPy's way: not a number comes last.
#pragma once

#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "distob/dtype.h"

namespace distob::kernels {

/// The bits of a half precision number.
struct HalfBits {
  std::uint16_t bits;
};
/// A count of ticks whose least value is not a time.
struct Ticks {
  std::int64_t count;
};

template <class T>
struct KeyTraits {
  static constexpr bool is_float = std::is_floating_point_v<T> || std::is_same_v<T, HalfBits>;
  using Key = std::conditional_t<sizeof(T) == 1, std::uint8_t,
                                 std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                                    std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;
  static constexpr Key kSign = static_cast<Key>(Key{1} << (8 * sizeof(T) - 1));
};

/// What a float of T's width has as bits: infinity, and the not-a-number that NumPy's nan is.
template <class T>
struct FloatBits {
  using Key = typename KeyTraits<T>::Key;
  static constexpr int kMantissa = sizeof(T) == 2 ? 10 : sizeof(T) == 4 ? 23 : 52;
  static constexpr Key kSign = KeyTraits<T>::kSign;
  static constexpr Key kInfinity = static_cast<Key>((Key(~Key{0}) >> 1) >> kMantissa << kMantissa);
  static constexpr Key kNaN = static_cast<Key>(kInfinity | Key{1} << (kMantissa - 1));

  static constexpr bool is_nan(Key bits) { return static_cast<Key>(bits & ~kSign) > kInfinity; }
  static constexpr bool is_zero(Key bits) { return static_cast<Key>(bits << 1) == 0; }
};

/// The key of an element: an unsigned integer, greater where the element is.
template <class T>
constexpr typename KeyTraits<T>::Key key_of(T value) {
  using Key = typename KeyTraits<T>::Key;
  constexpr Key sign = KeyTraits<T>::kSign;
  const auto bits = std::bit_cast<Key>(value);
  if constexpr (std::is_floating_point_v<T>) {  // the same as below, in the form that compilers vectorize
    const auto negative = static_cast<Key>(static_cast<std::make_signed_t<Key>>(bits) >> (8 * sizeof(T) - 1));
    Key key = bits ^ (negative | sign);
    key = value == 0 ? sign : key;
    return value != value ? ~Key{0} : key;
  } else if constexpr (KeyTraits<T>::is_float) {
    using Bits = FloatBits<T>;
    if (Bits::is_nan(bits)) return static_cast<Key>(~Key{0});
    if (Bits::is_zero(bits)) return sign;
    return static_cast<Key>((bits & sign) != 0 ? ~bits : bits | sign);
  } else if constexpr (std::is_same_v<T, Ticks>) {
    return static_cast<Key>((bits - 1) ^ sign);  // the least, which is not a time, becomes the greatest
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<Key>(bits ^ sign);
  } else {
    return bits;
  }
}

/// An element with that key.
template <class T>
constexpr T element_of(typename KeyTraits<T>::Key key) {
  using Key = typename KeyTraits<T>::Key;
  constexpr Key sign = KeyTraits<T>::kSign;
  if constexpr (KeyTraits<T>::is_float) {
    if (key == static_cast<Key>(~Key{0})) return std::bit_cast<T>(FloatBits<T>::kNaN);
    return std::bit_cast<T>(static_cast<Key>((key & sign) != 0 ? key & ~sign : ~key));
  } else if constexpr (std::is_same_v<T, Ticks>) {
    return std::bit_cast<T>(static_cast<Key>((key ^ sign) + 1));
  } else if constexpr (std::is_signed_v<T>) {
    return std::bit_cast<T>(static_cast<Key>(key ^ sign));
  } else {
    return key;
  }
}

/// Whether `a` comes before `b`: a total order of classes, for every type of element.
template <class T>
constexpr bool comes_before(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return a < b;
  } else if constexpr (std::is_floating_point_v<T>) {
    return a < b || (b != b && a == a);
  } else {
    return key_of(a) < key_of(b);
  }
}
/// Complex numbers: those that are numbers, then (x, nan), (nan, y), (nan, nan), each by the parts that are numbers.
template <class T>
constexpr bool comes_before(std::complex<T> a, std::complex<T> b) {
  const T ar = a.real(), ai = a.imag(), br = b.real(), bi = b.imag();
  if (ar < br) return ai == ai || bi != bi;
  if (ar > br) return bi != bi && ai == ai;
  if (ar == br || (ar != ar && br != br)) return ai < bi || (bi != bi && ai == ai);
  return br != br;
}

struct Before {
  template <class T>
  constexpr bool operator()(T a, T b) const {
    return comes_before(a, b);
  }
};

/// Whether elements of T have keys.
template <class T>
inline constexpr bool has_keys = sizeof(T) <= 8 && !std::is_same_v<T, std::complex<float>>;

/// What `with.operator()<T>()` returns for the type T that stands for `kind`; for `times` that is Ticks.
template <class With>
auto with_type(Kind kind, bool times, With with) {
  if (times) return with.template operator()<Ticks>();
  switch (kind) {
    case Kind::Bool:
    case Kind::UInt8: return with.template operator()<std::uint8_t>();
    case Kind::Int8: return with.template operator()<std::int8_t>();
    case Kind::Int16: return with.template operator()<std::int16_t>();
    case Kind::UInt16: return with.template operator()<std::uint16_t>();
    case Kind::Int32: return with.template operator()<std::int32_t>();
    case Kind::UInt32: return with.template operator()<std::uint32_t>();
    case Kind::Int64: return with.template operator()<std::int64_t>();
    case Kind::UInt64: return with.template operator()<std::uint64_t>();
    case Kind::Float16: return with.template operator()<HalfBits>();
    case Kind::Float32: return with.template operator()<float>();
    case Kind::Float64: return with.template operator()<double>();
    case Kind::LongDouble: return with.template operator()<long double>();
    case Kind::Complex64: return with.template operator()<std::complex<float>>();
    case Kind::Complex128: return with.template operator()<std::complex<double>>();
    default: return with.template operator()<std::complex<long double>>();
  }
}

}  // namespace distob::kernels

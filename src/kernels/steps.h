// Binary operations on single elements of any kind, as NumPy's loops compute them one after the other: what scans are made
// of. Of two equal elements the first stays, which shows where they are zeros of different sign.
#pragma once

#include <type_traits>

#include "kernels/complex.h"
#include "kernels/half.h"

namespace distob::kernels::steps {

/// A half as an element.
struct Half {
  std::uint16_t bits;
};

template <class T>
struct IsComplex : std::false_type {};
template <class T>
struct IsComplex<Complex<T>> : std::true_type {};

template <class T>
using Wrapping = std::common_type_t<std::make_unsigned_t<T>, unsigned>;

template <class T>
bool not_a_number(T a) {
  if constexpr (IsComplex<T>::value)
    return is_nan(a);
  else if constexpr (std::is_floating_point_v<T>)
    return std::isnan(a);
  else
    return false;
}
/// a <= b, quietly.
template <class T>
bool at_most(T a, T b) {
  if constexpr (IsComplex<T>::value)
    return less_equal(a, b);
  else if constexpr (std::is_floating_point_v<T>)
    return std::islessequal(a, b);
  else
    return a <= b;
}

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b));
    else
      return a + b;
  }
};
struct Subtract {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(Wrapping<T>(a) - Wrapping<T>(b));
    else
      return a - b;
  }
};
struct Multiply {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b));
    else
      return a * b;
  }
};
// clang-format off
struct Maximum { template <class T> T operator()(T a, T b) const { return at_most(b, a) || not_a_number(a) ? a : b; } };
struct Minimum { template <class T> T operator()(T a, T b) const { return at_most(a, b) || not_a_number(a) ? a : b; } };
struct FMax { template <class T> T operator()(T a, T b) const { return at_most(b, a) || not_a_number(b) ? a : b; } };
struct FMin { template <class T> T operator()(T a, T b) const { return at_most(a, b) || not_a_number(b) ? a : b; } };
struct And { template <class T> T operator()(T a, T b) const { return static_cast<T>(a & b); } };
struct Or { template <class T> T operator()(T a, T b) const { return static_cast<T>(a | b); } };
struct Xor { template <class T> T operator()(T a, T b) const { return static_cast<T>(a ^ b); } };
// clang-format on

/// A step in single precision, rounded.
template <class F>
struct OnHalves {
  Half operator()(Half a, Half b) const { return {float_to_half(F()(half_to_float(a.bits), half_to_float(b.bits)))}; }
};

}  // namespace distob::kernels::steps

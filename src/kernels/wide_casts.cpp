// Conversions from and to half precision, long double and complex kinds, and the order of bytes.
#include <algorithm>
#include <bit>

#include "kernels/complex.h"
#include "kernels/half.h"
#include "kernels/table.h"

namespace distob::kernels {
namespace {

/// A half as an element: converts through float.
struct Half {
  std::uint16_t bits;
};

template <Kind K>
struct Stored {
  using type = Element<K>;
};
template <>
struct Stored<Kind::Float16> {
  using type = Half;
};
template <>
struct Stored<Kind::Complex64> {
  using type = Complex<float>;
};
template <>
struct Stored<Kind::Complex128> {
  using type = Complex<double>;
};
template <>
struct Stored<Kind::CLongDouble> {
  using type = Complex<long double>;
};

/// The real number of an element: complex ones lose their imaginary part.
template <class From>
auto real_of(From a) {
  if constexpr (std::is_same_v<From, Half>) {
    return half_to_float(a.bits);
  } else if constexpr (std::is_arithmetic_v<From>) {
    return a;
  } else {
    return a.re;
  }
}

template <class To, class From>
To from_real(From a) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return float_to_integer<To>(a);
  } else {
    return static_cast<To>(a);
  }
}

/// Rounding through float would round twice, so wider numbers become odd-rounded floats first: a float whose last bit
/// says "not exact" rounds to half as the number itself would.
template <class From>
std::uint16_t real_to_half(From a) {
  if constexpr (std::is_same_v<From, float>) {
    return float_to_half(a);
  } else {
    const auto nearest = static_cast<float>(a);
    if (!std::isfinite(nearest) || static_cast<From>(nearest) == a) return float_to_half(nearest);
    const auto bits = std::bit_cast<std::uint32_t>(nearest);
    if ((bits & 1) != 0) return float_to_half(nearest);
    const bool nearest_is_larger = std::fabs(static_cast<From>(nearest)) > std::fabs(a);
    return float_to_half(std::bit_cast<float>(nearest_is_larger ? bits - 1 : bits + 1));
  }
}

template <Kind from, Kind to>
struct Convert {
  using From = typename Stored<from>::type;
  using To = typename Stored<to>::type;
  To operator()(From a) const {
    if constexpr (to == Kind::Bool) {
      if constexpr (is_complex(from)) return a.re != 0 || a.im != 0;
      return real_of(a) != 0;
    } else if constexpr (is_complex(to)) {
      using T = typename To::Real;
      if constexpr (is_complex(from))
        return {static_cast<T>(a.re), static_cast<T>(a.im)};
      else
        return {static_cast<T>(real_of(a)), T(0)};
    } else if constexpr (to == Kind::Float16) {
      if constexpr (from == Kind::Float16) return a;
      // NumPy converts int64 and wider to half by way of float; so do all integers here.
      else if constexpr (std::is_integral_v<From>)
        return {float_to_half(static_cast<float>(a))};
      else
        return {real_to_half(real_of(a))};
    } else {
      return from_real<To>(real_of(a));
    }
  }
};

constexpr bool is_wide(Kind kind) { return kind == Kind::Float16 || kind >= Kind::LongDouble; }

template <Kind from, Kind to>
void fill_pair(Table& table) {
  if constexpr (is_wide(from) || is_wide(to)) {
    using C = Convert<from, to>;
    const bool can_raise = to != Kind::Bool && (is_floating(from) || is_complex(from) || to == Kind::Float16);
    table.add_cast(from, to, map1_wide<C, typename C::From, typename C::To>,
                   {.flags = can_raise, .quiet = to == Kind::Bool, .cost = 4});
  }
}

template <Kind from, Kind... to>
void fill_from(Table& table) {
  (fill_pair<from, to>(table), ...);
}

template <Kind... kinds>
void fill_all(Table& table) {
  (fill_from<kinds, kinds...>(table), ...);
}

/// Single precision is the way to half and back that has instructions.
void widen_block(const void* const* in, void* const* out, std::ptrdiff_t n, unsigned) {
  half_conversion.widen(static_cast<const std::uint16_t*>(in[0]), static_cast<float*>(out[0]), n);
}
void narrow_block(const void* const* in, void* const* out, std::ptrdiff_t n, unsigned) {
  half_conversion.narrow(static_cast<const float*>(in[0]), static_cast<std::uint16_t*>(out[0]), n);
}

template <std::size_t kItemsize>
void reverse_items(const char* in, std::ptrdiff_t in_stride, char* out, std::ptrdiff_t out_stride, std::ptrdiff_t n) {
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    char bytes[kItemsize];
    std::memcpy(bytes, in + i * in_stride, kItemsize);
    std::reverse(bytes, bytes + kItemsize);
    std::memcpy(out + i * out_stride, bytes, kItemsize);
  }
}

void reverse_bytes(std::size_t itemsize, const char* in, std::ptrdiff_t in_stride, char* out, std::ptrdiff_t out_stride,
                   std::ptrdiff_t n) {
  switch (itemsize) {
    case 1: return reverse_items<1>(in, in_stride, out, out_stride, n);
    case 2: return reverse_items<2>(in, in_stride, out, out_stride, n);
    case 4: return reverse_items<4>(in, in_stride, out, out_stride, n);
    case 8: return reverse_items<8>(in, in_stride, out, out_stride, n);
    default: return reverse_items<16>(in, in_stride, out, out_stride, n);
  }
}

}  // namespace

void fill_wide_casts(Table& table) {
  fill_all<Kind::Bool, Kind::Int8, Kind::UInt8, Kind::Int16, Kind::UInt16, Kind::Int32, Kind::UInt32, Kind::Int64,
           Kind::UInt64, Kind::Float16, Kind::Float32, Kind::Float64, Kind::LongDouble, Kind::Complex64,
           Kind::Complex128, Kind::CLongDouble>(table);
  table.add_cast(Kind::Float16, Kind::Float32, widen_block, {.cost = 1});
  table.add_cast(Kind::Float32, Kind::Float16, narrow_block, {.flags = true, .cost = 1});
}

void swap_bytes(Kind kind, const char* in, std::ptrdiff_t in_stride, char* out, std::ptrdiff_t out_stride,
                std::ptrdiff_t n) {
  const std::size_t itemsize = itemsize_of(kind);
  if (!is_complex(kind)) return reverse_bytes(itemsize, in, in_stride, out, out_stride, n);
  const auto half = static_cast<std::ptrdiff_t>(itemsize / 2);
  reverse_bytes(itemsize / 2, in, in_stride, out, out_stride, n);
  reverse_bytes(itemsize / 2, in + half, in_stride, out + half, out_stride, n);
}

}  // namespace distob::kernels

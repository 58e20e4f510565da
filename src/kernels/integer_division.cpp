// Division of integers: no instruction set has it for vectors, so it is compiled once.
//
// As in NumPy: a division by zero gives 0 and raises divide, the least value by -1 overflows back to itself.
#include "kernels/targets.h"

#include <cfenv>
#include <limits>
#include <numeric>
#include <utility>

#include "kernels/map-inl.h"
#include "kernels/table.h"

namespace distob::kernels {
namespace HWY_NAMESPACE {
namespace {

template <class T>
constexpr bool overflows(T a, T b) {
  if constexpr (std::is_signed_v<T>) return b == -1 && a == std::numeric_limits<T>::min();
  return false;
}

/// Quotient rounded down and remainder with the sign of the divisor.
template <class T>
std::pair<T, T> divide_down(T a, T b) {
  if (b == 0) {
    std::feraiseexcept(FE_DIVBYZERO);
    return {T(0), T(0)};
  }
  if (overflows(a, b)) {
    std::feraiseexcept(FE_OVERFLOW);
    return {a, T(0)};
  }
  const T quotient = static_cast<T>(a / b);
  const T remainder = static_cast<T>(a % b);
  const bool between = remainder != 0 && (remainder < 0) != (b < 0);
  return between ? std::pair(static_cast<T>(quotient - 1), static_cast<T>(remainder + b))
                 : std::pair(quotient, remainder);
}

struct FloorDivide {
  template <class T>
  T operator()(T a, T b) const {
    return divide_down(a, b).first;
  }
};
struct Remainder {
  template <class T>
  T operator()(T a, T b) const {
    return overflows(a, b) ? T(0) : divide_down(a, b).second;
  }
};
struct FMod {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) {
      std::feraiseexcept(FE_DIVBYZERO);
      return T(0);
    }
    return overflows(a, b) ? T(0) : static_cast<T>(a % b);
  }
};

template <class T>
void divmod(const void* const* in, void* const* out, ptrdiff_t n, unsigned scalars) {
  const auto* a = static_cast<const Packed<T>*>(in[0]);
  const auto* b = static_cast<const Packed<T>*>(in[1]);
  auto* quotients = static_cast<Packed<T>*>(out[0]);
  auto* remainders = static_cast<Packed<T>*>(out[1]);
  const ptrdiff_t step_a = (scalars & 1) != 0 ? 0 : 1;
  const ptrdiff_t step_b = (scalars & 2) != 0 ? 0 : 1;
  for (ptrdiff_t i = 0; i < n; ++i) {
    const auto [quotient, remainder] = divide_down<T>(a[i * step_a], b[i * step_b]);
    quotients[i] = quotient;
    remainders[i] = remainder;
  }
}

/// Magnitudes are unsigned: that of the least value does not fit its own type.
template <class T>
std::make_unsigned_t<T> magnitude(T a) {
  using U = std::make_unsigned_t<T>;
  return a < 0 ? static_cast<U>(U(0) - static_cast<U>(a)) : static_cast<U>(a);
}
struct Gcd {
  template <class T>
  T operator()(T a, T b) const {
    auto x = magnitude(a);
    auto y = magnitude(b);
    while (x != 0) x = static_cast<decltype(x)>(std::exchange(y, x) % x);
    return static_cast<T>(y);
  }
};
struct Lcm {
  template <class T>
  T operator()(T a, T b) const {
    using U = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
    const auto divisor = static_cast<U>(static_cast<std::make_unsigned_t<T>>(Gcd()(a, b)));
    return divisor == 0 ? T(0) : static_cast<T>(U{magnitude(a)} / divisor * U{magnitude(b)});
  }
};

/// 1 / a in floating point, converted back; 1 / 0 overflows to whatever the conversion gives.
struct Reciprocal {
  template <class T>
  T operator()(T a) const {
    const volatile double value = 1.0 / static_cast<double>(a);  // volatile: the flag of 1 / 0 must be raised
    return float_to_integer<T>(static_cast<double>(value));
  }
};

template <Kind kind>
void fill(Table& table) {
  using T = Element<kind>;
  constexpr Traits division{.scalars = true, .flags = true, .cost = 12};
  constexpr Traits plain{.scalars = true, .cost = 40};
  table.add(Op::floor_divide, {kind, kind}, {kind}, map2<FloorDivide, T>, division);
  table.add(Op::remainder, {kind, kind}, {kind}, map2<Remainder, T>, division);
  table.add(Op::fmod, {kind, kind}, {kind}, map2<FMod, T>, division);
  table.add(Op::divmod, {kind, kind}, {kind, kind}, divmod<T>, division);
  table.add(Op::gcd, {kind, kind}, {kind}, map2<Gcd, T>, plain);
  table.add(Op::lcm, {kind, kind}, {kind}, map2<Lcm, T>, plain);
  table.add(Op::reciprocal, {kind}, {kind}, map1<Reciprocal, T>, {.flags = true, .cost = 12});
}

}  // namespace
}  // namespace HWY_NAMESPACE

void fill_integer_division(Table& table) {
  using namespace HWY_NAMESPACE;  // NOLINT(google-build-using-namespace): this file is compiled for one target
  fill<Kind::Int8>(table);
  fill<Kind::UInt8>(table);
  fill<Kind::Int16>(table);
  fill<Kind::UInt16>(table);
  fill<Kind::Int32>(table);
  fill<Kind::UInt32>(table);
  fill<Kind::Int64>(table);
  fill<Kind::UInt64>(table);
}

}  // namespace distob::kernels

// Operations of real floating point kinds that are steps and cases rather than arithmetic: division with a remainder,
// parts of numbers, neighbours. Compiled once; the C library does the work.
#include "kernels/targets.h"

#include <cfenv>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/map-inl.h"
#include "kernels/table.h"

namespace distob::kernels {
namespace HWY_NAMESPACE {
namespace {

/// Quotient rounded down and remainder with the sign of the divisor, b != 0 (Python's divmod for floats).
template <class T>
std::pair<T, T> divide_down(T a, T b) {
  T remainder = std::fmod(a, b);
  T quotient = (a - remainder) / b;
  if (remainder != 0) {
    if ((b < 0) != (remainder < 0)) {
      remainder += b;
      quotient -= 1;
    }
  } else {
    remainder = std::copysign(T(0), b);
  }
  if (quotient == 0) return {std::copysign(T(0), a / b), remainder};
  T whole = std::floor(quotient);
  if (quotient - whole > T(0.5)) whole += 1;
  return {whole, remainder};
}

/// Not a number goes through quietly; comparing it would raise invalid.
template <class T>
bool any_nan(T a, T b) {
  return std::isnan(a) || std::isnan(b);
}

template <class T>
std::pair<T, T> divide_with_remainder(T a, T b) {
  if (any_nan(a, b)) return {a + b, a + b};
  return b == 0 ? std::pair(a / b, std::fmod(a, b)) : divide_down(a, b);
}

struct FloorDivide {
  template <class T>
  T operator()(T a, T b) const {
    return any_nan(a, b) ? a + b : b == 0 ? a / b : divide_down(a, b).first;
  }
};
struct Remainder {
  template <class T>
  T operator()(T a, T b) const {
    if (any_nan(a, b)) return a + b;
    const T remainder = std::fmod(a, b);
    if (b == 0) return remainder;
    if (remainder == 0) return std::copysign(T(0), b);
    return (b < 0) != (remainder < 0) ? remainder + b : remainder;
  }
};
// clang-format off
struct FMod { template <class T> T operator()(T a, T b) const { return std::fmod(a, b); } };
struct NextAfter { template <class T> T operator()(T a, T b) const { return std::nextafter(a, b); } };
struct Ldexp { template <class T, class E> T operator()(T a, E exponent) const {
  // An exponent beyond int has the same effect as the nearest one that fits.
  constexpr E kLeast = std::numeric_limits<int>::min();
  constexpr E kMost = std::numeric_limits<int>::max();
  return std::ldexp(a, static_cast<int>(exponent < kLeast ? kLeast : exponent > kMost ? kMost : exponent));
} };
struct Heaviside { template <class T> T operator()(T x, T at_zero) const {
  if (std::isnan(x)) return x;
  return x == 0 ? at_zero : x < 0 ? T(0) : T(1);
} };
struct Zero { template <class T> T operator()(T) const { return 0; } };
// clang-format on

/// The distance to the neighbour away from zero, with the sign of the argument.
struct Spacing {
  template <class T>
  T operator()(T a) const {
    if (a == 0) return std::numeric_limits<T>::denorm_min();
    if (std::isinf(a)) return std::numeric_limits<T>::quiet_NaN();
    return std::nextafter(a, std::copysign(std::numeric_limits<T>::infinity(), a)) - a;
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
    const auto [quotient, remainder] = divide_with_remainder<T>(a[i * step_a], b[i * step_b]);
    quotients[i] = quotient;
    remainders[i] = remainder;
  }
}

/// Fraction and whole part, both with the sign of the argument.
template <class T>
void modf(const void* const* in, void* const* out, ptrdiff_t n, unsigned) {
  const auto* a = static_cast<const Packed<T>*>(in[0]);
  auto* fractions = static_cast<Packed<T>*>(out[0]);
  auto* wholes = static_cast<Packed<T>*>(out[1]);
  for (ptrdiff_t i = 0; i < n; ++i) {
    T whole;
    fractions[i] = std::modf(static_cast<T>(a[i]), &whole);
    wholes[i] = whole;
  }
}

template <class T>
void frexp(const void* const* in, void* const* out, ptrdiff_t n, unsigned) {
  const auto* a = static_cast<const Packed<T>*>(in[0]);
  auto* mantissas = static_cast<Packed<T>*>(out[0]);
  auto* exponents = static_cast<Packed<std::int32_t>*>(out[1]);
  for (ptrdiff_t i = 0; i < n; ++i) {
    int exponent = 0;
    mantissas[i] = std::frexp(static_cast<T>(a[i]), &exponent);
    exponents[i] = exponent;
  }
}

template <class T>
void fill(Table& table) {
  constexpr Kind kind = kind_of<T>;
  constexpr Traits division{.scalars = true, .flags = true, .cost = 20};
  const auto two = [&](Op op, Block block, Traits traits) { table.add(op, {kind, kind}, {kind}, block, traits); };
  two(Op::floor_divide, map2<FloorDivide, T>, division);
  two(Op::remainder, map2<Remainder, T>, division);
  two(Op::fmod, map2<FMod, T>, division);
  two(Op::nextafter, map2<NextAfter, T>, {.scalars = true, .flags = true, .cost = 8});
  two(Op::heaviside, map2<Heaviside, T>, {.scalars = true, .quiet = true, .cost = 2});
  table.add(Op::spacing, {kind}, {kind}, map1<Spacing, T>, {.flags = true, .cost = 8});
  table.add(Op::imag, {kind}, {kind}, map1<Zero, T>, {});
  table.add(Op::divmod, {kind, kind}, {kind, kind}, divmod<T>, division);
  table.add(Op::modf, {kind}, {kind, kind}, modf<T>, {.quiet = true, .cost = 4});
  table.add(Op::frexp, {kind}, {kind, Kind::Int32}, frexp<T>, {.quiet = true, .cost = 4});
  table.add(Op::ldexp, {kind, Kind::Int32}, {kind}, map2<Ldexp, T, T, std::int32_t>,
            {.scalars = true, .flags = true, .cost = 6});
  table.add(Op::ldexp, {kind, Kind::Int64}, {kind}, map2<Ldexp, T, T, std::int64_t>,
            {.scalars = true, .flags = true, .cost = 6});
}

}  // namespace
}  // namespace HWY_NAMESPACE

void fill_float_rare(Table& table) {
  HWY_NAMESPACE::fill<float>(table);
  HWY_NAMESPACE::fill<double>(table);
  HWY_NAMESPACE::fill<long double>(table);
}

}  // namespace distob::kernels

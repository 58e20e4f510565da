// Operations of complex kinds. Compiled once: Highway has no complex numbers, and the C library does the rest.
#include "kernels/complex.h"

#include "kernels/table.h"

namespace distob::kernels {
namespace {

// clang-format off
struct Add { template <class C> C operator()(C a, C b) const { return a + b; } };
struct Subtract { template <class C> C operator()(C a, C b) const { return a - b; } };
struct Multiply { template <class C> C operator()(C a, C b) const { return a * b; } };
struct Divide { template <class C> C operator()(C a, C b) const { return a / b; } };
struct Maximum { template <class C> C operator()(C a, C b) const { return maximum(a, b); } };
struct Minimum { template <class C> C operator()(C a, C b) const { return minimum(a, b); } };
struct FMax { template <class C> C operator()(C a, C b) const { return fmax(a, b); } };
struct FMin { template <class C> C operator()(C a, C b) const { return fmin(a, b); } };

struct Equal { template <class C> bool operator()(C a, C b) const { return a == b; } };
struct NotEqual { template <class C> bool operator()(C a, C b) const { return !(a == b); } };
struct Less { template <class C> bool operator()(C a, C b) const { return less(a, b); } };
struct LessEqual { template <class C> bool operator()(C a, C b) const { return less_equal(a, b); } };
struct Greater { template <class C> bool operator()(C a, C b) const { return less(b, a); } };
struct GreaterEqual { template <class C> bool operator()(C a, C b) const { return less_equal(b, a); } };

template <class C> bool truth(C a) { return a.re != 0 || a.im != 0; }
struct LogicalAnd { template <class C> bool operator()(C a, C b) const { return truth(a) && truth(b); } };
struct LogicalOr { template <class C> bool operator()(C a, C b) const { return truth(a) || truth(b); } };
struct LogicalXor { template <class C> bool operator()(C a, C b) const { return truth(a) != truth(b); } };
struct LogicalNot { template <class C> bool operator()(C a) const { return !truth(a); } };
struct IsNan { template <class C> bool operator()(C a) const { return is_nan(a); } };
struct IsInf { template <class C> bool operator()(C a) const { return std::isinf(a.re) || std::isinf(a.im); } };
struct IsFinite { template <class C> bool operator()(C a) const { return std::isfinite(a.re) && std::isfinite(a.im); } };

struct Positive { template <class C> C operator()(C a) const { return a; } };
struct Negative { template <class C> C operator()(C a) const { return {-a.re, -a.im}; } };
struct Conjugate { template <class C> C operator()(C a) const { return {a.re, -a.im}; } };
struct Square { template <class C> C operator()(C a) const { return {a.re * a.re - a.im * a.im, a.re * a.im + a.im * a.re}; } };
struct Rint { template <class C> C operator()(C a) const { return {std::rint(a.re), std::rint(a.im)}; } };
struct RealPart { template <class C> auto operator()(C a) const { return a.re; } };
struct ImaginaryPart { template <class C> auto operator()(C a) const { return a.im; } };
struct Absolute { template <class C> auto operator()(C a) const { return std::hypot(a.re, a.im); } };
// clang-format on

struct Reciprocal {
  template <class C>
  C operator()(C a) const {
    if (std::fabs(a.im) <= std::fabs(a.re)) {
      const auto ratio = a.im / a.re;
      const auto denominator = a.re + a.im * ratio;
      return {1 / denominator, -ratio / denominator};
    }
    const auto ratio = a.re / a.im;
    const auto denominator = a.re * ratio + a.im;
    return {ratio / denominator, -1 / denominator};
  }
};

/// The number of magnitude 1 in the same direction.
struct Sign {
  template <class C>
  C operator()(C a) const {
    using T = typename C::Real;
    constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
    const T magnitude = std::hypot(a.re, a.im);
    if (std::isnan(magnitude)) return {kNaN, kNaN};
    if (std::isinf(magnitude)) {
      if (std::isinf(a.re) && std::isinf(a.im)) return {kNaN, kNaN};
      return std::isinf(a.re) ? C{std::copysign(T(1), a.re), 0} : C{0, std::copysign(T(1), a.im)};
    }
    if (magnitude == 0) return {0, 0};
    return {a.re / magnitude, a.im / magnitude};
  }
};

template <class T>
Complex<T> scaled(Complex<T> a, long double factor) {
  return {a.re * static_cast<T>(factor), a.im * static_cast<T>(factor)};
}
constexpr long double kLn2 = 0.693147180559945309417232121458176568L;
constexpr long double kLog2E = 1.442695040888963407359924681001892137L;
constexpr long double kLog10E = 0.434294481903251827651128918916605082L;

#define DISTOB_STD_FUNCTION(Name, function) \
  struct Name {                             \
    template <class C>                      \
    C operator()(C a) const {               \
      return from_std(function(to_std(a))); \
    }                                       \
  };
DISTOB_STD_FUNCTION(Exp, std::exp)
DISTOB_STD_FUNCTION(Log, std::log)
DISTOB_STD_FUNCTION(Sqrt, std::sqrt)
DISTOB_STD_FUNCTION(Sin, std::sin)
DISTOB_STD_FUNCTION(Cos, std::cos)
DISTOB_STD_FUNCTION(Tan, std::tan)
DISTOB_STD_FUNCTION(Sinh, std::sinh)
DISTOB_STD_FUNCTION(Cosh, std::cosh)
DISTOB_STD_FUNCTION(Tanh, std::tanh)
DISTOB_STD_FUNCTION(ArcSin, std::asin)
DISTOB_STD_FUNCTION(ArcCos, std::acos)
DISTOB_STD_FUNCTION(ArcTan, std::atan)
DISTOB_STD_FUNCTION(ArcSinh, std::asinh)
DISTOB_STD_FUNCTION(ArcCosh, std::acosh)
DISTOB_STD_FUNCTION(ArcTanh, std::atanh)
#undef DISTOB_STD_FUNCTION

// clang-format off
struct Exp2 { template <class C> C operator()(C a) const { return Exp()(scaled(a, kLn2)); } };
struct Log2 { template <class C> C operator()(C a) const { return scaled(Log()(a), kLog2E); } };
struct Log10 { template <class C> C operator()(C a) const { return scaled(Log()(a), kLog10E); } };
struct Expm1 { template <class C> C operator()(C a) const {
  const auto half_sine = std::sin(a.im / 2);
  return {std::expm1(a.re) * std::cos(a.im) - 2 * half_sine * half_sine, std::exp(a.re) * std::sin(a.im)};
} };
struct Log1p { template <class C> C operator()(C a) const {
  return {std::log(std::hypot(a.re + 1, a.im)), std::atan2(a.im, a.re + 1)};
} };
// clang-format on

/// Powers as NumPy takes them: small integer exponents by multiplication, so that they are exact where they can be.
struct Power {
  template <class C>
  C operator()(C a, C b) const {
    using T = typename C::Real;
    if (b.re == 0 && b.im == 0) return {1, 0};
    if (a.re == 0 && a.im == 0) {
      if (b.re > 0) return {0, 0};
      const volatile T infinity = std::numeric_limits<T>::infinity();
      const T invalid = infinity - infinity;  // raises the flag
      return {invalid, invalid};
    }
    if (b.im == 0 && std::fabs(b.re) < 100 && b.re == std::trunc(b.re)) return integer_power(a, static_cast<int>(b.re));
    return from_std(std::pow(to_std(a), to_std(b)));
  }

 private:
  template <class C>
  static C integer_power(C a, int exponent) {
    if (exponent == 1) return a;
    if (exponent == 2) return a * a;
    if (exponent == 3) return a * (a * a);
    C result{1, 0};
    C power = a;
    for (int rest = std::abs(exponent); rest != 0; rest >>= 1) {
      if ((rest & 1) != 0) result = result * power;
      if (rest > 1) power = power * power;
    }
    return exponent < 0 ? C{1, 0} / result : result;
  }
};

template <class F, class C>
void add_function(Table& table, Op op, Kind kind) {
  table.add(op, {kind}, {kind}, map1_wide<F, C>, {.flags = true, .cost = 60});
}

template <Kind kind, Kind real>
void fill(Table& table) {
  using T = Element<real>;
  using C = Complex<T>;
  const auto two = [&](Op op, Block block, std::uint8_t cost) {
    table.add(op, {kind, kind}, {kind}, block, {.scalars = true, .flags = true, .cost = cost});
  };
  two(Op::add, map2_wide<Add, C>, 2);
  two(Op::subtract, map2_wide<Subtract, C>, 2);
  two(Op::multiply, map2_wide<Multiply, C>, 4);
  two(Op::divide, map2_wide<Divide, C>, 16);
  two(Op::power, map2_wide<Power, C>, 80);
  if constexpr (kind != Kind::Complex64) two(Op::float_power, map2_wide<Power, C>, 80);

  const auto select = [&](Op op, Block block) {
    table.add(op, {kind, kind}, {kind}, block, {.scalars = true, .quiet = true, .cost = 4});
  };
  select(Op::maximum, map2_wide<Maximum, C>);
  select(Op::minimum, map2_wide<Minimum, C>);
  select(Op::fmax, map2_wide<FMax, C>);
  select(Op::fmin, map2_wide<FMin, C>);

  const auto compare = [&](Op op, Block block) {
    table.add(op, {kind, kind}, {Kind::Bool}, block, {.scalars = true, .quiet = true, .cost = 2});
  };
  compare(Op::equal, map2_wide<Equal, C, bool>);
  compare(Op::not_equal, map2_wide<NotEqual, C, bool>);
  compare(Op::less, map2_wide<Less, C, bool>);
  compare(Op::less_equal, map2_wide<LessEqual, C, bool>);
  compare(Op::greater, map2_wide<Greater, C, bool>);
  compare(Op::greater_equal, map2_wide<GreaterEqual, C, bool>);
  compare(Op::logical_and, map2_wide<LogicalAnd, C, bool>);
  compare(Op::logical_or, map2_wide<LogicalOr, C, bool>);
  compare(Op::logical_xor, map2_wide<LogicalXor, C, bool>);

  const auto test = [&](Op op, Block block) { table.add(op, {kind}, {Kind::Bool}, block, {.quiet = true}); };
  test(Op::logical_not, map1_wide<LogicalNot, C, bool>);
  test(Op::isnan, map1_wide<IsNan, C, bool>);
  test(Op::isinf, map1_wide<IsInf, C, bool>);
  test(Op::isfinite, map1_wide<IsFinite, C, bool>);

  table.add(Op::real, {kind}, {real}, map1_wide<RealPart, C, T>, {});
  table.add(Op::imag, {kind}, {real}, map1_wide<ImaginaryPart, C, T>, {});
  table.add(Op::absolute, {kind}, {real}, map1_wide<Absolute, C, T>, {.flags = true, .cost = 12});
  table.add(Op::positive, {kind}, {kind}, map1_wide<Positive, C>, {});
  table.add(Op::negative, {kind}, {kind}, map1_wide<Negative, C>, {});
  table.add(Op::conjugate, {kind}, {kind}, map1_wide<Conjugate, C>, {});
  table.add(Op::square, {kind}, {kind}, map1_wide<Square, C>, {.flags = true, .cost = 4});
  table.add(Op::reciprocal, {kind}, {kind}, map1_wide<Reciprocal, C>, {.flags = true, .cost = 16});
  table.add(Op::sign, {kind}, {kind}, map1_wide<Sign, C>, {.flags = true, .cost = 16});
  table.add(Op::rint, {kind}, {kind}, map1_wide<Rint, C>, {.quiet = true, .cost = 4});

  add_function<Exp, C>(table, Op::exp, kind);
  add_function<Exp2, C>(table, Op::exp2, kind);
  add_function<Expm1, C>(table, Op::expm1, kind);
  add_function<Log, C>(table, Op::log, kind);
  add_function<Log2, C>(table, Op::log2, kind);
  add_function<Log10, C>(table, Op::log10, kind);
  add_function<Log1p, C>(table, Op::log1p, kind);
  add_function<Sqrt, C>(table, Op::sqrt, kind);
  add_function<Sin, C>(table, Op::sin, kind);
  add_function<Cos, C>(table, Op::cos, kind);
  add_function<Tan, C>(table, Op::tan, kind);
  add_function<Sinh, C>(table, Op::sinh, kind);
  add_function<Cosh, C>(table, Op::cosh, kind);
  add_function<Tanh, C>(table, Op::tanh, kind);
  add_function<ArcSin, C>(table, Op::arcsin, kind);
  add_function<ArcCos, C>(table, Op::arccos, kind);
  add_function<ArcTan, C>(table, Op::arctan, kind);
  add_function<ArcSinh, C>(table, Op::arcsinh, kind);
  add_function<ArcCosh, C>(table, Op::arccosh, kind);
  add_function<ArcTanh, C>(table, Op::arctanh, kind);
}

}  // namespace

void fill_complex(Table& table) {
  fill<Kind::Complex64, Kind::Float32>(table);
  fill<Kind::Complex128, Kind::Float64>(table);
  fill<Kind::CLongDouble, Kind::LongDouble>(table);
}

}  // namespace distob::kernels

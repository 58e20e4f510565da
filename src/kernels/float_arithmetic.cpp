// Arithmetic of float32 and float64: what IEEE 754 defines to the bit, and what needs no table.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/float_arithmetic.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/map-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3
/// a / b with the bits of a division, in less than half of its time: an estimate of 1 / b is refined until it is that number
/// rounded, the quotient until it is faithful, and then one more residual rounds it as IEEE 754 wants (Markstein,
/// "Computation of elementary functions on the IBM RISC System/6000 processor", 1990; Cornea, Harrison and Tang, "Scientific
/// Computing on Itanium-based Systems", 2002). That holds while nothing comes near the ends of the range, and unless the
/// significand of b is all ones; in other vectors the processor divides.
template <class D, class V>
HWY_INLINE V quotient(D d, V a, V b) {
  constexpr int kGreaterMagnitude = 0b1011;
  const V exponents{_mm512_range_pd(_mm512_getexp_pd(a.raw), _mm512_getexp_pd(b.raw), kGreaterMagnitude)};
  const hn::RebindToUnsigned<D> du;
  const auto significand = hn::Set(du, (std::uint64_t{1} << 52) - 1);
  const auto all_ones = hn::Eq(hn::And(hn::BitCast(du, b), significand), significand);
  const auto ordinary = hn::And(hn::Le(exponents, hn::Set(d, 500.0)), hn::Not(hn::RebindMask(d, all_ones)));
  if (HWY_UNLIKELY(!hn::AllTrue(d, ordinary))) return hn::Div(a, b);
  const V one = hn::Set(d, 1.0);
  V y{_mm512_rcp14_pd(b.raw)};
  for (int i = 0; i < 3; ++i) y = hn::MulAdd(y, hn::NegMulAdd(b, y, one), y);  // 28 bits, 53 bits, rounded
  V q = hn::Mul(a, y);
  q = hn::MulAdd(hn::NegMulAdd(b, q, a), y, q);
  return hn::MulAdd(hn::NegMulAdd(b, q, a), y, q);
}
#endif

struct Divide {
  template <class D, class V>
  V operator()(D d, V a, V b) const {
#if HWY_TARGET == HWY_AVX3
    if constexpr (std::is_same_v<hn::TFromD<D>, double>) return quotient(d, a, b);
#endif
    (void)d;
    return hn::Div(a, b);
  }
};
struct Reciprocal {
  template <class D, class V>
  V operator()(D d, V a) const {
    return Divide()(d, hn::Set(d, hn::TFromD<D>(1)), a);
  }
};

// clang-format off
struct Add { template <class D, class V> V operator()(D, V a, V b) const { return hn::Add(a, b); } };
struct Subtract { template <class D, class V> V operator()(D, V a, V b) const { return hn::Sub(a, b); } };
struct Multiply { template <class D, class V> V operator()(D, V a, V b) const { return hn::Mul(a, b); } };
struct CopySign { template <class D, class V> V operator()(D, V a, V b) const { return hn::CopySign(a, b); } };

struct Positive { template <class D, class V> V operator()(D, V a) const { return a; } };
struct Negative { template <class D, class V> V operator()(D d, V a) const { return hn::Xor(a, hn::SignBit(d)); } };
struct Absolute { template <class D, class V> V operator()(D d, V a) const { return hn::AndNot(hn::SignBit(d), a); } };
struct Square { template <class D, class V> V operator()(D, V a) const { return hn::Mul(a, a); } };
struct Sqrt { template <class D, class V> V operator()(D, V a) const { return hn::Sqrt(a); } };
// The sign of the argument is that of the result; Highway's loops over elements lose it for zeros.
struct Floor { template <class D, class V> V operator()(D, V a) const { return hn::CopySign(hn::Floor(a), a); } };
struct Ceil { template <class D, class V> V operator()(D, V a) const { return hn::CopySign(hn::Ceil(a), a); } };
struct Trunc { template <class D, class V> V operator()(D, V a) const { return hn::CopySign(hn::Trunc(a), a); } };
struct Rint { template <class D, class V> V operator()(D, V a) const { return hn::CopySign(hn::Round(a), a); } };
// clang-format on

/// A constant factor, rounded once to the kind, as NumPy has it.
template <class T>
inline constexpr T kRadiansPerDegree = static_cast<T>(3.14159265358979323846264338327950288L) / static_cast<T>(180);
template <class T>
inline constexpr T kDegreesPerRadian = static_cast<T>(180) / static_cast<T>(3.14159265358979323846264338327950288L);

struct DegreesToRadians {
  template <class D, class V>
  V operator()(D d, V a) const {
    return hn::Mul(a, hn::Set(d, kRadiansPerDegree<hn::TFromD<D>>));
  }
};
struct RadiansToDegrees {
  template <class D, class V>
  V operator()(D d, V a) const {
    return hn::Mul(a, hn::Set(d, kDegreesPerRadian<hn::TFromD<D>>));
  }
};

/// -1, 0 or 1; not a number stays what it is.
struct Sign {
  template <class D, class V>
  V operator()(D d, V a) const {
    const auto zero = hn::Zero(d);
    const auto one = hn::Set(d, hn::TFromD<D>(1));
    const auto of_number = hn::IfThenElse(hn::Eq(a, zero), zero, hn::CopySign(one, a));
    return hn::IfThenElse(hn::IsNaN(a), a, of_number);
  }
};

/// The first operand that is not a number wins; of equal ones (zeros may differ in sign) the second, as on x86.
struct Maximum {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
  }
};
struct Minimum {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
  }
};
/// What is not a number loses.
struct FMax {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(b)), a, b);
  }
};
struct FMin {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(b)), a, b);
  }
};

// clang-format off
struct SignBit { template <class D, class V> hn::Mask<D> operator()(D d, V a) const {
  const hn::RebindToSigned<D> di;
  return hn::RebindMask(d, hn::Lt(hn::BitCast(di, a), hn::Zero(di)));
} };
struct IsNan { template <class D, class V> hn::Mask<D> operator()(D, V a) const { return hn::IsNaN(a); } };
struct IsInf { template <class D, class V> hn::Mask<D> operator()(D, V a) const { return hn::IsInf(a); } };
struct IsFinite { template <class D, class V> hn::Mask<D> operator()(D, V a) const { return hn::IsFinite(a); } };
// clang-format on

template <class T>
void fill(Table& table) {
  constexpr Kind kind = kind_of<T>;
  constexpr Traits arithmetic{.scalars = true, .flags = true};
  constexpr Traits division{.scalars = true, .flags = true, .cost = 4};
  constexpr Traits selection{.scalars = true, .quiet = true};
  constexpr Traits unary{.quiet = true};
  const auto two = [&](Op op, Block block, Traits traits) { table.add(op, {kind, kind}, {kind}, block, traits); };
  const auto one = [&](Op op, Block block, Traits traits) { table.add(op, {kind}, {kind}, block, traits); };
  const auto test = [&](Op op, Block block) { table.add(op, {kind}, {Kind::Bool}, block, unary); };

  two(Op::add, vector2<Add, T>, arithmetic);
  two(Op::subtract, vector2<Subtract, T>, arithmetic);
  two(Op::multiply, vector2<Multiply, T>, arithmetic);
  two(Op::divide, vector2<Divide, T>, division);
  two(Op::maximum, vector2<Maximum, T>, selection);
  two(Op::minimum, vector2<Minimum, T>, selection);
  two(Op::fmax, vector2<FMax, T>, selection);
  two(Op::fmin, vector2<FMin, T>, selection);
  two(Op::copysign, vector2<CopySign, T>, selection);

  one(Op::square, vector1<Square, T>, {.flags = true});
  one(Op::sqrt, vector1<Sqrt, T>, {.flags = true, .cost = 4});
  one(Op::reciprocal, vector1<Reciprocal, T>, {.flags = true, .cost = 4});
  one(Op::deg2rad, vector1<DegreesToRadians, T>, {.flags = true});
  one(Op::rad2deg, vector1<RadiansToDegrees, T>, {.flags = true});
  for (const Op op : {Op::positive, Op::conjugate, Op::real}) one(op, vector1<Positive, T>, unary);
  one(Op::negative, vector1<Negative, T>, unary);
  for (const Op op : {Op::absolute, Op::fabs}) one(op, vector1<Absolute, T>, unary);
  one(Op::sign, vector1<Sign, T>, unary);
  one(Op::floor, vector1<Floor, T>, unary);
  one(Op::ceil, vector1<Ceil, T>, unary);
  one(Op::trunc, vector1<Trunc, T>, unary);
  one(Op::rint, vector1<Rint, T>, unary);
  test(Op::signbit, vector1<SignBit, T>);
  test(Op::isnan, vector1<IsNan, T>);
  test(Op::isinf, vector1<IsInf, T>);
  test(Op::isfinite, vector1<IsFinite, T>);
}

}  // namespace

void fill_float_arithmetic_here(Table& table) {
  fill<float>(table);
  fill<double>(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_float_arithmetic_here);
void fill_float_arithmetic(Table& table) { HWY_DYNAMIC_DISPATCH(fill_float_arithmetic_here)(table); }
}  // namespace distob::kernels
#endif

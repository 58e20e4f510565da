// Exponentials, logarithms, powers, trigonometric and hyperbolic functions of float32 and float64: those of elementary-inl.h
// where they apply, which is most data of float64, and SLEEF's for all else.
//
// SLEEF's vectors raise flags of their own making (all branches are computed for all lanes), so its flags are thrown away
// and the right ones are told from arguments and results: not a number from numbers is invalid, an infinity from finite
// arguments a pole or an overflow.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transcendental.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>

#include "kernels/elementary-inl.h"
#include "kernels/float_flags.h"
#include "kernels/map-inl.h"
#include "kernels/sleef-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

/// Stands for the function of elementary-inl.h that most functions do not have.
struct NotNear {};

/// What an infinity from finite arguments means for most functions, and whether tiny results are underflows.
struct NoPole {
  static constexpr int kInfinity = FE_OVERFLOW;
  static constexpr bool kUnderflows = false;
  using Near = NotNear;
};
struct Pole {
  static constexpr int kInfinity = FE_DIVBYZERO;
  static constexpr bool kUnderflows = false;
  using Near = NotNear;
};
struct Underflowing {
  static constexpr int kInfinity = FE_OVERFLOW;
  static constexpr bool kUnderflows = true;
  using Near = NotNear;
};

template <class D, class V>
V constant(D d, V, long double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}
constexpr long double kLn2 = 0.693147180559945309417232121458176568L;

/// y, but for arguments so small that f(x) = x to the last bit x itself: SLEEF loses subnormal ones.
template <class D, class V>
V small_is_itself(D d, V x, V y) {
  return hn::IfThenElse(hn::Lt(hn::Abs(x), constant(d, x, 1e-30L)), x, y);
}

/// log(2 x) for large x >= 0, where x + x may overflow. Error 1.5 ulp above half the greatest number, else 1.
template <class D, class V>
V log_of_double(D d, V x) {
  using T = hn::TFromD<D>;
  const auto doubles = hn::Le(x, hn::Set(d, std::numeric_limits<T>::max() / 2));
  const V logarithm = sleef_log(hn::IfThenElse(doubles, hn::Add(x, x), x));
  return hn::IfThenElse(doubles, logarithm, hn::Add(logarithm, constant(d, x, kLn2)));
}

/// exp(x) / 2 for x near or beyond the logarithm of the greatest number: exp(x - k ln 2) 2^(k-1). The greater part of
/// k ln 2 has so few bits that it is subtracted without rounding. Error 1.5 ulp.
template <class D, class V>
V half_of_exp(D d, V x) {
  constexpr bool kDouble = sizeof(hn::TFromD<D>) == 8;
  constexpr long double kReduction = (kDouble ? 64 : 16) * kLn2;
  constexpr long double kGrid = kDouble ? 0x1p43L : 0x1p17L;  // one over the ulp of x
  constexpr long double kHigh = static_cast<long double>(static_cast<long long>(kReduction * kGrid)) / kGrid;
  const V e = sleef_exp(hn::Sub(x, constant(d, x, kHigh)));
  const V corrected = hn::Sub(e, hn::Mul(e, constant(d, x, kReduction - kHigh)));
  return hn::IfThenElse(hn::IsInf(e), e, hn::Mul(corrected, constant(d, x, kDouble ? 0x1p63L : 0x1p15L)));
}

// clang-format off
struct Exp2 : Underflowing { template <class D, class V> V operator()(D, V a) const { return sleef_exp2(a); } };
struct Expm1 : NoPole { using Near = NearExpm1; template <class D, class V> V operator()(D d, V a) const { return small_is_itself(d, a, sleef_expm1(a)); } };
struct Log : Pole { using Near = NearLog; template <class D, class V> V operator()(D, V a) const { return sleef_log(a); } };
struct Log2 : Pole { template <class D, class V> V operator()(D, V a) const { return sleef_log2(a); } };
struct Log10 : Pole { template <class D, class V> V operator()(D, V a) const { return sleef_log10(a); } };
struct Cbrt : NoPole { template <class D, class V> V operator()(D, V a) const { return sleef_cbrt(a); } };
struct Sin : NoPole { using Near = NearSine<0>; template <class D, class V> V operator()(D d, V a) const { return small_is_itself(d, a, sleef_sin(a)); } };
struct Cos : NoPole { using Near = NearSine<1>; template <class D, class V> V operator()(D, V a) const { return sleef_cos(a); } };
struct Tan : NoPole { template <class D, class V> V operator()(D d, V a) const { return small_is_itself(d, a, sleef_tan(a)); } };
struct ArcSin : NoPole { template <class D, class V> V operator()(D d, V a) const { return small_is_itself(d, a, sleef_asin(a)); } };
struct ArcCos : NoPole { template <class D, class V> V operator()(D, V a) const { return sleef_acos(a); } };
struct ArcTan : NoPole { template <class D, class V> V operator()(D d, V a) const { return small_is_itself(d, a, sleef_atan(a)); } };
struct Tanh : NoPole { template <class D, class V> V operator()(D d, V a) const { return small_is_itself(d, a, sleef_tanh(a)); } };
struct ArcTanh : Pole { template <class D, class V> V operator()(D d, V a) const { return small_is_itself(d, a, sleef_atanh(a)); } };

struct ArcTan2 : NoPole { template <class D, class V> V operator()(D, V a, V b) const { return sleef_atan2(a, b); } };
struct Hypot : NoPole { template <class D, class V> V operator()(D, V a, V b) const { return sleef_hypot(a, b); } };
// clang-format on

// SLEEF gives infinity in the last stretch before a function leaves the range, or where an intermediate square does.

template <class T>
inline constexpr T kExpOverflows = sizeof(T) == 8 ? T(709.79) : T(88.73);

/// e^x, where y is what SLEEF says it is.
template <class D, class V>
V finite_if_in_range(D d, V x, V y) {
  const auto doubtful = hn::And(hn::IsInf(y), hn::Lt(x, hn::Set(d, kExpOverflows<hn::TFromD<D>>)));
  if (HWY_LIKELY(hn::AllFalse(d, doubtful))) return y;
  const V half = half_of_exp(d, x);
  return hn::IfThenElse(doubtful, hn::Add(half, half), y);
}
struct Exp : Underflowing {
  using Near = NearExp;
  template <class D, class V>
  V operator()(D d, V a) const {
    return finite_if_in_range(d, a, sleef_exp(a));
  }
};

struct Log1p : Pole {
  template <class D, class V>
  V operator()(D d, V a) const {
    const V y = small_is_itself(d, a, sleef_log1p(a));
    const auto large = hn::Gt(a, constant(d, a, 1e20L));
    return HWY_LIKELY(hn::AllFalse(d, large)) ? y : hn::IfThenElse(large, sleef_log(a), y);
  }
};
template <class T>
inline constexpr T kExpNearlyOverflows = sizeof(T) == 8 ? T(708) : T(87);

struct Sinh : NoPole {
  template <class D, class V>
  V operator()(D d, V a) const {
    const V magnitude = hn::Abs(a);
    const V y = small_is_itself(d, a, sleef_sinh(a));
    const auto large = hn::Gt(magnitude, hn::Set(d, kExpNearlyOverflows<hn::TFromD<D>>));
    return HWY_LIKELY(hn::AllFalse(d, large)) ? y
                                              : hn::IfThenElse(large, hn::CopySign(half_of_exp(d, magnitude), a), y);
  }
};
struct Cosh : NoPole {
  template <class D, class V>
  V operator()(D d, V a) const {
    const V magnitude = hn::Abs(a);
    const V y = sleef_cosh(a);
    const auto large = hn::Gt(magnitude, hn::Set(d, kExpNearlyOverflows<hn::TFromD<D>>));
    return HWY_LIKELY(hn::AllFalse(d, large)) ? y : hn::IfThenElse(large, half_of_exp(d, magnitude), y);
  }
};
struct ArcSinh : NoPole {
  template <class D, class V>
  V operator()(D d, V a) const {
    const V magnitude = hn::Abs(a);
    const V y = small_is_itself(d, a, sleef_asinh(a));
    const auto large = hn::Gt(magnitude, constant(d, a, 1e12L));
    return HWY_LIKELY(hn::AllFalse(d, large)) ? y
                                              : hn::IfThenElse(large, hn::CopySign(log_of_double(d, magnitude), a), y);
  }
};
struct ArcCosh : NoPole {
  template <class D, class V>
  V operator()(D d, V a) const {
    const V y = sleef_acosh(a);
    const auto large = hn::Gt(a, constant(d, a, 1e12L));
    return HWY_LIKELY(hn::AllFalse(d, large)) ? y : hn::IfThenElse(large, log_of_double(d, a), y);
  }
};
struct Power : Underflowing {
  template <class D, class V>
  V operator()(D d, V a, V b) const {
    const V y = sleef_pow(a, b);
    if (HWY_LIKELY(hn::AllFalse(d, hn::IsInf(y)))) return y;
    const auto finite = hn::And(hn::And(hn::IsFinite(a), hn::IsFinite(b)), hn::Not(hn::Eq(a, hn::Zero(d))));
    const auto doubtful = hn::And(hn::IsInf(y), finite);
    return hn::AllFalse(d, doubtful) ? y : hn::IfThenElse(doubtful, by_elements(d, a, b), y);
  }

 private:
  /// Overflow is rare, so the C library may decide element by element whether it is one.
  template <class D, class V>
  static HWY_NOINLINE V by_elements(D d, V a, V b) {
    constexpr std::size_t kLanes = hn::MaxLanes(d);
    HWY_ALIGN hn::TFromD<D> x[kLanes], exponent[kLanes];
    hn::Store(a, d, x);
    hn::Store(b, d, exponent);
    for (std::size_t i = 0; i < kLanes; ++i) x[i] = std::pow(x[i], exponent[i]);
    return hn::Load(d, x);
  }
};

/// log(exp(a) + exp(b)) = max + log1p(exp(-|a - b|))
struct LogAddExp : NoPole {
  template <class D, class V>
  V operator()(D d, V a, V b) const {
    const V difference = hn::Sub(a, b);
    const V sum = hn::Add(hn::IfThenElse(hn::Gt(a, b), a, b), sleef_log1p(sleef_exp(hn::Neg(hn::Abs(difference)))));
    const V equal = hn::Add(a, constant(d, a, kLn2));  // also for equal infinities
    return hn::IfThenElse(hn::Eq(a, b), equal, hn::IfThenElse(hn::IsNaN(difference), difference, sum));
  }
};
/// log2(2**a + 2**b)
struct LogAddExp2 : NoPole {
  template <class D, class V>
  V operator()(D d, V a, V b) const {
    const V difference = hn::Sub(a, b);
    const V of_natural = constant(d, a, 1.442695040888963407359924681001892137L);
    const V sum = hn::Add(hn::IfThenElse(hn::Gt(a, b), a, b),
                          hn::Mul(of_natural, sleef_log1p(sleef_exp2(hn::Neg(hn::Abs(difference))))));
    const V equal = hn::Add(a, hn::Set(d, hn::TFromD<D>(1)));
    return hn::IfThenElse(hn::Eq(a, b), equal, hn::IfThenElse(hn::IsNaN(difference), difference, sum));
  }
};

/// The flags of results y of F. `number` and `finite` say which lanes have arguments that are.
template <class F, class D, class V>
int flags_of(D d, V y, hn::Mask<D> number, hn::Mask<D> finite) {
  int flags = 0;
  if (!hn::AllFalse(d, hn::And(hn::IsNaN(y), number))) flags |= FE_INVALID;
  if (!hn::AllFalse(d, hn::And(hn::IsInf(y), finite))) flags |= F::kInfinity;
  return flags;
}

template <class D, class V>
bool any_tiny(D d, V y) {
  return !hn::AllFalse(d, hn::Lt(hn::Abs(y), hn::Set(d, std::numeric_limits<hn::TFromD<D>>::min())));
}

/// Whether elementary-inl.h has F for elements of D. Without FMA it would be less accurate than SLEEF.
template <class F, class D>
inline constexpr bool kNear = false;
#ifndef DISTOB_SLEEF_BY_ELEMENT
template <class F, class D>
requires(!std::is_same_v<typename F::Near, NotNear> &&
         sizeof(hn::TFromD<D>) == 8) inline constexpr bool kNear<F, D> = true;
#endif

/// y = F(a) itself; adds its flags.
template <class F, class D, class V>
HWY_INLINE V compute_checked(D d, V a, V y, int& flags) {
  if (HWY_UNLIKELY(!hn::AllTrue(d, hn::IsFinite(y))))
    flags |= flags_of<F>(d, y, hn::Not(hn::IsNaN(a)), hn::IsFinite(a));
  if constexpr (F::kUnderflows) {
    if (HWY_UNLIKELY(any_tiny(d, y)) && any_tiny(d, hn::IfThenElse(hn::IsFinite(a), y, hn::Set(d, hn::TFromD<D>(1)))))
      flags |= FE_UNDERFLOW;
  }
  return y;
}

template <class F, class D, class V>
HWY_INLINE V compute(D d, V a, int& flags) {
  V y = F()(d, a);
  if constexpr (kNear<F, D>) {
    V near;
    const auto ordinary = typename F::Near().near(d, a, near);
    y = hn::IfThenElse(ordinary, near, y);
  }
  return compute_checked<F>(d, a, y, flags);
}

/// Computes whole vectors from element `i` on until one is not ordinary in all lanes. Returns where it stopped. A function
/// of its own, without calls, so that all coefficients stay in registers.
template <class F, class T>
HWY_NOINLINE std::size_t run_ordinary(const T* a, T* out, std::size_t i, std::size_t count) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  for (; i + lanes <= count; i += lanes) {
    hn::Vec<decltype(d)> y;
    if (HWY_UNLIKELY(!hn::AllTrue(d, typename F::Near().near(d, hn::LoadU(d, a + i), y)))) break;
    hn::StoreU(y, d, out + i);
  }
  return i;
}

template <class F, class D, class V>
HWY_INLINE V compute(D d, V a, V b, int& flags) {
  const V y = F()(d, a, b);
  const auto finite = hn::And(hn::IsFinite(a), hn::IsFinite(b));
  if (HWY_UNLIKELY(!hn::AllTrue(d, hn::IsFinite(y)))) {
    const auto number = hn::Not(hn::Or(hn::IsNaN(a), hn::IsNaN(b)));
    if constexpr (std::is_same_v<F, Power>) {
      const auto zero = hn::Eq(a, hn::Zero(d));
      flags |= flags_of<Underflowing>(d, y, number, hn::And(finite, hn::Not(zero)));
      flags |= flags_of<Pole>(d, y, number, hn::And(finite, zero));
    } else {
      flags |= flags_of<F>(d, y, number, finite);
    }
  }
  if constexpr (F::kUnderflows) {
    const V one = hn::Set(d, hn::TFromD<D>(1));
    const auto inexact = hn::And(finite, hn::Not(hn::Eq(a, hn::Zero(d))));
    if (HWY_UNLIKELY(any_tiny(d, y)) && any_tiny(d, hn::IfThenElse(inexact, y, one))) flags |= FE_UNDERFLOW;
  }
  return y;
}

template <class F, class T>
void function1(const void* const* in, void* const* out, ptrdiff_t n, unsigned) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t count = static_cast<std::size_t>(n);
  const T* a = static_cast<const T*>(in[0]);
  int flags = 0;
  {
    const KeepFloatFlags keep;
    std::size_t i = 0;
    while (true) {
      if constexpr (kNear<F, decltype(d)>) i = run_ordinary<F>(a, static_cast<T*>(out[0]), i, count);
      if (i + lanes > count) break;
      store_result(d, compute<F>(d, hn::LoadU(d, a + i), flags), out[0], i, lanes);
      i += lanes;
    }
    if (i < count) store_result(d, compute<F>(d, load_end(d, a + i, count - i), flags), out[0], i, count - i);
  }
  if (flags != 0) std::feraiseexcept(flags);
}

template <class F, class T>
void function2(const void* const* in, void* const* out, ptrdiff_t n, unsigned scalars) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t count = static_cast<std::size_t>(n);
  const T* operands[] = {static_cast<const T*>(in[0]), static_cast<const T*>(in[1])};
  const auto load = [&](int operand, std::size_t i) HWY_ATTR {
    const T* p = operands[operand];
    if ((scalars >> operand & 1) != 0) return hn::Set(d, element(p));
    return count - i >= lanes ? hn::LoadU(d, p + i) : load_end(d, p + i, count - i);
  };
  int flags = 0;
  {
    const KeepFloatFlags keep;
    for (std::size_t i = 0; i < count; i += lanes) {
      store_result(d, compute<F>(d, load(0, i), load(1, i), flags), out[0], i, std::min(lanes, count - i));
    }
  }
  if (flags != 0) std::feraiseexcept(flags);
}

template <class T>
void fill(Table& table) {
  constexpr Kind kind = kind_of<T>;
  const auto one = [&](Op op, Block block, std::uint8_t cost) {
    table.add(op, {kind}, {kind}, block, {.flags = true, .cost = cost});
  };
  const auto two = [&](Op op, Block block, std::uint8_t cost) {
    table.add(op, {kind, kind}, {kind}, block, {.scalars = true, .flags = true, .cost = cost});
  };
  one(Op::exp, function1<Exp, T>, 8);
  one(Op::exp2, function1<Exp2, T>, 8);
  one(Op::expm1, function1<Expm1, T>, 16);
  one(Op::log, function1<Log, T>, 12);
  one(Op::log2, function1<Log2, T>, 12);
  one(Op::log10, function1<Log10, T>, 12);
  one(Op::log1p, function1<Log1p, T>, 14);
  one(Op::cbrt, function1<Cbrt, T>, 20);
  one(Op::sin, function1<Sin, T>, 16);
  one(Op::cos, function1<Cos, T>, 16);
  one(Op::tan, function1<Tan, T>, 24);
  one(Op::arcsin, function1<ArcSin, T>, 16);
  one(Op::arccos, function1<ArcCos, T>, 16);
  one(Op::arctan, function1<ArcTan, T>, 20);
  one(Op::sinh, function1<Sinh, T>, 24);
  one(Op::cosh, function1<Cosh, T>, 20);
  one(Op::tanh, function1<Tanh, T>, 24);
  one(Op::arcsinh, function1<ArcSinh, T>, 28);
  one(Op::arccosh, function1<ArcCosh, T>, 28);
  one(Op::arctanh, function1<ArcTanh, T>, 28);
  two(Op::power, function2<Power, T>, 40);
  two(Op::arctan2, function2<ArcTan2, T>, 28);
  two(Op::hypot, function2<Hypot, T>, 10);
  two(Op::logaddexp, function2<LogAddExp, T>, 28);
  two(Op::logaddexp2, function2<LogAddExp2, T>, 28);
  if constexpr (kind == Kind::Float64) two(Op::float_power, function2<Power, T>, 40);
}

}  // namespace

void fill_transcendental_here(Table& table) {
  fill<float>(table);
  fill<double>(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_transcendental_here);
void fill_transcendental(Table& table) { HWY_DYNAMIC_DISPATCH(fill_transcendental_here)(table); }
}  // namespace distob::kernels
#endif

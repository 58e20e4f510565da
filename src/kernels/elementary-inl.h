// exp, expm1, log, sin and cos of float64 for the arguments that almost all data has, where FMA is at hand.
//
// Each is a struct with two functions of vectors: `near(d, x, y)` computes y = f(x) and says in which lanes x is ordinary,
// that is, where y is right, finite, normal and raises no flag. What is left to others: infinities, not a number, results
// near the ends of the range, and for sin and cos huge arguments and those next to a zero. The coefficients are minimax
// polynomials found by tools/minimax.py; what comes before and after them is the method of fdlibm (Sun Microsystems, 1993)
// with FMA in place of split products. Greatest errors seen in some millions of arguments: exp and log 0.9 ulp, sin and cos
// 0.95, expm1 0.8.
//
// Only additions, products and FMA of IEEE 754 are used, so the bits are the same with AVX2, AVX-512 and NEON.

#if defined(DISTOB_KERNELS_ELEMENTARY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DISTOB_KERNELS_ELEMENTARY_INL_H_
#undef DISTOB_KERNELS_ELEMENTARY_INL_H_
#else
#define DISTOB_KERNELS_ELEMENTARY_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// coefficients[0] + coefficients[1] x + ... from `kFirst` on in steps of `kStep`, by Horner's rule; `power` is x^kStep.
template <std::size_t kFirst, std::size_t kStep, class D, class V, std::size_t kCount>
HWY_INLINE V every(D d, V power, const double (&coefficients)[kCount]) {
  constexpr std::size_t kLast = kFirst + (kCount - 1 - kFirst) / kStep * kStep;
  V value = hn::Set(d, coefficients[kLast]);
  for (std::size_t i = kLast; i > kFirst; i -= kStep) {
    value = hn::MulAdd(value, power, hn::Set(d, coefficients[i - kStep]));
  }
  return value;
}

/// The polynomial of x as four of x^4: one chain of dependent products would be too long for the processor to find enough
/// other work beside it (a third slower).
template <class D, class V, std::size_t kCount>
HWY_INLINE V polynomial(D d, V x, const double (&coefficients)[kCount]) {
  const V square = hn::Mul(x, x);
  if constexpr (kCount < 8) {
    return hn::MulAdd(every<1, 2>(d, square, coefficients), x, every<0, 2>(d, square, coefficients));
  } else {
    const V fourth = hn::Mul(square, square);
    const V low = hn::MulAdd(every<1, 4>(d, fourth, coefficients), x, every<0, 4>(d, fourth, coefficients));
    const V high = hn::MulAdd(every<3, 4>(d, fourth, coefficients), x, every<2, 4>(d, fourth, coefficients));
    return hn::MulAdd(high, square, low);
  }
}

/// Adding this to a number below 2^51 rounds it to an integer, which then stands in the low bits of the sum.
inline constexpr double kToInteger = 0x1.8p52;

// --- Exponentials -------------------------------------------------------------------------------------------------

/// (e^r - 1 - r - r^2 / 2) / r^3 for |r| <= ln(2) / 2
inline constexpr double kExpRest[] = {
    0x1.5555555555559p-3,  0x1.5555555555549p-5,  0x1.111111110f7edp-7,  0x1.6c16c16c1cc4cp-10, 0x1.a01a01af75159p-13,
    0x1.a01a01833dffep-16, 0x1.71ddf95548cc1p-19, 0x1.27e52aa729af0p-22, 0x1.af5d1db3581a0p-26, 0x1.1ef60019505b8p-29};

/// e^x = 2^k (1 + high + low), |high + low| < 0.42, for |x| < 1000.
template <class D, class V = hn::Vec<D>>
struct ExpParts {
  HWY_INLINE ExpParts(D d, V x) {
    const V shifted = hn::MulAdd(x, hn::Set(d, 0x1.71547652b82fep+0), hn::Set(d, kToInteger));
    const V k = hn::Sub(shifted, hn::Set(d, kToInteger));
    // ln(2) in two parts. The first step is exact; what the second rounds off comes back with the rest.
    high = hn::NegMulAdd(k, hn::Set(d, 0x1.62e42fefa39efp-1), x);
    const V r = hn::NegMulAdd(k, hn::Set(d, 0x1.abc9e3b39803fp-56), high);
    const V square = hn::Mul(r, r);
    const V rest = hn::MulAdd(hn::Mul(r, square), polynomial(d, r, kExpRest), hn::Mul(square, hn::Set(d, 0.5)));
    low = hn::NegMulAdd(k, hn::Set(d, 0x1.abc9e3b39803fp-56), rest);
    const hn::RebindToUnsigned<D> du;
    exponent = hn::ShiftLeft<52>(hn::BitCast(du, shifted));
  }
  V high, low;
  hn::Vec<hn::RebindToUnsigned<D>> exponent;  ///< k, where a double has its exponent
};

/// v 2^k, for results that are normal numbers.
template <class D, class V, class VU>
HWY_INLINE V scaled(D d, V v, VU exponent) {
  const hn::RebindToUnsigned<D> du;
  return hn::BitCast(d, hn::Add(hn::BitCast(du, v), exponent));
}

struct NearExp {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> near(D d, V x, V& y) const {
    const ExpParts<D> parts(d, x);
    y = scaled(d, hn::Add(hn::Set(d, 1.0), hn::Add(parts.high, parts.low)), parts.exponent);
    return hn::Lt(hn::Abs(x), hn::Set(d, 707.0));
  }
};

struct NearExpm1 {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> near(D d, V x, V& y) const {
    const ExpParts<D> parts(d, x);
    const V one = hn::Set(d, 1.0);
    const V power = scaled(d, one, parts.exponent);
    // 2^k - 1 + 2^k high as a sum without error.
    const V before = hn::Sub(power, one);
    const V sum = hn::MulAdd(power, parts.high, before);
    const V lost = hn::MulAdd(power, parts.high, hn::Sub(before, sum));
    y = hn::CopySign(hn::Add(sum, hn::MulAdd(power, parts.low, lost)), x);
    return hn::Lt(hn::Abs(x), hn::Set(d, 36.0));  // up to there 2^k - 1 is exact
  }
};

// --- Logarithm ----------------------------------------------------------------------------------------------------

/// (log(1 + f) - f + f^2 / 2) / f^3 for 1 + f in [sqrt(1/2), sqrt(2)]
inline constexpr double kLogRest[] = {
    0x1.5555555555533p-2,  -0x1.fffffffffef1ap-3, 0x1.999999999f764p-3,  -0x1.555555566ae2ep-3, 0x1.24924922a3119p-3,
    -0x1.ffffff2c2c5a2p-4, 0x1.c71c71e0b508dp-4,  -0x1.9999c262fc7f9p-4, 0x1.745d3eff19e33p-4,  -0x1.5550ef1c4c53dp-4,
    0x1.3b0b8c0f15de8p-4,  -0x1.24d74883a9d20p-4, 0x1.11ccd71b427efp-4,  -0x1.fba1cf6e8e89ap-5, 0x1.d05ca7d81e869p-5,
    -0x1.d1221857ac309p-5, 0x1.0a5f8041e6af1p-4,  -0x1.e9f98b01a6604p-5, 0x1.ac67ab5162547p-6};

struct NearLog {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> near(D d, V x, V& y) const {
    // x = 2^k (1 + f). Subtracting the bits of sqrt(1/2) leaves k in the exponent.
    constexpr std::uint64_t kRoot = 0x3fe6a09e667f3bcd, kMantissa = (std::uint64_t{1} << 52) - 1;
    constexpr std::uint64_t kOne = 0x3ff0000000000000;
    const hn::RebindToUnsigned<D> du;
    const auto raised = hn::Add(hn::BitCast(du, x), hn::Set(du, kOne - kRoot));
    const V m = hn::BitCast(d, hn::Add(hn::And(raised, hn::Set(du, kMantissa)), hn::Set(du, kRoot)));
    const V f = hn::Sub(m, hn::Set(d, 1.0));
    // The integer k + 1023 becomes a double in the mantissa of 2^52.
    const auto biased = hn::Or(hn::ShiftRight<52>(raised), hn::BitCast(du, hn::Set(d, 0x1p52)));
    const V k = hn::Sub(hn::BitCast(d, biased), hn::Set(d, 0x1p52 + 1023));

    // k ln(2) + f as a sum without error: the greater part of ln(2) has 33 bits, so its product with k is exact.
    const V whole = hn::Mul(k, hn::Set(d, 0x1.62e42feep-1));
    const V high = hn::Add(whole, f);
    const V low = hn::Sub(f, hn::Sub(high, whole));
    const V square = hn::Mul(f, f);
    const V rest = hn::MulAdd(hn::Mul(square, f), polynomial(d, f, kLogRest),
                              hn::NegMulAdd(square, hn::Set(d, 0.5), hn::Mul(k, hn::Set(d, 0x1.a39ef35793c76p-33))));
    y = hn::Add(high, hn::Add(low, rest));
    return hn::And(hn::Ge(x, hn::Set(d, std::numeric_limits<double>::min())),
                   hn::Le(x, hn::Set(d, std::numeric_limits<double>::max())));
  }
};

// --- Sine and cosine ----------------------------------------------------------------------------------------------

/// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 of r^2, for |r| <= pi / 4
inline constexpr double kSinRest[] = {-0x1.5555555555548p-3, 0x1.111111110f7cfp-7,   -0x1.a01a019bfdc96p-13,
                                      0x1.71de3567b971ep-19, -0x1.ae5e5a80c1c55p-26, 0x1.5d8fcd82c69cfp-33};
inline constexpr double kCosRest[] = {0x1.555555555554bp-5,   -0x1.6c16c16c14f92p-10, 0x1.a01a019c8461ep-16,
                                      -0x1.27e4f7ead15c5p-22, 0x1.1ee9d7bd02b1fp-29,  -0x1.8fa49e04d1c42p-37};

/// sin(x + kQuarters pi / 2)
template <int kQuarters>
struct NearSine {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> near(D d, V x, V& y) const {
    const hn::RebindToUnsigned<D> du;
    const V magnitude = hn::Abs(x);
    // magnitude = k pi / 2 + r + low (Cody and Waite 1980, with FMA). The first step is exact, the second leaves its
    // error in `low`; the third part of pi / 2 does not matter unless r is tiny.
    const V shifted = hn::MulAdd(magnitude, hn::Set(d, 0x1.45f306dc9c883p-1), hn::Set(d, kToInteger));
    const V k = hn::Sub(shifted, hn::Set(d, kToInteger));
    const V pi_half_high = hn::Set(d, 0x1.921fb54442d18p+0), pi_half_low = hn::Set(d, 0x1.1a62633145c07p-54);
    const V first = hn::NegMulAdd(k, pi_half_high, magnitude);
    const V r = hn::NegMulAdd(k, pi_half_low, first);
    const V low = hn::NegMulAdd(k, pi_half_low, hn::Sub(first, r));

    const V square = hn::Mul(r, r);
    const V sine = hn::Add(r, hn::MulAdd(hn::Mul(r, square), polynomial(d, square, kSinRest), low));
    const V half = hn::Mul(square, hn::Set(d, 0.5));
    const V one = hn::Set(d, 1.0);
    const V head = hn::Sub(one, half);
    const V rest = hn::MulAdd(hn::Mul(square, square), polynomial(d, square, kCosRest),
                              hn::NegMulAdd(r, low, hn::Sub(hn::Sub(one, head), half)));
    const V cosine = hn::Add(head, rest);

    const auto quarter = hn::Add(hn::BitCast(du, shifted), hn::Set(du, std::uint64_t{kQuarters}));
    const auto odd = hn::RebindMask(d, hn::TestBit(quarter, hn::Set(du, 1)));
    auto sign = hn::ShiftLeft<62>(quarter);
    if (kQuarters == 0) sign = hn::Xor(sign, hn::BitCast(du, x));
    sign = hn::And(sign, hn::BitCast(du, hn::SignBit(d)));
    y = hn::BitCast(d, hn::Xor(hn::BitCast(du, hn::IfThenElse(odd, cosine, sine)), sign));
    // Beyond 2^30, k may be one too low or too high. Below 2^-45 of the argument, r has too few bits.
    return hn::And(hn::Le(magnitude, hn::Set(d, 0x1p30)), hn::Ge(hn::Abs(r), hn::Mul(magnitude, hn::Set(d, 0x1p-45))));
  }
};

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

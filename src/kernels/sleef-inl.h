// SLEEF's functions over whole vectors of the instruction set at hand: sleef_sin(v) and so on, for float32 and float64.
//
// They are its deterministic ones: with FMA ("finz") AVX2, AVX-512 and NEON give the same bits; the baseline has none and
// takes those without ("cinz"), whose last bits differ. The prototypes are our own because sleef.h shows only those of
// the instruction set that the whole file is compiled for.

#if defined(DISTOB_KERNELS_SLEEF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DISTOB_KERNELS_SLEEF_INL_H_
#undef DISTOB_KERNELS_SLEEF_INL_H_
#else
#define DISTOB_KERNELS_SLEEF_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::Vec<hn::ScalableTag<double>>;
using Floats = hn::Vec<hn::ScalableTag<float>>;

#undef DISTOB_SLEEF_DOUBLE
#undef DISTOB_SLEEF_FLOAT
#undef DISTOB_SLEEF_BY_ELEMENT
#if HWY_TARGET == HWY_AVX3
#define DISTOB_SLEEF_DOUBLE(name, ulp) Sleef_finz_##name##d8_##ulp##avx512f
#define DISTOB_SLEEF_FLOAT(name, ulp) Sleef_finz_##name##f16_##ulp##avx512f
using RawDoubles = __m512d;
using RawFloats = __m512;
#elif HWY_TARGET == HWY_AVX2
#define DISTOB_SLEEF_DOUBLE(name, ulp) Sleef_finz_##name##d4_##ulp##avx2
#define DISTOB_SLEEF_FLOAT(name, ulp) Sleef_finz_##name##f8_##ulp##avx2
using RawDoubles = __m256d;
using RawFloats = __m256;
#elif HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_A64
#define DISTOB_SLEEF_DOUBLE(name, ulp) Sleef_finz_##name##d2_##ulp##advsimd
#define DISTOB_SLEEF_FLOAT(name, ulp) Sleef_finz_##name##f4_##ulp##advsimd
using RawDoubles = float64x2_t;
using RawFloats = float32x4_t;
#else
#define DISTOB_SLEEF_BY_ELEMENT 1
#define DISTOB_SLEEF_DOUBLE(name, ulp) Sleef_cinz_##name##d1_##ulp##purec
#define DISTOB_SLEEF_FLOAT(name, ulp) Sleef_cinz_##name##f1_##ulp##purec
using RawDoubles = double;
using RawFloats = float;
#endif

#ifdef DISTOB_SLEEF_BY_ELEMENT
template <class V, class F, class... Vs>
V by_element(F function, V a, Vs... more) {
  using D = hn::DFromV<V>;
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  HWY_ALIGN hn::TFromV<V> lanes[1 + sizeof...(Vs)][kLanes];
  std::size_t operand = 0;
  hn::Store(a, D(), lanes[operand++]);
  (hn::Store(more, D(), lanes[operand++]), ...);
  for (std::size_t i = 0; i < kLanes; ++i) {
    if constexpr (sizeof...(Vs) == 0) {
      lanes[0][i] = function(lanes[0][i]);
    } else {
      lanes[0][i] = function(lanes[0][i], lanes[1][i]);
    }
  }
  return hn::Load(D(), lanes[0]);
}
#endif

#undef DISTOB_SLEEF_ONE
#undef DISTOB_SLEEF_TWO
#ifdef DISTOB_SLEEF_BY_ELEMENT
#define DISTOB_SLEEF_ONE(name, ulp)                                                                \
  extern "C" RawDoubles DISTOB_SLEEF_DOUBLE(name, ulp)(RawDoubles);                                \
  extern "C" RawFloats DISTOB_SLEEF_FLOAT(name, ulp)(RawFloats);                                   \
  inline Doubles sleef_##name(Doubles a) { return by_element(DISTOB_SLEEF_DOUBLE(name, ulp), a); } \
  inline Floats sleef_##name(Floats a) { return by_element(DISTOB_SLEEF_FLOAT(name, ulp), a); }
#define DISTOB_SLEEF_TWO(name, ulp)                                                                              \
  extern "C" RawDoubles DISTOB_SLEEF_DOUBLE(name, ulp)(RawDoubles, RawDoubles);                                  \
  extern "C" RawFloats DISTOB_SLEEF_FLOAT(name, ulp)(RawFloats, RawFloats);                                      \
  inline Doubles sleef_##name(Doubles a, Doubles b) { return by_element(DISTOB_SLEEF_DOUBLE(name, ulp), a, b); } \
  inline Floats sleef_##name(Floats a, Floats b) { return by_element(DISTOB_SLEEF_FLOAT(name, ulp), a, b); }
#else
#define DISTOB_SLEEF_ONE(name, ulp)                                                                 \
  extern "C" RawDoubles DISTOB_SLEEF_DOUBLE(name, ulp)(RawDoubles);                                 \
  extern "C" RawFloats DISTOB_SLEEF_FLOAT(name, ulp)(RawFloats);                                    \
  inline Doubles sleef_##name(Doubles a) { return Doubles{DISTOB_SLEEF_DOUBLE(name, ulp)(a.raw)}; } \
  inline Floats sleef_##name(Floats a) { return Floats{DISTOB_SLEEF_FLOAT(name, ulp)(a.raw)}; }
#define DISTOB_SLEEF_TWO(name, ulp)                                                                                   \
  extern "C" RawDoubles DISTOB_SLEEF_DOUBLE(name, ulp)(RawDoubles, RawDoubles);                                       \
  extern "C" RawFloats DISTOB_SLEEF_FLOAT(name, ulp)(RawFloats, RawFloats);                                           \
  inline Doubles sleef_##name(Doubles a, Doubles b) { return Doubles{DISTOB_SLEEF_DOUBLE(name, ulp)(a.raw, b.raw)}; } \
  inline Floats sleef_##name(Floats a, Floats b) { return Floats{DISTOB_SLEEF_FLOAT(name, ulp)(a.raw, b.raw)}; }
#endif

DISTOB_SLEEF_ONE(exp, u10)
DISTOB_SLEEF_ONE(exp2, u10)
DISTOB_SLEEF_ONE(expm1, u10)
DISTOB_SLEEF_ONE(log, u10)
DISTOB_SLEEF_ONE(log2, u10)
DISTOB_SLEEF_ONE(log10, u10)
DISTOB_SLEEF_ONE(log1p, u10)
DISTOB_SLEEF_ONE(cbrt, u10)
DISTOB_SLEEF_ONE(sin, u10)
DISTOB_SLEEF_ONE(cos, u10)
DISTOB_SLEEF_ONE(tan, u10)
DISTOB_SLEEF_ONE(asin, u10)
DISTOB_SLEEF_ONE(acos, u10)
DISTOB_SLEEF_ONE(atan, u10)
DISTOB_SLEEF_ONE(sinh, u10)
DISTOB_SLEEF_ONE(cosh, u10)
DISTOB_SLEEF_ONE(tanh, u10)
DISTOB_SLEEF_ONE(asinh, u10)
DISTOB_SLEEF_ONE(acosh, u10)
DISTOB_SLEEF_ONE(atanh, u10)
DISTOB_SLEEF_TWO(pow, u10)
DISTOB_SLEEF_TWO(atan2, u10)
DISTOB_SLEEF_TWO(hypot, u05)

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

// Half precision: conversions, and the few operations that single precision cannot stand in for.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/half.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/float_flags.h"
#include "kernels/half.h"
#include "kernels/map-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
void widen(const std::uint16_t* in, float* out, ptrdiff_t n) {
  const KeepFloatFlags keep;  // the instruction calls a signalling NaN invalid
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const auto lanes = static_cast<ptrdiff_t>(hn::Lanes(d));
  const auto* halves = reinterpret_cast<const hwy::float16_t*>(in);
  ptrdiff_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::PromoteTo(d, hn::LoadU(dh, halves + i)), d, out + i);
  for (; i < n; ++i) out[i] = half_to_float(in[i]);
}

void narrow(const float* in, std::uint16_t* out, ptrdiff_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const auto lanes = static_cast<ptrdiff_t>(hn::Lanes(d));
  auto* halves = reinterpret_cast<hwy::float16_t*>(out);
  ptrdiff_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::DemoteTo(dh, hn::LoadU(d, in + i)), dh, halves + i);
  for (; i < n; ++i) out[i] = float_to_half(in[i]);
}
#else
void widen(const std::uint16_t* in, float* out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; ++i) out[i] = half_to_float(in[i]);
}
void narrow(const float* in, std::uint16_t* out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; ++i) out[i] = float_to_half(in[i]);
}
#endif

constexpr std::uint16_t kSign = 0x8000;
constexpr std::uint16_t kInfinity = 0x7c00;
constexpr std::uint16_t kNaN = 0x7e00;
bool is_nan(std::uint16_t half) { return (half & ~kSign) > kInfinity; }

/// The neighbour of `a` in the direction of `b`: halves are ordered as their bits are, apart from the sign.
struct NextAfter {
  std::uint16_t operator()(std::uint16_t a, std::uint16_t b) const {
    if (is_nan(a) || is_nan(b)) return is_nan(a) ? a : b;
    const float from = half_to_float(a);
    const float to = half_to_float(b);
    if (from == to) return a;
    if (from == 0.0F) return static_cast<std::uint16_t>((b & kSign) | 1U);
    const bool away_from_zero = (from < to) == (from > 0);
    const auto next = static_cast<std::uint16_t>(away_from_zero ? a + 1 : a - 1);
    if ((next & ~kSign) == kInfinity) std::feraiseexcept(FE_OVERFLOW);
    return next;
  }
};

/// The distance to the next greater half: always positive.
struct Spacing {
  std::uint16_t operator()(std::uint16_t a) const {
    if ((a & ~kSign) >= kInfinity) {
      std::feraiseexcept(FE_INVALID);
      return kNaN;
    }
    if ((a & ~kSign) == 0) return 1;
    const auto next = static_cast<std::uint16_t>((a & kSign) != 0 ? a - 1 : a + 1);
    if (next == kInfinity) std::feraiseexcept(FE_OVERFLOW);
    return float_to_half(half_to_float(next) - half_to_float(a));
  }
};

}  // namespace

void fill_half_here(Table& table) {
  half_conversion = {widen, narrow};
  constexpr Kind kind = Kind::Float16;
  table.add(Op::nextafter, {kind, kind}, {kind}, map2<NextAfter, std::uint16_t>,
            {.scalars = true, .flags = true, .cost = 8});
  table.add(Op::spacing, {kind}, {kind}, map1<Spacing, std::uint16_t>, {.flags = true, .cost = 8});
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_half_here);
void fill_half(Table& table) { HWY_DYNAMIC_DISPATCH(fill_half_here)(table); }
}  // namespace distob::kernels
#endif

// Choosing between values: where and clip.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/select.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/map-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

/// Elements are moved, never looked at: one function for each width.
template <class T>
void where(const void* const* in, void* const* out, ptrdiff_t n, unsigned) {
  const auto* condition = static_cast<const std::uint8_t*>(in[0]);
  const auto* yes = static_cast<const Packed<T>*>(in[1]);
  const auto* no = static_cast<const Packed<T>*>(in[2]);
  auto* r = static_cast<Packed<T>*>(out[0]);
  DISTOB_INDEPENDENT_ITERATIONS
  for (ptrdiff_t i = 0; i < n; ++i) {
    const T a = yes[i];
    const T b = no[i];
    r[i] = condition[i] != 0 ? a : b;
  }
}

/// For elements wider than any number.
template <std::size_t kItemsize>
void where_wide(const void* const* in, void* const* out, ptrdiff_t n, unsigned) {
  const auto* condition = static_cast<const std::uint8_t*>(in[0]);
  for (ptrdiff_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i) * kItemsize;
    std::memmove(static_cast<char*>(out[0]) + at, static_cast<const char*>(in[condition[i] != 0 ? 1 : 2]) + at,
                 kItemsize);
  }
}

Block where_of(std::size_t itemsize) {
  switch (itemsize) {
    case 1: return where<std::uint8_t>;
    case 2: return where<std::uint16_t>;
    case 4: return where<std::uint32_t>;
    case 8: return where<std::uint64_t>;
    case 16: return where_wide<16>;
    default: return where_wide<32>;
  }
}

/// a <= b. The flags of the x87 are not put back afterwards, so long double must not raise any.
template <class T>
bool at_most(T a, T b) {
  if constexpr (std::is_same_v<T, long double>)
    return std::islessequal(a, b);
  else
    return a <= b;
}

/// min(max(x, low), high). What is not a number wins, from the left: a compare that a NaN fails keeps it.
template <class T>
void clip(const void* const* in, void* const* out, ptrdiff_t n, unsigned scalars) {
  const auto* x = static_cast<const Packed<T>*>(in[0]);
  const auto* low = static_cast<const Packed<T>*>(in[1]);
  const auto* high = static_cast<const Packed<T>*>(in[2]);
  auto* r = static_cast<Packed<T>*>(out[0]);
  const auto larger = [](T a, T b) { return at_most(b, a) || a != a ? a : b; };
  const auto smaller = [](T a, T b) { return at_most(a, b) || a != a ? a : b; };
  if (scalars == 6) {
    const T least = *low;
    const T most = *high;
    DISTOB_INDEPENDENT_ITERATIONS
    for (ptrdiff_t i = 0; i < n; ++i) r[i] = smaller(larger(x[i], least), most);
    return;
  }
  const auto step = [scalars](int operand) -> ptrdiff_t { return (scalars >> operand & 1) != 0 ? 0 : 1; };
  const ptrdiff_t step_x = step(0), step_low = step(1), step_high = step(2);
  for (ptrdiff_t i = 0; i < n; ++i) r[i] = smaller(larger(x[i * step_x], low[i * step_low]), high[i * step_high]);
}

template <Kind kind>
void fill_clip(Table& table) {
  table.add(Op::clip, {kind, kind, kind}, {kind}, clip<Element<kind>>,
            {.scalars = true, .quiet = is_floating(kind), .cost = 2});
}

}  // namespace

void fill_select_here(Table& table) {
  for (int i = 0; i < kNativeKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    table.add(Op::where, {Kind::Bool, kind, kind}, {kind}, where_of(itemsize_of(kind)), {});
  }
  fill_clip<Kind::Bool>(table);
  fill_clip<Kind::Int8>(table);
  fill_clip<Kind::UInt8>(table);
  fill_clip<Kind::Int16>(table);
  fill_clip<Kind::UInt16>(table);
  fill_clip<Kind::Int32>(table);
  fill_clip<Kind::UInt32>(table);
  fill_clip<Kind::Int64>(table);
  fill_clip<Kind::UInt64>(table);
  fill_clip<Kind::Float32>(table);
  fill_clip<Kind::Float64>(table);
  fill_clip<Kind::LongDouble>(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_select_here);
void fill_select(Table& table) { HWY_DYNAMIC_DISPATCH(fill_select_here)(table); }
}  // namespace distob::kernels
#endif

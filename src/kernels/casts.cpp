// Conversions between bools, integers, float32 and float64, as NumPy's casting="unsafe" does them on x86-64.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/casts.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/map-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

template <class From, class To>
struct Convert {
  To operator()(From a) const {
    if constexpr (std::is_floating_point_v<From> && !std::is_floating_point_v<To>) {
      return float_to_integer<To>(a);
    } else {
      return static_cast<To>(a);
    }
  }
};

struct IsNotZero {
  std::uint8_t operator()(auto a) const { return a != 0; }
};

template <Kind from, Kind to>
void fill_pair(Table& table) {
  using From = Element<from>;
  using To = Element<to>;
  constexpr bool kFlags =
      is_floating(from) && to != Kind::Bool && !(from == Kind::Float32 && to == Kind::Float64) && from != to;
  if constexpr (to == Kind::Bool && from != Kind::Bool) {
    table.add_cast(from, to, map1<IsNotZero, From, std::uint8_t>, {.quiet = is_floating(from)});
  } else {
    table.add_cast(from, to, map1<Convert<From, To>, From, To>, {.flags = kFlags});
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

}  // namespace

void fill_casts_here(Table& table) {
  fill_all<Kind::Bool, Kind::Int8, Kind::UInt8, Kind::Int16, Kind::UInt16, Kind::Int32, Kind::UInt32, Kind::Int64,
           Kind::UInt64, Kind::Float32, Kind::Float64>(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_casts_here);
void fill_casts(Table& table) { HWY_DYNAMIC_DISPATCH(fill_casts_here)(table); }
}  // namespace distob::kernels
#endif

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

/// Out of range, C leaves the result of a conversion from floating point open, and AVX-512 differs from SSE2. So narrow
/// integers go through the ones that every x86-64 converts to, and uint64 takes its upper half from a shifted argument.
template <class From, class To>
To convert_float(From a) {
  if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(a);
  } else if constexpr (std::is_same_v<To, std::uint64_t>) {
    constexpr From kHalf = 9223372036854775808.0;
    const bool upper = a >= kHalf;
    const auto lower = static_cast<std::int64_t>(upper ? a - kHalf : a);
    return static_cast<std::uint64_t>(lower) ^ (std::uint64_t{upper} << 63);
  } else if constexpr (std::is_same_v<To, std::uint32_t>) {
    return static_cast<To>(static_cast<std::int64_t>(a));
  } else if constexpr (sizeof(To) < 4) {
    return static_cast<To>(static_cast<std::int32_t>(a));
  } else {
    return static_cast<To>(a);
  }
}

template <class From, class To>
struct Convert {
  To operator()(From a) const {
    if constexpr (std::is_floating_point_v<From>) {
      return convert_float<From, To>(a);
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
  constexpr bool kFlags = is_floating(from) && to != Kind::Bool && !(from == Kind::Float32 && to == Kind::Float64) && from != to;
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

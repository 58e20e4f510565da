// Arithmetic and bits of bools and integers: exactly NumPy's, wrapping round. Division has a file of its own.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/integer.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <bit>

#include "kernels/map-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

/// An unsigned type at least as wide as int, where arithmetic wraps and nothing is promoted to a signed type.
template <class T>
using Wrapping = std::common_type_t<std::make_unsigned_t<T>, unsigned>;

template <class T>
constexpr Wrapping<T> wrap(T value) {
  return static_cast<Wrapping<T>>(value);
}

// clang-format off
struct Add { template <class T> T operator()(T a, T b) const { return static_cast<T>(wrap(a) + wrap(b)); } };
struct Subtract { template <class T> T operator()(T a, T b) const { return static_cast<T>(wrap(a) - wrap(b)); } };
struct Multiply { template <class T> T operator()(T a, T b) const { return static_cast<T>(wrap(a) * wrap(b)); } };
struct And { template <class T> T operator()(T a, T b) const { return a & b; } };
struct Or { template <class T> T operator()(T a, T b) const { return a | b; } };
struct Xor { template <class T> T operator()(T a, T b) const { return a ^ b; } };
struct Maximum { template <class T> T operator()(T a, T b) const { return a >= b ? a : b; } };
struct Minimum { template <class T> T operator()(T a, T b) const { return a <= b ? a : b; } };

struct Positive { template <class T> T operator()(T a) const { return a; } };
struct Zero { template <class T> T operator()(T) const { return 0; } };
struct True { template <class T> std::uint8_t operator()(T) const { return 1; } };
struct Negative { template <class T> T operator()(T a) const { return static_cast<T>(0 - wrap(a)); } };
struct Absolute { template <class T> T operator()(T a) const { return a < 0 ? Negative()(a) : a; } };
struct Sign { template <class T> T operator()(T a) const { return static_cast<T>((a > 0) - (a < 0)); } };
struct Invert { template <class T> T operator()(T a) const { return static_cast<T>(~a); } };
struct Square { template <class T> T operator()(T a) const { return Multiply()(a, a); } };
struct Not { std::uint8_t operator()(std::uint8_t a) const { return a ^ 1; } };
// clang-format on

/// Counts outside 0 .. width - 1 shift everything out.
struct LeftShift {
  template <class T>
  T operator()(T a, T count) const {
    constexpr auto kBits = sizeof(T) * 8;
    const auto places = wrap(count);
    return places < kBits ? static_cast<T>(wrap(a) << (places % kBits)) : T(0);
  }
};
struct RightShift {
  template <class T>
  T operator()(T a, T count) const {
    constexpr auto kBits = sizeof(T) * 8;
    const auto places = wrap(count);
    const T emptied = a < 0 ? static_cast<T>(-1) : T(0);
    return places < kBits ? static_cast<T>(a >> (places % kBits)) : emptied;
  }
};

/// By squaring, wrapping round.
struct Power {
  template <class T>
  T operator()(T a, T exponent) const {
    if (exponent < 0) return T(0);
    auto power = wrap(a);
    Wrapping<T> result = 1;
    for (auto rest = wrap(exponent); rest != 0; rest >>= 1) {
      if ((rest & 1) != 0) result *= power;
      power *= power;
    }
    return static_cast<T>(result);
  }
};

/// How many bits of the magnitude are set.
struct BitwiseCount {
  template <class T>
  std::uint8_t operator()(T a) const {
    const auto magnitude = static_cast<std::make_unsigned_t<T>>(a < 0 ? 0 - wrap(a) : wrap(a));
    return static_cast<std::uint8_t>(std::popcount(magnitude));
  }
};

constexpr Traits kPlain{.scalars = true};

/// What is the same for signed and unsigned integers of one width is compiled once.
template <Kind signed_kind, Kind unsigned_kind>
void fill_width(Table& table) {
  using T = Element<unsigned_kind>;
  for (const Kind kind : {signed_kind, unsigned_kind}) {
    const auto two = [&](Op op, Block block) { table.add(op, {kind, kind}, {kind}, block, kPlain); };
    const auto one = [&](Op op, Block block) { table.add(op, {kind}, {kind}, block, {}); };
    const auto test = [&](Op op, Block block) { table.add(op, {kind}, {Kind::Bool}, block, {}); };
    two(Op::add, map2<Add, T>);
    two(Op::subtract, map2<Subtract, T>);
    two(Op::multiply, map2<Multiply, T>);
    two(Op::bitwise_and, map2<And, T>);
    two(Op::bitwise_or, map2<Or, T>);
    two(Op::bitwise_xor, map2<Xor, T>);
    two(Op::left_shift, map2<LeftShift, T>);
    for (const Op op : {Op::positive, Op::conjugate, Op::real, Op::floor, Op::ceil, Op::trunc})
      one(op, map1<Positive, T>);
    one(Op::imag, map1<Zero, T>);
    one(Op::negative, map1<Negative, T>);
    one(Op::invert, map1<Invert, T>);
    one(Op::square, map1<Square, T>);
    for (const Op op : {Op::isnan, Op::isinf}) test(op, map1<Zero, T, std::uint8_t>);
    test(Op::isfinite, map1<True, T, std::uint8_t>);
  }
}

template <Kind kind>
void fill_order(Table& table) {
  using T = Element<kind>;
  for (const Op op : {Op::maximum, Op::fmax}) table.add(op, {kind, kind}, {kind}, map2<Maximum, T>, kPlain);
  for (const Op op : {Op::minimum, Op::fmin}) table.add(op, {kind, kind}, {kind}, map2<Minimum, T>, kPlain);
  table.add(Op::right_shift, {kind, kind}, {kind}, map2<RightShift, T>, kPlain);
  table.add(Op::power, {kind, kind}, {kind}, map2<Power, T>, {.scalars = true, .cost = 12});
  table.add(Op::bitwise_count, {kind}, {Kind::UInt8}, map1<BitwiseCount, T, std::uint8_t>, {.cost = 2});
  table.add(Op::sign, {kind}, {kind}, map1<Sign, T>, {});
  table.add(Op::absolute, {kind}, {kind}, std::is_signed_v<T> ? map1<Absolute, T> : map1<Positive, T>, {});
}

void fill_bool(Table& table) {
  constexpr Kind kind = Kind::Bool;
  using T = std::uint8_t;
  const auto two = [&](Op op, Block block) { table.add(op, {kind, kind}, {kind}, block, kPlain); };
  const auto one = [&](Op op, Block block) { table.add(op, {kind}, {kind}, block, {}); };
  for (const Op op : {Op::add, Op::maximum, Op::fmax, Op::bitwise_or}) two(op, map2<Or, T>);
  for (const Op op : {Op::multiply, Op::minimum, Op::fmin, Op::bitwise_and}) two(op, map2<And, T>);
  two(Op::bitwise_xor, map2<Xor, T>);
  for (const Op op : {Op::positive, Op::absolute, Op::conjugate, Op::real, Op::floor, Op::ceil, Op::trunc})
    one(op, map1<Positive, T>);
  one(Op::invert, map1<Not, T>);
  for (const Op op : {Op::isnan, Op::isinf, Op::imag}) one(op, map1<Zero, T>);
  one(Op::isfinite, map1<True, T>);
}

}  // namespace

void fill_integer_here(Table& table) {
  fill_width<Kind::Int8, Kind::UInt8>(table);
  fill_width<Kind::Int16, Kind::UInt16>(table);
  fill_width<Kind::Int32, Kind::UInt32>(table);
  fill_width<Kind::Int64, Kind::UInt64>(table);
  fill_order<Kind::Int8>(table);
  fill_order<Kind::UInt8>(table);
  fill_order<Kind::Int16>(table);
  fill_order<Kind::UInt16>(table);
  fill_order<Kind::Int32>(table);
  fill_order<Kind::UInt32>(table);
  fill_order<Kind::Int64>(table);
  fill_order<Kind::UInt64>(table);
  fill_bool(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_integer_here);
void fill_integer(Table& table) { HWY_DYNAMIC_DISPATCH(fill_integer_here)(table); }
}  // namespace distob::kernels
#endif

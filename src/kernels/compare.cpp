// Comparisons and logical operations of real kinds: elements in, bools out.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/compare.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/map-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

/// Highway has <= for floating point alone; integers are never unordered.
template <class V>
auto less_equal(V a, V b) {
  if constexpr (hwy::IsFloat<hn::TFromV<V>>()) {
    return hn::Le(a, b);
  } else {
    return hn::Not(hn::Lt(b, a));
  }
}

// clang-format off
struct Equal { template <class D, class V> hn::Mask<D> operator()(D, V a, V b) const { return hn::Eq(a, b); } };
struct NotEqual { template <class D, class V> hn::Mask<D> operator()(D, V a, V b) const { return hn::Not(hn::Eq(a, b)); } };
struct Less { template <class D, class V> hn::Mask<D> operator()(D, V a, V b) const { return hn::Lt(a, b); } };
struct LessEqual { template <class D, class V> hn::Mask<D> operator()(D, V a, V b) const { return less_equal(a, b); } };
struct Greater { template <class D, class V> hn::Mask<D> operator()(D, V a, V b) const { return hn::Gt(a, b); } };
struct GreaterEqual { template <class D, class V> hn::Mask<D> operator()(D, V a, V b) const { return less_equal(b, a); } };
// clang-format on

/// True for every element but zero; not a number is true.
template <class D, class V>
hn::Mask<D> truth(D d, V a) {
  return hn::Not(hn::Eq(a, hn::Zero(d)));
}
// clang-format off
struct LogicalNot { template <class D, class V> hn::Mask<D> operator()(D d, V a) const { return hn::Eq(a, hn::Zero(d)); } };
struct LogicalAnd { template <class D, class V> hn::Mask<D> operator()(D d, V a, V b) const { return hn::And(truth(d, a), truth(d, b)); } };
struct LogicalOr { template <class D, class V> hn::Mask<D> operator()(D d, V a, V b) const { return hn::Or(truth(d, a), truth(d, b)); } };
struct LogicalXor { template <class D, class V> hn::Mask<D> operator()(D d, V a, V b) const { return hn::Xor(truth(d, a), truth(d, b)); } };
// clang-format on

template <Kind kind>
void fill(Table& table) {
  using T = Element<kind>;
  constexpr Traits traits{.scalars = true, .quiet = is_floating(kind)};
  const auto two = [&](Op op, Block block) { table.add(op, {kind, kind}, {Kind::Bool}, block, traits); };
  two(Op::equal, vector2<Equal, T>);
  two(Op::not_equal, vector2<NotEqual, T>);
  two(Op::less, vector2<Less, T>);
  two(Op::less_equal, vector2<LessEqual, T>);
  two(Op::greater, vector2<Greater, T>);
  two(Op::greater_equal, vector2<GreaterEqual, T>);
  two(Op::logical_and, vector2<LogicalAnd, T>);
  two(Op::logical_or, vector2<LogicalOr, T>);
  two(Op::logical_xor, vector2<LogicalXor, T>);
  table.add(Op::logical_not, {kind}, {Kind::Bool}, vector1<LogicalNot, T>, traits);
}

// int64 beside uint64: compared as the numbers they are, not after a conversion that would round or wrap.
// clang-format off
struct MixedEqual { bool operator()(auto a, auto b) const { return std::cmp_equal(a, b); } };
struct MixedNotEqual { bool operator()(auto a, auto b) const { return std::cmp_not_equal(a, b); } };
struct MixedLess { bool operator()(auto a, auto b) const { return std::cmp_less(a, b); } };
struct MixedLessEqual { bool operator()(auto a, auto b) const { return std::cmp_less_equal(a, b); } };
struct MixedGreater { bool operator()(auto a, auto b) const { return std::cmp_greater(a, b); } };
struct MixedGreaterEqual { bool operator()(auto a, auto b) const { return std::cmp_greater_equal(a, b); } };
// clang-format on

template <Kind left, Kind right>
void fill_mixed(Table& table) {
  using A = Element<left>;
  using B = Element<right>;
  const auto two = [&](Op op, Block block) { table.add(op, {left, right}, {Kind::Bool}, block, {.scalars = true}); };
  two(Op::equal, map2<MixedEqual, A, std::uint8_t, B>);
  two(Op::not_equal, map2<MixedNotEqual, A, std::uint8_t, B>);
  two(Op::less, map2<MixedLess, A, std::uint8_t, B>);
  two(Op::less_equal, map2<MixedLessEqual, A, std::uint8_t, B>);
  two(Op::greater, map2<MixedGreater, A, std::uint8_t, B>);
  two(Op::greater_equal, map2<MixedGreaterEqual, A, std::uint8_t, B>);
}

}  // namespace

void fill_compare_here(Table& table) {
  fill<Kind::Bool>(table);
  fill<Kind::Int8>(table);
  fill<Kind::UInt8>(table);
  fill<Kind::Int16>(table);
  fill<Kind::UInt16>(table);
  fill<Kind::Int32>(table);
  fill<Kind::UInt32>(table);
  fill<Kind::Int64>(table);
  fill<Kind::UInt64>(table);
  fill<Kind::Float32>(table);
  fill<Kind::Float64>(table);
  fill_mixed<Kind::Int64, Kind::UInt64>(table);
  fill_mixed<Kind::UInt64, Kind::Int64>(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_compare_here);
void fill_compare(Table& table) { HWY_DYNAMIC_DISPATCH(fill_compare_here)(table); }
}  // namespace distob::kernels
#endif

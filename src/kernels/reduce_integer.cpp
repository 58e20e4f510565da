// Reductions of bools and integers. Their order changes no bit, so they need no tree.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_integer.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/map-inl.h"
#include "kernels/reduce.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

template <class T>
using Wrapping = std::common_type_t<std::make_unsigned_t<T>, unsigned>;

// clang-format off
struct Sum { template <class T> T operator()(T a, T b) const { return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b)); } };
struct Product { template <class T> T operator()(T a, T b) const { return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b)); } };
struct Min { template <class T> T operator()(T a, T b) const { return b < a ? b : a; } };
struct Max { template <class T> T operator()(T a, T b) const { return a < b ? b : a; } };
struct And { template <class T> T operator()(T a, T b) const { return a & b; } };
struct Or { template <class T> T operator()(T a, T b) const { return a | b; } };
struct Xor { template <class T> T operator()(T a, T b) const { return a ^ b; } };
// clang-format on

template <class F, class T>
T fold(const Packed<T>* in, std::ptrdiff_t n, T start) {
  for (std::ptrdiff_t i = 0; i < n; ++i) start = F()(start, static_cast<T>(in[i]));
  return start;
}

template <class F, class T>
void leaf(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, char* out) {
  T result;
  std::memcpy(&result, in, sizeof(T));
  if (stride == sizeof(T)) {
    result = fold<F, T>(reinterpret_cast<const Packed<T>*>(in + stride), n - 1, result);
  } else {
    T gathered[kGroup];
    for (std::ptrdiff_t start = 1; start < n; start += kGroup) {
      const std::ptrdiff_t count = std::min(kGroup, n - start);
      gather(in + start * stride, stride, sizeof(T), count, reinterpret_cast<char*>(gathered));
      result = fold<F, T>(gathered, count, result);
    }
  }
  std::memcpy(out, &result, sizeof(T));
}

template <class F, Kind kind>
Reduction make() {
  using T = Element<kind>;
  Reduction made;
  made.kind = kind;
  made.leaf = leaf<F, T>;
  made.combine = combine_by<map2<F, T>, sizeof(T)>;
  return made;
}

template <class F, Kind kind>
Reduction make_from(Element<kind> identity) {
  Reduction made = make<F, kind>();
  set_identity(made, identity);
  return made;
}

template <Kind kind>
void fill(Table& table) {
  using T = Element<kind>;
  table.add_reduction(ReduceOp::sum, make_from<Sum, kind>(0));
  table.add_reduction(ReduceOp::prod, make_from<Product, kind>(1));
  for (const ReduceOp op : {ReduceOp::min, ReduceOp::fmin}) table.add_reduction(op, make<Min, kind>());
  for (const ReduceOp op : {ReduceOp::max, ReduceOp::fmax}) table.add_reduction(op, make<Max, kind>());
  table.add_reduction(ReduceOp::bitwise_and, make_from<And, kind>(static_cast<T>(-1)));
  table.add_reduction(ReduceOp::bitwise_or, make_from<Or, kind>(0));
  table.add_reduction(ReduceOp::bitwise_xor, make_from<Xor, kind>(0));
}

/// Sums of bools are "or", as in NumPy; counting needs a cast first.
void fill_bool(Table& table) {
  constexpr Kind kind = Kind::Bool;
  for (const ReduceOp op : {ReduceOp::sum, ReduceOp::any, ReduceOp::bitwise_or})
    table.add_reduction(op, make_from<Or, kind>(0));
  for (const ReduceOp op : {ReduceOp::prod, ReduceOp::all, ReduceOp::bitwise_and})
    table.add_reduction(op, make_from<And, kind>(1));
  for (const ReduceOp op : {ReduceOp::logical_xor, ReduceOp::bitwise_xor})
    table.add_reduction(op, make_from<Xor, kind>(0));
  for (const ReduceOp op : {ReduceOp::min, ReduceOp::fmin}) table.add_reduction(op, make<And, kind>());
  for (const ReduceOp op : {ReduceOp::max, ReduceOp::fmax}) table.add_reduction(op, make<Or, kind>());
}

}  // namespace

void fill_reduce_integer_here(Table& table) {
  fill<Kind::Int8>(table);
  fill<Kind::UInt8>(table);
  fill<Kind::Int16>(table);
  fill<Kind::UInt16>(table);
  fill<Kind::Int32>(table);
  fill<Kind::UInt32>(table);
  fill<Kind::Int64>(table);
  fill<Kind::UInt64>(table);
  fill_bool(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_reduce_integer_here);
void fill_reduce_integer(Table& table) { HWY_DYNAMIC_DISPATCH(fill_reduce_integer_here)(table); }
}  // namespace distob::kernels
#endif

// Reductions of half precision, long double and complex kinds: the same tree, an element at a time.
#include "kernels/complex.h"
#include "kernels/half.h"
#include "kernels/reduce.h"

namespace distob::kernels {
namespace {

template <class T>
T larger(T a, T b) {
  return std::isgreater(a, b) || std::isnan(a) ? a : b;
}
template <class T>
T smaller(T a, T b) {
  return std::isless(a, b) || std::isnan(a) ? a : b;
}
template <class T>
T larger_number(T a, T b) {
  return std::isgreater(a, b) || std::isnan(b) ? a : b;
}
template <class T>
T smaller_number(T a, T b) {
  return std::isless(a, b) || std::isnan(b) ? a : b;
}

// clang-format off
struct Sum { template <class T> T operator()(T a, T b) const { return a + b; } };
struct Product { template <class T> T operator()(T a, T b) const { return a * b; } };
struct Max {
  template <class T> T operator()(T a, T b) const { return larger(a, b); }
  template <class T> Complex<T> operator()(Complex<T> a, Complex<T> b) const { return maximum(a, b); }
};
struct Min {
  template <class T> T operator()(T a, T b) const { return smaller(a, b); }
  template <class T> Complex<T> operator()(Complex<T> a, Complex<T> b) const { return minimum(a, b); }
};
struct FMax {
  template <class T> T operator()(T a, T b) const { return larger_number(a, b); }
  template <class T> Complex<T> operator()(Complex<T> a, Complex<T> b) const { return fmax(a, b); }
};
struct FMin {
  template <class T> T operator()(T a, T b) const { return smaller_number(a, b); }
  template <class T> Complex<T> operator()(Complex<T> a, Complex<T> b) const { return fmin(a, b); }
};
// clang-format on

/// Reduces 1 <= n <= kGroup elements to lanes and says how many lanes there are: at most n.
template <class F, class T>
std::ptrdiff_t reduce_group(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, T* lanes) {
  const std::ptrdiff_t used = std::min(n, kLanes);
  for (std::ptrdiff_t j = 0; j < used; ++j) std::memcpy(&lanes[j], in + j * stride, sizeof(T));
  for (std::ptrdiff_t i = used; i < n; ++i) {
    T value;
    std::memcpy(&value, in + i * stride, sizeof(T));
    lanes[i % kLanes] = F()(lanes[i % kLanes], value);
  }
  return used;
}

/// Lanes that no element reached take no part.
template <class F, class T>
void leaf(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, char* out) {
  T waiting[kWaiting][kLanes];
  std::ptrdiff_t used[kWaiting] = {};
  PairwiseTree tree;
  const auto merge = [&](int to, int from) {
    for (std::ptrdiff_t j = 0; j < used[from]; ++j) waiting[to][j] = F()(waiting[to][j], waiting[from][j]);
  };
  for (std::ptrdiff_t start = 0; start < n; start += kGroup) {
    const int slot = tree.next();
    used[slot] = reduce_group<F, T>(in + start * stride, stride, std::min(kGroup, n - start), waiting[slot]);
    tree.added(merge);
  }
  tree.finish(merge);
  for (std::ptrdiff_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::ptrdiff_t j = 0; j + half < used[0] && j < half; ++j)
      waiting[0][j] = F()(waiting[0][j], waiting[0][j + half]);
    used[0] = std::min(used[0], half);
  }
  std::memcpy(out, &waiting[0][0], sizeof(T));
}

template <class F, class T>
void combine(char* accumulator, std::ptrdiff_t accumulator_stride, const char* in, std::ptrdiff_t in_stride,
             std::ptrdiff_t n) {
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    T a;
    T b;
    std::memcpy(&a, accumulator + i * accumulator_stride, sizeof(T));
    std::memcpy(&b, in + i * in_stride, sizeof(T));
    a = F()(a, b);
    std::memcpy(accumulator + i * accumulator_stride, &a, sizeof(T));
  }
}

/// Halves are reduced in single precision and rounded once for each leaf.
template <class F>
void half_leaf(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, char* out) {
  std::uint16_t halves[kLeaf];
  float floats[kLeaf];
  float result;
  gather(in, stride, sizeof(std::uint16_t), n, reinterpret_cast<char*>(halves));
  half_conversion.widen(halves, floats, n);
  leaf<F, float>(reinterpret_cast<const char*>(floats), sizeof(float), n, reinterpret_cast<char*>(&result));
  const std::uint16_t rounded = float_to_half(result);
  std::memcpy(out, &rounded, sizeof(rounded));
}

template <class F>
struct OnHalves {
  std::uint16_t operator()(std::uint16_t a, std::uint16_t b) const {
    return float_to_half(F()(half_to_float(a), half_to_float(b)));
  }
};

template <class F, class T>
Reduction make(Kind kind) {
  Reduction made;
  made.kind = kind;
  made.leaf = leaf<F, T>;
  made.combine = combine<F, T>;
  return made;
}
template <class F>
Reduction make_half() {
  Reduction made;
  made.kind = Kind::Float16;
  made.leaf = half_leaf<F>;
  made.combine = combine<OnHalves<F>, std::uint16_t>;
  return made;
}

template <class T>
void add_all(Table& table, Reduction (*const (&makers)[6])(), T zero, T one) {
  Reduction sum = makers[0]();
  set_identity(sum, zero);
  sum.identity_counts = true;
  table.add_reduction(ReduceOp::sum, sum);
  Reduction product = makers[1]();
  set_identity(product, one);
  table.add_reduction(ReduceOp::prod, product);
  table.add_reduction(ReduceOp::min, makers[2]());
  table.add_reduction(ReduceOp::max, makers[3]());
  table.add_reduction(ReduceOp::fmin, makers[4]());
  table.add_reduction(ReduceOp::fmax, makers[5]());
}

template <class T, Kind kind>
void fill(Table& table, T one) {
  add_all<T>(
      table,
      {+[] { return make<Sum, T>(kind); }, +[] { return make<Product, T>(kind); }, +[] { return make<Min, T>(kind); },
       +[] { return make<Max, T>(kind); }, +[] { return make<FMin, T>(kind); }, +[] { return make<FMax, T>(kind); }},
      T{}, one);
}

}  // namespace

void fill_reduce_wide(Table& table) {
  fill<long double, Kind::LongDouble>(table, 1);
  fill<Complex<float>, Kind::Complex64>(table, {1, 0});
  fill<Complex<double>, Kind::Complex128>(table, {1, 0});
  fill<Complex<long double>, Kind::CLongDouble>(table, {1, 0});
  add_all<std::uint16_t>(
      table, {make_half<Sum>, make_half<Product>, make_half<Min>, make_half<Max>, make_half<FMin>, make_half<FMax>}, 0,
      0x3c00);
}

}  // namespace distob::kernels

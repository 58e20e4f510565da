// Reductions of float32 and float64, with the same bits for every instruction set.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_float.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <optional>

#include "kernels/map-inl.h"
#include "kernels/reduce.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

// Each operation on vectors, the flags question, and what fills a row that is not full: adding -0.0 and multiplying by 1
// change no bit; the others may see an element twice.
// clang-format off
struct Sum {
  static constexpr bool kQuiet = false;
  template <class D, class V> V operator()(D, V a, V b) const { return hn::Add(a, b); }
  template <class T> static T pad(T) { return T(-0.0); }
};
struct Product {
  static constexpr bool kQuiet = false;
  template <class D, class V> V operator()(D, V a, V b) const { return hn::Mul(a, b); }
  template <class T> static T pad(T) { return T(1); }
};
struct Selecting {
  static constexpr bool kQuiet = true;
  template <class T> static T pad(T last) { return last; }
};
struct Min : Selecting {
  template <class D, class V> V operator()(D, V a, V b) const { return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b); }
};
struct Max : Selecting {
  template <class D, class V> V operator()(D, V a, V b) const { return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b); }
};
struct FMin : Selecting {
  template <class D, class V> V operator()(D, V a, V b) const { return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(b)), a, b); }
};
struct FMax : Selecting {
  template <class D, class V> V operator()(D, V a, V b) const { return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(b)), a, b); }
};
// clang-format on

/// The 32 lanes of a group, in as many vectors as they take.
template <class F, class T>
class Lanes {
  using D = hn::ScalableTag<T>;
  static constexpr D d{};
  static constexpr std::size_t kWidth = hn::MaxLanes(d);
  static constexpr std::size_t kVectors = kLanes / kWidth;

 public:
  /// Reduces one group of 1 <= n <= kGroup contiguous elements to lanes.
  static void of_group(const T* in, std::ptrdiff_t n, T* lanes) {
    hn::Vec<D> sums[kVectors];
    const std::ptrdiff_t rows = n / kLanes;
    const std::ptrdiff_t rest = n % kLanes;
    HWY_ALIGN T padded[kLanes];
    if (rest != 0) {
      const T pad = F::pad(element(in + n - 1));
      for (std::size_t v = 0; v < kVectors; ++v) hn::Store(hn::Set(d, pad), d, padded + v * kWidth);
      std::memcpy(padded, in + rows * kLanes, static_cast<std::size_t>(rest) * sizeof(T));
    }
    const T* first = rows > 0 ? in : padded;
    for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::LoadU(d, first + v * kWidth);
    for (std::ptrdiff_t row = 1; row < rows; ++row) add_row(sums, in + row * kLanes);
    if (rows > 0 && rest != 0) add_row(sums, padded);
    for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sums[v], d, lanes + v * kWidth);
  }

  /// to[j] = to[j] (op) from[j] for `n` lanes, a power of two.
  static void merge(T* to, const T* from, std::size_t n) {
    if (n >= kWidth) {
      for (std::size_t j = 0; j < n; j += kWidth)
        hn::StoreU(F()(d, hn::LoadU(d, to + j), hn::LoadU(d, from + j)), d, to + j);
    } else {
      const hn::CappedTag<T, 1> one;
      for (std::size_t j = 0; j < n; ++j)
        hn::StoreU(F()(one, hn::LoadU(one, to + j), hn::LoadU(one, from + j)), one, to + j);
    }
  }

 private:
  static HWY_INLINE void add_row(hn::Vec<D>* sums, const T* row) {
    for (std::size_t v = 0; v < kVectors; ++v) sums[v] = F()(d, sums[v], hn::LoadU(d, row + v * kWidth));
  }
};

template <class F, class T>
void leaf(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, char* out) {
  std::optional<KeepFloatFlags> keep;
  if constexpr (F::kQuiet) keep.emplace();
  HWY_ALIGN T waiting[kWaiting][kLanes];
  HWY_ALIGN T gathered[kGroup];
  PairwiseTree tree;
  const auto merge = [&](int to, int from) HWY_ATTR { Lanes<F, T>::merge(waiting[to], waiting[from], kLanes); };
  for (std::ptrdiff_t start = 0; start < n; start += kGroup) {
    const std::ptrdiff_t count = std::min(kGroup, n - start);
    const T* group = reinterpret_cast<const T*>(in + start * stride);
    if (stride != sizeof(T) && n > 1) {
      gather(in + start * stride, stride, sizeof(T), count, reinterpret_cast<char*>(gathered));
      group = gathered;
    }
    Lanes<F, T>::of_group(group, count, waiting[tree.next()]);
    tree.added(merge);
  }
  tree.finish(merge);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) Lanes<F, T>::merge(waiting[0], waiting[0] + half, half);
  std::memcpy(out, waiting[0], sizeof(T));
}

template <class F, class T>
void combine_block(const void* const* in, void* const* out, ptrdiff_t n, unsigned scalars) {
  std::optional<KeepFloatFlags> keep;
  if constexpr (F::kQuiet) keep.emplace();
  vector2<F, T>(in, out, n, scalars);
}

template <class F, class T>
Reduction make() {
  Reduction made;
  made.kind = kind_of<T>;
  made.leaf = leaf<F, T>;
  made.combine = combine_by<combine_block<F, T>, sizeof(T)>;
  return made;
}

template <class T>
void fill(Table& table) {
  Reduction sum = make<Sum, T>();
  set_identity(sum, T(0));
  sum.identity_counts = true;
  table.add_reduction(ReduceOp::sum, sum);
  Reduction product = make<Product, T>();
  set_identity(product, T(1));
  table.add_reduction(ReduceOp::prod, product);
  table.add_reduction(ReduceOp::min, make<Min, T>());
  table.add_reduction(ReduceOp::max, make<Max, T>());
  table.add_reduction(ReduceOp::fmin, make<FMin, T>());
  table.add_reduction(ReduceOp::fmax, make<FMax, T>());
}

}  // namespace

void fill_reduce_float_here(Table& table) {
  fill<float>(table);
  fill<double>(table);
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(fill_reduce_float_here);
void fill_reduce_float(Table& table) { HWY_DYNAMIC_DISPATCH(fill_reduce_float_here)(table); }
}  // namespace distob::kernels
#endif

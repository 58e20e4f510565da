// Products of matrices of float32 and float64, and of complex numbers of them.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm_float.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <complex>

#include "kernels/gemm-inl.h"
#include "kernels/map-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// How many steps of k ahead panels are fetched: a panel of the right factor fills the first cache by itself.
inline constexpr ptrdiff_t kAhead = 8;

template <class T>
struct Real {
  using Element = T;
  using Packed = T;
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  static constexpr D d{};
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(d));
  static constexpr int kRows = kManyRegisters ? 8 : 4;
  static constexpr int kVectors = 3;
  static constexpr int kColumns = kVectors * kLanes;
  static constexpr bool kDirect = true;

  template <int kWidth>
  static void pack_panels(const char* from, ptrdiff_t across, ptrdiff_t along, ptrdiff_t count, ptrdiff_t k, char* to) {
    pack<T, kWidth>(from, across, along, count, k, to);
  }

  static void block(const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, ptrdiff_t k, Onto onto, T* c, ptrdiff_t stride) {
    V sums[kRows][kVectors];
    unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
      unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
        T* to = c + i * stride + v * kLanes;
        __builtin_prefetch(to, 1);
        sums[i][v] = onto == Onto::start ? hn::LoadU(d, to) : hn::Zero(d);
      });
    });
    for (ptrdiff_t p = 0; p < k; ++p, a += kRows, b += kColumns) {
      V right[kVectors];
      unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
        __builtin_prefetch(b + kAhead * kColumns + v * kLanes);
        right[v] = hn::Load(d, b + v * kLanes);
      });
      __builtin_prefetch(a + 2 * kAhead * kRows);
      unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
        const V left = hn::Set(d, a[i]);
        unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY { sums[i][v] = hn::MulAdd(left, right[v], sums[i][v]); });
      });
    }
    unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
      unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
        T* to = c + i * stride + v * kLanes;
        hn::StoreU(onto == Onto::sum ? hn::Add(hn::LoadU(d, to), sums[i][v]) : sums[i][v], d, to);
      });
    });
  }
};

/// Panels hold the real parts of a step of k, then its imaginary parts.
template <class T>
struct Imaginary {
  using Element = std::complex<T>;
  using Packed = std::complex<T>;
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  static constexpr D d{};
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(d));
  static constexpr int kRows = kManyRegisters ? 6 : 4;
  static constexpr int kVectors = kManyRegisters ? 2 : 1;
  static constexpr int kColumns = kVectors * kLanes;
  static constexpr bool kDirect = false;

  template <int kWidth>
  static void pack_panels(const char* from, ptrdiff_t across, ptrdiff_t along, ptrdiff_t count, ptrdiff_t k, char* to) {
    T* out = reinterpret_cast<T*>(to);
    for (ptrdiff_t first = 0; first < count; first += kWidth, from += kWidth * across) {
      const ptrdiff_t width = std::min<ptrdiff_t>(kWidth, count - first);
      for (ptrdiff_t p = 0; p < k; ++p, out += 2 * kWidth) {
        pack_row(from + p * along, across, width, kWidth, out);
        pack_row(from + p * along + sizeof(T), across, width, kWidth, out + kWidth);
      }
    }
  }

  static void block(const Packed* left, const Packed* right, ptrdiff_t k, Onto onto, Element* c, ptrdiff_t) {
    const T* HWY_RESTRICT a = reinterpret_cast<const T*>(left);
    const T* HWY_RESTRICT b = reinterpret_cast<const T*>(right);
    V re[kRows][kVectors], im[kRows][kVectors];
    unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
      unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY { re[i][v] = im[i][v] = hn::Zero(d); });
    });
    for (ptrdiff_t p = 0; p < k; ++p, a += 2 * kRows, b += 2 * kColumns) {
      V b_re[kVectors], b_im[kVectors];
      unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
        b_re[v] = hn::Load(d, b + v * kLanes);
        b_im[v] = hn::Load(d, b + kColumns + v * kLanes);
      });
      unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
        const V a_re = hn::Set(d, a[i]), a_im = hn::Set(d, a[kRows + i]);
        unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
          re[i][v] = hn::NegMulAdd(a_im, b_im[v], hn::MulAdd(a_re, b_re[v], re[i][v]));
          im[i][v] = hn::MulAdd(a_im, b_re[v], hn::MulAdd(a_re, b_im[v], im[i][v]));
        });
      });
    }
    unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
      HWY_ALIGN T parts[2 * kColumns];
      unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
        hn::Store(re[i][v], d, parts + v * kLanes);
        hn::Store(im[i][v], d, parts + kColumns + v * kLanes);
      });
      Element* to = c + i * kColumns;
      for (int j = 0; j < kColumns; ++j) {
        const Element sum(parts[j], parts[kColumns + j]);
        to[j] = onto == Onto::nothing ? sum : to[j] + sum;
      }
    });
  }
};

/// The sum of a[p] * x[p] in four vectors of sums, which are added at the end.
template <class T>
T dot(const T* a, const T* x, ptrdiff_t k) {
  using R = Real<T>;
  constexpr typename R::D d{};
  constexpr int kSums = 4;
  hn::Vec<typename R::D> sums[kSums];
  unrolled<kSums>([&](auto v) DISTOB_UNROLLED_BODY { sums[v] = hn::Zero(d); });
  ptrdiff_t p = 0;
  for (; p + kSums * R::kLanes <= k; p += kSums * R::kLanes) {
    unrolled<kSums>([&](auto v) DISTOB_UNROLLED_BODY {
      sums[v] = hn::MulAdd(hn::LoadU(d, a + p + v * R::kLanes), hn::LoadU(d, x + p + v * R::kLanes), sums[v]);
    });
  }
  for (; p + R::kLanes <= k; p += R::kLanes) sums[0] = hn::MulAdd(hn::LoadU(d, a + p), hn::LoadU(d, x + p), sums[0]);
  const auto all = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
  T sum = hn::GetLane(hn::SumOfLanes(d, all));
  for (; p < k; ++p) sum += a[p] * x[p];
  return sum;
}

template <class T>
void dot_rows(Matrix a, ptrdiff_t m, ptrdiff_t k, const char* x, char* y, ptrdiff_t step) {
  for (ptrdiff_t i = 0; i < m; ++i) {
    const T sum = dot(reinterpret_cast<const T*>(a.data + i * a.row), reinterpret_cast<const T*>(x), k);
    std::memcpy(y + i * step, &sum, sizeof(T));
  }
}

/// Four columns at a time, on a piece of y that stays in the first cache.
template <class T>
void add_columns(Matrix a, ptrdiff_t m, ptrdiff_t k, const char* x, ptrdiff_t step, char* out) {
  using R = Real<T>;
  constexpr typename R::D d{};
  constexpr int kTogether = 4;
  constexpr ptrdiff_t kPiece = 1024;
  T* y = reinterpret_cast<T*>(out);
  const auto factor = [&](ptrdiff_t p) { return element(reinterpret_cast<const T*>(x + p * step)); };
  const auto column = [&](ptrdiff_t p) { return reinterpret_cast<const T*>(a.data + p * a.column); };
  for (ptrdiff_t start = 0; start < m; start += kPiece) {
    const ptrdiff_t stop = std::min(m, start + kPiece);
    for (ptrdiff_t p = 0; p < k; p += kTogether) {
      const auto together = static_cast<int>(std::min<ptrdiff_t>(kTogether, k - p));
      const T* columns[kTogether] = {};
      T factors[kTogether] = {};
      for (int c = 0; c < together; ++c) columns[c] = column(p + c), factors[c] = factor(p + c);
      ptrdiff_t i = start;
      if (together == kTogether) {
        for (; i + R::kLanes <= stop; i += R::kLanes) {
          auto sum = hn::LoadU(d, y + i);
          unrolled<kTogether>([&](auto c) DISTOB_UNROLLED_BODY {
            sum = hn::MulAdd(hn::Set(d, factors[c]), hn::LoadU(d, columns[c] + i), sum);
          });
          hn::StoreU(sum, d, y + i);
        }
      }
      for (; i < stop; ++i) {
        for (int c = 0; c < together; ++c) y[i] += factors[c] * columns[c][i];
      }
    }
  }
}

template <class T>
Gemm real_loops() {
  Gemm made = loops<Real<T>>();
  made.dot_rows = dot_rows<T>;
  made.add_columns = add_columns<T>;
  return made;
}

Gemm float32_gemm() { return real_loops<float>(); }
Gemm float64_gemm() { return real_loops<double>(); }
Gemm complex64_gemm() { return loops<Imaginary<float>>(); }
Gemm complex128_gemm() { return loops<Imaginary<double>>(); }

}  // namespace
}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(float32_gemm);
HWY_EXPORT(float64_gemm);
HWY_EXPORT(complex64_gemm);
HWY_EXPORT(complex128_gemm);

void fill_gemm_float(Table& table) {
  table.add_gemm(Kind::Float32, HWY_DYNAMIC_DISPATCH(float32_gemm)());
  table.add_gemm(Kind::Float64, HWY_DYNAMIC_DISPATCH(float64_gemm)());
  table.add_gemm(Kind::Complex64, HWY_DYNAMIC_DISPATCH(complex64_gemm)());
  table.add_gemm(Kind::Complex128, HWY_DYNAMIC_DISPATCH(complex128_gemm)());
}

}  // namespace distob::kernels
#endif

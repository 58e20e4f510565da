// What products of matrices of all kinds share. Included once for each instruction set.

// The guard toggles: Highway includes this file again for each instruction set.
#if defined(DISTOB_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DISTOB_KERNELS_GEMM_INL_H_
#undef DISTOB_KERNELS_GEMM_INL_H_
#else
#define DISTOB_KERNELS_GEMM_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "kernels/gemm.h"

#ifndef DISTOB_UNROLLED_BODY
/// After the parameters of a lambda for `unrolled`: without it GCC leaves arrays of vectors in memory.
#define DISTOB_UNROLLED_BODY HWY_ATTR __attribute__((always_inline))
#endif

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
using std::ptrdiff_t;

/// AVX-512 and NEON have 32 registers for vectors, the others 16.
inline constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;

/// Calls f(std::integral_constant<int, 0>()) ... f(N - 1): a loop that leaves arrays of vectors in registers.
template <int N, class F>
HWY_INLINE void unrolled(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) DISTOB_UNROLLED_BODY { (f(std::integral_constant<int, I>()), ...); }
  (std::make_integer_sequence<int, N>());
}

/// Copies `count` <= width elements, one every `stride` bytes, and zeros up to `width`.
template <class T>
HWY_INLINE void pack_row(const char* from, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width, T* to) {
  if (stride == static_cast<ptrdiff_t>(sizeof(T))) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  } else {
    for (ptrdiff_t i = 0; i < count; ++i) std::memcpy(to + i, from + i * stride, sizeof(T));
  }
  for (ptrdiff_t i = count; i < width; ++i) to[i] = T{};
}

/// Panels of kWidth vectors of k elements, one element of each after the other. The vectors are rows of the left factor, or
/// columns of the right one; `across` leads from one vector to the next, `along` from element to element.
template <class T, int kWidth>
void pack(const char* from, ptrdiff_t across, ptrdiff_t along, ptrdiff_t count, ptrdiff_t k, char* to) {
  T* out = reinterpret_cast<T*>(to);
  for (ptrdiff_t first = 0; first < count; first += kWidth, from += kWidth * across) {
    const ptrdiff_t width = std::min<ptrdiff_t>(kWidth, count - first);
    if (width == kWidth && along == static_cast<ptrdiff_t>(sizeof(T)) && across != along) {
      // The vectors are contiguous: whole cache lines of each in turn.
      constexpr ptrdiff_t kLine = std::max<ptrdiff_t>(1, 64 / static_cast<ptrdiff_t>(sizeof(T)));
      for (ptrdiff_t start = 0; start < k; start += kLine) {
        const ptrdiff_t stop = std::min(k, start + kLine);
        for (ptrdiff_t i = 0; i < kWidth; ++i) {
          const char* line = from + i * across;
          for (ptrdiff_t p = start; p < stop; ++p) std::memcpy(out + p * kWidth + i, line + p * along, sizeof(T));
        }
      }
      out += k * kWidth;
    } else {
      for (ptrdiff_t p = 0; p < k; ++p, out += kWidth) pack_row(from + p * along, across, width, kWidth, out);
    }
  }
}

/// Moves m x n elements between a block's buffer, rows of kColumns, and where they belong.
template <class T, int kColumns>
void save(const T* buffer, ptrdiff_t m, ptrdiff_t n, char* c, ptrdiff_t row, ptrdiff_t column) {
  for (ptrdiff_t i = 0; i < m; ++i, buffer += kColumns, c += row) {
    for (ptrdiff_t j = 0; j < n; ++j) std::memcpy(c + j * column, buffer + j, sizeof(T));
  }
}
template <class T, int kColumns>
void restore(const char* c, ptrdiff_t row, ptrdiff_t column, ptrdiff_t m, ptrdiff_t n, T* buffer) {
  for (ptrdiff_t i = 0; i < m; ++i, buffer += kColumns, c += row) {
    for (ptrdiff_t j = 0; j < n; ++j) std::memcpy(buffer + j, c + j * column, sizeof(T));
  }
}

/// Gemm::multiply for a class with kRows, kColumns, the type Packed of elements in panels, the type Element of the result,
/// kDirect (whether `block` can write to contiguous rows in place) and
///   block(const Packed* left, const Packed* right, ptrdiff_t k, Onto onto, Element* c, ptrdiff_t stride).
template <class B>
void multiply(const char* left, const char* right, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, Onto onto, char* c,
              ptrdiff_t row, ptrdiff_t column) {
  using T = typename B::Element;
  using Packed = typename B::Packed;
  constexpr auto kItem = static_cast<ptrdiff_t>(sizeof(T));
  HWY_ALIGN T buffer[B::kRows * B::kColumns] = {};
  const bool direct =
      B::kDirect && column == kItem && row % kItem == 0 && reinterpret_cast<std::uintptr_t>(c) % alignof(T) == 0;
  for (ptrdiff_t j = 0; j < n; j += B::kColumns) {
    const ptrdiff_t columns = std::min<ptrdiff_t>(B::kColumns, n - j);
    const Packed* b = reinterpret_cast<const Packed*>(right) + j * k;
    for (ptrdiff_t i = 0; i < m; i += B::kRows) {
      const ptrdiff_t rows = std::min<ptrdiff_t>(B::kRows, m - i);
      const Packed* a = reinterpret_cast<const Packed*>(left) + i * k;
      char* to = c + i * row + j * column;
      if (direct && rows == B::kRows && columns == B::kColumns) {
        B::block(a, b, k, onto, reinterpret_cast<T*>(to), row / kItem);
      } else {
        if (onto != Onto::nothing) restore<T, B::kColumns>(to, row, column, rows, columns, buffer);
        B::block(a, b, k, onto, buffer, B::kColumns);
        save<T, B::kColumns>(buffer, rows, columns, to, row, column);
      }
    }
  }
}

/// The loops of a class as above, which also packs: pack_left and pack_right.
template <class B>
Gemm loops(bool in_order = false) {
  return {B::kRows,
          B::kColumns,
          sizeof(typename B::Packed),
          in_order,
          [](Matrix a, ptrdiff_t m, ptrdiff_t k, char* to) {
            B::template pack_panels<B::kRows>(a.data, a.row, a.column, m, k, to);
          },
          [](Matrix b, ptrdiff_t k, ptrdiff_t n, char* to) {
            B::template pack_panels<B::kColumns>(b.data, b.column, b.row, n, k, to);
          },
          multiply<B>,
          nullptr,
          nullptr};
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

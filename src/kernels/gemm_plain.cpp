// Products of matrices of bools, integers and long doubles.
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm_plain.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <type_traits>

#include "kernels/complex.h"
#include "kernels/elements.h"
#include "kernels/gemm-inl.h"
#include "kernels/table.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {

inline constexpr int kVectorBytes = HWY_TARGET == HWY_AVX3 ? 64 : HWY_TARGET == HWY_AVX2 ? 32 : 16;

/// Vectors of the compiler's: Highway has no products of 8 and 64 bits everywhere.
template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));  // NOLINT: an alias declaration drops the attribute
};

/// Unsigned integers of one width, which wrap around; `kBool` for bytes of 0 and 1.
template <class T, bool kBool = false>
struct Whole {
  static_assert(std::is_unsigned_v<T>);
  using Element = T;
  using Packed = T;
  using V = typename VectorOf<T>::type;
  static constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));
  static constexpr int kRows = 4;
  static constexpr int kVectors = 2;
  static constexpr int kColumns = kVectors * kLanes;
  static constexpr bool kDirect = false;

  template <int kWidth>
  static void pack_panels(const char* from, ptrdiff_t across, ptrdiff_t along, ptrdiff_t count, ptrdiff_t k, char* to) {
    pack<T, kWidth>(from, across, along, count, k, to);
  }

  static void block(const T* a, const T* b, ptrdiff_t k, Onto onto, T* c, ptrdiff_t stride) {
    V sums[kRows][kVectors];
    unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
      unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
        sums[i][v] = V{};
        if (onto != Onto::nothing) std::memcpy(&sums[i][v], c + i * stride + v * kLanes, sizeof(V));
      });
    });
    for (ptrdiff_t p = 0; p < k; ++p, a += kRows, b += kColumns) {
      V right[kVectors];
      std::memcpy(right, b, sizeof(right));
      unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY {
        const V left = V{} + a[i];
        unrolled<kVectors>([&](auto v) DISTOB_UNROLLED_BODY {
          if constexpr (kBool) {
            sums[i][v] |= left & right[v];
          } else {
            sums[i][v] += left * right[v];
          }
        });
      });
    }
    unrolled<kRows>([&](auto i) DISTOB_UNROLLED_BODY { std::memcpy(c + i * stride, sums[i], sizeof(sums[i])); });
  }
};

/// Kinds that no vector holds: as the formulas say, one after the other.
template <class T>
struct Wide {
  using Element = T;
  using Packed = T;
  static constexpr int kRows = 2;
  static constexpr int kColumns = 2;
  static constexpr bool kDirect = false;

  template <int kWidth>
  static void pack_panels(const char* from, ptrdiff_t across, ptrdiff_t along, ptrdiff_t count, ptrdiff_t k, char* to) {
    pack<T, kWidth>(from, across, along, count, k, to);
  }

  static void block(const T* a, const T* b, ptrdiff_t k, Onto onto, T* c, ptrdiff_t stride) {
    T sums[kRows][kColumns] = {};
    if (onto != Onto::nothing) {
      for (int i = 0; i < kRows; ++i) std::memcpy(sums[i], c + i * stride, sizeof(sums[i]));
    }
    for (ptrdiff_t p = 0; p < k; ++p, a += kRows, b += kColumns) {
      for (int i = 0; i < kRows; ++i) {
        for (int j = 0; j < kColumns; ++j) sums[i][j] = sums[i][j] + a[i] * b[j];
      }
    }
    for (int i = 0; i < kRows; ++i) std::memcpy(c + i * stride, sums[i], sizeof(sums[i]));
  }
};

Gemm bool_gemm() { return loops<Whole<std::uint8_t, true>>(); }
Gemm int8_gemm() { return loops<Whole<std::uint8_t>>(); }
Gemm int16_gemm() { return loops<Whole<std::uint16_t>>(); }
Gemm int32_gemm() { return loops<Whole<std::uint32_t>>(); }
Gemm int64_gemm() { return loops<Whole<std::uint64_t>>(); }
Gemm long_double_gemm() { return loops<Wide<long double>>(true); }
Gemm complex_long_double_gemm() { return loops<Wide<Complex<long double>>>(true); }

}  // namespace
}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(bool_gemm);
HWY_EXPORT(int8_gemm);
HWY_EXPORT(int16_gemm);
HWY_EXPORT(int32_gemm);
HWY_EXPORT(int64_gemm);
HWY_EXPORT(long_double_gemm);
HWY_EXPORT(complex_long_double_gemm);

void fill_gemm_plain(Table& table) {
  table.add_gemm(Kind::Bool, HWY_DYNAMIC_DISPATCH(bool_gemm)());
  for (Kind kind : {Kind::Int8, Kind::UInt8}) table.add_gemm(kind, HWY_DYNAMIC_DISPATCH(int8_gemm)());
  for (Kind kind : {Kind::Int16, Kind::UInt16}) table.add_gemm(kind, HWY_DYNAMIC_DISPATCH(int16_gemm)());
  for (Kind kind : {Kind::Int32, Kind::UInt32}) table.add_gemm(kind, HWY_DYNAMIC_DISPATCH(int32_gemm)());
  for (Kind kind : {Kind::Int64, Kind::UInt64}) table.add_gemm(kind, HWY_DYNAMIC_DISPATCH(int64_gemm)());
  table.add_gemm(Kind::LongDouble, HWY_DYNAMIC_DISPATCH(long_double_gemm)());
  table.add_gemm(Kind::CLongDouble, HWY_DYNAMIC_DISPATCH(complex_long_double_gemm)());
}

}  // namespace distob::kernels
#endif

#include "kernels/gemm.h"

#include <gtest/gtest.h>

#include <complex>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "kernels/kernel.h"

namespace distob::kernels {
namespace {

struct Free {
  void operator()(char* p) const { std::free(p); }
};
std::unique_ptr<char, Free> room(std::ptrdiff_t bytes) {
  const auto whole = static_cast<std::size_t>((bytes + 127) / 64 * 64);
  return std::unique_ptr<char, Free>(static_cast<char*>(std::aligned_alloc(64, whole)));
}

template <class T>
T value(std::mt19937& random) {
  const int n = static_cast<int>(random() % 19) - 9;  // products and sums of these are exact in every kind
  if constexpr (std::is_same_v<T, bool>) {
    return n > 3;
  } else if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>> ||
                       std::is_same_v<T, std::complex<long double>>) {
    return T(static_cast<typename T::value_type>(n), static_cast<typename T::value_type>(random() % 7));
  } else {
    return static_cast<T>(n);
  }
}

template <class T>
void add_product(T& sum, T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    sum = sum || (a && b);
  } else if constexpr (std::is_integral_v<T>) {  // wraps around: in unsigned arithmetic of the widest type
    sum =
        static_cast<T>(static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  } else {
    sum = static_cast<T>(sum + a * b);
  }
}

// The product of m x k and k x n with every stride doubled, through packed panels in two pieces of k.
template <class T>
void check(std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, Onto second) {
  const Gemm& loops = *gemm(kind_of<T>);
  std::mt19937 random(static_cast<unsigned>(m * 10007 + n * 101 + k));
  const auto item = static_cast<std::ptrdiff_t>(sizeof(T));
  auto a = std::make_unique<T[]>(static_cast<std::size_t>(2 * m * k));
  auto b = std::make_unique<T[]>(static_cast<std::size_t>(2 * n * k));
  auto c = std::make_unique<T[]>(static_cast<std::size_t>(2 * m * n));
  for (std::ptrdiff_t i = 0; i < 2 * m * k; ++i) a[static_cast<std::size_t>(i)] = value<T>(random);
  for (std::ptrdiff_t i = 0; i < 2 * n * k; ++i) b[static_cast<std::size_t>(i)] = value<T>(random);
  const Matrix left{reinterpret_cast<const char*>(a.get()), 2 * k * item, 2 * item};
  const Matrix right{reinterpret_cast<const char*>(b.get()), 2 * item,
                     2 * k * item};  // its columns lie one after the other
  const auto packed_left = room(loops.left_bytes(m, k)), packed_right = room(loops.right_bytes(k, n));
  const std::ptrdiff_t half = k / 2;
  for (const auto& [from, length, onto] : {std::tuple{std::ptrdiff_t{0}, half, Onto::nothing},
                                           std::tuple{half, k - half, half == 0 ? Onto::nothing : second}}) {
    if (length == 0) continue;
    loops.pack_left({left.data + from * left.column, left.row, left.column}, m, length, packed_left.get());
    loops.pack_right({right.data + from * right.row, right.row, right.column}, length, n, packed_right.get());
    loops.multiply(packed_left.get(), packed_right.get(), m, n, length, onto, reinterpret_cast<char*>(c.get()),
                   2 * n * item, 2 * item);
  }
  for (std::ptrdiff_t i = 0; i < m; ++i) {
    for (std::ptrdiff_t j = 0; j < n; ++j) {
      T sum{};
      for (std::ptrdiff_t p = 0; p < k; ++p) {
        add_product(sum, a[static_cast<std::size_t>(2 * (i * k + p))], b[static_cast<std::size_t>(2 * (j * k + p))]);
      }
      ASSERT_EQ(c[static_cast<std::size_t>(2 * (i * n + j))], sum)
          << m << " x " << k << " x " << n << " at " << i << ", " << j;
    }
  }
}

template <class T>
class Gemms : public testing::Test {};
using Elements = testing::Types<bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                                std::uint32_t, std::int64_t, std::uint64_t, float, double, long double,
                                std::complex<float>, std::complex<double>, std::complex<long double>>;
TYPED_TEST_SUITE(Gemms, Elements);

TYPED_TEST(Gemms, ProductsOfAnySizeAreTheSumsOfProducts) {
  for (std::string_view target : targets()) {
    use_target_for_testing(target);
    for (std::ptrdiff_t m : {1, 3, 8, 13}) {
      for (std::ptrdiff_t n : {1, 5, 24, 67}) {
        for (std::ptrdiff_t k : {1, 7, 20}) {
          check<TypeParam>(m, n, k, Onto::sum);
          check<TypeParam>(m, n, k, Onto::start);
        }
      }
    }
  }
  use_target_for_testing(targets().front());
}

template <class T>
void check_vectors() {
  const Gemm& loops = *gemm(kind_of<T>);
  std::mt19937 random(7);
  for (std::ptrdiff_t m : {1, 2, 9, 1500}) {
    for (std::ptrdiff_t k : {1, 6, 31, 100}) {
      std::vector<T> a(static_cast<std::size_t>(m * k)), x(static_cast<std::size_t>(k)), y(static_cast<std::size_t>(m)),
          z(static_cast<std::size_t>(m), T(1));
      for (T& v : a) v = value<T>(random);
      for (T& v : x) v = value<T>(random);
      const auto item = static_cast<std::ptrdiff_t>(sizeof(T));
      const char* data = reinterpret_cast<const char*>(a.data());
      loops.dot_rows({data, k * item, item}, m, k, reinterpret_cast<const char*>(x.data()),
                     reinterpret_cast<char*>(y.data()), item);
      loops.add_columns({data, item, m * item}, m, k, reinterpret_cast<const char*>(x.data()), item,
                        reinterpret_cast<char*>(z.data()));
      for (std::ptrdiff_t i = 0; i < m; ++i) {
        T by_rows = 0, by_columns = 1;
        for (std::ptrdiff_t p = 0; p < k; ++p) {
          by_rows += a[static_cast<std::size_t>(i * k + p)] * x[static_cast<std::size_t>(p)];
          by_columns += a[static_cast<std::size_t>(p * m + i)] * x[static_cast<std::size_t>(p)];
        }
        ASSERT_EQ(y[static_cast<std::size_t>(i)], by_rows);
        ASSERT_EQ(z[static_cast<std::size_t>(i)], by_columns);
      }
    }
  }
}

TEST(GemmTest, MatricesByVectorsNeedNoPacking) {
  for (std::string_view target : targets()) {
    use_target_for_testing(target);
    check_vectors<float>();
    check_vectors<double>();
  }
  use_target_for_testing(targets().front());
}

TEST(GemmTest, HalfPrecisionHasNoLoopsOfItsOwn) {
  EXPECT_EQ(gemm(Kind::Float16), nullptr);
  EXPECT_EQ(gemm(Kind::Opaque), nullptr);
}

}  // namespace
}  // namespace distob::kernels

#include "array/linalg.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "array/indexing.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

// Small whole numbers, so that every sum is exact whatever its order.
Array digits(const Shape& shape, Kind kind, std::int64_t seed = 0) {
  const std::int64_t n = element_count(shape);
  std::vector<std::int64_t> v(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) v[static_cast<std::size_t>(i)] = (i * 7919 + seed * 31) % 11 - 5;
  const Foreign foreign{v.data(), Kind::Int64, shape, c_strides(shape, 8)};
  return astype(from_foreign(foreign), kind);
}

template <class T>
std::vector<T> values(const Array& a) {
  std::vector<T> out(static_cast<std::size_t>(a.size()));
  gather_into(a, out.data(), kind_of<T>, c_strides(a.shape(), sizeof(T)));
  return out;
}

std::vector<double> naive(const Array& a, const Array& b) {
  const auto m = static_cast<std::size_t>(a.shape()[0]), k = static_cast<std::size_t>(a.shape()[1]);
  const auto n = static_cast<std::size_t>(b.shape()[1]);
  const std::vector<double> x = values<double>(a), y = values<double>(b);
  std::vector<double> c(m * n, 0);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t p = 0; p < k; ++p) {
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] += x[i * k + p] * y[p * n + j];
    }
  }
  return c;
}

class Threads {
 public:
  explicit Threads(int n) : before_(threads()) { set_threads(n); }
  ~Threads() { set_threads(before_); }

 private:
  int before_;
};

TEST(Linalg, ProductsOfAllShapesAreSumsOfProducts) {
  const Shape shapes[][2] = {{{3, 4}, {4, 5}},         {{1, 300}, {300, 1}},  {{200, 3}, {3, 150}},
                             {{700, 40}, {40, 2}},     {{2, 40}, {40, 700}},  {{250, 400}, {400, 410}},
                             {{5, 20000}, {20000, 4}}, {{1, 900}, {900, 70}}, {{900, 70}, {70, 1}},
                             {{400, 1}, {1, 300}}};
  for (int n : {1, 2, 5}) {
    const Threads scope(n);
    for (const auto& [left, right] : shapes) {
      const Array a = digits(left, Kind::Float64), b = digits(right, Kind::Float64, 3);
      EXPECT_EQ(values<double>(matmul(a, b, {})), naive(a, b)) << to_string(left) << to_string(right);
      const Array at = copy(transpose(a)), bt = copy(transpose(b));
      EXPECT_EQ(values<double>(matmul(transpose(at), transpose(bt), {})), naive(a, b));
      EXPECT_EQ(values<double>(matmul(astype(a, Kind::Int16), astype(b, Kind::Int16), {.kind = Kind::Int64})),
                naive(a, b));
    }
  }
}

TEST(Linalg, BitsDoNotDependOnThreads) {
  const Array u = random_uniform({150, 30000}, Kind::Float64, 5), v = random_uniform({600, 500}, Kind::Float32, 6);
  std::vector<double> of_long_k, of_rows;
  std::vector<float> of_blocks;
  for (int n : {1, 2, 3, 5}) {
    const Threads scope(n);
    const std::vector<double> one = values<double>(matmul(u, transpose(u), {}));
    const Index first[] = {Index(std::int64_t{0})};
    const std::vector<double> two = values<double>(matmul(u, view(u, first), {}));
    const std::vector<float> three = values<float>(matmul(v, transpose(v), {.kind = Kind::Float32}));
    if (n == 1) of_long_k = one, of_rows = two, of_blocks = three;
    EXPECT_EQ(one, of_long_k);
    EXPECT_EQ(two, of_rows);
    EXPECT_EQ(three, of_blocks);
  }
}

TEST(Linalg, StacksBroadcast) {
  const Array a = digits({3, 1, 7, 6}, Kind::Float64), b = digits({4, 6, 5}, Kind::Float64, 2);
  const Array c = matmul(a, b, {});
  ASSERT_EQ(c.shape(), (Shape{3, 4, 7, 5}));
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 4; ++j) {
      const Index of_a[] = {Index(i), Index(std::int64_t{0})}, of_b[] = {Index(j)}, of_c[] = {Index(i), Index(j)};
      EXPECT_EQ(values<double>(view(c, of_c)), naive(view(a, of_a), view(b, of_b)));
    }
  }
}

TEST(Linalg, LargeMatricesOfAStackAreJobsOfTheirOwn) {
  const Array a = digits({2, 150, 160}, Kind::Float64), b = digits({2, 160, 170}, Kind::Float64, 1);
  const Array c = matmul(a, b, {});
  for (std::int64_t i = 0; i < 2; ++i) {
    const Index at[] = {Index(i)};
    EXPECT_EQ(values<double>(view(c, at)), naive(view(a, at), view(b, at)));
  }
}

TEST(Linalg, AProductHasItsPlaceInTheSequence) {
  Array a = digits({500, 500}, Kind::Float64);
  const std::vector<double> expected = naive(a, a);
  const Array c = matmul(a, a, {});
  assign(a, Scalar::of(0.0));           // after the product has read it
  const Array zero = matmul(a, c, {});  // and before it was written, or not
  assign(c, Scalar::of(1.0));
  EXPECT_EQ(values<double>(zero), std::vector<double>(250000, 0.0));
  EXPECT_EQ(values<double>(matmul(c, zero, {})), std::vector<double>(250000, 0.0));
  a = digits({500, 500}, Kind::Float64);
  EXPECT_EQ(values<double>(matmul(a, a, {})), expected);
}

TEST(Linalg, UsersOnSeveralThreadsComputeAtOnce) {
  const Array a = digits({300, 300}, Kind::Float64);
  const std::vector<double> expected = naive(a, a);
  std::vector<std::thread> users;
  std::vector<int> right(4, 0);
  for (std::size_t i = 0; i < right.size(); ++i) {
    users.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) right[i] += values<double>(matmul(a, a, {})) == expected ? 1 : 0;
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(right, std::vector<int>(4, 5));
}

TEST(Linalg, FlagsComeFromTheElementsAndNotFromPadding) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (std::int64_t n : {3, 100}) {
    const Array a = full({n, n}, Kind::Float64, Scalar::of(infinity)), b = full({n, n}, Kind::Float64, Scalar::of(1.0));
    unsigned flags = 99;
    (void)matmul(a, b, {.flags = &flags});
    EXPECT_EQ(flags, 0U);
    (void)matmul(a, full({n, n}, Kind::Float64, Scalar::of(0.0)), {.flags = &flags});
    EXPECT_EQ(flags & kInvalid, unsigned{kInvalid});
    (void)matmul(full({n, n}, Kind::Float64, Scalar::of(1e200)), full({n, n}, Kind::Float64, Scalar::of(1e200)),
                 {.flags = &flags});
    EXPECT_EQ(flags & kOverflow, unsigned{kOverflow});
  }
}

TEST(Linalg, RefusesWhatDoesNotFitInNumPysWords) {
  const auto refusal = [](const Shape& a, const Shape& b) -> std::string {
    try {
      (void)matmul(digits(a, Kind::Float64), digits(b, Kind::Float64), {});
    } catch (const ValueError& e) {
      return e.what();
    }
    return {};
  };
  EXPECT_EQ(
      refusal({2, 3}, {4, 5}),
      "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) "
      "(size 4 is different from 3)");
  EXPECT_NE(refusal({}, {3}), "");
  EXPECT_NE(refusal({2, 3, 4}, {3, 4, 5}), "");
}

TEST(Linalg, EmptyAxesGiveZerosOrNothing) {
  EXPECT_EQ(values<double>(matmul(digits({2, 0}, Kind::Float64), digits({0, 3}, Kind::Float64), {})),
            std::vector<double>(6, 0.0));
  EXPECT_EQ(matmul(digits({0, 4}, Kind::Float64), digits({4, 3}, Kind::Float64), {}).shape(), (Shape{0, 3}));
}

TEST(Linalg, EinsumSumsWhatTheResultLacks) {
  const Array a = digits({6, 7}, Kind::Float64), b = digits({7, 8}, Kind::Float64, 1);
  const Array operands[] = {a, b};
  const std::vector<int> labels[] = {{0, 1}, {1, 2}};
  EXPECT_EQ(values<double>(einsum(operands, labels, {0, 2}, {})), naive(a, b));
  EXPECT_EQ(values<double>(einsum(operands, labels, {2, 0}, {})), values<double>(transpose(matmul(a, b, {}))));
  const Array square[] = {digits({5, 5}, Kind::Float64)};
  const std::vector<int> twice[] = {{3, 3}};
  EXPECT_EQ(values<double>(einsum(square, twice, {3}, {})), values<double>(diagonal(square[0], 0, 0, 1)));
}

}  // namespace
}  // namespace distob::array

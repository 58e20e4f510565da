#include <gtest/gtest.h>

#include <sstream>

#include "distob/array.h"
#include "distob/errors.h"
#include "distob/linalg.h"
#include "distob/random.h"

namespace distob {
namespace {

TEST(DistArray, OperatorsComputeLikeNumPy) {
  const DistArray<double> a = arange<double>(6).reshape({2, 3});
  EXPECT_EQ((2 * a + 1).to_vector(), (std::vector<double>{1, 3, 5, 7, 9, 11}));
  EXPECT_EQ((a - a.slice(1)).to_vector(), (std::vector<double>{-3, -3, -3, 0, 0, 0}));
  EXPECT_EQ((a / 2).at(1, 2), 2.5);
  EXPECT_EQ((-a).at(1, -1), -5.0);
  const DistArray<int> i = arange<int>(4, 1);
  EXPECT_EQ((i / 2).to_vector(), (std::vector<double>{0.5, 1, 1.5, 2}));
  EXPECT_EQ(sum(i), 10);
  EXPECT_EQ(mean(i), 2.5);
  static_assert(std::is_same_v<decltype(sum(i)), std::int64_t>);
}

TEST(DistArray, AssigningToASliceWritesAndAssigningToANameRenames) {
  DistArray<double> a = zeros<double>({3, 4});
  DistArray<double> b = a;
  a.slice(all, 1) = 5.0;
  EXPECT_EQ(sum(b), 15.0);
  a.slice(0) = arange<double>(4);
  EXPECT_EQ(b.at(0, 3), 3.0);
  b = ones<double>({2});
  EXPECT_EQ(sum(a), 6.0 + 10.0);
  a.slice(from(1)) += 1;
  EXPECT_EQ(sum(a), 24.0);
  a.slice(ellipsis, until(2)) *= 0;
  EXPECT_EQ(sum(a), 2 + 3 + 4.0);
  EXPECT_THROW((a.slice(0) = ones<double>({3})), ValueError);
}

TEST(DistArray, ComparisonsSelect) {
  const DistArray<double> a = arange<double>(10);
  const DistArray<bool> big = a > 6;
  EXPECT_EQ(sum(big), 3);
  EXPECT_TRUE(any(a == 9));
  EXPECT_FALSE(all_of(a < 9));
  EXPECT_EQ(sum(where(big, a, 0.0)), 24.0);
  EXPECT_EQ(sum(where(big & (a != 8), a, 0.0)), 16.0);
}

TEST(DistArray, FunctionsAndReductionsWork) {
  const DistArray<double> a = random::uniform<double>({300, 200}, 1);
  const DistArray<double> b = sqrt(a.slice(from(1)) + a.slice(until(-1)));
  const std::vector<double> x = a.to_vector();
  double expected = 0;
  for (std::size_t i = 200; i < x.size(); ++i) expected += std::sqrt(x[i] + x[i - 200]);
  EXPECT_NEAR(sum(b), expected, 1e-8);
  EXPECT_EQ(max(a, {0}).shape(), (Shape{200}));
  EXPECT_EQ(max(max(a, {0})), max(a));
  EXPECT_NEAR(mean(mean(a, {-1})), mean(a), 1e-12);
  EXPECT_THROW((void)sum(a, {2}), AxisError);
}

TEST(DistArray, WhatIsScatteredComesBack) {
  std::vector<float> mine(1000);
  for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = static_cast<float>(i);
  const DistArray<float> a = scatter(mine, {10, 100}, 0);
  EXPECT_EQ(a.partition().split_axis().value_or(0), 0);
  EXPECT_EQ(a.to_vector(), mine);
  EXPECT_EQ(a.transpose().at(5, 1), 105.0F);
  EXPECT_EQ(concatenate<float>({a, a}, 1).shape(), (Shape{10, 200}));
  EXPECT_THROW((void)scatter(mine, {7, 7}), ValueError);
}

TEST(DistArray, MatricesMultiply) {
  const DistArray<double> a = arange<double>(6).reshape({2, 3});
  EXPECT_EQ(matmul(a, a.transpose()).to_vector(), (std::vector<double>{5, 14, 14, 50}));
  EXPECT_EQ(einsum("ij,kj->ik", {a, a}).to_vector(), (std::vector<double>{5, 14, 14, 50}));
  EXPECT_EQ(tensordot(a, a, {0, 1}, {0, 1}).item(), 55.0);
  EXPECT_EQ(vecdot(a, a).to_vector(), (std::vector<double>{5, 50}));
  EXPECT_EQ(dot(a.slice(0), a.slice(1)), 14.0);
  EXPECT_EQ(trace(matmul(a, a.transpose())), 55.0);
  EXPECT_EQ(matmul(arange<std::int8_t>(100), arange<std::int8_t>(100)).item(), static_cast<std::int8_t>(328350));
  EXPECT_EQ(eye<float>(2, 3, 1).to_vector(), (std::vector<float>{0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(linspace(0.0, 1.0, 5).to_vector(), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_THROW((void)matmul(a, a), ValueError);
  EXPECT_THROW((void)einsum("ij,jk", {a, a}), ValueError);
  EXPECT_THROW((void)linspace(0.0, 1.0, -1), ValueError);
}

TEST(DistArray, GeneratorsGoOnAndAreRepeatable) {
  random::Generator one(5), two(5);
  const std::vector<double> first = one.normal<double>({1000}).to_vector();
  EXPECT_EQ(first, two.normal<double>({10, 100}).to_vector());
  EXPECT_NE(first, one.normal<double>({1000}).to_vector());
  EXPECT_NE(random::uniform<double>({1000}, 5).to_vector(), random::Generator(5).uniform<double>({1000}).to_vector());
  for (int n : one.integers<int>({1000}, -2, 3).to_vector()) {
    EXPECT_GE(n, -2);
    EXPECT_LT(n, 3);
  }
  EXPECT_GE(min(one.exponential<float>({1000})), 0.0F);
  EXPECT_THROW((void)one.integers<int>({1}, 3, 3), ValueError);
}

TEST(DistArray, PrintsLikeAnArray) {
  std::ostringstream out;
  out << arange<int>(6).reshape({2, 3});
  EXPECT_EQ(out.str(), "[[0, 1, 2],\n [3, 4, 5]]");
  std::ostringstream large;
  large << arange<double>(5000);
  EXPECT_EQ(large.str(), "[0, 1, 2, ..., 4997, 4998, 4999]");
}

}  // namespace
}  // namespace distob

#include "array/sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "array/histogram.h"
#include "array/search.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

template <class T>
Array array_of(const std::vector<T>& values, const Shape& shape) {
  return from_foreign({values.data(), kind_of<T>, shape, c_strides(shape, sizeof(T))});
}
template <class T>
Array array_of(const std::vector<T>& values) {
  return array_of(values, {static_cast<std::int64_t>(values.size())});
}
template <class T>
std::vector<T> values_of(const Array& a) {
  std::vector<T> out(static_cast<std::size_t>(a.size()));
  gather_into(a, out.data(), kind_of<T>, c_strides(a.shape(), sizeof(T)));
  return out;
}

/// Numbers in no order, some of them equal.
std::vector<double> numbers(std::int64_t n, std::uint64_t different) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::uint64_t state = 1;
  for (double& value : values) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<double>((state >> 33) % different) - 100;
  }
  return values;
}

constexpr std::int64_t kLarge = 100'000;

class Threads : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    before_ = threads();
    set_threads(GetParam());
  }
  void TearDown() override { set_threads(before_); }

 private:
  int before_ = 1;
};
INSTANTIATE_TEST_SUITE_P(Sort, Threads, testing::Values(1, 2, 3, 5));

TEST_P(Threads, SortLargeArrays) {
  std::vector<double> expected = numbers(kLarge, 1'000'000);
  const Array a = array_of(expected);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(values_of<double>(sort(a)), expected);
}

TEST_P(Threads, KeepEqualElementsInOrder) {
  for (const std::uint64_t different : {std::uint64_t{50}, std::uint64_t{1} << 30}) {
    const std::vector<double> elements = numbers(kLarge, different);
    std::vector<std::int64_t> expected(elements.size());
    std::iota(expected.begin(), expected.end(), 0);
    std::stable_sort(expected.begin(), expected.end(), [&](std::int64_t i, std::int64_t j) {
      return elements[static_cast<std::size_t>(i)] < elements[static_cast<std::size_t>(j)];
    });
    EXPECT_EQ(values_of<std::int64_t>(argsort(array_of(elements))), expected);
    EXPECT_EQ(values_of<std::int64_t>(argsort(astype(array_of(elements), Kind::LongDouble))), expected);
  }
}

TEST_P(Threads, SelectWhatASortWouldPutThere) {
  std::vector<double> elements = numbers(kLarge, 70'000);
  const Array a = array_of(elements);
  std::sort(elements.begin(), elements.end());
  const std::int64_t positions[] = {0, kLarge / 2, kLarge - 1, 7};
  const std::vector<double> got = values_of<double>(sorted_elements(a, positions));
  for (std::size_t p = 0; p < 4; ++p) EXPECT_EQ(got[p], elements[static_cast<std::size_t>(positions[p])]);
}

TEST_P(Threads, FindDistinctElements) {
  const std::vector<double> elements = numbers(kLarge, 5000);
  const Unique found = unique(array_of(elements), {.index = true, .inverse = true, .counts = true});
  const auto values = values_of<double>(found.values);
  const auto index = values_of<std::int64_t>(found.index), inverse = values_of<std::int64_t>(found.inverse);
  const auto counts = values_of<std::int64_t>(found.counts);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), kLarge);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto which = static_cast<std::size_t>(inverse[i]);
    ASSERT_EQ(values[which], elements[i]);
    ASSERT_LE(index[which], static_cast<std::int64_t>(i));
  }
}

TEST_P(Threads, CountTheSame) {
  const Array a = array_of(numbers(kLarge, 200));
  const Array edges = array_of(std::vector<double>{-100, -50, 0, 99});
  EXPECT_EQ(values_of<std::int64_t>(histogram(a, edges)),
            (std::vector<std::int64_t>{values_of<std::int64_t>(searchsorted(sort(a), edges))[1],
                                       values_of<std::int64_t>(searchsorted(sort(a), edges))[2] -
                                           values_of<std::int64_t>(searchsorted(sort(a), edges))[1],
                                       kLarge - values_of<std::int64_t>(searchsorted(sort(a), edges))[2]}));
  std::vector<double> shifted = numbers(kLarge, 200);
  for (double& value : shifted) value += 100;
  const Array counts = bincount(astype(array_of(shifted), Kind::Int64), nullptr, 0);
  const auto all = values_of<std::int64_t>(counts);
  EXPECT_EQ(std::accumulate(all.begin(), all.end(), std::int64_t{0}), kLarge);
}

TEST(Sort, RowsAlongEveryAxis) {
  const std::vector<std::int64_t> values = {5, 1, 4, 2, 9, 0};
  const Array a = array_of(values, {2, 3});
  EXPECT_EQ(values_of<std::int64_t>(sort(a, {.axis = 0})), (std::vector<std::int64_t>{2, 1, 0, 5, 9, 4}));
  EXPECT_EQ(values_of<std::int64_t>(sort(a, {.axis = 1})), (std::vector<std::int64_t>{1, 4, 5, 0, 2, 9}));
  EXPECT_EQ(values_of<std::int64_t>(argsort(transpose(a), {.axis = 0})), (std::vector<std::int64_t>{1, 2, 2, 0, 0, 1}));
  EXPECT_THROW((void)sort(a, {.axis = 2}), AxisError);
}

TEST(Sort, TheLastKeyCountsMost) {
  const Array keys[] = {array_of(std::vector<double>{3, 1, 2, 0}), array_of(std::vector<std::int32_t>{1, 1, 0, 0})};
  EXPECT_EQ(values_of<std::int64_t>(lexsort(keys, 0)), (std::vector<std::int64_t>{3, 2, 1, 0}));
  EXPECT_THROW((void)lexsort({}, 0), ValueError);
}

TEST(Sort, WaitsForWhatIsStillBeingComputed) {
  const Array a = array_of(numbers(kLarge, 1000));
  const Kind kinds[] = {Kind::Float64, Kind::Float64};
  const Operand operands[] = {a, Scalar::of(-1.0)};
  const Array negated = apply(*kernels::find(kernels::Op::multiply, kinds), operands);
  const auto sorted = values_of<double>(sort(negated));
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
  EXPECT_EQ(sorted.back(), 100);
}

TEST(Sort, TwoThreadsSortOneArray) {
  const Array a = array_of(numbers(kLarge, 1000));
  std::vector<double> one, two;
  std::thread other([&] { one = values_of<double>(sort(a)); });
  two = values_of<double>(sort(a));
  other.join();
  EXPECT_EQ(one, two);
}

TEST(Search, RefusesSortersThatAreNone) {
  const Array a = array_of(std::vector<double>{1, 2, 3}), v = array_of(std::vector<double>{2});
  const Array outside = array_of(std::vector<std::int64_t>{0, 1, 3}), few = array_of(std::vector<std::int64_t>{0});
  EXPECT_THROW((void)searchsorted(a, v, {.sorter = &outside}), ValueError);
  EXPECT_THROW((void)searchsorted(a, v, {.sorter = &few}), ValueError);
}

TEST(Histogram, RefusesNegativeCounts) {
  EXPECT_THROW((void)bincount(array_of(std::vector<std::int64_t>{0, -1}), nullptr, 0), ValueError);
}

}  // namespace
}  // namespace distob::array

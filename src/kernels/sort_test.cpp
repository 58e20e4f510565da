#include "kernels/sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/histogram.h"
#include "kernels/ordered.h"
#include "kernels/search.h"

namespace distob::kernels {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

template <class T>
char* bytes(std::vector<T>& v) {
  return reinterpret_cast<char*>(v.data());
}

template <class T>
void expect_same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_TRUE(a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// Few different values, so that many are equal; floats with both zeros, infinities and several that are no numbers.
template <class T>
std::vector<T> some(std::size_t n) {
  std::mt19937 random(static_cast<unsigned>(n));
  std::vector<T> values(n);
  for (T& value : values) {
    const int choice = static_cast<int>(random() % 40);
    value = static_cast<T>(choice - (std::is_signed_v<T> ? 20 : 0));
    if constexpr (std::is_floating_point_v<T>) {
      constexpr T none = std::numeric_limits<T>::quiet_NaN();
      if (choice == 1) value = -T{0};
      if (choice == 2) value = none;
      if (choice == 3) value = -none;
      if (choice == 4) value = -std::numeric_limits<T>::infinity();
    }
  }
  return values;
}

template <class T>
std::vector<T> stable_sorted(std::vector<T> values) {
  std::stable_sort(values.begin(), values.end(), Before{});
  return values;
}

template <class T>
class SortKeys : public testing::Test {};
using Types = testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t,
                             std::int64_t, std::uint64_t, float, double>;
TYPED_TEST_SUITE(SortKeys, Types);

TYPED_TEST(SortKeys, ElementsSortedByTheirKeysAreSortedStably) {
  for (const std::size_t n : {0, 1, 2, 100, 5000}) {
    const std::vector<TypeParam> in = some<TypeParam>(n);
    std::vector<TypeParam> out(n), copy = in;
    const Keys* keys = keys_of(kind_of<TypeParam>);
    const auto count = static_cast<std::ptrdiff_t>(n);
    const std::ptrdiff_t irregular = keys->load(bytes(copy), count, bytes(out));
    sorter_of_keys(keys->width).sort(nullptr, bytes(out), count);
    keys->restore(bytes(out), count);
    if (irregular > 0) keys->restore_equals(bytes(copy), bytes(out), count);
    expect_same_bits(out, stable_sorted(in));
  }
}

TYPED_TEST(SortKeys, MergedPartsAreTheMergedWhole) {
  std::vector<TypeParam> a = stable_sorted(some<TypeParam>(700)), b = stable_sorted(some<TypeParam>(431));
  const Keys* keys = keys_of(kind_of<TypeParam>);
  std::vector<TypeParam> ka(a.size()), kb(b.size());
  keys->load(bytes(a), 700, bytes(ka));
  keys->load(bytes(b), 431, bytes(kb));
  const Sorter sorter = sorter_of_keys(keys->width);
  std::vector<TypeParam> whole(a.size() + b.size()), parts(whole.size());
  sorter.merge(nullptr, bytes(ka), 700, bytes(kb), 431, 0, 1131, bytes(whole));
  for (const auto& [first, last] : {std::pair{0, 1}, {1, 600}, {600, 600}, {600, 1131}}) {
    sorter.merge(nullptr, bytes(ka), 700, bytes(kb), 431, first, last, bytes(parts) + first * sizeof(TypeParam));
  }
  expect_same_bits(parts, whole);
  keys->restore(bytes(whole), 1131);
  EXPECT_TRUE(std::is_sorted(whole.begin(), whole.end(), Before{}));
}

TYPED_TEST(SortKeys, PairsSortIndices) {
  std::vector<TypeParam> in = some<TypeParam>(3000);
  const Keys* keys = keys_of(kind_of<TypeParam>);
  std::vector<char> pairs(16 * in.size());
  keys->wide_pair(bytes(in), 3000, 0, pairs.data());
  sorter_of_keys(16).sort(nullptr, pairs.data(), 3000);
  std::vector<std::int64_t> indices(in.size());
  indices_of_pairs(pairs.data(), 3000, indices.data());
  std::vector<TypeParam> taken(in.size());
  take(bytes(in), sizeof(TypeParam), indices.data(), 3000, bytes(taken));
  expect_same_bits(taken, stable_sorted(in));
}

TEST(Ordered, TimesThatAreNoneComeLast) {
  const std::int64_t none = std::numeric_limits<std::int64_t>::min();
  EXPECT_TRUE(comes_before(Ticks{5}, Ticks{none}));
  EXPECT_TRUE(comes_before(Ticks{none + 1}, Ticks{5}));
  EXPECT_EQ(element_of<Ticks>(key_of(Ticks{none})).count, none);
}

TEST(Ordered, ComplexNumbersAreInNumPysOrder) {
  using C = std::complex<double>;
  const std::vector<C> order = {{-1, 7},   {0, -1},   {0, 2},    {3, -kInf}, {3, 4},
                                {1, kNaN}, {2, kNaN}, {kNaN, 1}, {kNaN, 5},  {kNaN, kNaN}};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) EXPECT_EQ(comes_before(order[i], order[j]), i < j) << i << ' ' << j;
  }
}

TEST(Search, FindsPlacesBesideEqualElementsAndWhatIsNoNumber) {
  std::vector<double> sorted = {-1, 0, 0, 2, kInf, kNaN, kNaN}, wanted = {-2, 0, -0.0, 1, kInf, kNaN};
  std::vector<std::int64_t> left(6), right(6);
  search_of(Kind::Float64)(bytes(sorted), 7, nullptr, bytes(wanted), 6, false, left.data());
  search_of(Kind::Float64)(bytes(sorted), 7, nullptr, bytes(wanted), 6, true, right.data());
  EXPECT_EQ(left, (std::vector<std::int64_t>{0, 1, 1, 3, 4, 5}));
  EXPECT_EQ(right, (std::vector<std::int64_t>{0, 3, 3, 3, 5, 7}));
}

TEST(Search, AgreesWithTheStandardLibraryOnManyElements) {
  std::vector<std::int32_t> sorted = stable_sorted(some<std::int32_t>(1000)), wanted = some<std::int32_t>(333);
  std::vector<std::int64_t> places(wanted.size());
  search_of(Kind::Int32)(bytes(sorted), 1000, nullptr, bytes(wanted), 333, false, places.data());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(places[i], std::lower_bound(sorted.begin(), sorted.end(), wanted[i]) - sorted.begin());
  }
}

TEST(Search, NothingIsAmongNothingAndNoNumberAmongAnything) {
  std::vector<double> sorted = {1, kNaN}, wanted = {1, 2, kNaN};
  const auto found = [&](std::ptrdiff_t count) {
    bool among[3];
    contains_of(Kind::Float64)(bytes(sorted), count, bytes(wanted), 3, false, among);
    return std::vector<bool>(among, among + 3);
  };
  EXPECT_EQ(found(2), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(found(0), (std::vector<bool>{false, false, false}));
}

TEST(Interpolation, MeetsItsPointsAndGoesAroundInfinities) {
  const double x[] = {0, 1, 2, 3}, y[] = {1, kInf, kInf, 5};
  const double at[] = {-1, 0, 1, 1.5, 3, 4, kNaN};
  double out[7];
  interpolate({x, y, 4, -9, 9}, at, 7, out);
  EXPECT_EQ(std::vector<double>(out, out + 6), (std::vector<double>{-9, 1, kInf, kInf, 5, 9}));
  EXPECT_TRUE(std::isnan(out[6]));
}

TEST(Histogram, EvenAndSearchedBinsAgree) {
  std::vector<double> values = some<double>(4000), edges;
  for (int i = 0; i <= 8; ++i) edges.push_back(-16 + 4 * i);
  Bins<double> bins{edges.data(), 8, false, 0};
  std::vector<std::int64_t> searched(8), computed(8);
  count_into(bins, values.data(), 4000, searched.data());
  bins.even = true;
  bins.range = 32;
  count_into(bins, values.data(), 4000, computed.data());
  EXPECT_EQ(searched, computed);
}

}  // namespace
}  // namespace distob::kernels

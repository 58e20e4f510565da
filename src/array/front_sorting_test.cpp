#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "distob/errors.h"
#include "distob/sorting.h"

namespace distob {
namespace {

template <class T>
DistArray<T> row(const std::vector<T>& values) {
  return scatter(values, {static_cast<std::int64_t>(values.size())});
}
using Indices = std::vector<std::int64_t>;

TEST(Sorting, SortsAndFindsTheOrder) {
  const auto a = row<double>({3, 1, 2, 1});
  EXPECT_EQ(sort(a).to_vector(), (std::vector<double>{1, 1, 2, 3}));
  EXPECT_EQ(argsort(a).to_vector(), (Indices{1, 3, 2, 0}));
  EXPECT_EQ(sort(a.reshape({2, 2}), 0).to_vector(), (std::vector<double>{2, 1, 3, 1}));
  EXPECT_EQ(a.to_vector(), (std::vector<double>{3, 1, 2, 1}));
  EXPECT_THROW((void)sort(a, 1), AxisError);
}

TEST(Sorting, SortsByKeysOfSeveralTypes) {
  EXPECT_EQ(lexsort(row<double>({2, 1, 0}), row<int>({1, 1, 0})).to_vector(), (Indices{2, 1, 0}));
}

TEST(Sorting, SearchesAndAnswersWhatIsAmongOthers) {
  const auto a = row<float>({1, 2, 2, 5});
  EXPECT_EQ(searchsorted(a, row<float>({2, 9})).to_vector(), (Indices{1, 4}));
  EXPECT_EQ(searchsorted(a, row<float>({2, 9}), true).to_vector(), (Indices{3, 4}));
  EXPECT_EQ(isin(a, row<float>({5, 1})).astype<int>().to_vector(), (std::vector<int>{1, 0, 0, 1}));
  EXPECT_EQ(isin(a, row<float>({5, 1}), true).astype<int>().to_vector(), (std::vector<int>{0, 1, 1, 0}));
}

TEST(Sorting, FindsDistinctElements) {
  const auto a = row<int>({7, 3, 7, 7});
  EXPECT_EQ(unique(a).to_vector(), (std::vector<int>{3, 7}));
  EXPECT_EQ(unique_counts(a).second.to_vector(), (Indices{1, 3}));
  EXPECT_EQ(unique_inverse(a).second.to_vector(), (Indices{1, 0, 1, 1}));
}

TEST(Sorting, MediansAreInTheMiddleOrNoNumber) {
  EXPECT_EQ(median(row<double>({3, 1, 2})), 2);
  EXPECT_EQ(median(row<int>({4, 1, 2, 3})), 2.5);
  EXPECT_TRUE(std::isnan(median(row<double>({3, std::numeric_limits<double>::quiet_NaN(), 2}))));
  EXPECT_THROW((void)median(zeros<double>({0})), ValueError);
}

TEST(Sorting, Counts) {
  EXPECT_EQ(bincount(row<int>({0, 2, 2})).to_vector(), (Indices{1, 0, 2}));
  EXPECT_EQ(bincount(row<int>({0, 2, 2}), row<double>({1, 0.5, 2}), 4).to_vector(),
            (std::vector<double>{1, 0, 2.5, 0}));
  EXPECT_EQ(histogram(row<double>({0, 1, 2, 3, 9}), row<double>({0, 1, 3})).to_vector(), (Indices{1, 3}));
  EXPECT_THROW((void)bincount(row<int>({-1})), ValueError);
}

TEST(Sorting, InterpolatesAndConvolves) {
  const auto x = row<double>({-1, 0.5, 1, 7});
  EXPECT_EQ(interp(x, row<double>({0, 1}), row<double>({10, 20})).to_vector(), (std::vector<double>{10, 15, 20, 20}));
  EXPECT_EQ(convolve(row<double>({1, 2, 3}), row<double>({0, 1, 0.5})).to_vector(),
            (std::vector<double>{0, 1, 2.5, 4, 1.5}));
  EXPECT_THROW((void)convolve(x, zeros<double>({0})), ValueError);
}

}  // namespace
}  // namespace distob

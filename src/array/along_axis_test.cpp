#include "array/along_axis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "array/statistics.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using kernels::kLeaf;
using kernels::Op;

template <class T>
Array array_of(const std::vector<T>& values, Shape shape = {}) {
  if (shape.empty()) shape = {static_cast<std::int64_t>(values.size())};
  return from_foreign({values.data(), kind_of<T>, shape, c_strides(shape, sizeof(T))});
}
template <class T>
std::vector<T> values(const Array& a) {
  std::vector<T> out(static_cast<std::size_t>(a.size()));
  gather_into(a, out.data(), kind_of<T>, c_strides(a.shape(), sizeof(T)));
  return out;
}
std::vector<double> noise(std::size_t n) {
  std::vector<double> numbers(n);
  std::uint64_t state = 1;
  for (double& x : numbers) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    x = static_cast<double>(state >> 11) * 0x1.0p-53 - 0.5;
  }
  return numbers;
}
Array cumulative(Op op, const Array& a, int axis, Kind kind = Kind::Float64) {
  return accumulate(Step::of(op, kind), a, axis);
}

TEST(Accumulate, IsInOrderAlongEveryAxis) {
  const Array a = array_of<std::int64_t>({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(values<std::int64_t>(cumulative(Op::add, a, 0, Kind::Int64)),
            (std::vector<std::int64_t>{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(values<std::int64_t>(cumulative(Op::subtract, a, -1, Kind::Int64)),
            (std::vector<std::int64_t>{1, -1, -4, 4, -1, -7}));
  EXPECT_EQ(values<std::int64_t>(cumulative(Op::gcd, a, 1, Kind::Int64)),
            (std::vector<std::int64_t>{1, 1, 1, 4, 1, 1}));
  EXPECT_THROW((void)cumulative(Op::add, a, 2), AxisError);
  EXPECT_THROW((void)Step::of(Op::less, Kind::Int64), TypeError);
}

TEST(Accumulate, SumsOfLongRowsHaveTheSameBitsForAnyNumberOfThreads) {
  const Array a = array_of(noise(20 * kLeaf + 77));
  const int before = threads();
  std::vector<std::vector<double>> results;
  for (const int n : {1, 2, 3, 5}) {
    set_threads(n);
    results.push_back(values<double>(cumulative(Op::add, a, 0)));
  }
  set_threads(before);
  for (const auto& one : results) EXPECT_EQ(one, results[0]);
  long double exact = 0;
  const std::vector<double> numbers = values<double>(a);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    exact += static_cast<long double>(numbers[i]);
    ASSERT_NEAR(results[0][i], static_cast<double>(exact), 1e-10);
  }
}

TEST(Accumulate, FromALeafThatOverflowsOnItIsInOrder) {
  std::vector<double> numbers(12 * kLeaf, 1.0);
  numbers[5 * kLeaf] = 1.5e308;
  numbers[5 * kLeaf + 1] = -1.5e308;
  numbers[5 * kLeaf + 32] = 1.5e308;  // the lanes of the leaf's own sum would overflow
  numbers[5 * kLeaf + 33] = -1.5e308;
  const std::vector<double> got = values<double>(cumulative(Op::add, array_of(numbers), 0));
  std::vector<double> expected(numbers.size());
  std::partial_sum(numbers.begin(), numbers.end(), expected.begin());
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(std::isfinite(got[i]), std::isfinite(expected[i])) << i;
}

TEST(Fold, KeepsTheOrderAndPassesOverWhatIsMasked) {
  const Array a = array_of<double>({1, 2, 3, 4, 5, 6}, {2, 3});
  const int first[] = {0}, last[] = {1};
  FoldOptions options;
  options.axes = last;
  EXPECT_EQ(values<double>(fold(Step::of(Op::subtract, Kind::Float64), a, "subtract", options)),
            (std::vector<double>{-4, -7}));
  options.axes = first;
  options.keepdims = true;
  const Array kept = fold(Step::of(Op::divide, Kind::Float64), a, "divide", options);
  EXPECT_EQ(kept.shape(), (Shape{1, 3}));
  const bool flags[] = {true, false, true};
  const Array mask = from_foreign({flags, Kind::Bool, {3}, {1}});
  const Operand where = mask;
  FoldOptions masked;
  masked.axes = last;
  masked.where = &where;
  EXPECT_THROW((void)fold(Step::of(Op::hypot, Kind::Float64), a, "hypot", masked), ValueError);
  masked.initial = Scalar::of(0.0);
  EXPECT_EQ(values<double>(fold(Step::of(Op::hypot, Kind::Float64), a, "hypot", masked)),
            (std::vector<double>{std::hypot(1, 3), std::hypot(4, 6)}));
}

TEST(ReduceParts, TakesOneElementWhereTheNextIndexIsNotGreater) {
  const Array a = array_of<std::int32_t>({1, 2, 3, 4, 5});
  const std::int64_t indices[] = {0, 3, 1, 1};
  const Array parts = reduce_parts(Step::of(Op::add, Kind::Int32), a, indices, 0, "add");
  EXPECT_EQ(values<std::int32_t>(parts), (std::vector<std::int32_t>{6, 4, 2, 14}));
  const std::int64_t outside[] = {5};
  EXPECT_THROW((void)reduce_parts(Step::of(Op::add, Kind::Int32), a, outside, 0, "add"), IndexError);
}

TEST(ArgExtreme, FindsTheFirstOfEqualOnesAndTheFirstThatIsNotANumber) {
  std::vector<double> numbers(200'000, 1.0);
  numbers[70'000] = numbers[150'000] = 2.0;
  EXPECT_EQ(values<std::int64_t>(arg_extreme(true, array_of(numbers), {}, false)), (std::vector<std::int64_t>{70'000}));
  numbers[190'000] = std::numeric_limits<double>::quiet_NaN();
  for (const bool greatest : {true, false}) {
    EXPECT_EQ(values<std::int64_t>(arg_extreme(greatest, array_of(numbers), {}, false)),
              (std::vector<std::int64_t>{190'000}));
  }
  const Array a = array_of<std::int64_t>({3, 1, 2, 3, 0, 5}, {2, 3});
  EXPECT_EQ(values<std::int64_t>(arg_extreme(true, a, 0, false)), (std::vector<std::int64_t>{0, 0, 1}));
  EXPECT_EQ(arg_extreme(false, a, -1, true).shape(), (Shape{2, 1}));
  EXPECT_THROW((void)arg_extreme(true, empty({0}, Kind::Float64), {}, false), ValueError);
}

TEST(Statistics, DivideSumsByWhatCounts) {
  const Array a = array_of<double>({1, 2, 3, 6}, {2, 2});
  EXPECT_EQ(values<double>(mean(a, {})), (std::vector<double>{3}));
  VarianceOptions options;
  options.ddof = 1;
  EXPECT_EQ(values<double>(variance(a, options)), (std::vector<double>{14.0 / 3}));
  const bool flags[] = {true, false};
  const Array mask = from_foreign({flags, Kind::Bool, {2}, {1}});
  const Operand where = mask;
  MeanOptions masked;
  masked.where = &where;
  EXPECT_EQ(values<double>(mean(a, masked)), (std::vector<double>{2}));
  EXPECT_EQ(values<std::int64_t>(count_nonzero(array_of<double>({0, 1, -0.0, 2}), {}, false)),
            (std::vector<std::int64_t>{2}));
}

}  // namespace
}  // namespace distob::array

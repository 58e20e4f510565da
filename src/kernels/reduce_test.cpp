// Reductions: the tree is what the header says, for every instruction set and stride.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "kernels/testing.h"

namespace distob::kernels {
namespace {

constexpr std::ptrdiff_t kLaneCount = 32;
constexpr std::ptrdiff_t kGroupLength = 16 * kLaneCount;

/// The tree of the header, as plainly as it can be written. Lanes without elements take no part.
template <class T, class F>
class Twin {
 public:
  explicit Twin(F f) : f_(f) {}

  T operator()(const std::vector<T>& values) const {
    std::vector<std::vector<T>> groups;
    for (std::size_t start = 0; start < values.size(); start += kGroupLength) {
      std::vector<T> lanes;
      for (std::size_t i = start; i < std::min<std::size_t>(start + kGroupLength, values.size()); ++i) {
        if (lanes.size() < kLaneCount) {
          lanes.push_back(values[i]);
        } else {
          T& lane = lanes[(i - start) % kLaneCount];
          lane = f_(lane, values[i]);
        }
      }
      groups.push_back(lanes);
    }
    std::vector<T> lanes = pairwise(groups);
    for (std::size_t half = kLaneCount / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j + half < lanes.size() && j < half; ++j) lanes[j] = f_(lanes[j], lanes[j + half]);
      lanes.resize(std::min(lanes.size(), half));
    }
    return lanes[0];
  }

 private:
  /// Pairs of neighbours, then pairs of pairs; the tree of a number of groups is that of its binary digits.
  std::vector<T> pairwise(const std::vector<std::vector<T>>& groups) const {
    std::vector<std::vector<T>> done;
    for (std::size_t power = 16; power > 0; power /= 2) {
      if ((groups.size() & power) == 0) continue;
      const std::size_t first = groups.size() & ~(2 * power - 1);
      std::vector<std::vector<T>> level(groups.begin() + static_cast<std::ptrdiff_t>(first),
                                        groups.begin() + static_cast<std::ptrdiff_t>(first + power));
      while (level.size() > 1) {
        for (std::size_t i = 0; i < level.size() / 2; ++i) level[i] = merged(level[2 * i], level[2 * i + 1]);
        level.resize(level.size() / 2);
      }
      done.push_back(level[0]);
    }
    while (done.size() > 1) {
      const auto last = done.back();
      done.pop_back();
      done.back() = merged(done.back(), last);
    }
    return done[0];
  }
  std::vector<T> merged(std::vector<T> a, const std::vector<T>& b) const {
    for (std::size_t j = 0; j < b.size(); ++j) a[j] = f_(a[j], b[j]);
    return a;
  }
  F f_;
};

const std::vector<std::ptrdiff_t> kLengths = {1,    2,    3,    7,    8,    31,   32,   33,   63,
                                              64,   65,   70,   100,  511,  512,  513,  543,  1023,
                                              1024, 1025, 1536, 3583, 3584, 4000, 4064, 4095, 4096};

template <class T>
std::vector<T> random_values(std::ptrdiff_t n) {
  std::mt19937_64 random(42);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& v : values) {
    if constexpr (std::is_floating_point_v<T>) {
      v = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(random) *
                         std::pow(10, static_cast<int>(random() % 7) - 3));
    } else {
      v = static_cast<T>(random());
    }
  }
  return values;
}

template <class T>
T reduce_leaf(ReduceOp op, const std::vector<T>& values, std::ptrdiff_t step) {
  const auto n = static_cast<std::ptrdiff_t>(values.size());
  std::vector<T> spread(static_cast<std::size_t>(std::abs(step) * (n - 1) + 1));
  T* start = spread.data() + (step < 0 ? -step * (n - 1) : 0);
  for (std::ptrdiff_t i = 0; i < n; ++i) start[i * step] = values[static_cast<std::size_t>(i)];
  T result;
  reduction(op, kind_of<T>)
      ->leaf(reinterpret_cast<const char*>(start), step * static_cast<std::ptrdiff_t>(sizeof(T)), n,
             reinterpret_cast<char*>(&result));
  return result;
}

template <class T, class F>
void check_against_twin(ReduceOp op, F f) {
  const Twin<T, F> twin(f);
  testing::for_each_target([&](std::string_view target) {
    SCOPED_TRACE(target);
    for (const std::ptrdiff_t n : kLengths) {
      const auto values = random_values<T>(n);
      const T expected = twin(values);
      for (const std::ptrdiff_t step : {1, 2, 3, -1})
        ASSERT_EQ(reduce_leaf(op, values, step), expected) << n << " by " << step;
    }
  });
}

TEST(Reductions, SumFloatsOverTheTreeOfTheHeader) {
  const auto add = [](auto a, auto b) { return a + b; };
  check_against_twin<double>(ReduceOp::sum, add);
  check_against_twin<float>(ReduceOp::sum, add);
  check_against_twin<long double>(ReduceOp::sum, add);
}

TEST(Reductions, MultiplyFloatsOverTheTreeOfTheHeader) {
  const auto multiply = [](auto a, auto b) { return a * b; };
  check_against_twin<double>(ReduceOp::prod, multiply);
  check_against_twin<float>(ReduceOp::prod, multiply);
}

TEST(Reductions, FindTheLeastAndTheGreatest) {
  check_against_twin<double>(ReduceOp::min, [](double a, double b) { return std::min(a, b); });
  check_against_twin<float>(ReduceOp::max, [](float a, float b) { return std::max(a, b); });
  check_against_twin<std::int8_t>(ReduceOp::min, [](auto a, auto b) { return std::min(a, b); });
  check_against_twin<std::uint64_t>(ReduceOp::max, [](auto a, auto b) { return std::max(a, b); });
}

TEST(Reductions, WrapIntegersRound) {
  check_against_twin<std::uint64_t>(ReduceOp::sum, [](std::uint64_t a, std::uint64_t b) { return a + b; });
  check_against_twin<std::int32_t>(ReduceOp::prod, [](std::int32_t a, std::int32_t b) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) * static_cast<std::uint32_t>(b));
  });
  check_against_twin<std::uint16_t>(ReduceOp::bitwise_xor,
                                    [](std::uint16_t a, std::uint16_t b) { return static_cast<std::uint16_t>(a ^ b); });
  check_against_twin<std::int16_t>(ReduceOp::bitwise_and,
                                   [](std::int16_t a, std::int16_t b) { return static_cast<std::int16_t>(a & b); });
}

TEST(Reductions, LetNotANumberWinInMinAndMaxAndLoseInFminAndFmax) {
  testing::for_each_target([](std::string_view target) {
    SCOPED_TRACE(target);
    for (const std::size_t at : {0, 1, 37, 600, 999}) {
      auto values = random_values<double>(1000);
      values[at] = std::nan("");
      std::feclearexcept(FE_ALL_EXCEPT);
      EXPECT_TRUE(std::isnan(reduce_leaf(ReduceOp::min, values, 1)));
      EXPECT_TRUE(std::isnan(reduce_leaf(ReduceOp::max, values, 2)));
      EXPECT_FALSE(std::isnan(reduce_leaf(ReduceOp::fmin, values, 1)));
      EXPECT_FALSE(std::isnan(reduce_leaf(ReduceOp::fmax, values, 1)));
      EXPECT_EQ(std::fetestexcept(FE_INVALID), 0);
      EXPECT_TRUE(std::isnan(reduce_leaf(ReduceOp::sum, values, 1)));
    }
    const std::vector<double> all_nan(100, std::nan(""));
    EXPECT_TRUE(std::isnan(reduce_leaf(ReduceOp::fmin, all_nan, 1)));
  });
}

TEST(Reductions, KeepTheSignOfASumOfNegativeZeros) {
  testing::for_each_target([](std::string_view) {
    for (const std::ptrdiff_t n : {1, 5, 33, 1000}) {
      EXPECT_TRUE(std::signbit(reduce_leaf(ReduceOp::sum, std::vector<double>(static_cast<std::size_t>(n), -0.0), 1)))
          << n;
    }
  });
}

TEST(Reductions, AnswerAnyAndAllOfBools) {
  for (const std::size_t n : {1, 31, 4096}) {
    std::vector<char> bools(n, 0);
    char result = 7;
    const auto leaf = [&](ReduceOp op) {
      reduction(op, Kind::Bool)->leaf(bools.data(), 1, static_cast<std::ptrdiff_t>(n), &result);
      return result;
    };
    EXPECT_EQ(leaf(ReduceOp::any), 0);
    bools[n - 1] = 1;
    EXPECT_EQ(leaf(ReduceOp::any), 1);
    EXPECT_EQ(leaf(ReduceOp::logical_xor), 1);
    EXPECT_EQ(leaf(ReduceOp::all), n == 1 ? 1 : 0);
    std::fill(bools.begin(), bools.end(), 1);
    EXPECT_EQ(leaf(ReduceOp::all), 1);
  }
}

TEST(Reductions, CombineElementwiseForEveryStride) {
  testing::for_each_target([](std::string_view target) {
    SCOPED_TRACE(target);
    for (const ReduceOp op : {ReduceOp::sum, ReduceOp::max}) {
      for (const std::ptrdiff_t n : {1, 2, 7, 8, 33, 700}) {
        for (const std::ptrdiff_t accumulator_step : {1, 2}) {
          for (const std::ptrdiff_t step : {0, 1, 3}) {
            auto accumulators = random_values<double>(n * 2);
            const auto before = accumulators;
            const auto values = random_values<double>(n * 3 + 5);
            reduction(op, Kind::Float64)
                ->combine(reinterpret_cast<char*>(accumulators.data()), accumulator_step * 8,
                          reinterpret_cast<const char*>(values.data() + 5), step * 8, n);
            for (std::ptrdiff_t i = 0; i < n * 2; ++i) {
              const auto at = static_cast<std::size_t>(i);
              double expected = before[at];
              if (i % accumulator_step == 0 && i / accumulator_step < n) {
                const double value = values[static_cast<std::size_t>(5 + i / accumulator_step * step)];
                expected = op == ReduceOp::sum ? expected + value : std::max(expected, value);
              }
              ASSERT_EQ(accumulators[at], expected) << "element " << i << " of " << n;
            }
          }
        }
      }
    }
  });
}

TEST(Reductions, HaveTheIdentitiesOfNumPy) {
  const auto identity = []<class T>(ReduceOp op, T) {
    const Reduction* found = reduction(op, kind_of<T>);
    T value{};
    if (found->has_identity) std::memcpy(&value, found->identity.data(), sizeof(T));
    return found->has_identity ? std::optional(value) : std::nullopt;
  };
  EXPECT_EQ(identity(ReduceOp::sum, 0.0), 0.0);
  EXPECT_EQ(identity(ReduceOp::prod, 0.0F), 1.0F);
  EXPECT_EQ(identity(ReduceOp::bitwise_and, std::uint8_t{}), 255);
  EXPECT_EQ(identity(ReduceOp::min, 0.0), std::nullopt);
  EXPECT_EQ(identity(ReduceOp::any, false), false);
  EXPECT_EQ(identity(ReduceOp::all, false), true);
  EXPECT_EQ(identity(ReduceOp::prod, std::complex<double>()), std::complex<double>(1));
  EXPECT_EQ(reduction(ReduceOp::bitwise_and, Kind::Float64), nullptr);
  EXPECT_EQ(reduction(ReduceOp::sum, Kind::Opaque), nullptr);
}

TEST(Reductions, SumHalvesInSinglePrecision) {
  const std::vector<std::uint16_t> ones(4096, 0x3c00);  // in halves a sum of ones would stop at 2048
  std::uint16_t result = 0;
  reduction(ReduceOp::sum, Kind::Float16)
      ->leaf(reinterpret_cast<const char*>(ones.data()), 2, 4096, reinterpret_cast<char*>(&result));
  EXPECT_EQ(result, 0x6c00);  // 4096
}

TEST(Reductions, SumComplexNumbers) {
  std::vector<std::complex<float>> values(100, {1, -2});
  EXPECT_EQ(reduce_leaf(ReduceOp::sum, values, 1), (std::complex<float>(100, -200)));
  EXPECT_EQ(reduce_leaf(ReduceOp::sum, values, -2), (std::complex<float>(100, -200)));
}

}  // namespace
}  // namespace distob::kernels

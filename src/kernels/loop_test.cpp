// What holds for every kernel alike: an element's result depends on its operands alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "kernels/testing.h"

namespace distob::kernels {
namespace {

using testing::Bytes;

bool is_transcendental(Op op) {
  return (op >= Op::exp && op <= Op::arctanh) || op == Op::cbrt || op == Op::power || op == Op::float_power ||
         op == Op::arctan2 || op == Op::hypot || op == Op::logaddexp || op == Op::logaddexp2;
}

/// One kernel with operands of `count` elements and the results that single elements give.
class Case {
 public:
  Case(Op op, const Kernel& kernel) : op_(op), kernel_(kernel), operands_(kernel.inputs + kernel.outputs) {
    for (int i = 0; i < kernel.inputs; ++i) inputs_.push_back(testing::sample(kernel.kinds[i], 7 * i + 1));
    count_ = static_cast<std::ptrdiff_t>(inputs_[0].size() / size(0));
    for (int i = 1; i < kernel.inputs; ++i) {
      count_ = std::min(count_, static_cast<std::ptrdiff_t>(inputs_[i].size() / size(i)));
      // Meet the elements of the first operand with others of the second.
      std::rotate(inputs_[i].begin(), inputs_[i].begin() + 5 * i * static_cast<std::ptrdiff_t>(size(i)),
                  inputs_[i].end());
    }
    expected_ = evaluate_singly();
  }

  [[nodiscard]] std::ptrdiff_t count() const { return count_; }

  /// Each element alone: n = 1, results at [output][element].
  std::vector<Bytes> evaluate_singly(bool broadcast_second = false) const {
    std::vector<Bytes> results;
    for (int i = kernel_.inputs; i < operands_; ++i) results.emplace_back(count_ * size(i));
    for (std::ptrdiff_t e = 0; e < count_; ++e) {
      std::vector<char*> data;
      for (int i = 0; i < kernel_.inputs; ++i) data.push_back(element(i, broadcast_second && i > 0 ? 0 : e));
      for (int i = kernel_.inputs; i < operands_; ++i) data.push_back(results[i - kernel_.inputs].data() + e * size(i));
      testing::run(kernel_, data, 1, std::vector<std::ptrdiff_t>(operands_, 0));
    }
    return results;
  }

  /// Runs n elements from `first` with operand strides of `step` elements, results `shift` bytes off alignment.
  void check_layout(std::ptrdiff_t first, std::ptrdiff_t n, int step, int shift) const {
    std::vector<Bytes> memory;
    std::vector<char*> data;
    std::vector<std::ptrdiff_t> strides;
    for (int i = 0; i < operands_; ++i) {
      const auto item = static_cast<std::ptrdiff_t>(size(i));
      const std::ptrdiff_t stride = step * item;
      // Exactly as large as needed, so that a sanitizer sees every access outside.
      memory.emplace_back(static_cast<std::size_t>((n - 1) * std::abs(stride) + item + shift), '\x5a');
      char* start = memory.back().data() + shift + (stride < 0 ? (1 - n) * stride : 0);
      if (i < kernel_.inputs) {
        for (std::ptrdiff_t e = 0; e < n; ++e) std::memcpy(start + e * stride, element(i, first + e), size(i));
      }
      data.push_back(start);
      strides.push_back(stride);
    }
    testing::run(kernel_, data, n, strides);
    for (int i = kernel_.inputs; i < operands_; ++i) check(expected_, i, data[i], strides[i], first, n, "step", step);
  }

  void check_broadcast(std::ptrdiff_t n) const {
    const auto expected = evaluate_singly(true);
    std::vector<char*> data;
    std::vector<std::ptrdiff_t> strides;
    std::vector<Bytes> results;
    for (int i = 0; i < kernel_.inputs; ++i) {
      data.push_back(element(i, 0));
      strides.push_back(i == 0 ? static_cast<std::ptrdiff_t>(size(i)) : 0);
    }
    for (int i = kernel_.inputs; i < operands_; ++i) {
      results.emplace_back(static_cast<std::size_t>(n) * size(i));
      data.push_back(results.back().data());
      strides.push_back(static_cast<std::ptrdiff_t>(size(i)));
    }
    testing::run(kernel_, data, n, strides);
    for (int i = kernel_.inputs; i < operands_; ++i) check(expected, i, data[i], strides[i], 0, n, "broadcast", 0);
  }

  /// Results over the first operand's memory, where kinds allow it.
  void check_in_place(std::ptrdiff_t n) const {
    for (int i = 0; i < kernel_.inputs; ++i) {
      if (kernel_.outputs != 1 || kernel_.kinds[i] != kernel_.kinds[kernel_.inputs]) continue;
      std::vector<Bytes> memory = inputs_;
      std::vector<char*> data;
      std::vector<std::ptrdiff_t> strides;
      for (int j = 0; j < kernel_.inputs; ++j) {
        data.push_back(memory[j].data());
        strides.push_back(static_cast<std::ptrdiff_t>(size(j)));
      }
      data.push_back(data[i]);
      strides.push_back(strides[i]);
      testing::run(kernel_, data, n, strides);
      check(expected_, kernel_.inputs, data[i], strides[i], 0, n, "in place", i);
    }
  }

  /// The flags of a run are those of its elements together, and none for a kernel that declares none.
  void check_flags() const {
    int singly = 0;
    for (std::ptrdiff_t e = 0; e < count_; ++e) singly |= flags(e, 1);
    const int together = flags(0, count_);
    EXPECT_EQ(together, singly) << testing::describe(op_, kernel_);
    if (!kernel_.sets_float_flags) {
      EXPECT_EQ(singly, 0) << testing::describe(op_, kernel_);
    }
  }

  void check_same(const std::vector<Bytes>& other) const {
    for (int i = kernel_.inputs; i < operands_; ++i) {
      const Bytes& results = other[i - kernel_.inputs];
      check(expected_, i, results.data(), static_cast<std::ptrdiff_t>(size(i)), 0, count_, "target", 0);
    }
  }

 private:
  std::size_t size(int operand) const { return itemsize_of(kernel_.kinds[operand]); }
  char* element(int operand, std::ptrdiff_t i) const {
    return const_cast<char*>(inputs_[operand].data()) + i * static_cast<std::ptrdiff_t>(size(operand));
  }

  int flags(std::ptrdiff_t first, std::ptrdiff_t n) const {
    std::vector<char*> data;
    std::vector<std::ptrdiff_t> strides;
    std::vector<Bytes> results;
    for (int i = 0; i < operands_; ++i) {
      if (i >= kernel_.inputs) results.emplace_back(static_cast<std::size_t>(n) * size(i));
      data.push_back(i < kernel_.inputs ? element(i, first) : results.back().data());
      strides.push_back(static_cast<std::ptrdiff_t>(size(i)));
    }
    return testing::run(kernel_, data, n, strides);
  }

  void check(const std::vector<Bytes>& expected, int operand, const char* got, std::ptrdiff_t stride,
             std::ptrdiff_t first, std::ptrdiff_t n, const char* what, int detail) const {
    const Bytes& wanted = expected[operand - kernel_.inputs];
    for (std::ptrdiff_t e = 0; e < n; ++e) {
      const char* want = wanted.data() + (first + e) * static_cast<std::ptrdiff_t>(size(operand));
      ASSERT_TRUE(testing::same_element(kernel_.kinds[operand], want, got + e * stride))
          << testing::describe(op_, kernel_) << ", " << what << " " << detail << ": element " << first + e << " of "
          << n;
    }
  }

  Op op_;
  const Kernel& kernel_;
  int operands_;
  std::ptrdiff_t count_ = 0;
  std::vector<Bytes> inputs_;
  std::vector<Bytes> expected_;
};

TEST(EveryKernel, GivesAnElementTheSameBitsWhereverItStands) {
  testing::for_each_target([](std::string_view target) {
    SCOPED_TRACE(target);
    for (const auto& [op, kernel] : testing::all_kernels()) {
      const Case one(op, *kernel);
      for (const int step : {1, 2, 3, -1}) {
        for (const std::ptrdiff_t n : {1, 2, 3, 5, 8, 15, 17, 31, 34}) {
          one.check_layout((n * 3) % (one.count() - n + 1), std::min<std::ptrdiff_t>(n, one.count()), step,
                           n % 2 == 0 ? 1 : 0);
        }
      }
      one.check_broadcast(one.count());
      one.check_in_place(one.count());
      if (::testing::Test::HasFatalFailure()) return;
    }
  });
}

TEST(EveryKernel, TakesEveryLengthUpToSeveralVectors) {
  testing::for_each_target([](std::string_view target) {
    SCOPED_TRACE(target);
    for (const Op op : {Op::add, Op::less, Op::maximum, Op::arctan2}) {
      const Kind kinds[] = {Kind::Float32, Kind::Float32};
      const Case one(op, *find(op, kinds));
      for (std::ptrdiff_t n = 1; n <= one.count(); ++n) one.check_layout(0, n, 1, 0);
    }
    const Kind kinds[] = {Kind::Int8, Kind::Int8};
    for (const Op op : {Op::add, Op::less}) {
      const Case one(op, *find(op, kinds));
      for (std::ptrdiff_t n = 1; n <= one.count(); ++n) one.check_layout(0, n, 1, 0);
    }
  });
}

TEST(EveryKernel, RaisesTheFlagsOfItsElementsAndNoOthers) {
  testing::for_each_target([](std::string_view target) {
    SCOPED_TRACE(target);
    for (const auto& [op, kernel] : testing::all_kernels()) Case(op, *kernel).check_flags();
  });
}

TEST(EveryKernel, HasTheSameBitsOnEveryInstructionSetUnlessTranscendental) {
  for (const auto& [op, kernel] : testing::all_kernels()) {
    if (is_transcendental(op)) continue;
    const Case on_best(op, *kernel);
    testing::for_each_target([&](std::string_view target) {
      SCOPED_TRACE(target);
      on_best.check_same(on_best.evaluate_singly());
    });
  }
}

TEST(TranscendentalKernels, HaveTheSameBitsOnEveryInstructionSetWithFma) {
  for (const auto& [op, kernel] : testing::all_kernels()) {
    if (!is_transcendental(op)) continue;
    const Case on_best(op, *kernel);
    testing::for_each_target([&](std::string_view target) {
      SCOPED_TRACE(target);
      if (target == "AVX2" || target == "AVX3") on_best.check_same(on_best.evaluate_singly());
    });
  }
}

TEST(EveryKernel, LeavesNothingBehindForNoElements) {
  char untouched = 'x';
  const Kind kinds[] = {Kind::Float64, Kind::Float64};
  EXPECT_EQ(testing::run(*find(Op::add, kinds), {&untouched, &untouched, &untouched}, 0, {8, 8, 8}), 0);
  EXPECT_EQ(untouched, 'x');
}

TEST(StridedLoops, CoverManyPieces) {
  constexpr std::ptrdiff_t kCount = 5003;
  std::vector<double> a(2 * kCount), b(kCount), sums(3 * kCount);
  std::iota(a.begin(), a.end(), 0.0);
  std::iota(b.begin(), b.end(), 0.25);
  const Kind kinds[] = {Kind::Float64, Kind::Float64};
  testing::run(
      *find(Op::add, kinds),
      {reinterpret_cast<char*>(a.data()), reinterpret_cast<char*>(&b.back()), reinterpret_cast<char*>(sums.data())},
      kCount, {16, -8, 24});
  for (std::ptrdiff_t i = 0; i < kCount; ++i) ASSERT_EQ(sums[3 * i], a[2 * i] + b[kCount - 1 - i]);
}

TEST(StridedLoops, TakeScalarsInEveryPosition) {
  constexpr std::ptrdiff_t kCount = 1500;
  std::vector<float> values(kCount), results(2 * kCount);
  std::iota(values.begin(), values.end(), 1.0F);
  float scalar = 3;
  const Kind kinds[] = {Kind::Float32, Kind::Float32};
  char* const s = reinterpret_cast<char*>(&scalar);
  char* const v = reinterpret_cast<char*>(values.data());
  char* const r = reinterpret_cast<char*>(results.data());
  testing::run(*find(Op::subtract, kinds), {s, v, r}, kCount, {0, 4, 8});
  for (std::ptrdiff_t i = 0; i < kCount; ++i) ASSERT_EQ(results[2 * i], 3 - values[i]);
  testing::run(*find(Op::subtract, kinds), {v, s, r}, kCount, {4, 0, 4});
  for (std::ptrdiff_t i = 0; i < kCount; ++i) ASSERT_EQ(results[i], values[i] - 3);
  testing::run(*find(Op::subtract, kinds), {s, s, r}, kCount, {0, 0, 4});
  for (std::ptrdiff_t i = 0; i < kCount; ++i) ASSERT_EQ(results[i], 0.0F);
}

}  // namespace
}  // namespace distob::kernels

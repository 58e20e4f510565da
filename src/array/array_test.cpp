#include "array/array.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "distob/errors.h"

namespace distob::array {
namespace {

using kernels::Op;

Array iota(const Shape& shape, DType dtype = Kind::Float64) {
  return reshape(arange(Scalar::of<std::int64_t>(0), Scalar::of<std::int64_t>(1), element_count(shape), dtype), shape);
}

template <class T>
std::vector<T> values(const Array& a) {
  std::vector<T> out(static_cast<std::size_t>(a.size()));
  gather_into(a, out.data(), kind_of<T>, c_strides(a.shape(), sizeof(T)));
  return out;
}

template <class T>
T value(const Array& a) {
  T out;
  item(a, &out);
  return out;
}

const kernels::Kernel& kernel(Op op, std::vector<Kind> kinds) { return *kernels::find(op, kinds); }

Array binary(Op op, const Operand& a, const Operand& b, const ApplyOptions& options = {}) {
  const Operand operands[] = {a, b};
  return apply(kernel(op, {Kind::Float64, Kind::Float64}), operands, options);
}

double sum(const Array& a) { return value<double>(reduce(kernels::ReduceOp::sum, a, {})); }

constexpr std::int64_t kLarge = 300'000;

TEST(Array, ArithmeticOnSmallArraysRunsAtOnce) {
  const Array a = iota({10});
  const auto before = statistics().inline_runs;
  const Array b = binary(Op::add, a, Scalar::of(1.0));
  EXPECT_EQ(statistics().inline_runs, before + 1);
  EXPECT_EQ(values<double>(b), (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(Array, ExponentsOfIntegersMustNotBeNegativeWhereTheyCount) {
  const Array exponents = iota({10}, Kind::Int32);
  EXPECT_NO_THROW(check_exponents(exponents));
  const Operand operands[] = {exponents, Scalar::of(std::int32_t{4})};
  const Array negative = apply(kernel(Op::subtract, {Kind::Int32, Kind::Int32}), operands);
  EXPECT_THROW(check_exponents(negative), ValueError);
  const Operand sign[] = {negative, Scalar::of(std::int32_t{0})};
  const Array positive = apply(kernel(Op::greater_equal, {Kind::Int32, Kind::Int32}), sign);
  const Operand mask = positive;
  EXPECT_NO_THROW(check_exponents(negative, &mask));
  EXPECT_THROW(check_exponents(Scalar::of(std::int8_t{-1})), ValueError);
  EXPECT_NO_THROW(check_exponents(Scalar::of(std::uint8_t{255})));
}

TEST(Array, OfTwoResultsInOneMemoryTheFirstStays) {
  const Array a = iota({10});
  const Array both = iota({10});
  const Array out[] = {both, both};
  const Operand operands[] = {a, Scalar::of(3.0)};
  (void)apply_all(kernel(Op::divmod, {Kind::Float64, Kind::Float64}), operands, {.out = out});
  EXPECT_EQ(values<double>(both), (std::vector<double>{0, 0, 0, 1, 1, 1, 2, 2, 2, 3}));
}

TEST(Array, ALargeExpressionIsOneProgramAndItsTemporariesNeverReachMemory) {
  const Array a = iota({kLarge});
  sync();
  const Statistics before = statistics();
  Array c;
  {
    const Array t = binary(Op::multiply, a, Scalar::of(3.0));
    c = binary(Op::add, a, t);
  }
  EXPECT_EQ(sum(c), 4.0 * (kLarge - 1) * kLarge / 2);
  const Statistics after = statistics();
  EXPECT_EQ(after.instructions, before.instructions + 3);
  EXPECT_EQ(after.bytes_live, before.bytes_live + 8 * kLarge);
}

TEST(Array, ShapesThatDoNotBroadcastAreRefusedInNumPysWords) {
  try {
    binary(Op::add, iota({3}), iota({4}));
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(), "operands could not be broadcast together with shapes (3,) (4,) ");
  }
}

TEST(Array, OperandsBroadcastAndAreCastToTheKernelsKinds) {
  const Array rows = iota({3, 1}, Kind::Int32);
  const Array columns = iota({4}, Kind::UInt8);
  const Array table = binary(Op::add, rows, columns);
  EXPECT_EQ(table.shape(), (Shape{3, 4}));
  EXPECT_EQ(values<double>(table), (std::vector<double>{0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5}));
}

TEST(Array, AForeignOperandIsReadDuringTheCallOnly) {
  std::vector<double> mine(kLarge, 2.0);
  const Foreign foreign{mine.data(), Kind::Float64, {kLarge}, {8}};
  const Array a = binary(Op::multiply, iota({kLarge}), foreign);
  std::fill(mine.begin(), mine.end(), -1.0);
  EXPECT_EQ(sum(a), 1.0 * (kLarge - 1) * kLarge);
}

TEST(Array, ViewsSeeTheWritesOfEachOther) {
  for (std::int64_t n : {std::int64_t{20}, kLarge}) {
    const Array a = iota({n});
    const Index odd[] = {Slice{1, {}, 2}};
    const Array view_of_a = view(a, odd);
    assign(view_of_a, Scalar::of(-1.0));
    EXPECT_EQ(value<double>(view(a, std::vector<Index>{std::int64_t{1}})), -1.0);
    EXPECT_EQ(value<double>(view(a, std::vector<Index>{std::int64_t{2}})), 2.0);
    assign(a, Scalar::of(7.0));
    EXPECT_EQ(sum(view_of_a), 7.0 * static_cast<double>(n / 2));
  }
}

TEST(Array, AnOperandThatOverlapsTheResultIsReadAsItWasBefore) {
  for (std::int64_t n : {std::int64_t{50}, kLarge}) {
    const Array a = iota({n});
    const Array head = view(a, std::vector<Index>{until(-1)});
    const Array tail = view(a, std::vector<Index>{from(1)});
    binary(Op::add, tail, head, {.out = std::span(&tail, 1)});
    std::vector<double> expected(static_cast<std::size_t>(n));
    for (std::size_t i = 1; i < expected.size(); ++i) expected[i] = static_cast<double>(2 * i - 1);
    EXPECT_EQ(values<double>(a), expected);
  }
}

TEST(Array, AStencilInPlaceReadsOldNeighbours) {
  const std::int64_t n = 400;
  const Array g = iota({n, n});
  std::vector<double> model = values<double>(g);
  const auto at = [&](std::int64_t i, std::int64_t j) { return static_cast<std::size_t>(i * n + j); };
  const Slice inner = between(1, -1);
  for (int step = 0; step < 3; ++step) {
    const Array up = view(g, std::vector<Index>{until(-2), inner}), down = view(g, std::vector<Index>{from(2), inner});
    const Array left = view(g, std::vector<Index>{inner, until(-2)}),
                right = view(g, std::vector<Index>{inner, from(2)});
    const Array next = binary(Op::multiply, Scalar::of(0.25),
                              binary(Op::add, binary(Op::add, up, down), binary(Op::add, left, right)));
    assign(view(g, std::vector<Index>{inner, inner}), next);
    std::vector<double> old = model;
    for (std::int64_t i = 1; i < n - 1; ++i) {
      for (std::int64_t j = 1; j < n - 1; ++j) {
        model[at(i, j)] = 0.25 * ((old[at(i - 1, j)] + old[at(i + 1, j)]) + (old[at(i, j - 1)] + old[at(i, j + 1)]));
      }
    }
  }
  EXPECT_EQ(values<double>(g), model);
  EXPECT_GT(statistics().repoints, 0U);
}

TEST(Array, AMaskKeepsElementsThatItDoesNotName) {
  const Array a = iota({kLarge});
  const Operand operands[] = {a, Scalar::of(100.0)};
  const Array mask = apply(kernel(Op::less, {Kind::Float64, Kind::Float64}), operands);
  const Operand where(mask);
  binary(Op::multiply, a, Scalar::of(-1.0), {.out = std::span(&a, 1), .where = &where});
  EXPECT_EQ(sum(a), (kLarge - 1.0) * kLarge / 2 - 2 * 4950.0);
}

TEST(Array, ReductionsHaveTheSameBitsOnAnyNumberOfThreads) {
  const Array a = random_uniform({1111, 333}, Kind::Float64, 7);
  std::vector<std::vector<double>> results;
  for (int n : {1, 2, 3, 5}) {
    set_threads(n);
    std::vector<double> r;
    for (const std::vector<int>& axes : {std::vector<int>{0}, {1}, {0, 1}}) {
      const auto part = values<double>(reduce(kernels::ReduceOp::sum, binary(Op::multiply, a, a), {.axes = axes}));
      r.insert(r.end(), part.begin(), part.end());
    }
    results.push_back(r);
  }
  set_threads(2);
  for (const auto& r : results) EXPECT_EQ(std::memcmp(r.data(), results[0].data(), r.size() * sizeof(double)), 0);
  double plain = 0;
  for (double x : values<double>(a)) plain += x * x;
  EXPECT_NEAR(results[0].back(), plain, 1e-9 * plain);
}

TEST(Array, ReductionsOverAnyAxesAgreeWithALoop) {
  const Array a = iota({4, 5, 6});
  const Array b = transpose(a);
  const int middle[] = {1};
  EXPECT_EQ(values<double>(reduce(kernels::ReduceOp::sum, a, {.axes = middle})),
            values<double>(transpose(reduce(kernels::ReduceOp::sum, b, {.axes = middle}))));
  const int last[] = {-1};
  const Array most = reduce(kernels::ReduceOp::max, a, {.axes = last, .keepdims = true});
  EXPECT_EQ(most.shape(), (Shape{4, 5, 1}));
  EXPECT_EQ(values<double>(most)[7], 47.0);
  EXPECT_EQ(value<double>(reduce(kernels::ReduceOp::sum, a, {.initial = Scalar::of(1.0)})), 7141.0);
}

TEST(Array, AnEmptyReductionWithoutIdentityIsRefused) {
  const Array none = empty({0, 3}, Kind::Float64);
  EXPECT_EQ(sum(none), 0.0);
  EXPECT_THROW((void)reduce(kernels::ReduceOp::min, none, {}), ValueError);
  EXPECT_EQ(reduce(kernels::ReduceOp::min, none, {.axes = std::vector<int>{1}}).shape(), (Shape{0}));
}

TEST(Array, ASnapshotKeepsTheElementsOfItsMoment) {
  for (std::int64_t n : {std::int64_t{30}, kLarge}) {
    const Array a = iota({n});
    const Snapshot snap = snapshot(a);
    const auto copied = statistics().bytes_copied;
    EXPECT_EQ(statistics().bytes_copied, copied);
    binary(Op::add, a, Scalar::of(1.0), {.out = std::span(&a, 1)});
    assign(view(a, std::vector<Index>{from(3)}), Scalar::of(0.0));
    EXPECT_EQ(sum(a), 6.0);
    const auto* seen = reinterpret_cast<const double*>(snap.layout().data);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(seen[i], static_cast<double>(i));
  }
}

TEST(Array, ReshapeIsAViewWhereNumPyGivesOne) {
  const Array a = iota({6, 4});
  const Array flat = reshape(a, {-1});
  assign(flat, Scalar::of(5.0));
  EXPECT_EQ(sum(a), 120.0);
  const Array copied = reshape(transpose(a), {24});
  assign(copied, Scalar::of(0.0));
  EXPECT_EQ(sum(a), 120.0);
  EXPECT_THROW((void)reshape(a, {5, 5}), ValueError);
}

TEST(Array, JoinedArraysReachTheirParts) {
  const Array a = iota({3, 4}), b = iota({2, 4});
  const Array parts[] = {a, b};
  const Array both = join(parts, 0);
  EXPECT_EQ(both.pieces(), 2U);
  EXPECT_EQ(both.shape(), (Shape{5, 4}));
  EXPECT_EQ(sum(both), 66.0 + 28.0);
  assign(view(both, std::vector<Index>{between(2, 4), std::int64_t{0}}), Scalar::of(100.0));
  EXPECT_EQ(values<double>(a)[8], 100.0);
  EXPECT_EQ(values<double>(b)[0], 100.0);
  binary(Op::add, both, Scalar::of(1.0), {.out = std::span(&both, 1)});
  EXPECT_EQ(values<double>(b)[1], 2.0);
  const Index back[] = {Slice{{}, {}, -2}, all};
  EXPECT_EQ(values<double>(view(both, back)), (std::vector<double>{5, 6, 7, 8, 101, 10, 11, 12, 1, 2, 3, 4}));
  EXPECT_EQ(values<double>(transpose(both))[1], 5.0);
}

TEST(Array, WhileABlockIsWrittenOthersOfTheStorageAreFree) {
  const Array a = iota({kLarge});
  const Array left = view(a, std::vector<Index>{until(1000)}), right = view(a, std::vector<Index>{from(1000)});
  Access access = access_for_write(left);
  EXPECT_EQ(sum(right), (kLarge - 1.0) * kLarge / 2 - 999.0 * 1000 / 2);
  reinterpret_cast<double*>(access.layout().data)[0] = 5;
  access.close();
  EXPECT_EQ(sum(a), (kLarge - 1.0) * kLarge / 2 + 5);
}

TEST(Array, WhatAWriterLeavesInAnArrayOfSeveralPiecesReachesThePieces) {
  Array left = iota({kLarge}), right = iota({10});
  const Array parts[] = {left, view(right, std::vector<Index>{Slice{std::nullopt, std::nullopt, 2}}), left,
                         Array(zeros({0}, Kind::Float64))};
  const Array joined = join(parts, 0);
  Array before = binary(Op::add, joined, Scalar::of(1.0));
  {
    Access access = access_for_write(joined);
    auto* elements = reinterpret_cast<double*>(access.layout().data);
    EXPECT_EQ(elements[kLarge + 1], 2.0);
    elements[kLarge + 1] = 20;
    elements[0] = elements[kLarge + 5] = -1;
  }
  EXPECT_EQ(values<double>(right), (std::vector<double>{0, 1, 20, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(value<double>(view(left, std::vector<Index>{0})), -1);
  EXPECT_EQ(value<double>(view(before, std::vector<Index>{kLarge + 1})), 3);
}

TEST(Array, AViewOfAViewAndSoOnKeepsNoneOfThoseBefore) {
  const Partition cut = Partition::blocked({kLarge}, 0, 1000, 2);
  Array a = with_partition(iota({kLarge}), cut);
  for (int i = 0; i < 140'000; ++i)
    a = view(a, std::vector<Index>{until(-2)});  // freeing them one in another would crash
  EXPECT_EQ(a.shape(), Shape{kLarge - 280'000});
  EXPECT_EQ(a.partition().cuts(0)[1], 1000);
  EXPECT_EQ(value<double>(view(a, std::vector<Index>{-1})), kLarge - 280'001.0);
}

TEST(Array, FloatErrorsCarryTheLineThatRaisedThem) {
  (void)take_float_warnings();
  const Array zero = zeros({kLarge}, Kind::Float64);
  Array b = binary(Op::divide, Scalar::of(1.0), zero, {.site = 42});
  sync();
  EXPECT_TRUE(float_warnings_pending());
  const auto warnings = take_float_warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].site, 42U);
  EXPECT_EQ(warnings[0].flags, kDivideByZero);
  unsigned flags = 0;
  b = binary(Op::divide, zero, zero, {.flags = &flags});
  EXPECT_EQ(flags, kInvalid);
  EXPECT_FALSE(float_warnings_pending());
}

TEST(Array, MemoryIsGoneWithTheLastHandle) {
  sync();
  const Statistics before = statistics();
  {
    Array a = iota({kLarge});
    for (int i = 0; i < 200; ++i) a = binary(Op::add, a, Scalar::of(1.0));
    const Array part = view(a, std::vector<Index>{from(10)});
    a = Array();
    EXPECT_EQ(value<double>(view(part, std::vector<Index>{std::int64_t{0}})), 210.0);
    const Snapshot snap = snapshot(part);
  }
  sync();
  const Statistics after = statistics();
  EXPECT_EQ(after.bytes_live, before.bytes_live);
  EXPECT_EQ(after.storages_live, before.storages_live);
}

TEST(Array, RandomNumbersDependOnSeedAndIndexAlone) {
  const auto a = values<double>(random_uniform({100'000}, Kind::Float64, 3));
  set_threads(3);
  EXPECT_EQ(values<double>(random_uniform({1000, 100}, Kind::Float64, 3)), a);
  set_threads(2);
  EXPECT_NE(values<double>(random_uniform({100'000}, Kind::Float64, 4)), a);
  const double mean = std::accumulate(a.begin(), a.end(), 0.0) / static_cast<double>(a.size());
  EXPECT_NEAR(mean, 0.5, 0.01);
}

TEST(Array, AForkedChildIsToldWhatToDoAndItsHandlesDoNotHang) {
  Array a = iota({kLarge});
  const Array b = binary(Op::add, a, Scalar::of(1.0));
  const pid_t child = fork();
  if (child == 0) {
    int status = 1;
    try {
      (void)sum(b);
    } catch (const ForkedError& e) {
      status = std::strstr(e.what(), "Gather") != nullptr ? 0 : 2;
    }
    a = Array();
    _exit(status);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(value<double>(view(b, std::vector<Index>{std::int64_t{5}})), 6.0);
}

TEST(Array, WorkWaitsForNobodyWhenOneThreadDoesItAll) {
  set_threads(1);
  const Array a = iota({kLarge});
  EXPECT_EQ(sum(binary(Op::add, a, a)), (kLarge - 1.0) * kLarge);
  set_threads(2);
  EXPECT_THROW(set_threads(0), ValueError);
}

TEST(Array, ZeroDimensionsAndZeroElementsAreArraysToo) {
  const Array scalar = full({}, Kind::Float64, Scalar::of(2.5));
  EXPECT_EQ(value<double>(binary(Op::add, scalar, scalar)), 5.0);
  const Array none = empty({0, 5}, Kind::Float64);
  EXPECT_EQ(binary(Op::add, none, Scalar::of(1.0)).shape(), (Shape{0, 5}));
  EXPECT_EQ(reshape(none, {5, 0, 2}).size(), 0);
  EXPECT_THROW(item(none, nullptr), ValueError);
}

}  // namespace
}  // namespace distob::array

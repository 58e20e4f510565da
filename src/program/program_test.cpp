#include "program/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>

#include "distob/errors.h"
#include "program/code.h"
#include "program/interpreter_for_test.h"

namespace distob::program {
namespace {

using kernels::Op;
using kernels::ReduceOp;
using ::testing::ElementsAre;

constexpr Kind D = Kind::Float64;

const kernels::Kernel& kernel(Op op, std::initializer_list<Kind> kinds) {
  return *kernels::find(op, std::span<const Kind>(kinds.begin(), kinds.size()));
}
const kernels::Kernel& add() { return kernel(Op::add, {D, D}); }
const kernels::Reduction& sum(Kind kind = D) { return *kernels::reduction(ReduceOp::sum, kind); }

std::vector<double> counting(std::int64_t n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}
template <class T>
char* bytes(std::vector<T>& values) {
  return reinterpret_cast<char*>(values.data());
}
Outcome run_all(Builder builder, std::vector<char*> bases) {
  Scratch scratch;
  const Program program = std::move(builder).build();
  return run_whole(program, bases, scratch);
}

TEST(Program, ComputesAnExpressionInOnePass) {
  std::vector<double> a = counting(10000), b = counting(10000), c(10000);
  const View view = View::contiguous(D, {10000});
  Builder builder({10000});
  const Value three_b =
      builder.apply(kernel(Op::multiply, {D, D}), {builder.constant(3.0), builder.load(1, view, D)})[0];
  builder.store(builder.apply(add(), {builder.load(0, view, D), three_b})[0], 2, view);
  EXPECT_EQ(run_all(std::move(builder), {bytes(a), bytes(b), bytes(c)}).status, 0);
  for (std::size_t i = 0; i < c.size(); ++i) ASSERT_EQ(c[i], 4.0 * static_cast<double>(i));
}

TEST(Program, CanBeBoundAgain) {
  std::vector<double> a{1, 2}, b{10, 20}, out(2);
  const View view = View::contiguous(D, {2});
  Builder builder({2});
  const Value x = builder.load(0, view, D);
  builder.store(builder.apply(add(), {x, x})[0], 1, view);
  const Program program = std::move(builder).build();
  Scratch scratch;
  (void)run_whole(program, std::vector<char*>{bytes(a), bytes(out)}, scratch);
  EXPECT_THAT(out, ElementsAre(2, 4));
  (void)run_whole(program, std::vector<char*>{bytes(b), bytes(out)}, scratch);
  EXPECT_THAT(out, ElementsAre(20, 40));
  EXPECT_THROW((void)run_whole(program, std::vector<char*>{bytes(b)}, scratch), ValueError);
}

TEST(Program, SwapsTwoArraysInPlace) {
  // Stores must not be seen by the use of an earlier load, although both are used where they lie.
  std::vector<double> a = counting(5000), b(5000, -1);
  const View view = View::contiguous(D, {5000});
  Builder builder({5000});
  const Value x = builder.load(0, view, D), y = builder.load(1, view, D);
  builder.store(y, 0, view);
  builder.store(x, 1, view);
  (void)run_all(std::move(builder), {bytes(a), bytes(b)});
  EXPECT_EQ(b, counting(5000));
  EXPECT_THAT(a, ::testing::Each(-1.0));
}

TEST(Program, AResultLeftInItsMemoryIsNotSeenTooEarly) {
  // a = a + a is computed before "old a" is used a last time, and stored after it.
  std::vector<double> a = counting(3000), b(3000);
  const View view = View::contiguous(D, {3000});
  Builder builder({3000});
  const Value old = builder.load(0, view, D);
  const Value twice = builder.apply(add(), {old, old})[0];
  const Value thrice = builder.apply(add(), {twice, old})[0];
  builder.store(twice, 0, view);
  builder.store(thrice, 1, view);
  (void)run_all(std::move(builder), {bytes(a), bytes(b)});
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i], 2.0 * static_cast<double>(i));
    ASSERT_EQ(b[i], 3.0 * static_cast<double>(i));
  }
}

TEST(Program, AResultThatIsReadAfterItsMemoryIsRewrittenKeepsItsValue) {
  // m = first; m = second, where first is used once more after second was computed.
  std::vector<double> a = counting(3000), m(3000), out(3000);
  const View view = View::contiguous(D, {3000});
  Builder builder({3000});
  const Value x = builder.load(0, view, D);
  const Value first = builder.apply(add(), {x, builder.constant(1.0)})[0];
  builder.store(first, 1, view);
  const Value second = builder.apply(add(), {x, builder.constant(100.0)})[0];
  const Value both = builder.apply(add(), {first, second})[0];
  builder.store(second, 1, view);
  builder.store(both, 2, view);
  (void)run_all(std::move(builder), {bytes(a), bytes(m), bytes(out)});
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(m[i], static_cast<double>(i) + 100);
    ASSERT_EQ(out[i], 2 * static_cast<double>(i) + 101);
  }
}

TEST(Program, ALoadAfterAStoreSeesIt) {
  std::vector<double> a = counting(100), b(100);
  const View view = View::contiguous(D, {100});
  Builder builder({100});
  builder.store(builder.apply(add(), {builder.load(0, view, D), builder.constant(1.0)})[0], 0, view);
  builder.store(builder.load(0, view, D), 1, view);
  (void)run_all(std::move(builder), {bytes(a), bytes(b)});
  EXPECT_EQ(a, b);
  EXPECT_EQ(b[99], 100);
}

TEST(Program, SkipsWhatNothingNeeds) {
  const View view = View::contiguous(D, {100});
  Builder builder({100});
  const Value x = builder.load(0, view, D), again = builder.load(0, view, D);
  EXPECT_EQ(x, again);
  (void)builder.apply(add(), {x, builder.load(1, view, D)});
  builder.store(x, 2, view);
  const Program program = std::move(builder).build();
  EXPECT_EQ(program.code().code.size(), 2u) << program.to_string();
}

TEST(Program, MergesAxesThatEveryOperandWalksAlike) {
  Builder builder({20, 30, 40});
  const View view = View::contiguous(D, {20, 30, 40});
  builder.store(builder.load(0, view, D), 1, view);
  EXPECT_EQ(std::move(builder).build().code().extents, (Dims{24000}));
  Builder transposed({40, 30, 20});
  const View other = distob::transpose(view);
  transposed.store(transposed.load(0, other, D), 1, other);
  EXPECT_EQ(std::move(transposed).build().code().extents, (Dims{24000}));
}

TEST(Program, ReadsAndWritesOtherByteOrdersAndUnalignedElements) {
  std::vector<char> memory(8 * 50 + 1);
  DType big = Kind::Float64;
  big.swapped = true;
  const View odd = View::contiguous(big, {50}, 1);
  std::vector<double> a = counting(50), back(50);
  Builder there({50});
  there.store(there.load(0, View::contiguous(D, {50}), D), 1, odd);
  (void)run_all(std::move(there), {bytes(a), memory.data()});
  EXPECT_EQ(static_cast<unsigned char>(memory[1 + 8]), 0x3F) << "1.0 begins with its sign and exponent";
  Builder home({50});
  home.store(home.load(1, odd, D), 0, View::contiguous(D, {50}));
  (void)run_all(std::move(home), {bytes(back), memory.data()});
  EXPECT_EQ(back, a);
}

TEST(Program, CopiesElementsItDoesNotUnderstand) {
  const DType record(Kind::Opaque, false, 12, 5);
  std::vector<char> a(12 * 40), b(12 * 40);
  std::iota(a.begin(), a.end(), 0);
  Builder builder({10, 4});
  const View view = View::contiguous(record, {10, 4});
  builder.store(builder.load(0, view), 1, transpose(View::contiguous(record, {4, 10})));
  EXPECT_THROW((void)builder.load(0, view, D), TypeError);
  (void)run_all(std::move(builder), {a.data(), b.data()});
  EXPECT_EQ(std::memcmp(a.data() + 12 * 4, b.data() + 12, 12), 0);
  EXPECT_EQ(std::memcmp(a.data() + 12 * 39, b.data() + 12 * 39, 12), 0);
}

TEST(Program, MaskedLanesNeitherWriteNorWarn) {
  std::vector<double> a{1, 0, 4, 0}, out{-1, -1, -1, -1};
  const View view = View::contiguous(D, {4});
  const auto divide = [&](bool masked) {
    Builder builder({4});
    const Value x = builder.load(0, view, D);
    const Value nonzero = builder.apply(kernel(Op::not_equal, {D, D}), {x, builder.constant(0.0)})[0];
    const std::optional<Value> mask = masked ? std::optional(nonzero) : std::nullopt;
    const Value result = builder.apply(kernel(Op::divide, {D, D}), {builder.constant(8.0), x}, 42, mask)[0];
    builder.store(result, 1, view, mask);
    return run_all(std::move(builder), {bytes(a), bytes(out)});
  };
  EXPECT_EQ(divide(true).flags, kNoFlags);
  EXPECT_THAT(out, ElementsAre(8, -1, 2, -1));
  const Outcome outcome = divide(false);
  EXPECT_THAT(outcome.raised, ElementsAre(Raised{42, kDivide}));
  EXPECT_TRUE(std::isinf(out[1]));
}

TEST(Program, FlagsNameTheInstructionThatRaisedThem) {
  std::vector<double> a{1e300, 0}, out(2);
  const View view = View::contiguous(D, {2});
  Builder builder({2});
  const Value x = builder.load(0, view, D);
  const Value square = builder.apply(kernel(Op::multiply, {D, D}), {x, x}, 1)[0];
  const Value same = builder.apply(kernel(Op::subtract, {D, D}), {square, square}, 2)[0];  // inf - inf
  builder.store(builder.apply(add(), {same, x}, 3)[0], 1, view);
  const Outcome outcome = run_all(std::move(builder), {bytes(a), bytes(out)});
  EXPECT_THAT(outcome.raised, ::testing::UnorderedElementsAre(Raised{1, kOverflow}, Raised{2, kInvalid}));
  EXPECT_EQ(take_float_flags(), kNoFlags) << "none is left for somebody else";
}

TEST(Program, AResultNobodyTakesIsComputedOnlyIfItMayWarn) {
  std::vector<double> a{0};
  const View view = View::contiguous(D, {1});
  for (const Tag tag : {Tag{0}, Tag{9}}) {
    Builder builder({1});
    (void)builder.apply(kernel(Op::reciprocal, {D}), {builder.load(0, view, D)}, tag);
    EXPECT_EQ(run_all(std::move(builder), {bytes(a)}).flags, tag == 0 ? kNoFlags : kDivide);
  }
}

int fails_on_seven(const void*, char* const* data, const std::ptrdiff_t* n, const std::ptrdiff_t* strides,
                   void* auxdata) {
  for (std::ptrdiff_t i = 0; i < *n; ++i) {
    double x;
    std::memcpy(&x, data[0] + i * strides[0], sizeof x);
    if (x == 7) return -1;
    x += *static_cast<double*>(auxdata);
    std::memcpy(data[1] + i * strides[1], &x, sizeof x);
  }
  return 0;
}

TEST(Program, ALoopOfTheFrontDoorsMayFailAndIsNamed) {
  double offset = 100;
  const kernels::Kernel loop{&fails_on_seven, nullptr, &offset, 1, 1, {D, D}, false, 1};
  std::vector<double> a = counting(20), out(20);
  const auto run_from = [&](std::int64_t start) {
    Builder builder({5});
    builder.store(builder.apply(loop, {builder.load(0, View::contiguous(D, {5}, start * 8), D)}, 11)[0], 1,
                  View::contiguous(D, {5}));
    return run_all(std::move(builder), {bytes(a), bytes(out)});
  };
  EXPECT_EQ(run_from(10).status, 0);
  EXPECT_EQ(out[4], 114);
  const Outcome failed = run_from(5);
  EXPECT_EQ(failed.status, -1);
  EXPECT_EQ(failed.failed, 11u);
}

TEST(Program, KernelsWithSeveralResultsFillSeveralViews) {
  const kernels::Kernel* divmod = kernels::find(Op::divmod, std::array{Kind::Int64, Kind::Int64});
  ASSERT_NE(divmod, nullptr);
  std::vector<std::int64_t> a{7, -7, 9}, quotient(3), remainder(3);
  const View view = View::contiguous(Kind::Int64, {3});
  Builder builder({3});
  const Values results =
      builder.apply(*divmod, {builder.load(0, view, Kind::Int64), builder.constant(std::int64_t{4})});
  builder.store(results[0], 1, view);
  builder.store(results[1], 2, view);
  (void)run_all(std::move(builder), {bytes(a), bytes(quotient), bytes(remainder)});
  EXPECT_THAT(quotient, ElementsAre(1, -2, 2));
  EXPECT_THAT(remainder, ElementsAre(3, 1, 1));
}

TEST(Program, MistakesAreFoundWhenTheyAreMade) {
  Builder builder({3});
  const View view = View::contiguous(D, {3});
  const Value x = builder.load(0, view, D);
  EXPECT_THROW((void)builder.load(0, View::contiguous(D, {4}), D), ValueError);
  EXPECT_THROW((void)builder.apply(kernel(Op::add, {Kind::Int64, Kind::Int64}), {x, x}), TypeError);
  EXPECT_THROW((void)builder.apply(add(), {x}), TypeError);
  EXPECT_THROW(builder.store(x, 1, View::contiguous(D, {1})), ValueError);
  EXPECT_THROW(builder.store(x, 1, broadcast_to(View::contiguous(D, {1}), {3})), ValueError);
  EXPECT_THROW(builder.store(x, 1, view, x), TypeError);
  EXPECT_THROW(builder.reduce(x, sum(), {0}, 1, View::contiguous(D, {2})), ValueError);
  EXPECT_THROW(builder.reduce(x, sum(Kind::Int64), {0}, 1, View::contiguous(D, {})), TypeError);
}

TEST(Program, ResultsTooLargeForTheCachesArriveWhole) {
  // Rows that begin in the middle of a cache line, as floats cast from doubles on the way and as they are.
  const std::int64_t rows = 1100, columns = 8001;
  std::vector<double> a = counting(columns);
  std::vector<float> narrow(static_cast<std::size_t>(rows * columns + 3), -1);
  std::vector<double> wide(static_cast<std::size_t>(rows * columns + 3), -1);
  Builder builder({rows, columns - 2});
  const auto inside = [&](Kind kind) {
    return index(View::contiguous(kind, {rows, columns}), {Index(all), Index(between(1, -1))});
  };
  const Value x = builder.load(0, View::contiguous(D, {columns - 2}), D);
  const Value twice = builder.apply(add(), {x, x})[0];
  builder.store(twice, 1, inside(D));
  builder.store(twice, 2, inside(Kind::Float32));
  const Program program = std::move(builder).build();
  EXPECT_TRUE(program.code().streams);
  Scratch scratch;
  (void)run_whole(program, std::vector<char*>{bytes(a), bytes(wide), bytes(narrow)}, scratch);
  for (std::int64_t i = 0; i < rows; i += 99) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const bool edge = j == 0 || j == columns - 1;
      const double expected = edge ? -1 : 2.0 * static_cast<double>(j - 1);
      ASSERT_EQ(wide[static_cast<std::size_t>(i * columns + j)], expected);
      ASSERT_EQ(narrow[static_cast<std::size_t>(i * columns + j)], static_cast<float>(expected));
    }
  }
}

TEST(Program, AnEmptySpaceHasNoUnits) {
  Builder builder({0, 5});
  const View view = View::contiguous(D, {0, 5});
  builder.store(builder.load(0, view, D), 1, view);
  EXPECT_EQ(std::move(builder).build().units(), 0);
}

// --- Reductions ---------------------------------------------------------------------------------------------------

/// Values whose sum depends on the order of additions.
std::vector<double> uneven(std::int64_t n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::uint64_t state = 1;
  for (double& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<double>(state >> 11) * 0x1p-53 + static_cast<double>(state % 7) * 1e6;
  }
  return values;
}

TEST(Reduction, AnEmptyOneIsTheIdentityOrAnError) {
  std::vector<double> out(5, -1);
  Builder builder({0, 5});
  const Value x = builder.load(0, View::contiguous(D, {0, 5}), D);
  EXPECT_THROW(builder.reduce(x, *kernels::reduction(ReduceOp::max, D), {0}, 1, View::contiguous(D, {5})), ValueError);
  builder.reduce(x, sum(), {0}, 1, View::contiguous(D, {5}));
  char none = 0;
  (void)run_all(std::move(builder), {&none, bytes(out)});
  EXPECT_THAT(out, ::testing::Each(0.0));
}

TEST(Reduction, KeepsReducedAxesIfTheResultDoes) {
  std::vector<double> a = counting(6), rows(2), columns(3);
  const View view = View::contiguous(D, {2, 3});
  Builder across({2, 3});
  across.reduce(across.load(0, view, D), sum(), {1}, 1, View::contiguous(D, {2, 1}));
  (void)run_all(std::move(across), {bytes(a), bytes(rows)});
  EXPECT_THAT(rows, ElementsAre(3, 12));
  Builder down({2, 3});
  down.reduce(down.load(0, view, D), sum(), {0}, 1, View::contiguous(D, {1, 3}));
  (void)run_all(std::move(down), {bytes(a), bytes(columns)});
  EXPECT_THAT(columns, ElementsAre(3, 5, 7));
}

TEST(Reduction, WaitsForItsLeafWhileLaterInstructionsUseOtherRegisters) {
  std::vector<double> a = counting(6);
  double more = 0, twice = 0;
  const View view = View::contiguous(D, {6}), result = View::contiguous(D, {});
  Builder builder({6});
  const Value x = builder.load(0, view, D), one = builder.constant(1.0), two = builder.constant(2.0);
  builder.reduce(builder.apply(kernel(Op::add, {D, D}), {x, one})[0], sum(), {0}, 1, result);
  builder.reduce(builder.apply(kernel(Op::multiply, {D, D}), {x, two})[0], sum(), {0}, 2, result);
  (void)run_all(std::move(builder), {bytes(a), reinterpret_cast<char*>(&more), reinterpret_cast<char*>(&twice)});
  EXPECT_EQ(more, 21);
  EXPECT_EQ(twice, 30);
}

struct Case {
  Shape shape;
  Dims axes;
};

class EveryCut : public ::testing::TestWithParam<Case> {};

TEST_P(EveryCut, GivesTheBitsOfTheDefinition) {
  const auto& [shape, axes] = GetParam();
  std::vector<double> a = uneven(element_count(shape));
  Shape kept;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (std::count(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) == 0) kept.push_back(shape[axis]);
  }
  const View view = View::contiguous(D, shape), result = View::contiguous(D, kept);
  std::vector<std::vector<char>> memories{{bytes(a), bytes(a) + 8 * a.size()},
                                          std::vector<char>(static_cast<std::size_t>(result.nbytes()))};
  testing::Interpreter interpreter(shape, memories);
  interpreter.reduce(interpreter.load(0, view, D), sum(), axes, 1, result);

  Builder builder(shape);
  builder.reduce(builder.load(0, view, D), sum(), axes, 1, result);
  const Program program = std::move(builder).build();
  for (const std::int64_t step : {std::int64_t{1}, std::int64_t{3}, std::max<std::int64_t>(program.units(), 1)}) {
    std::vector<char> out(static_cast<std::size_t>(result.nbytes()));
    const std::vector<char*> bases{bytes(a), out.data()};
    Scratch scratch;
    Partials partials(program);
    for (std::int64_t last = program.units(); last > 0; last -= step) {
      (void)run(program, bases, std::max<std::int64_t>(last - step, 0), last, scratch, &partials);
    }
    (void)finish(program, bases, scratch, partials);
    EXPECT_EQ(out, memories[1]) << "units of " << step << " at a time";
  }
}

INSTANTIATE_TEST_SUITE_P(Reduction, EveryCut,
                         ::testing::Values(Case{{100000}, {0}}, Case{{4096}, {0}}, Case{{4097}, {0}}, Case{{17}, {0}},
                                           Case{{16}, {0}}, Case{{300, 500}, {0}}, Case{{300, 500}, {1}},
                                           Case{{300, 500}, {0, 1}}, Case{{7, 9000}, {1}}, Case{{9000, 7}, {0}},
                                           Case{{9000, 20}, {0}}, Case{{50000, 3}, {1}}, Case{{50, 40, 30}, {0, 2}},
                                           Case{{50, 40, 30}, {1}}, Case{{6, 5, 4, 3}, {0, 2}},
                                           Case{{30, 4, 5000}, {0, 2}}, Case{{33, 2, 33, 2}, {0, 2}},
                                           Case{{1, 5, 1}, {0, 2}}, Case{{5}, {}}));

TEST(Reduction, HasTheSameBitsOnAnyNumberOfThreads) {
  std::vector<double> a = uneven(200000);
  const View view = View::contiguous(D, {200, 1000});
  Builder builder({200, 1000});
  const Value x = builder.load(0, view, D);
  builder.reduce(builder.apply(kernel(Op::multiply, {D, D}), {x, x})[0], sum(), {0, 1}, 1, View::contiguous(D, {}));
  const Program program = std::move(builder).build();
  double alone = 0;
  {
    Scratch scratch;
    (void)run_whole(program, std::vector<char*>{bytes(a), reinterpret_cast<char*>(&alone)}, scratch);
  }
  for (std::int64_t threads : {2, 3}) {
    double together = 0;
    const std::vector<char*> bases{bytes(a), reinterpret_cast<char*>(&together)};
    Partials partials(program);
    std::vector<std::thread> crew;
    for (std::int64_t t = 0; t < threads; ++t) {
      crew.emplace_back([&, t] {
        Scratch scratch;
        (void)run(program, bases, program.units() * t / threads, program.units() * (t + 1) / threads, scratch,
                  &partials);
      });
    }
    for (std::thread& thread : crew) thread.join();
    Scratch scratch;
    (void)finish(program, bases, scratch, partials);
    EXPECT_EQ(std::memcmp(&alone, &together, sizeof alone), 0);
  }
}

TEST(Reduction, FusedProducersDoNotChangeItsBits) {
  // sum(a * b) in one pass, and of a stored product.
  std::vector<double> a = uneven(30000), b = uneven(30000), product(30000);
  const View view = View::contiguous(D, {3, 10000});
  double fused = 0, apart = 0;
  Builder together({3, 10000});
  const Value x =
      together.apply(kernel(Op::multiply, {D, D}), {together.load(0, view, D), together.load(1, view, D)})[0];
  together.store(x, 2, view);
  together.reduce(x, sum(), {0, 1}, 3, View::contiguous(D, {}));
  (void)run_all(std::move(together), {bytes(a), bytes(b), bytes(product), reinterpret_cast<char*>(&fused)});
  Builder second({3, 10000});
  second.reduce(second.load(0, view, D), sum(), {0, 1}, 1, View::contiguous(D, {}));
  (void)run_all(std::move(second), {bytes(product), reinterpret_cast<char*>(&apart)});
  EXPECT_EQ(fused, apart);
  double single = 0;
  reduce_single(sum(), bytes(product), 8, 30000, reinterpret_cast<char*>(&single));
  EXPECT_EQ(single, apart) << "the path of small arrays has the same tree";
}

TEST(Reduction, WarnsForItsOwnLine) {
  std::vector<double> a{1e308, 1e308};
  double out = 0;
  Builder builder({2});
  builder.reduce(builder.load(0, View::contiguous(D, {2}), D), sum(), {0}, 1, View::contiguous(D, {}), 5);
  const Outcome outcome = run_all(std::move(builder), {bytes(a), reinterpret_cast<char*>(&out)});
  EXPECT_THAT(outcome.raised, ElementsAre(Raised{5, kOverflow}));
}

TEST(RunSingle, IsTheKernelItself) {
  double x[3] = {1, 2, 3}, y = 10, out[3];
  char* const data[3] = {reinterpret_cast<char*>(x), reinterpret_cast<char*>(&y), reinterpret_cast<char*>(out)};
  const std::ptrdiff_t strides[3] = {8, 0, 8};
  EXPECT_EQ(run_single(add(), data, 3, strides), 0);
  EXPECT_THAT(out, ElementsAre(11, 12, 13));
}

}  // namespace
}  // namespace distob::program

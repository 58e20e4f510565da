// What kernels compute: scalar twins in plain C++ over the edge values, and the C library as judge of functions.
#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>

#include "kernels/testing.h"

namespace distob::kernels {
namespace {

using testing::edge_values;
using testing::evaluate;

template <class R>
bool same(R a, R b) {
  return testing::same_element(kind_of<R>, reinterpret_cast<const char*>(&a), reinterpret_cast<const char*>(&b));
}

template <class R, class T, class F>
void check_unary(Op op, F twin) {
  testing::for_each_target([&](std::string_view target) {
    for (const T a : edge_values<T>()) {
      const R got = evaluate<R>(op, a);
      ASSERT_TRUE(same(got, static_cast<R>(twin(a)))) << target << " " << name_of(op) << "(" << +a << ") = " << +got;
    }
  });
}
template <class R, class T, class F>
void check_binary(Op op, F twin) {
  testing::for_each_target([&](std::string_view target) {
    for (const T a : edge_values<T>()) {
      for (const T b : edge_values<T>()) {
        const R got = evaluate<R>(op, a, b);
        ASSERT_TRUE(same(got, static_cast<R>(twin(a, b))))
            << target << " " << name_of(op) << "(" << +a << ", " << +b << ") = " << +got;
      }
    }
  });
}

template <class T>
class RealKinds : public ::testing::Test {};
using Reals = ::testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t,
                               std::int64_t, std::uint64_t, float, double, long double>;
TYPED_TEST_SUITE(RealKinds, Reals);

TYPED_TEST(RealKinds, CompareAsCppDoes) {
  using T = TypeParam;
  check_binary<bool, T>(Op::equal, std::equal_to<T>());
  check_binary<bool, T>(Op::not_equal, std::not_equal_to<T>());
  check_binary<bool, T>(Op::less, std::less<T>());
  check_binary<bool, T>(Op::less_equal, std::less_equal<T>());
  check_binary<bool, T>(Op::greater, std::greater<T>());
  check_binary<bool, T>(Op::greater_equal, std::greater_equal<T>());
  check_binary<bool, T>(Op::logical_and, std::logical_and<T>());
  check_binary<bool, T>(Op::logical_or, std::logical_or<T>());
  check_binary<bool, T>(Op::logical_xor, [](T a, T b) { return (a != 0) != (b != 0); });
  check_unary<bool, T>(Op::logical_not, std::logical_not<T>());
}

TYPED_TEST(RealKinds, AddSubtractAndMultiplyWrappingRound) {
  using T = TypeParam;
  const auto by = [](auto f) {
    return [f](T a, T b) {
      if constexpr (std::is_floating_point_v<T>) {
        return f(a, b);
      } else {
        return static_cast<T>(f(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
      }
    };
  };
  check_binary<T, T>(Op::add, by(std::plus<>()));
  check_binary<T, T>(Op::subtract, by(std::minus<>()));
  check_binary<T, T>(Op::multiply, by(std::multiplies<>()));
}

TYPED_TEST(RealKinds, LetNotANumberWinInMaximumAndLoseInFmax) {
  using T = TypeParam;
  const auto nan = [](T a) { return a != a; };
  check_binary<bool, T>(Op::equal, [](T a, T b) { return a == b; });
  testing::for_each_target([&](std::string_view target) {
    for (const T a : edge_values<T>()) {
      for (const T b : edge_values<T>()) {
        const T most = evaluate<T>(Op::maximum, a, b);
        const T least = evaluate<T>(Op::minimum, a, b);
        const T fmost = evaluate<T>(Op::fmax, a, b);
        const T fleast = evaluate<T>(Op::fmin, a, b);
        SCOPED_TRACE(target);
        ASSERT_EQ(nan(most), nan(a) || nan(b));
        ASSERT_EQ(nan(least), nan(a) || nan(b));
        ASSERT_EQ(nan(fmost), nan(a) && nan(b));
        ASSERT_EQ(nan(fleast), nan(a) && nan(b));
        if (nan(a) || nan(b)) continue;
        ASSERT_EQ(most, std::max(a, b));
        ASSERT_EQ(least, std::min(a, b));
        ASSERT_EQ(fmost, std::max(a, b));
        ASSERT_EQ(fleast, std::min(a, b));
        ASSERT_EQ(evaluate<T>(Op::clip, a, std::min(a, b), std::max(a, b)), a);
        ASSERT_EQ(evaluate<T>(Op::clip, a, b, b), b);
      }
    }
  });
}

template <class T>
class IntegerKinds : public ::testing::Test {};
using Integers = ::testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t,
                                  std::int64_t, std::uint64_t>;
TYPED_TEST_SUITE(IntegerKinds, Integers);

/// Wide enough that no quotient or product of magnitudes overflows.
using Wide = __int128;

TYPED_TEST(IntegerKinds, DivideRoundingDownAndByZeroToZero) {
  using T = TypeParam;
  const auto down = [](T a, T b) -> std::pair<T, T> {
    if (b == 0) return {T(0), T(0)};
    Wide quotient = Wide(a) / Wide(b);
    Wide remainder = Wide(a) % Wide(b);
    if (remainder != 0 && (remainder < 0) != (b < 0)) {
      quotient -= 1;
      remainder += b;
    }
    return {static_cast<T>(quotient), static_cast<T>(remainder)};
  };
  check_binary<T, T>(Op::floor_divide, [&](T a, T b) { return down(a, b).first; });
  check_binary<T, T>(Op::remainder, [&](T a, T b) { return down(a, b).second; });
  check_binary<T, T>(Op::fmod, [](T a, T b) { return b == 0 ? T(0) : static_cast<T>(Wide(a) % Wide(b)); });
}

TYPED_TEST(IntegerKinds, RaiseDivideForZeroAndOverflowForTheLeastByMinusOne) {
  using T = TypeParam;
  const Kind kinds[] = {kind_of<T>, kind_of<T>};
  const auto flags = [&](Op op, T a, T b) {
    T result;
    return testing::run(*find(op, kinds),
                        {reinterpret_cast<char*>(&a), reinterpret_cast<char*>(&b), reinterpret_cast<char*>(&result)}, 1,
                        {0, 0, 0});
  };
  for (const Op op : {Op::floor_divide, Op::remainder, Op::fmod}) {
    EXPECT_EQ(flags(op, 5, 0), FE_DIVBYZERO);
    EXPECT_EQ(flags(op, 5, 2), 0);
  }
  if constexpr (std::is_signed_v<T>) {
    EXPECT_EQ(flags(Op::floor_divide, std::numeric_limits<T>::min(), -1), FE_OVERFLOW);
    EXPECT_EQ(flags(Op::remainder, std::numeric_limits<T>::min(), -1), 0);
    EXPECT_EQ(evaluate<T>(Op::floor_divide, std::numeric_limits<T>::min(), T(-1)), std::numeric_limits<T>::min());
  }
}

TYPED_TEST(IntegerKinds, ShiftEverythingOutBeyondTheWidth) {
  using T = TypeParam;
  const auto outside = [](T count) { return count < 0 || static_cast<std::uint64_t>(count) >= sizeof(T) * 8; };
  check_binary<T, T>(Op::left_shift,
                     [&](T a, T b) { return outside(b) ? T(0) : static_cast<T>(static_cast<std::uint64_t>(a) << b); });
  check_binary<T, T>(Op::right_shift,
                     [&](T a, T b) { return outside(b) ? static_cast<T>(a < 0 ? -1 : 0) : static_cast<T>(a >> b); });
}

TYPED_TEST(IntegerKinds, FindDivisorsMultiplesAndBits) {
  using T = TypeParam;
  const auto magnitude = [](T a) { return a < 0 ? -Wide(a) : Wide(a); };
  const auto gcd = [&](T a, T b) {
    Wide x = magnitude(a), y = magnitude(b);
    while (y != 0) std::tie(x, y) = std::pair(y, x % y);
    return x;
  };
  check_binary<T, T>(Op::gcd, gcd);
  check_binary<T, T>(Op::lcm, [&](T a, T b) {
    return gcd(a, b) == 0 ? Wide(0)
                          : static_cast<Wide>(static_cast<unsigned __int128>(magnitude(a) / gcd(a, b)) *
                                              static_cast<unsigned __int128>(magnitude(b)));
  });
  check_binary<T, T>(Op::bitwise_and, std::bit_and<T>());
  check_binary<T, T>(Op::bitwise_or, std::bit_or<T>());
  check_binary<T, T>(Op::bitwise_xor, std::bit_xor<T>());
  check_unary<T, T>(Op::invert, std::bit_not<T>());
  check_unary<T, T>(Op::negative, [](T a) { return -Wide(a); });
  check_unary<T, T>(Op::absolute, magnitude);
  check_unary<T, T>(Op::sign, [](T a) { return (a > 0) - (a < 0); });
}

TYPED_TEST(IntegerKinds, PowersWrapRoundAndBitsAreCounted) {
  using T = TypeParam;
  check_binary<T, T>(Op::power, [](T a, T b) {
    std::uint64_t product = b < 0 ? 0 : 1;
    std::uint64_t base = static_cast<std::uint64_t>(a);
    for (auto rest = b < 0 ? 0 : static_cast<std::uint64_t>(b); rest != 0; rest /= 2, base *= base) {
      if (rest % 2 == 1) product *= base;
    }
    return static_cast<T>(product);
  });
  EXPECT_EQ((evaluate<T>(Op::power, T(3), T(4))), T(81));
  testing::for_each_target([&](std::string_view) {
    for (const T a : edge_values<T>()) {
      Wide magnitude = a < 0 ? -Wide(a) : Wide(a);
      int bits = 0;
      for (; magnitude != 0; magnitude /= 2) bits += magnitude % 2 != 0 ? 1 : 0;
      EXPECT_EQ((evaluate<std::uint8_t>(Op::bitwise_count, a)), bits);
    }
  });
}

TEST(MixedComparisons, CompareTheNumbersAndNotTheirBits) {
  EXPECT_TRUE((evaluate<bool>(Op::less, std::int64_t{-1}, std::uint64_t{0})));
  EXPECT_FALSE((evaluate<bool>(Op::equal, std::int64_t{-1}, ~std::uint64_t{0})));
  EXPECT_TRUE((evaluate<bool>(Op::greater, ~std::uint64_t{0}, std::int64_t{-1})));
}

template <class T>
class FloatKinds : public ::testing::Test {};
using Floating = ::testing::Types<float, double, long double>;
TYPED_TEST_SUITE(FloatKinds, Floating);

TYPED_TEST(FloatKinds, DivideRoundAndTakeApartAsTheStandardSays) {
  using T = TypeParam;
  check_binary<T, T>(Op::divide, std::divides<T>());
  check_binary<T, T>(Op::copysign, [](T a, T b) { return std::copysign(a, b); });
  check_binary<T, T>(Op::nextafter, [](T a, T b) { return std::nextafter(a, b); });
  check_binary<T, T>(Op::fmod, [](T a, T b) { return std::fmod(a, b); });
  check_unary<T, T>(Op::sqrt, [](T a) { return std::sqrt(a); });
  check_unary<T, T>(Op::square, [](T a) { return a * a; });
  check_unary<T, T>(Op::reciprocal, [](T a) { return T(1) / a; });
  check_unary<T, T>(Op::floor, [](T a) { return std::floor(a); });
  check_unary<T, T>(Op::ceil, [](T a) { return std::ceil(a); });
  check_unary<T, T>(Op::trunc, [](T a) { return std::trunc(a); });
  check_unary<T, T>(Op::rint, [](T a) { return std::nearbyint(a); });
  check_unary<T, T>(Op::absolute, [](T a) { return std::fabs(a); });
  check_unary<T, T>(Op::negative, [](T a) { return -a; });
  check_unary<T, T>(Op::sign, [](T a) { return a != a ? a : static_cast<T>((a > 0) - (a < 0)); });
  check_unary<bool, T>(Op::signbit, [](T a) { return std::signbit(a); });
  check_unary<bool, T>(Op::isnan, [](T a) { return std::isnan(a); });
  check_unary<bool, T>(Op::isinf, [](T a) { return std::isinf(a); });
  check_unary<bool, T>(Op::isfinite, [](T a) { return std::isfinite(a); });
}

TYPED_TEST(FloatKinds, DivideWithRemainderAsPythonDoes) {
  using T = TypeParam;
  EXPECT_EQ(evaluate<T>(Op::floor_divide, T(-7), T(2)), T(-4));
  EXPECT_EQ(evaluate<T>(Op::remainder, T(-7), T(2)), T(1));
  EXPECT_EQ(evaluate<T>(Op::remainder, T(7), T(-2)), T(-1));
  EXPECT_TRUE(std::signbit(evaluate<T>(Op::remainder, T(4), T(-2))));
  EXPECT_TRUE(std::isinf(evaluate<T>(Op::floor_divide, T(1), T(0))));
  EXPECT_TRUE(std::isnan(evaluate<T>(Op::remainder, T(1), T(0))));
  EXPECT_EQ(evaluate<T>(Op::heaviside, T(0), T(0.25)), T(0.25));
  EXPECT_EQ(evaluate<T>(Op::heaviside, T(-3), T(0.25)), T(0));
  EXPECT_EQ(evaluate<T>(Op::ldexp, T(3), std::int32_t{4}), T(48));
  EXPECT_TRUE(std::isinf(evaluate<T>(Op::ldexp, T(3), std::int64_t{1} << 40)));
  EXPECT_EQ(evaluate<T>(Op::spacing, T(1)), std::numeric_limits<T>::epsilon());
}

TEST(Division, HasTheProcessorsBitsForSignificandsAndExponentsOfEveryKind) {
  const Kind kinds[] = {Kind::Float64, Kind::Float64};
  constexpr std::size_t kCount = 20000;
  std::mt19937_64 random(11);
  const auto number = [&](int form) {
    std::uint64_t bits = random() & ((std::uint64_t{1} << 52) - 1);
    if (form % 3 == 1) bits |= ((std::uint64_t{1} << 52) - 1) & ~std::uint64_t{0xff};  // next to all ones
    if (form % 3 == 2) bits &= 0xff;
    const int reach = form < 6 ? 2 : form < 9 ? 510 : 1020;
    bits |= static_cast<std::uint64_t>(1023 - reach + static_cast<int>(random() % (2 * reach + 1))) << 52;
    return std::bit_cast<double>(bits | random() << 63);
  };
  std::vector<double> a(kCount), b(kCount), results(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    a[i] = number(static_cast<int>(random() % 10));
    b[i] = number(static_cast<int>(random() % 10));
    // A dividend next to one whose quotient lies halfway between two numbers.
    if (i % 4 == 0)
      a[i] = static_cast<double>(b[i] * (1.25L + static_cast<long double>(random() % 4096) * 0x1p-52L + 0x1p-53L));
  }
  const auto edges = edge_values<double>();
  std::copy(edges.begin(), edges.end(), a.begin() + 64);
  std::copy(edges.begin(), edges.end(), b.begin() + 160);
  testing::for_each_target([&](std::string_view target) {
    testing::run(
        *find(Op::divide, kinds),
        {reinterpret_cast<char*>(a.data()), reinterpret_cast<char*>(b.data()), reinterpret_cast<char*>(results.data())},
        kCount, {8, 8, 8});
    for (std::size_t i = 0; i < kCount; ++i) {
      ASSERT_TRUE(same(results[i], a[i] / b[i])) << target << std::hexfloat << " " << a[i] << " / " << b[i];
    }
  });
}

// --- Functions ----------------------------------------------------------------------------------------------------

/// Distance of `got` from `exact` in units of the last place of `exact` rounded.
template <class T>
long double ulps(T got, long double exact) {
  const T rounded = static_cast<T>(exact);
  if (same(got, rounded)) return 0;
  if (std::isnan(got) || std::isnan(rounded) || std::isinf(got) || std::isinf(rounded))
    return std::numeric_limits<long double>::infinity();
  const T magnitude = std::fabs(rounded);
  const long double unit =
      std::nextafter(magnitude, std::numeric_limits<T>::infinity()) - static_cast<long double>(magnitude);
  return std::isinf(unit) ? 0 : std::fabs(static_cast<long double>(got) - exact) / unit;
}

template <class T>
std::vector<T> arguments(double low, double high) {
  std::vector<T> values = edge_values<T>();
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i)
    values.push_back(static_cast<T>(std::uniform_real_distribution<double>(low, high)(random)));
  for (int i = 0; i < 300; ++i)
    values.push_back(std::ldexp(static_cast<T>(random() % 1000) / 500 - 1, static_cast<int>(random() % 240) - 120));
  return values;
}

struct Function1 {
  Op op;
  long double (*exact)(long double);
  double low, high;
  long double tolerance = 1.0L;
};

// clang-format off
const Function1 kFunctions1[] = {
    {Op::exp, std::exp, -90, 90},      {Op::exp2, std::exp2, -130, 130},     {Op::expm1, std::expm1, -20, 90},
    {Op::log, std::log, 0, 100},       {Op::log2, std::log2, 0, 100},        {Op::log10, std::log10, 0, 100},
    {Op::log1p, std::log1p, -1, 10},   {Op::cbrt, std::cbrt, -100, 100},     {Op::sin, std::sin, -100, 100},
    {Op::cos, std::cos, -100, 100},    {Op::tan, std::tan, -100, 100},       {Op::arcsin, std::asin, -1, 1},
    {Op::arccos, std::acos, -1, 1},    {Op::arctan, std::atan, -10, 10},     {Op::sinh, std::sinh, -90, 90, 1.5L},
    {Op::cosh, std::cosh, -90, 90, 1.5L}, {Op::tanh, std::tanh, -5, 5},      {Op::arcsinh, std::asinh, -100, 100, 1.5L},
    {Op::arccosh, std::acosh, 1, 100, 1.5L}, {Op::arctanh, std::atanh, -1, 1}};
// clang-format on

template <class T>
void check_functions1() {
  for (const auto target : targets()) {
    use_target_for_testing(target);
    for (const Function1& f : kFunctions1) {
      for (const T a : arguments<T>(f.low, f.high)) {
        const T got = evaluate<T>(f.op, a);
        EXPECT_LE(ulps(got, f.exact(a)), f.tolerance + 0.001L)
            << target << " " << name_of(f.op) << "(" << a << ") = " << got;
      }
    }
  }
  use_target_for_testing(targets().front());
}
TEST(Functions, OfFloatsAreWithinAnUlp) { check_functions1<float>(); }
TEST(Functions, OfDoublesAreWithinAnUlp) { check_functions1<double>(); }

/// Where the methods of elementary-inl.h change: next to multiples of what they reduce by, at the ends of their ranges, and
/// everywhere between.
std::vector<double> awkward_arguments(const Function1& f) {
  std::vector<double> values;
  std::mt19937_64 random(17);
  const auto draw = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
  for (int i = 0; i < 20000; ++i) values.push_back(draw(f.low, f.high));
  for (int i = 0; i < 5000; ++i) values.push_back(draw(-1, 1));
  for (int i = 0; i < 5000; ++i) values.push_back(std::ldexp(draw(1, 2), static_cast<int>(random() % 2000) - 1000));
  for (const long double unit : {0.693147180559945309417232121458176568L, 1.570796326794896619231321691639751442L}) {
    for (int k = -1100; k < 1100; ++k) {
      for (const long double halves : {0.0L, 0.5L}) {
        const double near = static_cast<double>((static_cast<long double>(k) + halves) * unit);
        values.insert(values.end(), {near, std::nextafter(near, 1e300), std::nextafter(near, -1e300)});
      }
    }
  }
  for (const double end : {36.0, 707.0, 0x1p30, 0x1p52, 0x1.6a09e667f3bcdp-1, 0x1.6a09e667f3bcdp0, 1.0}) {
    for (const double sign : {1.0, -1.0}) {
      values.insert(values.end(), {sign * end, sign * std::nextafter(end, 0.0), sign * std::nextafter(end, 1e300)});
    }
  }
  return values;
}

TEST(Functions, OfAwkwardDoublesAreWithinAnUlpAndTheSameWithEveryFma) {
  const Kind kind = Kind::Float64;
  for (const Function1& f : kFunctions1) {
    if (f.op != Op::exp && f.op != Op::expm1 && f.op != Op::log && f.op != Op::sin && f.op != Op::cos) continue;
    std::vector<double> values = awkward_arguments(f), first;
    testing::for_each_target([&](std::string_view target) {
      std::vector<double> results(values.size());
      testing::run(*find(f.op, {&kind, 1}),
                   {reinterpret_cast<char*>(values.data()), reinterpret_cast<char*>(results.data())},
                   static_cast<std::ptrdiff_t>(values.size()), {8, 8});
      for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_LE(ulps(results[i], f.exact(values[i])), 1.001L)
            << target << " " << name_of(f.op) << "(" << std::hexfloat << values[i] << ") = " << results[i];
      }
      if (target.substr(0, 3) != "AVX") return;
      if (first.empty()) first = results;
      for (std::size_t i = 0; i < values.size(); ++i) ASSERT_TRUE(same(results[i], first[i])) << target << values[i];
    });
  }
}

struct Function2 {
  Op op;
  long double (*exact)(long double, long double);
};
/// The C library takes no large long double for an even integer, so it judges infinite bases in double.
long double exact_power(long double a, long double b) {
  return std::isinf(a) ? static_cast<long double>(std::pow(static_cast<double>(a), static_cast<double>(b)))
                       : std::pow(a, b);
}
const Function2 kFunctions2[] = {{Op::power, exact_power}, {Op::arctan2, std::atan2}, {Op::hypot, std::hypot}};

template <class T>
void check_functions2() {
  for (const auto target : targets()) {
    use_target_for_testing(target);
    const auto values = arguments<T>(-20, 20);
    for (const Function2& f : kFunctions2) {
      std::mt19937_64 random(5);
      for (int i = 0; i < 4000; ++i) {
        const T a = values[random() % (i < 2000 ? 36 : values.size())];
        const T b = values[random() % (i < 2000 ? 36 : values.size())];
        const T got = evaluate<T>(f.op, a, b);
        const long double exact = f.exact(a, b);
        EXPECT_LE(ulps(got, exact), 1.001L) << target << " " << name_of(f.op) << "(" << a << ", " << b << ") = " << got;
      }
    }
  }
  use_target_for_testing(targets().front());
}
TEST(Functions, OfTwoFloatsAreWithinAnUlp) { check_functions2<float>(); }
TEST(Functions, OfTwoDoublesAreWithinAnUlp) { check_functions2<double>(); }

template <class T>
int flags_of(Op op, std::initializer_list<T> arguments) {
  std::vector<T> values(arguments);
  const std::vector<Kind> kinds(values.size(), kind_of<T>);
  T result;
  std::vector<char*> data;
  for (T& v : values) data.push_back(reinterpret_cast<char*>(&v));
  data.push_back(reinterpret_cast<char*>(&result));
  return testing::run(*find(op, kinds), data, 1, std::vector<std::ptrdiff_t>(data.size(), 0));
}

TEST(Functions, RaiseTheFlagsOfSpecialArguments) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::nan("");
  testing::for_each_target([&](std::string_view target) {
    SCOPED_TRACE(target);
    EXPECT_EQ(flags_of(Op::log, {0.0}), FE_DIVBYZERO);
    EXPECT_EQ(flags_of(Op::log, {-1.0}), FE_INVALID);
    EXPECT_EQ(flags_of(Op::log, {nan}), 0);
    EXPECT_EQ(flags_of(Op::log, {inf}), 0);
    EXPECT_EQ(flags_of(Op::log1p, {-1.0}), FE_DIVBYZERO);
    EXPECT_EQ(flags_of(Op::exp, {1000.0}), FE_OVERFLOW);
    EXPECT_EQ(flags_of(Op::exp, {-1000.0}), FE_UNDERFLOW);
    EXPECT_EQ(flags_of(Op::exp, {-inf}), 0);
    EXPECT_EQ(flags_of(Op::sin, {inf}), FE_INVALID);
    EXPECT_EQ(flags_of(Op::cosh, {1000.0}), FE_OVERFLOW);
    EXPECT_EQ(flags_of(Op::arctanh, {1.0}), FE_DIVBYZERO);
    EXPECT_EQ(flags_of(Op::arccosh, {0.5}), FE_INVALID);
    EXPECT_EQ(flags_of(Op::power, {0.0, -1.0}), FE_DIVBYZERO);
    EXPECT_EQ(flags_of(Op::power, {-8.0, 0.5}), FE_INVALID);
    EXPECT_EQ(flags_of(Op::power, {10.0, 400.0}), FE_OVERFLOW);
    EXPECT_EQ(flags_of(Op::power, {10.0, -400.0}), FE_UNDERFLOW);
    EXPECT_EQ(flags_of(Op::power, {0.0, 3.0}), 0);
    EXPECT_EQ(flags_of(Op::divide, {1.0, 0.0}), FE_DIVBYZERO);
    EXPECT_EQ(flags_of(Op::divide, {1e300, 1e-300}), FE_OVERFLOW);
    EXPECT_EQ(flags_of(Op::divide, {1e-300, 1e300}), FE_UNDERFLOW);
    EXPECT_EQ(flags_of(Op::divide, {1.0, inf}), 0);
    EXPECT_EQ(flags_of(Op::divide, {nan, 0.0}), 0);
    EXPECT_EQ(flags_of(Op::reciprocal, {0.0}), FE_DIVBYZERO);
    EXPECT_EQ(flags_of(Op::reciprocal, {3.0}), 0);
    EXPECT_EQ(flags_of(Op::divide, {0.0, 0.0}), FE_INVALID);
    EXPECT_EQ(flags_of(Op::less, {nan, 1.0}), 0);
    EXPECT_EQ(flags_of(Op::maximum, {nan, 1.0}), 0);
    EXPECT_EQ(flags_of(Op::sqrt, {-1.0}), FE_INVALID);
  });
}

TEST(Functions, OfOrdinaryDataRaiseNothing) {
  std::vector<double> values(1000), results(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.0005 + static_cast<double>(i) / 1001;
  testing::for_each_target([&](std::string_view target) {
    for (const Function1& f : kFunctions1) {
      if (f.op == Op::arccosh) continue;  // its domain starts at 1
      const Kind kind = Kind::Float64;
      EXPECT_EQ(
          testing::run(*find(f.op, {&kind, 1}),
                       {reinterpret_cast<char*>(values.data()), reinterpret_cast<char*>(results.data())}, 1000, {8, 8}),
          0)
          << target << " " << name_of(f.op);
    }
  });
}

// --- Complex, half, casts, bytes, names ---------------------------------------------------------------------------

TEST(ComplexKernels, ComputeAsNumPyDoes) {
  using C = std::complex<double>;
  EXPECT_EQ(evaluate<C>(Op::multiply, C(1, 2), C(3, -4)), C(11, 2));
  EXPECT_EQ(evaluate<C>(Op::divide, C(11, 2), C(3, -4)), C(1, 2));
  EXPECT_EQ(evaluate<double>(Op::absolute, C(3, -4)), 5);
  EXPECT_EQ(evaluate<double>(Op::imag, C(3, -4)), -4);
  EXPECT_EQ(evaluate<C>(Op::conjugate, C(3, -4)), C(3, 4));
  EXPECT_EQ(evaluate<C>(Op::power, C(0, 1), C(2, 0)), C(-1, 0));
  EXPECT_EQ(evaluate<C>(Op::power, C(2, 1), C(0, 0)), C(1, 0));
  EXPECT_EQ(evaluate<C>(Op::sign, C(0, -5)), C(0, -1));
  EXPECT_TRUE((evaluate<bool>(Op::less, C(1, 5), C(2, 0))));
  EXPECT_TRUE((evaluate<bool>(Op::greater, C(1, 5), C(1, 0))));
  EXPECT_FALSE((evaluate<bool>(Op::less_equal, C(1, std::nan("")), C(2, 0))));
  EXPECT_NEAR(std::abs(evaluate<C>(Op::exp, C(0, 3.141592653589793)) - C(-1, 0)), 0, 1e-15);
}

std::uint16_t half_of(float value) {
  std::uint16_t half;
  testing::run(*cast(Kind::Float32, Kind::Float16), {reinterpret_cast<char*>(&value), reinterpret_cast<char*>(&half)},
               1, {0, 0});
  return half;
}

TEST(HalfPrecision, RoundsToNearestEvenOnEveryInstructionSet) {
  testing::for_each_target([](std::string_view target) {
    SCOPED_TRACE(target);
    EXPECT_EQ(half_of(1.0F), 0x3c00);
    EXPECT_EQ(half_of(-2.0F), 0xc000);
    EXPECT_EQ(half_of(1.0F + 0x1p-11F), 0x3c00);  // a tie: down to even
    EXPECT_EQ(half_of(1.0F + 0x3p-11F), 0x3c02);  // a tie: up to even
    EXPECT_EQ(half_of(65519.0F), 0x7bff);
    EXPECT_EQ(half_of(65520.0F), 0x7c00);
    EXPECT_EQ(half_of(0x1p-24F), 0x0001);
    EXPECT_EQ(half_of(0x1p-25F), 0x0000);
    EXPECT_EQ(half_of(0x1.8p-25F), 0x0001);
  });
}

TEST(HalfPrecision, GoesThereAndBackForEveryHalf) {
  testing::for_each_target([](std::string_view) {
    std::vector<std::uint16_t> halves(65536), back(65536);
    for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
    std::vector<float> floats(65536);
    char* const f = reinterpret_cast<char*>(floats.data());
    testing::run(*cast(Kind::Float16, Kind::Float32), {reinterpret_cast<char*>(halves.data()), f}, 65536, {2, 4});
    testing::run(*cast(Kind::Float32, Kind::Float16), {f, reinterpret_cast<char*>(back.data())}, 65536, {4, 2});
    for (std::size_t i = 0; i < halves.size(); ++i) {
      const bool number = (i & 0x7fff) <= 0x7c00;
      ASSERT_TRUE(!number || back[i] == halves[i]) << i;
    }
  });
}

TEST(HalfPrecision, RoundsDoublesOnce) {
  double value = 1.0 + 0x1p-11 + 0x1p-40;  // just above a tie that float would round away
  std::uint16_t half = 0;
  testing::run(*cast(Kind::Float64, Kind::Float16), {reinterpret_cast<char*>(&value), reinterpret_cast<char*>(&half)},
               1, {0, 0});
  EXPECT_EQ(half, 0x3c01);
}

template <class To, class From>
std::pair<To, int> converted(From value) {
  To result{};
  const int flags = testing::run(*cast(kind_of<From>, kind_of<To>),
                                 {reinterpret_cast<char*>(&value), reinterpret_cast<char*>(&result)}, 1, {0, 0});
  return {result, flags};
}

TEST(Casts, ExistForEveryPairOfNativeKinds) {
  for (int from = 0; from < kNativeKinds; ++from) {
    for (int to = 0; to < kNativeKinds; ++to)
      EXPECT_NE(cast(static_cast<Kind>(from), static_cast<Kind>(to)), nullptr) << from << " " << to;
  }
  EXPECT_EQ(cast(Kind::Opaque, Kind::Int8), nullptr);
}

TEST(Casts, ConvertAsNumPyDoesAlsoOutOfRange) {
  testing::for_each_target([](std::string_view target) {
    SCOPED_TRACE(target);
    EXPECT_EQ((converted<std::int64_t>(-2.9)), (std::pair{std::int64_t{-2}, 0}));
    EXPECT_EQ((converted<std::int64_t>(1e19)), (std::pair{std::numeric_limits<std::int64_t>::min(), FE_INVALID}));
    EXPECT_EQ((converted<std::int32_t>(std::nan(""))),
              (std::pair{std::numeric_limits<std::int32_t>::min(), FE_INVALID}));
    EXPECT_EQ((converted<std::uint64_t>(-1.0)), (std::pair{~std::uint64_t{0}, 0}));
    EXPECT_EQ((converted<std::uint64_t>(9223372036854775808.0)), (std::pair{std::uint64_t{1} << 63, 0}));
    EXPECT_EQ((converted<std::uint8_t>(-1.0)), (std::pair{std::uint8_t{255}, 0}));
    EXPECT_EQ((converted<std::int8_t>(300.0F)), (std::pair{std::int8_t{44}, 0}));
    EXPECT_EQ((converted<float>(1e300)), (std::pair{std::numeric_limits<float>::infinity(), FE_OVERFLOW}));
    EXPECT_EQ((converted<bool>(0.25)), (std::pair{true, 0}));
    EXPECT_EQ((converted<bool>(std::nan(""))), (std::pair{true, 0}));
    EXPECT_EQ((converted<bool>(std::int16_t{256})), (std::pair{true, 0}));
    EXPECT_EQ((converted<double>(std::complex<float>(2, 3))), (std::pair{2.0, 0}));
    EXPECT_EQ((converted<std::uint8_t>(std::int64_t{-1})), (std::pair{std::uint8_t{255}, 0}));
  });
}

TEST(SwapBytes, ReversesEachNumber) {
  std::uint32_t word = 0x01020304;
  swap_bytes(Kind::UInt32, reinterpret_cast<char*>(&word), 4, reinterpret_cast<char*>(&word), 4, 1);
  EXPECT_EQ(word, 0x04030201U);
  const std::uint32_t in[] = {0x01020304, 0x05060708, 0, 0};
  std::uint32_t out[] = {0, 0};
  swap_bytes(Kind::Complex64, reinterpret_cast<const char*>(in), 8, reinterpret_cast<char*>(out), 8, 1);
  EXPECT_EQ(out[0], 0x04030201U);
  EXPECT_EQ(out[1], 0x08070605U);
}

TEST(Where, MovesBitsOfEitherOperand) {
  testing::for_each_target([](std::string_view) {
    for (const bool condition : {false, true}) {
      EXPECT_EQ((evaluate<double>(Op::where, condition, 1.5, 2.5)), condition ? 1.5 : 2.5);
      EXPECT_EQ((evaluate<std::complex<double>>(Op::where, condition, std::complex<double>(1, 2),
                                                std::complex<double>(3, 4))),
                condition ? std::complex<double>(1, 2) : std::complex<double>(3, 4));
    }
  });
}

TEST(Names, AreNumPysBothWays) {
  for (int i = 0; i < kOps; ++i) EXPECT_EQ(op_named(name_of(static_cast<Op>(i))), static_cast<Op>(i));
  EXPECT_EQ(op_named("logaddexp2"), Op::logaddexp2);
  EXPECT_EQ(op_named("no such thing"), std::nullopt);
}

TEST(Find, AnswersNothingForWhatIsNotThere) {
  const Kind integers[] = {Kind::Int64, Kind::Int64};
  const Kind mixed[] = {Kind::Int64, Kind::Float64};
  const Kind opaque[] = {Kind::Opaque, Kind::Opaque};
  EXPECT_EQ(find(Op::sin, std::span(integers).first(1)), nullptr);
  EXPECT_EQ(find(Op::add, mixed), nullptr);
  EXPECT_EQ(find(Op::add, opaque), nullptr);
  EXPECT_EQ(find(Op::add, {}), nullptr);
}

TEST(Find, GivesPointersThatSurviveAChangeOfTarget) {
  const Kind kinds[] = {Kind::Float64, Kind::Float64};
  const Kernel* before = find(Op::add, kinds);
  testing::for_each_target([&](std::string_view) { EXPECT_EQ(find(Op::add, kinds), before); });
}

}  // namespace
}  // namespace distob::kernels

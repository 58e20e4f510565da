// Operations of long double, by the C library: no instruction set has vectors of it.
#include "kernels/targets.h"

#include <cmath>

#include "kernels/map-inl.h"
#include "kernels/table.h"

namespace distob::kernels {
namespace HWY_NAMESPACE {
namespace {

using T = long double;
constexpr Kind kKind = Kind::LongDouble;
constexpr T kPi = 3.14159265358979323846264338327950288L;

// Functions are lambdas without captures, passed for their type.

template <class F>
void function1(F, Table& table, Op op, std::uint8_t cost = 60) {
  table.add(op, {kKind}, {kKind}, map1<F, T>, {.flags = cost > 4, .cost = cost});
}
template <class F>
void function2(F, Table& table, Op op, bool flags, std::uint8_t cost) {
  table.add(op, {kKind, kKind}, {kKind}, map2<F, T>, {.scalars = true, .flags = flags, .cost = cost});
}
template <class F>
void test1(F, Table& table, Op op) {
  table.add(op, {kKind}, {Kind::Bool}, map1<F, T, std::uint8_t>, {.cost = 2});
}
template <class F>
void test2(F, Table& table, Op op) {
  table.add(op, {kKind, kKind}, {Kind::Bool}, map2<F, T, std::uint8_t>, {.scalars = true, .cost = 2});
}

void fill_arithmetic(Table& table) {
  function2([](T a, T b) { return a + b; }, table, Op::add, true, 2);
  function2([](T a, T b) { return a - b; }, table, Op::subtract, true, 2);
  function2([](T a, T b) { return a * b; }, table, Op::multiply, true, 2);
  function2([](T a, T b) { return a / b; }, table, Op::divide, true, 20);
  function1([](T a) { return a * a; }, table, Op::square, 5);
  function1([](T a) { return 1 / a; }, table, Op::reciprocal, 20);
  function1([](T a) { return a * (kPi / 180); }, table, Op::deg2rad, 5);
  function1([](T a) { return a * (180 / kPi); }, table, Op::rad2deg, 5);
  for (const Op op : {Op::positive, Op::conjugate, Op::real}) function1([](T a) { return a; }, table, op, 2);
  for (const Op op : {Op::absolute, Op::fabs}) function1([](T a) { return std::fabs(a); }, table, op, 2);
  function1([](T a) { return -a; }, table, Op::negative, 2);
  function1([](T a) { return std::isnan(a) ? a : a == 0 ? T(0) : std::copysign(T(1), a); }, table, Op::sign, 2);
  function1([](T a) { return std::floor(a); }, table, Op::floor, 4);
  function1([](T a) { return std::ceil(a); }, table, Op::ceil, 4);
  function1([](T a) { return std::trunc(a); }, table, Op::trunc, 4);
  function1([](T a) { return std::rint(a); }, table, Op::rint, 4);
}

// The comparisons of <cmath> are quiet: not a number raises no flag.
void fill_comparisons(Table& table) {
  function2([](T a, T b) { return std::isgreaterequal(a, b) || std::isnan(a) ? a : b; }, table, Op::maximum, false, 4);
  function2([](T a, T b) { return std::islessequal(a, b) || std::isnan(a) ? a : b; }, table, Op::minimum, false, 4);
  function2([](T a, T b) { return std::isgreaterequal(a, b) || std::isnan(b) ? a : b; }, table, Op::fmax, false, 4);
  function2([](T a, T b) { return std::islessequal(a, b) || std::isnan(b) ? a : b; }, table, Op::fmin, false, 4);
  function2([](T a, T b) { return std::copysign(a, b); }, table, Op::copysign, false, 2);
  test2([](T a, T b) { return a == b; }, table, Op::equal);
  test2([](T a, T b) { return a != b; }, table, Op::not_equal);
  test2([](T a, T b) { return std::isless(a, b); }, table, Op::less);
  test2([](T a, T b) { return std::islessequal(a, b); }, table, Op::less_equal);
  test2([](T a, T b) { return std::isgreater(a, b); }, table, Op::greater);
  test2([](T a, T b) { return std::isgreaterequal(a, b); }, table, Op::greater_equal);
  test2([](T a, T b) { return a != 0 && b != 0; }, table, Op::logical_and);
  test2([](T a, T b) { return a != 0 || b != 0; }, table, Op::logical_or);
  test2([](T a, T b) { return (a != 0) != (b != 0); }, table, Op::logical_xor);
  test1([](T a) { return a == 0; }, table, Op::logical_not);
  test1([](T a) { return std::signbit(a); }, table, Op::signbit);
  test1([](T a) { return std::isnan(a); }, table, Op::isnan);
  test1([](T a) { return std::isinf(a); }, table, Op::isinf);
  test1([](T a) { return std::isfinite(a); }, table, Op::isfinite);
}

T log_add_exp(T a, T b) {
  if (a == b) return a + 0.693147180559945309417232121458176568L;
  const T difference = a - b;
  return std::isnan(difference) ? difference : std::fmax(a, b) + std::log1p(std::exp(-std::fabs(difference)));
}
T log_add_exp2(T a, T b) {
  if (a == b) return a + 1;
  const T difference = a - b;
  if (std::isnan(difference)) return difference;
  return std::fmax(a, b) + 1.442695040888963407359924681001892137L * std::log1p(std::exp2(-std::fabs(difference)));
}

void fill_functions(Table& table) {
  function1([](T a) { return std::sqrt(a); }, table, Op::sqrt, 20);
  function1([](T a) { return std::cbrt(a); }, table, Op::cbrt);
  function1([](T a) { return std::exp(a); }, table, Op::exp);
  function1([](T a) { return std::exp2(a); }, table, Op::exp2);
  function1([](T a) { return std::expm1(a); }, table, Op::expm1);
  function1([](T a) { return std::log(a); }, table, Op::log);
  function1([](T a) { return std::log2(a); }, table, Op::log2);
  function1([](T a) { return std::log10(a); }, table, Op::log10);
  function1([](T a) { return std::log1p(a); }, table, Op::log1p);
  function1([](T a) { return std::sin(a); }, table, Op::sin);
  function1([](T a) { return std::cos(a); }, table, Op::cos);
  function1([](T a) { return std::tan(a); }, table, Op::tan);
  function1([](T a) { return std::asin(a); }, table, Op::arcsin);
  function1([](T a) { return std::acos(a); }, table, Op::arccos);
  function1([](T a) { return std::atan(a); }, table, Op::arctan);
  function1([](T a) { return std::sinh(a); }, table, Op::sinh);
  function1([](T a) { return std::cosh(a); }, table, Op::cosh);
  function1([](T a) { return std::tanh(a); }, table, Op::tanh);
  function1([](T a) { return std::asinh(a); }, table, Op::arcsinh);
  function1([](T a) { return std::acosh(a); }, table, Op::arccosh);
  function1([](T a) { return std::atanh(a); }, table, Op::arctanh);
  for (const Op op : {Op::power, Op::float_power})
    function2([](T a, T b) { return std::pow(a, b); }, table, op, true, 80);
  function2([](T a, T b) { return std::atan2(a, b); }, table, Op::arctan2, true, 80);
  function2([](T a, T b) { return std::hypot(a, b); }, table, Op::hypot, true, 30);
  function2([](T a, T b) { return log_add_exp(a, b); }, table, Op::logaddexp, true, 80);
  function2([](T a, T b) { return log_add_exp2(a, b); }, table, Op::logaddexp2, true, 80);
}

}  // namespace
}  // namespace HWY_NAMESPACE

void fill_long_double(Table& table) {
  HWY_NAMESPACE::fill_arithmetic(table);
  HWY_NAMESPACE::fill_comparisons(table);
  HWY_NAMESPACE::fill_functions(table);
}

}  // namespace distob::kernels

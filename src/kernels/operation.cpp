// The names of the operations: the same words as in NumPy.
#include <array>
#include <string_view>
#include <unordered_map>

#include "kernels/kernel.h"

namespace distob::kernels {
namespace {

constexpr std::string_view kNames[] = {
    "positive",     "negative",   "absolute",      "fabs",          "sign",        "signbit",    "invert",
    "logical_not",  "conjugate",  "real",          "imag",          "square",      "sqrt",       "cbrt",
    "reciprocal",   "exp",        "exp2",          "expm1",         "log",         "log2",       "log10",
    "log1p",        "sin",        "cos",           "tan",           "arcsin",      "arccos",     "arctan",
    "sinh",         "cosh",       "tanh",          "arcsinh",       "arccosh",     "arctanh",    "deg2rad",
    "rad2deg",      "floor",      "ceil",          "trunc",         "rint",        "isnan",      "isinf",
    "isfinite",     "spacing",    "bitwise_count", "add",           "subtract",    "multiply",   "divide",
    "floor_divide", "remainder",  "fmod",          "power",         "float_power", "arctan2",    "hypot",
    "copysign",     "nextafter",  "ldexp",         "heaviside",     "maximum",     "minimum",    "fmax",
    "fmin",         "logaddexp",  "logaddexp2",    "gcd",           "lcm",         "equal",      "not_equal",
    "less",         "less_equal", "greater",       "greater_equal", "logical_and", "logical_or", "logical_xor",
    "bitwise_and",  "bitwise_or", "bitwise_xor",   "left_shift",    "right_shift", "where",      "clip",
    "divmod",       "modf",       "frexp"};
static_assert(std::size(kNames) == kOps);

}  // namespace

std::string_view name_of(Op op) { return kNames[static_cast<int>(op)]; }

std::optional<Op> op_named(std::string_view name) {
  static const auto* const by_name = [] {
    auto* names = new std::unordered_map<std::string_view, Op>;
    for (int i = 0; i < kOps; ++i) names->emplace(kNames[i], static_cast<Op>(i));
    return names;
  }();
  const auto found = by_name->find(name);
  return found == by_name->end() ? std::nullopt : std::optional(found->second);
}

}  // namespace distob::kernels

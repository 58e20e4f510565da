// What the tests of this room share: values worth trying, operands laid out in every way, and all instruction sets.
#pragma once

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernel.h"

namespace distob::kernels::testing {

using Bytes = std::vector<char>;

template <class T>
void append(Bytes& bytes, T value) {
  const auto at = bytes.size();
  bytes.resize(at + sizeof(T));
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

template <class T>
T value_at(const Bytes& bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// The numbers at which implementations differ.
template <class T>
std::vector<T> edge_values() {
  using L = std::numeric_limits<T>;
  if constexpr (std::is_floating_point_v<T>) {
    // clang-format off
    std::vector<T> values = {T(0), T(-0.0), 1, -1, 2, -2, T(0.5), T(-0.5), T(1.5), T(-2.5), 3, -7, T(0.1), T(-0.7), T(0.999),
                             10, -10, 89, 100, T(1e4), T(-1e9), T(4294967296.0), T(-9223372036854775808.0), T(1e19), T(1e30),
                             L::infinity(), -L::infinity(), L::quiet_NaN(), L::max(), -L::max(), L::max() / 2, L::min(),
                             -L::min(), L::denorm_min(), L::epsilon()};
    // clang-format on
    if constexpr (sizeof(T) >= 8) {
      for (const double v : {709.9, 710.3, -745.2, 1e155, -1e300, 1e-300, 1e16}) values.push_back(T(v));
    }
    return values;
  } else {
    // clang-format off
    std::vector<T> values = {0, 1, 2, 3, 5, 7, 8, 31, 32, 63, 64, 100,
                             L::max(), T(L::max() - 1), L::min(), T(L::min() + 1), T(L::max() / 2)};
    // clang-format on
    if constexpr (std::is_signed_v<T>) {
      for (const int v : {-1, -2, -3, -7, -64}) values.push_back(T(v));
    }
    return values;
  }
}

/// Elements of `kind`: the edge values and some random ones.
inline Bytes sample(Kind kind, unsigned seed) {
  Bytes bytes;
  std::mt19937_64 random(seed);
  const auto fill = [&]<class T>(T) {
    for (const T v : edge_values<T>()) append(bytes, v);
    for (int i = 0; i < 24; ++i) {
      if constexpr (std::is_floating_point_v<T>) {
        append(bytes, static_cast<T>(std::ldexp(std::uniform_real_distribution<double>(-1, 1)(random),
                                                static_cast<int>(random() % 12))));
      } else {
        append(bytes, static_cast<T>(random()));
      }
    }
  };
  const auto fill_complex = [&]<class T>(T) {
    const auto values = edge_values<T>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      append(bytes, values[i]);
      append(bytes, values[random() % values.size()]);
    }
  };
  switch (kind) {
    case Kind::Bool:
      for (int i = 0; i < 40; ++i) append(bytes, static_cast<char>(random() & 1));
      break;
    case Kind::Int8: fill(std::int8_t{}); break;
    case Kind::UInt8: fill(std::uint8_t{}); break;
    case Kind::Int16: fill(std::int16_t{}); break;
    case Kind::UInt16: fill(std::uint16_t{}); break;
    case Kind::Int32: fill(std::int32_t{}); break;
    case Kind::UInt32: fill(std::uint32_t{}); break;
    case Kind::Int64: fill(std::int64_t{}); break;
    case Kind::UInt64: fill(std::uint64_t{}); break;
    case Kind::Float16:
      for (int i = 0; i < 64; ++i) append(bytes, static_cast<std::uint16_t>(random()));
      break;
    case Kind::Float32: fill(float{}); break;
    case Kind::Float64: fill(double{}); break;
    case Kind::LongDouble: fill(static_cast<long double>(0)); break;
    case Kind::Complex64: fill_complex(float{}); break;
    case Kind::Complex128: fill_complex(double{}); break;
    case Kind::CLongDouble: fill_complex(static_cast<long double>(0)); break;
    case Kind::Opaque: break;
  }
  return bytes;
}

/// Whether two elements have the same bits; a NaN equals a NaN, and the padding of long double does not count.
inline bool same_element(Kind kind, const char* a, const char* b) {
  const auto same_float = [&]<class T>(T, std::size_t at) {
    T x, y;
    std::memcpy(&x, a + at, sizeof(T));
    std::memcpy(&y, b + at, sizeof(T));
    if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y);
    return x == y && std::signbit(x) == std::signbit(y);
  };
  switch (kind) {
    case Kind::Float16: {
      std::uint16_t x, y;
      std::memcpy(&x, a, 2);
      std::memcpy(&y, b, 2);
      return x == y || ((x & 0x7fff) > 0x7c00 && (y & 0x7fff) > 0x7c00);
    }
    case Kind::Float32: return same_float(float{}, 0);
    case Kind::Float64: return same_float(double{}, 0);
    case Kind::LongDouble: return same_float(static_cast<long double>(0), 0);
    case Kind::Complex64: return same_float(float{}, 0) && same_float(float{}, 4);
    case Kind::Complex128: return same_float(double{}, 0) && same_float(double{}, 8);
    case Kind::CLongDouble:
      return same_float(static_cast<long double>(0), 0) && same_float(static_cast<long double>(0), sizeof(long double));
    default: return std::memcmp(a, b, itemsize_of(kind)) == 0;
  }
}

/// Runs a kernel and gives the flags it raised (inexact apart).
inline int run(const Kernel& kernel, std::vector<char*> data, std::ptrdiff_t n,
               const std::vector<std::ptrdiff_t>& strides) {
  std::feclearexcept(FE_ALL_EXCEPT);
  kernel.loop(kernel.context, data.data(), &n, strides.data(), kernel.auxdata);
  return std::fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW);
}

/// The result of a real kernel for single elements.
template <class R, class... Ts>
R evaluate(Op op, Ts... values) {
  const Kind kinds[] = {kind_of<Ts>...};
  const Kernel* kernel = find(op, kinds);
  if (kernel == nullptr) throw std::logic_error("no kernel " + std::string(name_of(op)));
  R result{};
  run(*kernel, {reinterpret_cast<char*>(&values)..., reinterpret_cast<char*>(&result)}, 1,
      std::vector<std::ptrdiff_t>(sizeof...(Ts) + 1, 0));
  return result;
}

/// Every kernel there is, with its operation.
inline std::vector<std::pair<Op, const Kernel*>> all_kernels() {
  std::vector<std::pair<Op, const Kernel*>> all;
  for (int o = 0; o < kOps; ++o) {
    const Op op = static_cast<Op>(o);
    for (int a = 0; a < kNativeKinds; ++a) {
      const Kind x = static_cast<Kind>(a);
      const std::vector<std::vector<Kind>> candidates = {
          {x}, {x, x}, {x, x, x}, {Kind::Bool, x, x}, {x, Kind::Int32}, {x, Kind::Int64}, {x, Kind::UInt64}};
      std::vector<const Kernel*> seen;
      for (const auto& kinds : candidates) {
        const Kernel* kernel = find(op, kinds);
        if (kernel == nullptr || std::find(seen.begin(), seen.end(), kernel) != seen.end()) continue;
        seen.push_back(kernel);
        all.emplace_back(op, kernel);
      }
    }
  }
  return all;
}

inline std::string describe(Op op, const Kernel& kernel) {
  std::string text(name_of(op));
  for (int i = 0; i < kernel.inputs; ++i) text.append(" ").append(std::to_string(static_cast<int>(kernel.kinds[i])));
  return text;
}

/// Calls f once for each instruction set, then goes back to the best.
template <class F>
void for_each_target(F f) {
  for (const auto target : targets()) {
    use_target_for_testing(target);
    f(target);
  }
  use_target_for_testing(targets().front());
}

}  // namespace distob::kernels::testing

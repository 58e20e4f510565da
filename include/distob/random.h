// Random arrays: a function of seed and index alone, so the same numbers on any number of threads, engines and hosts.
#pragma once

#include <concepts>
#include <cstdint>

#include "distob/array.h"

namespace distob::random {

/// Uniform values in [0, 1): 53 bits for double, 24 for float (Philox 4x32-10 by index in C order).
template <class T>
requires std::same_as<T, double> || std::same_as<T, float>
[[nodiscard]] DistArray<T> uniform(const Shape& shape, std::uint64_t seed) {
  return DistArray<T>(detail::uniform(shape, kind_of<T>, seed));
}
/// The same beside a cluster: arrays are computed by the threads of this process and need none.
// clang-format off
template <class T, class Cluster>
  requires(!std::convertible_to<Cluster&, const Shape&>)
[[nodiscard]] DistArray<T> uniform(Cluster&, const Shape& shape, std::uint64_t seed) {
  return uniform<T>(shape, seed);
}
// clang-format on

/// Random arrays one after the other: no two calls see the same bits. Not thread-safe; copies go on alike.
///
///   distob::random::Generator random(/*seed=*/1);
///   auto a = random.normal<double>({10'000, 10'000});
///   auto dice = random.integers<int>({100}, 1, 7);
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : seed_(seed) {}

  /// In [0, 1): 53 bits for double, 24 for float.
  template <std::floating_point T>
  [[nodiscard]] DistArray<T> uniform(const Shape& shape) {
    return draw<T>("uniform", shape);
  }
  /// Of mean 0 and variance 1.
  template <std::floating_point T>
  [[nodiscard]] DistArray<T> normal(const Shape& shape) {
    return draw<T>("normal", shape);
  }
  /// Of mean 1.
  template <std::floating_point T>
  [[nodiscard]] DistArray<T> exponential(const Shape& shape) {
    return draw<T>("exponential", shape);
  }
  /// Whole numbers in [low, high), each as likely as any other. Throws ValueError unless low < high.
  template <std::integral T>
  [[nodiscard]] DistArray<T> integers(const Shape& shape, T low, T high) {
    return DistArray<T>(detail::random_integers(shape, kind_of<T>, static_cast<std::int64_t>(low),
                                                static_cast<std::int64_t>(high), low < high, seed_, ++uses_));
  }

 private:
  template <class T>
  DistArray<T> draw(const char* name, const Shape& shape) {
    static_assert(std::same_as<T, double> || std::same_as<T, float>, "random numbers are float or double");
    return DistArray<T>(detail::random_numbers(name, shape, kind_of<T>, seed_, ++uses_));
  }

  std::uint64_t seed_;
  std::uint32_t uses_ = 0;  // the functions above have use 0
};

}  // namespace distob::random

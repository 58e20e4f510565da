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

}  // namespace distob::random

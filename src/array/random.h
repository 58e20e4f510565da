// Random arrays: element i is a function of the stream and of i, its index in C order, alone. So the numbers are the same
// for any number of threads and any partition.
#pragma once

#include <cstdint>

#include "array/array.h"
#include "kernels/philox.h"

namespace distob::array {

enum class Draw : std::uint8_t {
  uniform,      ///< in [0, 1): 53 bits of float64, 24 of float32
  normal,       ///< of mean 0 and variance 1 (Box and Muller, 1958)
  exponential,  ///< of mean 1, by inversion
};

/// Float64 or Float32 numbers of a distribution; TypeError for other dtypes.
[[nodiscard]] Array random_numbers(Draw draw, const Shape& shape, DType dtype, const kernels::PhiloxStream& stream,
                                   const Partition* partition = nullptr);

/// Whole numbers low, low + 1 ... low + range (2**64 - 1 at the most, wrapping around), each as likely as any other
/// (Lemire, "Fast random integer generation in an interval", 2019), cast to `dtype`, a kind of integer or bool.
[[nodiscard]] Array random_integers(std::int64_t low, std::uint64_t range, const Shape& shape, DType dtype,
                                    const kernels::PhiloxStream& stream, const Partition* partition = nullptr);

}  // namespace distob::array

// Counter-based random numbers: Philox 4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3" (SC 2011). Element i depends on the seed and on i alone.
#include <array>
#include <cstdint>
#include <cstring>

#include "array/generate.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using Counter = std::array<std::uint32_t, 4>;

Counter philox(Counter c, std::uint64_t seed) {
  auto low_key = static_cast<std::uint32_t>(seed);
  auto high_key = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ low_key, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ high_key, static_cast<std::uint32_t>(a)};
    low_key += 0x9E3779B9U;   // the golden ratio
    high_key += 0xBB67AE85U;  // sqrt(3) - 1
  }
  return c;
}

// The 128 bits that belong to block `block` of the stream.
Counter block_of(std::uint64_t block, std::uint64_t seed) {
  return philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}, seed);
}

// Two elements of a block, 53 bits each.
void doubles(std::uint64_t seed, std::int64_t first, std::int64_t n, double* out) {
  for (std::int64_t i = first; i < first + n; ++i) {
    const Counter bits = block_of(static_cast<std::uint64_t>(i) / 2, seed);
    const std::size_t half = static_cast<std::size_t>(i) % 2 * 2;
    const std::uint64_t word = bits[half] | std::uint64_t{bits[half + 1]} << 32;
    out[i - first] = static_cast<double>(word >> 11) * 0x1.0p-53;
    if (half == 0 && i + 1 < first + n) {
      ++i;
      out[i - first] = static_cast<double>((bits[2] | std::uint64_t{bits[3]} << 32) >> 11) * 0x1.0p-53;
    }
  }
}

// Four elements of a block, 24 bits each.
void floats(std::uint64_t seed, std::int64_t first, std::int64_t n, float* out) {
  for (std::int64_t i = first; i < first + n;) {
    const Counter bits = block_of(static_cast<std::uint64_t>(i) / 4, seed);
    do {
      out[i - first] = static_cast<float>(bits[static_cast<std::size_t>(i) % 4] >> 8) * 0x1.0p-24F;
      ++i;
    } while (i % 4 != 0 && i < first + n);
  }
}

}  // namespace

Array random_uniform(const Shape& shape, DType dtype, std::uint64_t seed, const Partition* partition) {
  detail::CutPtr cut = detail::cut_for(partition, shape);
  if (dtype == DType(Kind::Float64)) {
    return detail::generate(shape, Kind::Float64, dtype, std::move(cut),
                            [seed](std::int64_t first, std::int64_t n, char* out) {
                              doubles(seed, first, n, reinterpret_cast<double*>(out));
                            });
  }
  if (dtype == DType(Kind::Float32)) {
    return detail::generate(shape, Kind::Float32, dtype, std::move(cut),
                            [seed](std::int64_t first, std::int64_t n, char* out) {
                              floats(seed, first, n, reinterpret_cast<float*>(out));
                            });
  }
  throw TypeError("uniform random numbers are float32 or float64, not " + dtype.name());
}

}  // namespace distob::array

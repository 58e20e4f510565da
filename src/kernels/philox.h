// Random bits by counter: Philox 4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
// (SC 2011). A block of 128 bits is a function of its number and of the stream alone, so any thread can make any part.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace distob::kernels {

/// One stream of blocks: a key of 96 bits, of which the cipher takes 64 as its key and 32 in the counter, and a number that
/// each use of the key has for itself. Two streams that differ in anything have no block in common.
struct PhiloxStream {
  std::array<std::uint32_t, 2> key{};
  std::uint32_t more_key = 0;
  std::uint32_t use = 0;
};

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// The cipher itself: ten rounds.
[[nodiscard]] PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key);

/// Block `number` of a stream.
[[nodiscard]] inline PhiloxBlock philox_block(const PhiloxStream& stream, std::uint64_t number) {
  return philox(
      {static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32), stream.use, stream.more_key},
      stream.key);
}

/// Blocks [first, first + n), four words each, by the best instruction set.
void philox_blocks(const PhiloxStream& stream, std::uint64_t first, std::ptrdiff_t n, std::uint32_t* words);

}  // namespace distob::kernels

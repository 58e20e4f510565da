#include "kernels/philox.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kernel.h"

namespace distob::kernels {
namespace {

// kat_vectors of Random123, the authors' own implementation.
TEST(Philox, HasTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, VectorsMakeTheSameBlocks) {
  const PhiloxStream stream{{0xa4093822, 0x299f31d0}, 77, 5};
  for (std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xfffffffdU}, std::uint64_t{1} << 40}) {
    for (std::ptrdiff_t n : {1, 7, 8, 37}) {
      std::vector<std::uint32_t> words(static_cast<std::size_t>(4 * n));
      philox_blocks(stream, first, n, words.data());
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        const PhiloxBlock block = philox_block(stream, first + static_cast<std::uint64_t>(i));
        for (std::size_t j = 0; j < 4; ++j) EXPECT_EQ(words[static_cast<std::size_t>(4 * i) + j], block[j]);
      }
    }
  }
}

}  // namespace
}  // namespace distob::kernels

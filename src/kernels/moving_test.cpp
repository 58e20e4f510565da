#include "kernels/moving.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernel.h"

namespace distob::kernels {
namespace {

/// Runs a test once for each instruction set of the machine.
class Moving : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override { use_target_for_testing(GetParam()); }
  void TearDown() override { use_target_for_testing(targets().front()); }

  std::vector<std::uint8_t> random_mask(std::size_t n, int percent) {
    std::vector<std::uint8_t> mask(n);
    for (auto& byte : mask)
      byte = static_cast<int>(random_() % 100) < percent ? static_cast<std::uint8_t>(1 + random_() % 255) : 0;
    return mask;
  }
  std::vector<char> random_bytes(std::size_t n) {
    std::vector<char> bytes(n);
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }
  std::mt19937 random_{1};
};

constexpr std::size_t kSizes[] = {1, 2, 3, 4, 8, 12, 16, 32};
constexpr std::ptrdiff_t kCounts[] = {0, 1, 7, 64, 65, 1000, 20000};

TEST_P(Moving, CountsBytesThatAreNotZero) {
  for (std::ptrdiff_t n : kCounts) {
    for (int percent : {0, 30, 100}) {
      const auto mask = random_mask(static_cast<std::size_t>(n), percent);
      const auto expected = n - std::count(mask.begin(), mask.end(), 0);
      EXPECT_EQ(count_true(mask.data(), n), expected);
    }
  }
}

TEST_P(Moving, CompressesElementsOfEverySizeAndWritesNothingBeyond) {
  for (std::size_t size : kSizes) {
    for (std::ptrdiff_t n : kCounts) {
      const auto mask = random_mask(static_cast<std::size_t>(n), 40);
      const auto from = random_bytes(static_cast<std::size_t>(n) * size);
      std::vector<char> expected;
      for (std::size_t i = 0; i < mask.size(); ++i) {
        if (mask[i] != 0)
          expected.insert(expected.end(), from.begin() + static_cast<std::ptrdiff_t>(i * size),
                          from.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
      }
      const std::size_t written = expected.size();
      expected.resize(written + 64, 'x');
      std::vector<char> to(expected.size(), 'x');
      compress_items(mask.data(), from.data(), static_cast<std::int64_t>(written / size), to.data(), size);
      EXPECT_EQ(to, expected) << size << " bytes, " << n;
    }
  }
}

TEST_P(Moving, FindsPositionsOfTrueBytes) {
  for (std::ptrdiff_t n : kCounts) {
    const auto mask = random_mask(static_cast<std::size_t>(n), 60);
    std::vector<std::int64_t> expected;
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i] != 0) expected.push_back(static_cast<std::int64_t>(i) + 5);
    }
    const auto count = static_cast<std::int64_t>(expected.size());
    expected.resize(expected.size() + 16, -1);
    std::vector<std::int64_t> positions(expected.size(), -1);
    true_positions(mask.data(), 5, count, positions.data());
    EXPECT_EQ(positions, expected);
  }
}

TEST_P(Moving, OffsetsWrapNegativeIndicesAndTellThoseOutside) {
  const std::vector<std::int64_t> indices = {0, 4, -1, -5, 2, 2, 1, -3, 0};
  std::vector<std::int64_t> sums(indices.size(), 100);
  EXPECT_TRUE(add_offsets(indices.data(), 9, 5, -8, sums.data()));
  EXPECT_EQ(sums, (std::vector<std::int64_t>{100, 68, 68, 100, 84, 84, 92, 84, 100}));
  for (std::int64_t outside : {std::int64_t{5}, std::int64_t{-6}, INT64_MAX, INT64_MIN}) {
    for (std::size_t place = 0; place < indices.size(); ++place) {
      auto wrong = indices;
      wrong[place] = outside;
      EXPECT_FALSE(add_offsets(wrong.data(), 9, 5, 8, sums.data()));
    }
  }
}

TEST_P(Moving, KeepsTheOffsetsOfAPartInOrder) {
  for (std::ptrdiff_t n : kCounts) {
    std::vector<std::int64_t> to(static_cast<std::size_t>(n)), from(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i] = static_cast<std::int64_t>(random_() % 4096) - 2048;
      from[i] = static_cast<std::int64_t>(i);
    }
    std::vector<std::int64_t> expected_to, expected_from;
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (((to[i] >> 8) & 3) != 2) continue;
      expected_to.push_back(to[i]);
      expected_from.push_back(from[i]);
    }
    const std::ptrdiff_t kept = keep_part(to.data(), from.data(), n, 8, 3, 2);
    to.resize(static_cast<std::size_t>(kept));
    from.resize(static_cast<std::size_t>(kept));
    EXPECT_EQ(to, expected_to);
    EXPECT_EQ(from, expected_from);
  }
}

TEST_P(Moving, CopiesWhereAMaskSaysSoAtAnyDistance) {
  for (std::size_t size : kSizes) {
    for (std::ptrdiff_t apart : {1, 3}) {
      for (std::ptrdiff_t source_apart : {0, 1, 2}) {
        const std::ptrdiff_t n = 100, bytes = static_cast<std::ptrdiff_t>(size);
        const auto mask = random_mask(static_cast<std::size_t>(n * apart), 50);
        const auto from = random_bytes(static_cast<std::size_t>(n * bytes * 2));
        auto to = random_bytes(static_cast<std::size_t>(n * bytes * apart));
        auto expected = to;
        for (std::ptrdiff_t i = 0; i < n; ++i) {
          if (mask[static_cast<std::size_t>(i * apart)] == 0) continue;
          std::memcpy(expected.data() + i * apart * bytes, from.data() + i * source_apart * bytes, size);
        }
        copy_items_where(reinterpret_cast<const char*>(mask.data()), apart, from.data(), source_apart * bytes, n,
                         to.data(), apart * bytes, size);
        EXPECT_EQ(to, expected) << size << " bytes";
      }
    }
  }
}

TEST_P(Moving, OfEqualTargetsTheLastOneStays) {
  for (std::size_t size : kSizes) {
    const auto bytes = static_cast<std::int64_t>(size);
    const std::ptrdiff_t n = 500;
    const auto from = random_bytes(static_cast<std::size_t>(n * bytes));
    std::vector<std::int64_t> to_offsets(n), from_offsets(n);
    std::vector<char> to(static_cast<std::size_t>(20 * bytes)), expected = to;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      to_offsets[at] = static_cast<std::int64_t>(random_() % 20) * bytes;
      from_offsets[at] = i * bytes;
      std::memcpy(expected.data() + to_offsets[at], from.data() + from_offsets[at], size);
    }
    move_items(to.data(), to_offsets.data(), from.data(), from_offsets.data(), n, size);
    EXPECT_EQ(to, expected);
    std::vector<char> back(static_cast<std::size_t>(n * bytes));
    take_items(to.data(), to_offsets.data(), n, back.data(), bytes, size);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      EXPECT_EQ(std::memcmp(back.data() + i * bytes, to.data() + to_offsets[static_cast<std::size_t>(i)], size), 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, Moving, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace distob::kernels

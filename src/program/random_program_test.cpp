#include <gtest/gtest.h>

#include "program/random_program_for_test.h"

namespace distob::program::testing {
namespace {

TEST(RandomProgram, DoesWhatTheInterpreterDoesByteForByte) {
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    Choices choices(seed);
    ASSERT_EQ(check_random_program(choices), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace distob::program::testing

#include "session/patience.h"

#include <gtest/gtest.h>

namespace distob::session {
namespace {

constexpr Patience::Duration kNone{};

/// How many of `waits` waits poll, none of which finds anything.
int polls_in_vain(Patience& patience, int waits) {
  int polls = 0;
  for (int i = 0; i < waits; ++i) {
    if (patience.begin() == kNone) continue;
    patience.ended(false);
    polls += 1;
  }
  return polls;
}

TEST(Patience, polls_as_long_as_that_finds_something) {
  Patience patience;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(patience.begin(), Patience::kPoll);
    patience.ended(i % 4 == 0);
  }
}

TEST(Patience, gives_up_where_polling_never_helps) {
  Patience patience;
  EXPECT_LT(polls_in_vain(patience, 10'000), 50);
  EXPECT_LE(polls_in_vain(patience, 100'000), 200) << "the pauses did not grow";
}

TEST(Patience, polls_again_once_it_helps_again) {
  Patience patience;
  static_cast<void>(polls_in_vain(patience, 10'000));
  int waits = 0;
  while (patience.begin() == kNone) waits += 1;
  EXPECT_LE(waits, static_cast<int>(Patience::kLongestPause));
  patience.ended(true);
  EXPECT_EQ(patience.begin(), Patience::kPoll);
}

}  // namespace
}  // namespace distob::session

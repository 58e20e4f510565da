#include "hub/hub.h"

#include <gtest/gtest.h>

#include "session/endpoint.h"

namespace distob::hub {
namespace {

/// Two engines, each with a command inside an object that the other's nested call waits for.
class Circle : public testing::Test {
 protected:
  void SetUp() override {
    for (const EngineId engine : {one_, two_}) {
      EXPECT_EQ(hub_.join(), engine);
      hub_.on_message(wire::session_of(engine), {SessionId{}, wire::kHub, wire::Hello{}});
    }
    static_cast<void>(hub_.take_messages());
  }
  void say(EngineId from, std::vector<wire::Wait> waits, std::uint64_t cancels = 0) {
    hub_.on_message(wire::session_of(from),
                    {wire::session_of(from), wire::kHub, wire::Waits{std::move(waits), cancels}});
  }
  /// A user's cancel of the command that runs on engine one.
  void cancel() {
    hub_.on_message(wire::kHub, {wire::kHub, wire::session_of(one_),
                                 wire::Cancel{outer_one_, static_cast<std::uint8_t>(session::Status::Cancelled), {}}});
  }
  /// The commands that the hub refused since it was last asked.
  std::vector<CommandId> refused() {
    std::vector<CommandId> all;
    for (const auto& message : hub_.take_messages()) {
      const auto* cancel = std::get_if<wire::Cancel>(&message.body);
      if (cancel && static_cast<session::Status>(cancel->status) == session::Status::Deadlock)
        all.push_back(cancel->command);
    }
    return all;
  }

  Hub hub_;
  const EngineId one_{0}, two_{1};
  const CommandId outer_one_{kClientSession, 1}, outer_two_{kClientSession, 2};
  const CommandId inner_one_{wire::session_of(two_), 1},
      inner_two_{wire::session_of(one_), 1};  // named by where they are
  const wire::Wait parked_one_{inner_one_, true, 4, "one.inner", {{outer_one_}}};
  const wire::Wait parked_two_{inner_two_, true, 3, "two.inner", {{outer_two_}}};
  const std::vector<wire::Wait> all_one_{{outer_one_, false, 1, "one.outer", {{inner_two_}}}, parked_one_};
  const std::vector<wire::Wait> all_two_{{outer_two_, false, 2, "two.outer", {{inner_one_}}}, parked_two_};
};

TEST_F(Circle, ends_with_a_refusal_of_the_youngest_parked_command) {
  say(one_, all_one_);
  EXPECT_TRUE(refused().empty());
  say(two_, all_two_);
  EXPECT_EQ(refused(), std::vector{inner_one_});
}

TEST_F(Circle, is_not_broken_twice_while_the_refusal_is_on_its_way) {
  say(one_, all_one_);
  say(two_, all_two_);
  EXPECT_EQ(refused().size(), 1u);
  say(two_, all_two_);
  say(one_, all_one_);
  EXPECT_TRUE(refused().empty());
}

TEST_F(Circle, that_a_cancel_on_its_way_breaks_is_left_to_it) {
  say(one_, all_one_);
  cancel();
  say(two_, all_two_);
  say(one_, all_one_);  // said before the cancel came
  EXPECT_TRUE(refused().empty());
  say(one_, {parked_one_}, 1);
  EXPECT_TRUE(refused().empty());
}

TEST_F(Circle, that_a_cancel_did_not_break_is_broken) {
  say(one_, all_one_);
  cancel();
  say(two_, all_two_);
  EXPECT_TRUE(refused().empty());
  say(one_, all_one_, 1);
  EXPECT_EQ(refused(), std::vector{inner_one_});
}

}  // namespace
}  // namespace distob::hub

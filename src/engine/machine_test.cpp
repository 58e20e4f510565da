#include "engine/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distob::engine {
namespace {

constexpr EngineId kSelf{0};
const SessionId kOtherEngine = wire::session_of(EngineId{1});

class MachineTest : public testing::Test {
 protected:
  void SetUp() override { machine_.welcomed(kSelf); }
  void send(SessionId from, wire::Body body) { machine_.on_message({from, wire::session_of(kSelf), std::move(body)}); }
  /// A command of the client, which runs when this returns.
  CommandId run() {
    wire::Command command;
    command.id = {kClientSession, ++commands_};
    command.sequence = commands_;
    const CommandId id = command.id;
    send(kClientSession, std::move(command));
    static_cast<void>(machine_.take_work());
    EXPECT_NE(machine_.begin(kMainThread), nullptr);
    return id;
  }
  template <class Body>
  std::vector<Body> sent() {
    std::vector<Body> all;
    for (auto& message : machine_.take_messages()) {
      if (auto* body = std::get_if<Body>(&message.body)) all.push_back(std::move(*body));
    }
    return all;
  }

  Machine machine_;
  std::uint64_t commands_ = 0;
};

TEST_F(MachineTest, a_cancelled_command_waits_for_nothing_any_more_and_says_so) {
  send(wire::kHub, wire::Watch{true});
  const CommandId command = run();
  machine_.suspend(kMainThread, {CommandId{wire::session_of(kSelf), 1}});
  auto said = sent<wire::Waits>();
  ASSERT_EQ(said.size(), 1u);
  ASSERT_EQ(said[0].waits.size(), 1u);
  EXPECT_EQ(said[0].waits[0].command, command);
  EXPECT_EQ(said[0].cancels, 0u);

  send(kClientSession, wire::Cancel{command, static_cast<std::uint8_t>(Status::Cancelled), {}});
  said = sent<wire::Waits>();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(said[0].waits.empty());
  EXPECT_EQ(said[0].cancels, 1u);
  EXPECT_TRUE(machine_.is_cancelled(kMainThread));
}

TEST_F(MachineTest, what_a_reply_names_is_given_back_if_its_receiver_dies_before_the_receipt) {
  const ObjectId elsewhere{kOtherEngine, EngineId{1}, 1, 0};
  wire::Command command;
  command.id = {kOtherEngine, 1};
  command.sequence = 1;
  command.references = {elsewhere};
  send(kOtherEngine, std::move(command));
  ASSERT_NE(machine_.begin(kMainThread), nullptr);
  ASSERT_TRUE(machine_.session().retain(elsewhere));
  Outcome outcome;
  outcome.references = {elsewhere};
  machine_.finish(kMainThread, std::move(outcome));
  send(kOtherEngine, wire::Registered{.objects = {elsewhere}});
  ASSERT_EQ(sent<wire::Reply>().size(), 1u);
  EXPECT_EQ(machine_.unsettled(), 1u);
  send(wire::kHub, wire::Gone{kOtherEngine, "it died"});
  EXPECT_EQ(machine_.unsettled(), 0u);
  EXPECT_EQ(machine_.session().held(), 0u);
  EXPECT_EQ(machine_.session().inconsistency(), "");
}

TEST_F(MachineTest, what_an_engine_sent_is_not_kept_waiting_for_credit) {
  static_cast<void>(run());
  EXPECT_FALSE(machine_.is_waited_for(kMainThread));
  machine_.finish(kMainThread, {});
  wire::Command command;
  command.id = {kOtherEngine, 1};
  command.sequence = 1;
  command.chain = {{kClientSession, 77}};
  send(kOtherEngine, std::move(command));
  ASSERT_NE(machine_.begin(kMainThread), nullptr);
  EXPECT_TRUE(machine_.is_waited_for(kMainThread));
}

TEST_F(MachineTest, a_command_is_not_kept_waiting_for_credit_while_others_wait_for_what_it_makes) {
  wire::Command making;
  making.id = {kClientSession, 1};
  making.sequence = 1;
  making.results = 1;
  send(kClientSession, making);
  ASSERT_NE(machine_.begin(kMainThread), nullptr);
  EXPECT_FALSE(machine_.is_waited_for(kMainThread));
  wire::Command reading;
  reading.id = {kClientSession, 2};
  reading.sequence = 2;
  reading.references = {{kClientSession, kSelf, 1, 0}};
  send(kClientSession, reading);
  EXPECT_TRUE(machine_.is_waited_for(kMainThread));
}

TEST_F(MachineTest, a_circle_of_parked_commands_is_told_even_if_nothing_is_suspended) {
  // The object of command 1 is there; 2 of the other engine enters it once it has what 3 makes, and 3 is queued behind it.
  const ObjectId object{kClientSession, kSelf, 1, 0}, made_later{kClientSession, kSelf, 2, 0};
  wire::Command making;
  making.id = {kClientSession, 1};
  making.sequence = 1;
  making.results = 1;
  send(kClientSession, making);
  ASSERT_NE(machine_.begin(kMainThread), nullptr);
  machine_.finish(kMainThread, {});

  wire::Command inner;
  inner.id = {kOtherEngine, 1};
  inner.sequence = 1;
  inner.target = object;
  inner.references = {made_later};
  inner.chain = {{kClientSession, 77}};
  send(kOtherEngine, inner);
  wire::Command behind;
  behind.id = {kClientSession, 2};
  behind.sequence = 2;
  behind.target = object;
  behind.results = 1;
  send(kClientSession, behind);

  const auto said = sent<wire::Waits>();
  ASSERT_FALSE(said.empty());
  std::vector<CommandId> waiting;
  for (const auto& wait : said.back().waits) waiting.push_back(wait.command);
  EXPECT_THAT(waiting, testing::UnorderedElementsAre(inner.id, behind.id));
}

TEST_F(MachineTest, an_order_that_no_correct_peer_sends_is_refused) {
  wire::Command late;
  late.id = {kClientSession, 2};
  late.sequence = 2;
  EXPECT_THROW(send(kClientSession, late), ProtocolError);
  wire::Command foreign;
  foreign.id = {kClientSession, 1};
  foreign.sequence = 1;
  EXPECT_THROW(send(kOtherEngine, foreign), ProtocolError);
}

}  // namespace
}  // namespace distob::engine

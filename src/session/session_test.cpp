#include "session/session.h"

#include <gtest/gtest.h>

namespace distob::session {
namespace {

constexpr EngineId kOwner{0}, kOther{1};

/// A client that passed an unmade object on, released it, and gets it back in a reply of the other engine.
class AReferenceThatComesBack : public testing::Test {
 protected:
  void SetUp() override {
    Command making{.engine = kOwner};
    making.results = 1;
    made_by_ = session_.submit(making, {}).id;
    const auto passing = session_.submit({.engine = kOther, .references = {&object_, 1}}, {}).id;
    wire::Reply kept{.command = passing};
    kept.kept = {object_};
    reply(kept, kOther);
    session_.release(object_);
    session_.flush_releases();
    EXPECT_EQ(session_.held(), 0u);

    returned_by_ = session_.submit({.engine = kOther}, {}).id;
    wire::Reply returning{.command = returned_by_};
    returning.references = {object_};
    returning.wants_receipt = true;
    static_cast<void>(session_.take_messages());
    reply(returning, kOther);
    EXPECT_EQ(sent<wire::Register>(), 1);
    EXPECT_EQ(session_.owed(), 1u);
  }
  void reply(wire::Reply message, EngineId from) {
    session_.on_reply(std::move(message), wire::session_of(from));
    EXPECT_EQ(session_.inconsistency(), "");
  }
  /// How many messages of a kind were sent since the last take_messages().
  template <class Body>
  int sent() {
    int count = 0;
    for (const auto& message : session_.take_messages()) count += std::holds_alternative<Body>(message.body);
    return count;
  }
  void expect_nothing_left() {
    EXPECT_EQ(session_.inconsistency(), "");
    EXPECT_EQ(session_.owed(), 0u);
    EXPECT_EQ(session_.held(), 0u);
  }

  const ObjectId object_{kClientSession, kOwner, 1, 0};
  Session session_{kClientSession, nullptr};
  CommandId made_by_, returned_by_;
};

TEST_F(AReferenceThatComesBack, is_acknowledged_when_it_is_registered) {
  session_.on_registered({.objects = {object_}});
  EXPECT_EQ(sent<wire::Receipt>(), 1);
  session_.release(object_);
  session_.flush_releases();
  EXPECT_EQ(sent<wire::Release>(), 1);
  expect_nothing_left();
}

TEST_F(AReferenceThatComesBack, is_acknowledged_even_if_its_maker_returns_a_value_meanwhile) {
  wire::Reply value{.command = made_by_};
  value.results_stored = false;
  reply(value, kOwner);
  session_.on_registered({.gone = {object_}});
  EXPECT_EQ(sent<wire::Receipt>(), 1);
  session_.release(object_);
  expect_nothing_left();
}

TEST_F(AReferenceThatComesBack, leaves_nothing_if_who_returned_it_dies) {
  session_.on_gone(wire::session_of(kOther), "it died");
  EXPECT_EQ(session_.inconsistency(), "");
  session_.release(object_);
  session_.on_registered({.objects = {object_}});
  EXPECT_EQ(sent<wire::Receipt>(), 0);
  session_.flush_releases();
  EXPECT_EQ(sent<wire::Release>(), 1);
  expect_nothing_left();
}

TEST_F(AReferenceThatComesBack, leaves_nothing_if_its_maker_returns_a_value_and_who_returned_it_dies) {
  wire::Reply value{.command = made_by_};
  value.results_stored = false;
  reply(value, kOwner);
  session_.on_gone(wire::session_of(kOther), "it died");
  session_.on_registered({.gone = {object_}});
  session_.release(object_);
  expect_nothing_left();
}

TEST_F(AReferenceThatComesBack, leaves_nothing_if_its_owner_dies) {
  session_.on_gone(wire::session_of(kOwner), "it died");
  EXPECT_EQ(sent<wire::Receipt>(), 1);
  session_.release(object_);
  expect_nothing_left();
}

}  // namespace
}  // namespace distob::session

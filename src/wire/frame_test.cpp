#include "wire/frame.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <random>

#include "distob/errors.h"

namespace distob::wire {
namespace {

Bytes bytes(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

Message a_command() {
  Command command;
  command.id = {SessionId{1}, 7};
  command.sequence = 3;
  command.target = {SessionId{1}, EngineId{0}, 2, 1};
  command.payload = bytes("payload");
  command.references = {{SessionId{2}, EngineId{1}, 9, 0}};
  command.results = 2;
  command.chain = {{SessionId{1}, 5}, {SessionId{2}, 6}};
  command.label = "Tree.grow";
  return {SessionId{1}, SessionId{2}, std::move(command)};
}

std::vector<std::byte> frame_of(const Message& message) {
  Outgoing out;
  out.append(message);
  const auto piece = out.next();
  return {piece.bytes.begin(), piece.bytes.end()};
}

void feed(Incoming& in, std::span<const std::byte> data) {
  if (data.empty()) return;
  std::memcpy(in.room(data.size()).data(), data.data(), data.size());
  in.received(data.size());
}

TEST(Frame, ACommandArrivesAsItWasSent) {
  Incoming in;
  feed(in, frame_of(a_command()));
  Message message;
  ASSERT_TRUE(in.next(message));
  EXPECT_EQ(message.destination, SessionId{2});
  const auto& command = std::get<Command>(message.body);
  const Message sent = a_command();
  const auto& expected = std::get<Command>(sent.body);
  EXPECT_EQ(command.id, expected.id);
  EXPECT_EQ(command.sequence, 3u);
  EXPECT_EQ(command.target, expected.target);
  EXPECT_EQ(command.payload, expected.payload);
  EXPECT_EQ(command.references, expected.references);
  EXPECT_EQ(command.chain, expected.chain);
  EXPECT_EQ(command.label, "Tree.grow");
  EXPECT_FALSE(in.next(message));
}

TEST(Frame, ArrivesInPiecesOfOneByte) {
  Incoming in;
  const auto frame = frame_of(a_command());
  Message message;
  for (std::size_t i = 0; i + 1 < frame.size(); ++i) {
    feed(in, std::span(frame).subspan(i, 1));
    EXPECT_FALSE(in.next(message));
  }
  feed(in, std::span(frame).last(1));
  EXPECT_TRUE(in.next(message));
}

TEST(Frame, ClaimingFourGigabytesIsRefusedBeforeAnythingIsAllocated) {
  auto frame = frame_of(a_command());
  const std::uint32_t length = 0xfffffff0;
  std::memcpy(frame.data(), &length, sizeof length);
  Incoming in;
  in.greeted();
  feed(in, frame);
  Message message;
  EXPECT_THROW(in.next(message), ProtocolError);
}

TEST(Frame, BeforeTheGreetingOnlySmallFramesAreAccepted) {
  Message message = a_command();
  std::get<Command>(message.body).payload.resize(100'000);
  const auto frame = frame_of(message);
  Incoming stranger, member;
  member.greeted();
  feed(stranger, frame);
  feed(member, frame);
  EXPECT_THROW(stranger.next(message), ProtocolError);
  EXPECT_TRUE(member.next(message));
}

TEST(Frame, DamagedBytesAreRefusedOrStillAMessage) {
  std::mt19937 random(1);
  const auto frame = frame_of(a_command());
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = frame;
    for (int k = 0; k < 3; ++k) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    Incoming in;
    feed(in, damaged);
    Message message;
    try {
      in.next(message);
    } catch (const ProtocolError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Frame, DescriptorsThatDidNotComeAreMissed) {
  auto file = std::make_shared<UniqueFd>(::memfd_create("test", MFD_CLOEXEC));
  Message message = a_command();
  std::get<Command>(message.body).buffers = {{file, 1, 2, 3}, {file, 4, 5, 6}};
  Outgoing out;
  out.append(a_command());
  const std::size_t first = out.size();
  out.append(message);
  EXPECT_EQ(out.next().bytes.size(), first);  // descriptors go with the first byte of their frame
  EXPECT_TRUE(out.next().files.empty());
  out.sent(first);
  ASSERT_EQ(out.next().files.size(), 1u);  // one descriptor, though two buffers are of it
  const auto piece = out.next();
  Incoming without, with;
  feed(without, piece.bytes);
  EXPECT_THROW(without.next(message), ProtocolError);
  feed(with, piece.bytes);
  with.received(UniqueFd(::dup(file->get())));
  ASSERT_TRUE(with.next(message));
  EXPECT_EQ(std::get<Command>(message.body).buffers[1].offset, 4u);
}

TEST(Frame, TooLargeAMessageIsRefusedAtTheSender) {
  Message message = a_command();
  std::get<Command>(message.body).payload.resize(kMaxBody);
  Outgoing out;
  EXPECT_THROW(out.append(message), ValueError);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace distob::wire

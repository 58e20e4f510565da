// What the client's and the engines' endpoints promise, with real sockets and threads. Each engine is a thread of this
// process, so that the sanitizers see both sides; what needs a process of its own forks one.
#include "session/endpoint.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "conformance/functions.h"
#include "hub/client.h"
#include "transport/local/connection.h"

namespace distob {
namespace {

using namespace std::chrono_literals;
using conformance::bytes;
using conformance::Functions;
using conformance::owned;
using conformance::text_of;
using engine::Context;
using engine::Incoming;
using engine::Outcome;
using session::Call;
using session::Status;

class EndpointTest : public testing::Test {
 protected:
  struct Member {
    Functions functions;
    std::thread thread;
    EngineId id;
    int raw = -1;  ///< the engine's end of the socket, for tests that misuse it
  };

  Member& start(bool signals = false) {
    auto& member = *members_.emplace_back(std::make_unique<Member>());
    auto [ours, theirs] = transport::local_pair();
    member.raw = theirs.get();
    hub::Client::Attachment attachment;
    attachment.socket = std::move(ours);
    member.id = client_->attach(std::move(attachment));
    auto socket = std::make_shared<UniqueFd>(std::move(theirs));
    member.thread = std::thread([&member, socket, signals] {
      engine::EngineOptions options;
      options.socket = std::move(*socket);
      options.use_signals = signals;
      options.patience = 1h;  // this process is not the engine's
      try {
        engine::Engine(std::move(options), member.functions).serve();
      } catch (const ProtocolError&) {
      }
    });
    return member;
  }
  void greet() { ASSERT_TRUE(client_->wait_attached(std::chrono::steady_clock::now() + 30s)); }
  Call call(const Member& to, std::string_view what, ObjectId target = {}, std::vector<ObjectId> references = {},
            std::uint32_t results = 0) {
    session::Command command;
    command.engine = to.id;
    command.target = target;
    command.payload = bytes(what);
    command.references = references;
    command.results = results;
    command.label = what;
    return client_->submit(command);
  }
  void TearDown() override {
    client_->close();
    for (auto& member : members_) {
      if (member->thread.joinable()) member->thread.join();
    }
  }

  std::shared_ptr<hub::Client> client_ = hub::Client::create();
  std::vector<std::unique_ptr<Member>> members_;
};

/// A synchronous call from inside a command.
session::Reply nested(Context& context, ObjectId target, std::string_view what, std::vector<ObjectId> references = {}) {
  session::Command command;
  command.engine = target.owner;
  command.target = target;
  command.payload = bytes(what);
  command.references = references;
  command.label = what;
  command.synchronous = true;
  return context.endpoint()->submit(command).take();
}

TEST_F(EndpointTest, ACallComesBack) {
  auto& engine = start();
  EXPECT_EQ(text_of(call(engine, "hello").take().payload), "hello");
  EXPECT_EQ(client_->engines().size(), 1u);
}

TEST_F(EndpointTest, ABurstOfAsynchronousCallsNeitherDeadlocksNorIsLost) {
  auto& engine = start();
  constexpr int kCalls = 100'000;
  std::atomic<int> ended = 0;
  for (int i = 0; i < kCalls; ++i) {
    call(engine, "0123456789012345678901234567890123456789").on_ready([&] { ++ended; });
  }
  client_->wait_all();
  client_->close();  // callbacks of the last replies may still be running in the I/O thread: closing ends it
  EXPECT_EQ(ended, kCalls);
}

TEST_F(EndpointTest, ManyThreadsCallAtOnce) {
  auto& one = start();
  auto& two = start();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string what = std::to_string(t * 1000 + i);
        if (text_of(call(i % 2 ? one : two, what).take().payload) == what) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
}

TEST_F(EndpointTest, AnObjectIsDroppedWhenItsLastReferenceIsReleased) {
  auto& engine = start();
  const Call made = call(engine, "make", {}, {}, 1);
  const ObjectId object = made.result();
  ASSERT_EQ(made.take().status, Status::Value);
  EXPECT_EQ(call(engine, "use", object).take().status, Status::Value);
  EXPECT_EQ(engine.functions.dropped, 0);
  client_->release(object);
  ASSERT_EQ(call(engine, "after").take().status, Status::Value);
  client_->close();
  engine.thread.join();
  EXPECT_EQ(engine.functions.dropped, 1);
}

TEST_F(EndpointTest, AFailedResultPoisonsWhatDependsOnIt) {
  auto& engine = start();
  engine.functions.functions["fail"] = [](const Incoming&, Context&) -> Outcome {
    throw std::runtime_error("no tree");
  };
  const Call made = call(engine, "fail", {}, {}, 1);
  const Call used = call(engine, "use", made.result());
  const auto reply = used.take();
  EXPECT_EQ(reply.status, Status::Error);
  EXPECT_EQ(text_of(reply.payload), "no tree");
  client_->release(made.result());
}

TEST_F(EndpointTest, AnErrorThatNobodyTookIsKept) {
  auto& engine = start();
  engine.functions.functions["fail"] = [](const Incoming&, Context&) -> Outcome {
    throw std::runtime_error("no tree");
  };
  call(engine, "fail");
  client_->wait_all();
  ASSERT_EQ(call(engine, "next").take().status, Status::Value);
  const auto errors = client_->take_unobserved_errors();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].label, "fail");
}

TEST_F(EndpointTest, ACallBackRunsOnTheThreadThatWaitsForIt) {
  auto& one = start();
  auto& two = start();
  std::thread::id outer, inner;
  one.functions.functions["outer"] = [&](const Incoming& command, Context& context) -> Outcome {
    outer = std::this_thread::get_id();
    return {.payload = nested(context, command.references[0], "middle", {command.target}).payload};
  };
  two.functions.functions["middle"] = [&](const Incoming& command, Context& context) -> Outcome {
    return {.payload = nested(context, command.references[0], "inner").payload};
  };
  one.functions.functions["inner"] = [&](const Incoming& command, Context&) -> Outcome {
    inner = std::this_thread::get_id();
    return {.payload = owned(command.callback ? "back" : "outermost")};
  };
  const Call a = call(one, "make", {}, {}, 1), b = call(two, "make", {}, {}, 1);
  EXPECT_EQ(text_of(call(one, "outer", a.result(), {b.result()}).take().payload), "back");
  EXPECT_EQ(outer, inner);
}

TEST_F(EndpointTest, AMethodThatWaitsLetsOtherCommandsRun) {
  auto& one = start();
  auto& two = start();
  std::promise<void> go;
  two.functions.functions["wait"] = [&](const Incoming&, Context&) -> Outcome {
    go.get_future().wait();
    return {};
  };
  one.functions.functions["outer"] = [&](const Incoming& command, Context& context) -> Outcome {
    nested(context, command.references[0], "wait");
    return {.payload = owned("done")};
  };
  const Call a = call(one, "make", {}, {}, 1), b = call(two, "make", {}, {}, 1);
  const Call outer = call(one, "outer", a.result(), {b.result()});
  EXPECT_EQ(text_of(call(one, "other").take().payload), "other");  // on a helper thread
  EXPECT_FALSE(outer.ready());
  go.set_value();
  EXPECT_EQ(text_of(outer.take().payload), "done");
}

TEST_F(EndpointTest, CallsThatWaitForEachOtherEndWithADeadlockErrorThatNamesBoth) {
  auto& one = start();
  auto& two = start();
  std::barrier both(2);
  const auto cross = [&](const Incoming& command, Context& context) -> Outcome {
    both.arrive_and_wait();
    const auto reply = nested(context, command.references[0], "inside");
    session::throw_if_failed(reply);
    return {};
  };
  one.functions.functions["one.cross"] = cross;
  two.functions.functions["two.cross"] = cross;
  const Call a = call(one, "make", {}, {}, 1), b = call(two, "make", {}, {}, 1);
  const Call first = call(one, "one.cross", a.result(), {b.result()});
  const Call second = call(two, "two.cross", b.result(), {a.result()});
  const auto replies = {first.take(), second.take()};
  int failed = 0;
  for (const auto& reply : replies) {
    if (reply.status == Status::Value) continue;
    ++failed;
    EXPECT_NE(text_of(reply.payload).find("one.cross"), std::string::npos) << text_of(reply.payload);
    EXPECT_NE(text_of(reply.payload).find("two.cross"), std::string::npos);
  }
  EXPECT_EQ(failed, 1);
}

TEST_F(EndpointTest, CancelInterruptsOnlyTheCommandThatRuns) {
  auto& engine = start(true);
  std::promise<void> running;
  engine.functions.functions["sleep"] = [&](const Incoming&, Context& context) -> Outcome {
    running.set_value();
    while (!engine.functions.interrupted)
      ::usleep(10'000'000);  // ends with EINTR, or fails the test by taking for ever
    return {.status = context.cancelled() ? Status::Cancelled : Status::Value};
  };
  const Call sleeping = call(engine, "sleep");
  running.get_future().wait();
  const Call queued = call(engine, "queued"), kept = call(engine, "kept");
  queued.cancel();
  sleeping.cancel();
  EXPECT_EQ(sleeping.take().status, Status::Cancelled);
  EXPECT_EQ(queued.take().status, Status::Cancelled);
  EXPECT_EQ(kept.take().status, Status::Value);
}

TEST_F(EndpointTest, AnEngineThatWasIdleStillHearsACancel) {
  // The I/O thread sleeps for good when the engine has been idle for some twenty milliseconds, and has to be woken when a
  // command takes the main thread away from the socket.
  auto& engine = start(true);
  std::promise<void> running;
  engine.functions.functions["sleep"] = [&](const Incoming&, Context& context) -> Outcome {
    running.set_value();
    while (!engine.functions.interrupted)
      ::usleep(10'000'000);  // ends with EINTR, or fails the test by taking for ever
    return {.status = context.cancelled() ? Status::Cancelled : Status::Value};
  };
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(call(engine, "quick").take().status, Status::Value);
    std::this_thread::sleep_for(60ms);  // the idleness itself is what is tested
    running = {};
    engine.functions.interrupted = false;
    const Call sleeping = call(engine, "sleep");
    running.get_future().wait();
    sleeping.cancel();
    EXPECT_EQ(sleeping.take().status, Status::Cancelled);
  }
}

TEST_F(EndpointTest, SharedMemoryTravelsBesideTheCall) {
  auto& engine = start();
  engine.functions.functions["sum"] = [](const Incoming& command, Context&) -> Outcome {
    std::string text(command.buffers[0].size, '\0');
    EXPECT_EQ(::pread(command.buffers[0].file->get(), text.data(), text.size(),
                      static_cast<off_t>(command.buffers[0].offset)),
              static_cast<ssize_t>(text.size()));
    return {.payload = owned(text), .buffers = {command.buffers[0]}};
  };
  const auto file = std::make_shared<UniqueFd>(::memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(file->get(), "a shared value", 14, 100), 14);
  const SharedBuffer buffer{file, 102, 6, 0};
  session::Command command;
  command.engine = engine.id;
  command.payload = bytes("sum");
  command.buffers = {&buffer, 1};
  const auto reply = client_->submit(command).take();
  EXPECT_EQ(text_of(reply.payload), "shared");
  ASSERT_EQ(reply.buffers.size(), 1u);
  EXPECT_EQ(reply.buffers[0].size, 6u);
}

TEST_F(EndpointTest, ALostEngineEndsItsCallsAndNoOthers) {
  auto& dying = start();
  auto& living = start();
  greet();
  std::promise<std::string> heard;
  client_->on_engine_lost([&](const session::EngineLoss& loss) { heard.set_value(session::to_string(loss)); });
  dying.functions.functions["die"] = [&](const Incoming&, Context&) -> Outcome {
    ::shutdown(dying.raw, SHUT_RDWR);
    return {};
  };
  const Call made = call(dying, "make", {}, {}, 1);
  ASSERT_EQ(made.take().status, Status::Value);
  const auto reply = call(dying, "die").take();
  EXPECT_EQ(reply.status, Status::EngineDied);
  EXPECT_THROW(session::throw_if_failed(reply), EngineDied);
  EXPECT_EQ(call(dying, "use", made.result()).take().status, Status::EngineDied);
  EXPECT_EQ(text_of(call(living, "still here").take().payload), "still here");
  EXPECT_NE(heard.get_future().get().find(to_string(dying.id)), std::string::npos);
}

TEST_F(EndpointTest, AnEngineThatJoinsLaterLearnsOfLossesBeforeIt) {
  auto& dying = start();
  const Call made = call(dying, "make", {}, {}, 1);
  ASSERT_EQ(made.take().status, Status::Value);
  ::shutdown(dying.raw, SHUT_RDWR);
  ASSERT_EQ(call(dying, "use", made.result()).take().status, Status::EngineDied);
  auto& late = start();
  late.functions.functions["ask"] = [&](const Incoming&, Context& context) -> Outcome {
    return {.payload = owned(nested(context, made.result(), "use").status == Status::EngineDied ? "died" : "answered")};
  };
  EXPECT_EQ(text_of(call(late, "ask").take().payload), "died");
}

TEST_F(EndpointTest, GarbageFromOnePeerEndsOnlyItsConnection) {
  auto& living = start();
  auto [ours, theirs] = transport::local_pair();
  hub::Client::Attachment attachment;
  attachment.socket = std::move(ours);
  const EngineId stranger = client_->attach(std::move(attachment));
  const std::string garbage(4096, '\x7f');
  ASSERT_EQ(::write(theirs.get(), garbage.data(), garbage.size()), 4096);
  session::Command command;
  command.engine = stranger;
  EXPECT_EQ(client_->submit(command).take().status, Status::EngineDied);
  EXPECT_EQ(text_of(call(living, "still here").take().payload), "still here");
}

TEST_F(EndpointTest, ClosingEndsWhatIsPending) {
  auto& engine = start();
  std::promise<void> go;
  engine.functions.functions["wait"] = [&](const Incoming&, Context&) -> Outcome {
    go.get_future().wait();
    return {};
  };
  const Call waiting = call(engine, "wait");
  client_->close();
  EXPECT_EQ(waiting.take().status, Status::Closed);
  EXPECT_THROW(call(engine, "late"), ClosedError);
  go.set_value();
  engine.thread.join();  // before what its command refers to goes
}

TEST_F(EndpointTest, AForkedChildIsToldWhatToDo) {
  auto& engine = start();
  const Call made = call(engine, "make", {}, {}, 1);
  ASSERT_EQ(made.take().status, Status::Value);
  const pid_t child = ::fork();
  if (child == 0) {
    client_->release(made.result());
    try {
      call(engine, "anything");
    } catch (const ForkedError&) {
      ::_exit(0);
    }
    ::_exit(1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(call(engine, "use", made.result()).take().status, Status::Value);  // the parent is as it was
}

TEST_F(EndpointTest, AnUnknownEngineIsRefusedAtTheCall) {
  session::Command command;
  command.engine = EngineId{77};
  EXPECT_THROW(client_->submit(command), ValueError);
}

TEST_F(EndpointTest, AnInterruptCheckEndsTheWaitAndNotTheCall) {
  auto& engine = start();
  std::promise<void> go;
  engine.functions.functions["wait"] = [&](const Incoming&, Context&) -> Outcome {
    go.get_future().wait();
    return {.payload = owned("late")};
  };
  const Call waiting = call(engine, "wait");
  struct Interrupted {};
  EXPECT_THROW(waiting.wait([] { throw Interrupted{}; }), Interrupted);
  go.set_value();
  EXPECT_EQ(text_of(waiting.take().payload), "late");
}

}  // namespace
}  // namespace distob

// How a client sees engines end that are processes of their own, and how these see their client end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <future>

#include "conformance/functions.h"
#include "hub/client.h"
#include "transport/local/connection.h"

namespace distob {
namespace {

using namespace std::chrono_literals;
using conformance::bytes;
using conformance::Functions;
using conformance::text_of;
using engine::Context;
using engine::Incoming;
using engine::Outcome;
using session::Call;
using session::EngineLoss;
using session::Status;
using testing::HasSubstr;

UniqueFd open_pidfd(pid_t pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

/// A process that runs `body`, and is killed and reaped at the latest when this goes.
class Process {
 public:
  /// Forked before this test starts threads, as the sanitizers ask for.
  template <class Body>
  explicit Process(Body body) : pid_(::fork()) {
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      body();
      ::_exit(0);
    }
    pidfd_ = open_pidfd(pid_);
  }
  ~Process() {
    kill();
    if (!reaped_) static_cast<void>(wait());
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void kill() const {
    if (!reaped_) ::kill(pid_, SIGKILL);
  }
  /// Its wait status, when it has ended.
  [[nodiscard]] int wait() {
    int status = -1;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return status;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] UniqueFd pidfd() const { return UniqueFd(::dup(pidfd_.get())); }

 private:
  pid_t pid_;
  UniqueFd pidfd_;
  bool reaped_ = false;
};

class EngineProcess : public testing::Test {
 protected:
  /// What an engine of these tests can do, in its process.
  struct Abilities : Functions {
    Abilities(int socket, int running) {
      functions["sleep"] = [](const Incoming&, Context&) -> Outcome {
        for (;;) ::pause();
      };
      functions["spin"] = [running](const Incoming&, Context&) -> Outcome {
        EXPECT_EQ(::write(running, "!", 1), 1);
        const volatile bool on = true;
        while (on) {
        }
        return {};
      };
      functions["exit"] = [](const Incoming&, Context&) -> Outcome { ::_exit(7); };
      functions["hang up"] = [socket](const Incoming&, Context&) -> Outcome {
        ::shutdown(socket, SHUT_RDWR);
        for (;;) ::pause();
      };
    }
  };

  struct Options {
    UniqueFd client = {};  ///< what the engine takes for its client's process
    std::chrono::milliseconds patience = 1h;
    bool ours = true;
  };
  void start() { start(Options{}); }
  void start(Options with) {
    auto ends = transport::local_pair();
    int running[2];
    ASSERT_EQ(::pipe2(running, O_CLOEXEC), 0);
    process_ = std::make_unique<Process>([&] {
      ends.first.reset();
      engine::EngineOptions options;
      const int socket = ends.second.get();
      options.socket = std::move(ends.second);
      options.client = std::move(with.client);
      options.patience = with.patience;
      Abilities abilities(socket, running[1]);
      engine::Engine(std::move(options), abilities).serve();
    });
    ends.second.reset();
    ::close(running[1]);
    running_ = UniqueFd(running[0]);
    hub::Client::Attachment attachment;
    attachment.socket = std::move(ends.first);
    attachment.pid = process_->pid();
    attachment.pidfd = process_->pidfd();
    attachment.ours = with.ours;
    client_->on_engine_lost([this](const EngineLoss& loss) { lost_.set_value(loss); });
    engine_ = client_->attach(std::move(attachment));
    ASSERT_TRUE(client_->wait_attached(std::chrono::steady_clock::now() + 60s));
  }
  Call call(std::string_view what) {
    session::Command command;
    command.engine = engine_;
    command.payload = bytes(what);
    command.label = what;
    return client_->submit(command);
  }
  /// Returns when the engine is inside "spin".
  void wait_until_it_spins() const {
    char mark = 0;
    ASSERT_EQ(::read(running_.get(), &mark, 1), 1);
  }
  void TearDown() override { client_->close(); }

  std::shared_ptr<hub::Client> client_ = hub::Client::create();
  std::unique_ptr<Process> process_;
  EngineId engine_;
  UniqueFd running_;
  std::promise<EngineLoss> lost_;
};

TEST_F(EngineProcess, AKilledOneIsLostWithTheSignalThatItsReaperReports) {
  start();
  const Call sleeping = call("sleep");
  process_->kill();
  ASSERT_TRUE(WIFSIGNALED(process_->wait()));
  client_->report_exit({.engine = engine_, .signal = SIGKILL, .last_output = {"a last word"}});
  const auto reply = sleeping.take();
  EXPECT_EQ(reply.status, Status::EngineDied);
  EXPECT_THAT(text_of(reply.payload),
              HasSubstr("(pid " + std::to_string(process_->pid()) + ") was killed by signal 9"));
  EXPECT_THAT(text_of(reply.payload), HasSubstr("a last word"));
  EXPECT_EQ(lost_.get_future().get().signal, SIGKILL);
  EXPECT_EQ(client_->engines().at(0).state, session::EngineInfo::State::Lost);
}

TEST_F(EngineProcess, AKilledOneIsLostEvenIfNobodyReportsIt) {
  start();
  const Call sleeping = call("sleep");
  process_->kill();
  const auto reply = sleeping.take();
  EXPECT_EQ(reply.status, Status::EngineDied);
  EXPECT_THAT(text_of(reply.payload), HasSubstr("is gone"));
  EXPECT_EQ(call("anything").take().status, Status::EngineDied);
}

TEST_F(EngineProcess, OneThatExitsIsLostWithItsStatus) {
  start();
  EXPECT_EQ(text_of(call("alive").take().payload), "alive");
  const Call leaving = call("exit");
  client_->flush();
  const int status = process_->wait();
  ASSERT_TRUE(WIFEXITED(status));
  client_->report_exit({.engine = engine_, .exit_status = WEXITSTATUS(status)});
  const auto reply = leaving.take();
  EXPECT_EQ(reply.status, Status::EngineDied);
  EXPECT_THAT(text_of(reply.payload), HasSubstr("ended with exit status 7"));
  EXPECT_EQ(lost_.get_future().get().exit_status, 7);
}

TEST_F(EngineProcess, WhatOneAnsweredBeforeItsDeathCounts) {
  start();
  const Call answered = call("an answer");
  answered.wait();
  process_->kill();
  static_cast<void>(process_->wait());
  client_->report_exit({.engine = engine_, .signal = SIGKILL});
  EXPECT_EQ(text_of(answered.take().payload), "an answer");
}

TEST_F(EngineProcess, OneThatClosedItsConnectionAndLivesOnIsKilled) {
  start();
  const Call closing = call("hang up");
  const auto reply = closing.take();
  EXPECT_EQ(reply.status, Status::EngineDied);
  EXPECT_THAT(text_of(reply.payload), HasSubstr("closed its connection"));
  const int status = process_->wait();
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(EngineProcess, EndsWhenTheClientClosesAlthoughItsCodeTakesNoInterrupt) {
  start({.patience = 100ms});
  const Call spinning = call("spin");
  wait_until_it_spins();
  client_->close();
  const int status = process_->wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(spinning.take().status, Status::Closed);
}

TEST_F(EngineProcess, EndsWithTheClientsProcessAlthoughTheSocketStaysOpenAndItsCodeTakesNoInterrupt) {
  Process client([] {
    for (;;) ::pause();
  });
  start({.client = client.pidfd(), .patience = 100ms, .ours = false});  // so that the hub does not kill it
  const Call spinning = call("spin");
  wait_until_it_spins();
  client.kill();
  const int status = process_->wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace distob

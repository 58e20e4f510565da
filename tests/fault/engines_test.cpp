// Engines that end, in every way an engine can.
#include <distob/distob.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "cluster/local_cluster.h"
#include "cluster/role.h"
#include "cluster/spawn.h"
#include "fault/clients.h"

namespace distob {
namespace {

using testing::HasSubstr;

struct Cell {
  int value = 0;
  int add(int n) { return value += n; }
  int die(int signal) {
    std::printf("last words of %d\n", value);
    ::raise(signal);
    return 0;
  }
  int leave(int status) { ::_exit(status); }
};

template <class E, class F>
std::string text_thrown(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Engines, one_that_is_killed_loses_its_objects_and_no_others) {
  Cluster cluster({.engines = 2, .output = [](int, bool, std::string_view) {}});
  const auto cells = cluster.scatter(std::vector<Cell>{{1}, {2}});
  const std::string text = text_thrown<EngineDied>([&] { cells[0].call<&Cell::die>(SIGKILL); });
  EXPECT_THAT(text, HasSubstr("signal 9"));
  EXPECT_THAT(text, HasSubstr("last words of 1"));
  EXPECT_THROW(cells[0].call<&Cell::add>(1), ObjectLost);
  EXPECT_THROW(cells[0].call<&Cell::add>(1), ObjectLost);
  EXPECT_EQ(cells[1].call<&Cell::add>(1), 3);
  EXPECT_EQ(cluster.size(), 1u);
  EXPECT_EQ(cluster.scatter(Cell{7}).call<&Cell::add>(1), 8);
}

TEST(Engines, calls_that_wait_for_a_killed_engine_end_too) {
  Cluster cluster({.engines = 2, .output = [](int, bool, std::string_view) {}});
  const auto cells = cluster.scatter(std::vector<Cell>{{1}, {2}});
  std::vector<Future<int>> futures;
  futures.push_back(cells[0].async<&Cell::die>(SIGSEGV));
  for (int i = 0; i < 100; ++i) futures.push_back(cells[0].async<&Cell::add>(1));
  for (auto& future : futures) EXPECT_THROW(future.get(), ObjectLost);
}

TEST(Engines, one_that_exits_is_reported_with_its_status) {
  Cluster cluster({.engines = 1});
  const auto cell = cluster.scatter(Cell{});
  EXPECT_THAT(text_thrown<EngineDied>([&] { cell.call<&Cell::leave>(3); }), HasSubstr("3"));
  EXPECT_THROW(static_cast<void>(cluster.scatter(Cell{})), EngineDied);
}

TEST(Engines, what_they_write_reaches_the_client_line_by_line) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;
  Cluster cluster({.engines = 2, .output = [&](int engine, bool is_stderr, std::string_view line) {
                     const std::lock_guard lock(mutex);
                     lines.push_back(std::to_string(engine) + (is_stderr ? "!" : ":") + std::string(line));
                     changed.notify_all();
                   }});
  const auto cells = cluster.scatter(std::vector<Cell>(2));
  cells[1].apply([](Cell&) {
    std::printf("one\ntwo\n");
    std::fprintf(stderr, "three\n");
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return lines.size() >= 3; });
  const std::string engine = std::to_string(cells[1].engine());
  EXPECT_THAT(lines, testing::UnorderedElementsAre(engine + ":one", engine + ":two", engine + "!three"));
}

TEST(Engines, a_number_out_of_range_is_refused_with_the_range) {
  for (const long long n : {0LL, -1LL, 10'000LL, 1LL << 40})
    EXPECT_THAT(text_thrown<ValueError>([&] { Cluster cluster({.engines = n}); }), HasSubstr("can have 1 to "));
  for (const char* text : {"0", "many", "2x", "99999999999999999999"}) {
    setenv("DISTOB_ENGINES", text, 1);
    EXPECT_THAT(text_thrown<ValueError>([] { Cluster cluster; }), HasSubstr("DISTOB_ENGINES"));
  }
  unsetenv("DISTOB_ENGINES");
}

/// Starts a shell instead of an engine.
class ShellLauncher : public cluster::ExecutableLauncher {
 public:
  explicit ShellLauncher(std::string command) : ExecutableLauncher({"sh"}), command_(std::move(command)) {}
  cluster::StartedEngine start(cluster::EngineFiles files) override {
    cluster::StartedEngine started;
    started.pid = cluster::spawn({.path = "/bin/sh",
                                  .arguments = {"sh", "-c", command_},
                                  .environment = {},
                                  .descriptors = {{files.output.get(), 1}, {files.errors.get(), 2}}});
    started.pidfd = cluster::open_pidfd(started.pid);
    return started;
  }

 private:
  std::string command_;
};

TEST(Engines, one_that_ends_before_it_greets_fails_the_start_with_its_output) {
  const std::string text = text_thrown<EngineDied>([] {
    cluster::LocalCluster local(std::make_unique<ShellLauncher>("echo no such library >&2; exit 7"),
                                {.engines = 2, .output = [](EngineId, bool, std::string_view) {}});
  });
  EXPECT_THAT(text, HasSubstr("no such library"));
  EXPECT_THAT(text, HasSubstr("7"));
}

TEST(Engines, one_of_another_build_is_refused_with_both_builds) {
  const UniqueFd role = cluster::make_engine_role("0123abcd");
  auto [ours, theirs] = cluster::make_socketpair(SOCK_STREAM);
  cluster::Pipe errors = cluster::make_pipe();
  const UniqueFd client = cluster::open_pidfd(getpid());
  const pid_t pid = cluster::spawn({.path = "/proc/self/exe",
                                    .arguments = {"engine"},
                                    .environment = {std::string(cluster::kRoleVariable) + "=3"},
                                    .descriptors = {{errors.write.get(), 2},
                                                    {role.get(), cluster::kRoleDescriptor},
                                                    {theirs.get(), cluster::kSocketDescriptor},
                                                    {client.get(), cluster::kClientDescriptor}}});
  const UniqueFd pidfd = cluster::open_pidfd(pid);
  ASSERT_TRUE(fault::ends(pidfd));
  int status = 0;
  bool lost = false;
  ASSERT_TRUE(cluster::reap(pid, status, lost));
  EXPECT_NE(status, 0);
  char text[2000];
  const ssize_t size = read(errors.read.get(), text, sizeof text);
  const std::string message(text, std::max<ssize_t>(size, 0));
  EXPECT_THAT(message, HasSubstr("0123abcd"));
  EXPECT_THAT(message, HasSubstr(cluster::build_id()));
}

struct Surroundings {
  bool leaked_descriptor = false, role_in_environment = false, own_group = false, signal_blocked = false,
       pipe_ignored = false;
  std::string threads, directory;
};

TEST(Engines, they_inherit_nothing_but_what_they_need) {
  const int open_in_client = dup2(STDERR_FILENO, 200);  // without close-on-exec, as much code opens files
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  signal(SIGPIPE, SIG_IGN);
  Cluster cluster({.engines = 1});
  signal(SIGPIPE, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const auto seen = cluster.call([] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    struct sigaction pipe {};
    sigaction(SIGPIPE, nullptr, &pipe);
    const char* threads = std::getenv("DISTOB_THREADS");
    return Surroundings{.leaked_descriptor = fcntl(200, F_GETFD) >= 0,
                        .role_in_environment = std::getenv("DISTOB_ROLE") != nullptr,
                        .own_group = getpgrp() == getpid(),
                        .signal_blocked = sigismember(&mask, SIGUSR2) == 1,
                        .pipe_ignored = pipe.sa_handler == SIG_IGN,
                        .threads = threads ? threads : "",
                        .directory = std::filesystem::current_path().string()};
  });
  close(open_in_client);
  EXPECT_FALSE(seen.leaked_descriptor);
  EXPECT_FALSE(seen.role_in_environment);
  EXPECT_TRUE(seen.own_group);
  EXPECT_FALSE(seen.signal_blocked);
  EXPECT_FALSE(seen.pipe_ignored);
  EXPECT_EQ(seen.threads, "1");
  EXPECT_EQ(seen.directory, std::filesystem::current_path().string());
}

TEST(Engines, clusters_work_where_children_are_reaped_by_the_system) {
  signal(SIGCHLD, SIG_IGN);
  {
    Cluster cluster({.engines = 2, .output = [](int, bool, std::string_view) {}});
    const auto cells = cluster.scatter(std::vector<Cell>{{1}, {2}});
    EXPECT_THROW(cells[0].call<&Cell::leave>(3), EngineDied);
    EXPECT_EQ(cells[1].call<&Cell::add>(1), 3);
  }
  signal(SIGCHLD, SIG_DFL);
}

// --- What is left behind ------------------------------------------------------------------------------------------

std::size_t entries_of(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

std::string children_of_this_process() {
  std::string all;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "children");
    std::string text;
    std::getline(file, text);
    all += text;
  }
  return all;
}

TEST(Engines, fifty_clusters_leave_no_process_descriptor_or_thread) {
  const auto use = [] {
    Cluster cluster({.engines = 2});
    const auto cells = cluster.scatter(std::vector<Cell>(4));
    EXPECT_EQ((call_all<&Cell::add>(cells, 2)), std::vector<int>(4, 2));
  };
  use();  // what is made once and kept (the log, locales) is made here
  const std::size_t files = entries_of("/proc/self/fd");
  const std::size_t threads = entries_of("/proc/self/task");
  const std::string children = children_of_this_process();
  for (int i = 0; i < 49; ++i) use();
  EXPECT_EQ(entries_of("/proc/self/fd"), files);
  EXPECT_EQ(entries_of("/proc/self/task"), threads);
  EXPECT_EQ(children_of_this_process(), children);
}

TEST(Engines, a_start_that_fails_leaves_nothing_either) {
  std::thread([] {}).join();  // a sanitizer's own thread comes with the first one
  const std::size_t files = entries_of("/proc/self/fd");
  const std::size_t threads = entries_of("/proc/self/task");
  for (int i = 0; i < 5; ++i)
    EXPECT_THROW(cluster::LocalCluster(std::make_unique<ShellLauncher>("exit 1"), {.engines = 2}), EngineDied);
  EXPECT_EQ(entries_of("/proc/self/fd"), files);
  EXPECT_EQ(entries_of("/proc/self/task"), threads);
}

TEST(Engines, several_clusters_live_side_by_side) {
  Cluster one({.engines = 1});
  Cluster two({.engines = 1});
  const auto a = one.scatter(Cell{1});
  const auto b = two.scatter(Cell{2});
  EXPECT_EQ(a.call<&Cell::add>(1), 2);
  one.close();
  EXPECT_EQ(b.call<&Cell::add>(1), 3);
  EXPECT_THROW(static_cast<void>(two.call([](Remote<Cell> c) { return c.engine(); }, a)), ValueError);
}

}  // namespace
}  // namespace distob

// Clients that end or fork, in every way a client can.
#include <distob/distob.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "fault/clients.h"

namespace distob {
namespace {

struct Cell {
  int value = 0;
  int add(int n) { return value += n; }
};

TEST(Client, engines_end_with_a_client_that_is_killed_while_they_compute) {
  fault::ClientProcess client("compute");
  const auto engines = client.engines();
  ASSERT_EQ(engines.size(), 2u);
  client.kill(SIGKILL);
  for (const auto& engine : engines) EXPECT_TRUE(fault::ends(engine));
}

TEST(Client, engines_end_with_a_client_that_is_killed_while_they_are_idle) {
  fault::ClientProcess client("idle");
  const auto engines = client.engines();
  ASSERT_EQ(engines.size(), 2u);
  client.kill(SIGKILL);
  for (const auto& engine : engines) EXPECT_TRUE(fault::ends(engine));
}

TEST(Client, a_client_that_exits_with_running_calls_ends_and_so_do_its_engines) {
  for (const char* task : {"exit", "return"}) {
    fault::ClientProcess client(task);
    const auto engines = client.engines();
    ASSERT_EQ(engines.size(), 2u);
    EXPECT_EQ(client.wait(), 0) << task;
    for (const auto& engine : engines) EXPECT_TRUE(fault::ends(engine)) << task;
  }
}

TEST(Client, a_forked_child_is_told_what_to_do_and_harms_nothing) {
  Cluster cluster({.engines = 2});
  const auto cell = cluster.scatter(Cell{1});
  const pid_t child = fork();
  if (child == 0) {
    // Nothing may escape from here, or the tests would go on in the child.
    const auto refused = [](auto&& use) {
      try {
        use();
      } catch (const ForkedError&) {
        return true;
      } catch (...) {
      }
      return false;
    };
    int wrong = 0;
    wrong += !refused([&] { cell.call<&Cell::add>(1); });
    wrong += !refused([&] { static_cast<void>(cluster.scatter(Cell{})); });
    wrong += !refused([&] { static_cast<void>(cluster.call([](int x) { return x; }, 1)); });
    {
      const auto copy = cell;  // copies and releases do nothing there
    }
    cluster.close();
    _exit(wrong);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(cell.call<&Cell::add>(1), 2);
  EXPECT_EQ(cluster.size(), 2u);
}

TEST(Client, a_closed_cluster_says_so) {
  Cluster cluster({.engines = 1});
  const auto cell = cluster.scatter(Cell{1});
  auto pending = cell.async_apply([](Cell&) {
    while (!cancelled()) {
    }
    throw_if_cancelled();
  });
  cluster.close();
  EXPECT_THROW(pending.get(), ClosedError);
  EXPECT_THROW(cell.call<&Cell::add>(1), ClosedError);
  EXPECT_THROW(static_cast<void>(cluster.scatter(Cell{})), ClosedError);
  cluster.close();
}

TEST(Client, references_may_outlive_their_cluster) {
  Remote<Cell> cell;
  {
    Cluster cluster({.engines = 1});
    cell = cluster.scatter(Cell{1});
  }
  EXPECT_THROW(cell.call<&Cell::add>(1), ClosedError);
}

/// Kilobytes that this process had at most.
long peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes;
  }
  return 0;
}

// A sanitizer keeps freed memory for a while, so its figures say nothing about ours.
#if defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST(Client, a_burst_of_calls_neither_deadlocks_nor_fills_the_memory) {
  Cluster cluster({.engines = 2});
  const auto cells = cluster.scatter(std::vector<Cell>(2));
  const long before = peak_memory();
  constexpr int kCalls = 100'000;
  std::vector<Future<int>> futures;
  futures.reserve(kCalls);
  for (int i = 0; i < kCalls; ++i) futures.push_back(cells[i % 2].async<&Cell::add>(1));
  int last = 0;
  for (auto& future : futures) last = future.get();
  EXPECT_EQ(last, kCalls / 2);
  if (!kSanitized) {
    EXPECT_LT(peak_memory() - before, 200L << 10);
  }
}

TEST(Client, a_burst_with_large_arguments_and_results_neither_deadlocks_nor_fills_the_memory) {
  Cluster cluster({.engines = 1});
  const std::string text(100'000, 'x');
  std::vector<Future<std::string>> futures;
  for (int i = 0; i < 1000; ++i) futures.push_back(cluster.async([](std::string t) { return t; }, text));
  for (auto& future : futures) EXPECT_EQ(future.get().size(), text.size());
}

}  // namespace
}  // namespace distob

#include "base/release_queue.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace distob {
namespace {

TEST(ReleaseQueue, NothingIsLostOrDoubledWhenManyThreadsPush) {
  ReleaseQueue<int, 64> queue;  // small, so that the overflow is used as well
  constexpr int kThreads = 4, kEach = 5000;
  std::vector<int> seen(kThreads * kEach);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) queue.push(t * kEach + i);
    });
  }
  std::size_t count = 0;
  while (count < seen.size()) count += queue.drain([&](int i) { ++seen[i]; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(queue.drain([](int) {}), 0u);
  EXPECT_EQ(seen, std::vector<int>(seen.size(), 1));
}

TEST(ReleaseQueue, MoreThanItsCapacityIsKept) {
  ReleaseQueue<int, 4> queue;
  for (int i = 0; i < 100; ++i) queue.push(i);
  EXPECT_FALSE(queue.seems_empty());
  int sum = 0;
  EXPECT_EQ(queue.drain([&](int i) { sum += i; }), 100u);
  EXPECT_EQ(sum, 4950);
  EXPECT_TRUE(queue.seems_empty());
}

}  // namespace
}  // namespace distob

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <vector>

#include "node/crew.h"
#include "node/timer.h"

namespace distob::node {
namespace {

// Counts how often each unit ran.
class Counting : public Task {
 public:
  Counting(std::int64_t units, std::int64_t grain, int seats)
      : Task(units, grain, seats), runs(static_cast<std::size_t>(units)) {}
  std::vector<std::atomic<int>> runs;
  std::atomic<int> finished{0};
  std::int64_t sum_at_finish = 0;

 private:
  void run(std::int64_t first, std::int64_t last, program::Scratch&) override {
    for (std::int64_t i = first; i < last; ++i)
      runs[static_cast<std::size_t>(i)].fetch_add(1, std::memory_order_relaxed);
  }
  void finish(program::Scratch&) override {
    ++finished;
    for (const std::atomic<int>& n : runs) sum_at_finish += n.load(std::memory_order_relaxed);
  }
};

TEST(Task, OneThreadRunsEveryUnitOnce) {
  program::Scratch scratch;
  for (std::int64_t grain : {1, 3, 100}) {
    Counting task(17, grain, 4);
    EXPECT_TRUE(task.wants_help());
    EXPECT_TRUE(task.take_part(scratch));
    EXPECT_TRUE(task.claimed());
    EXPECT_EQ(task.finished, 1);
    EXPECT_EQ(task.sum_at_finish, 17);
  }
}

TEST(Crew, RunsEveryUnitOnceAndFinishesAfterTheLast) {
  Mutex mutex;
  std::condition_variable ended;
  int left = 50;
  std::vector<std::shared_ptr<Counting>> tasks;
  {
    Crew crew(3, [&](Task&) {
      const MutexLock lock(mutex);
      if (--left == 0) ended.notify_all();
    });
    program::Scratch scratch;
    for (int i = 0; i < 50; ++i) {
      tasks.push_back(std::make_shared<Counting>(1 + i * 37, 2, 3));
      crew.post(tasks.back(), 3);
      crew.help(scratch);
    }
    MutexLock lock(mutex);
    while (left != 0) lock.wait(ended);
  }
  for (const auto& task : tasks) {
    EXPECT_EQ(task->finished, 1);
    EXPECT_EQ(task->sum_at_finish, static_cast<std::int64_t>(task->runs.size()));
  }
}

TEST(Crew, RunsWhatWasPostedBeforeItEnds) {
  std::atomic<int> ended{0};
  auto task = std::make_shared<Counting>(1000, 1, 2);
  {
    Crew crew(2, [&](Task&) { ++ended; });
    crew.post(task, 2);
  }
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(task->sum_at_finish, 1000);
}

TEST(FlushTimer, CallsBackOnceForEachBurst) {
  std::atomic<int> flushed{0};
  FlushTimer timer([&] {
    ++flushed;
    flushed.notify_all();
  });
  for (int burst = 0; burst < 3; ++burst) {
    const int before = flushed;
    timer.touch(std::chrono::microseconds(100), std::chrono::milliseconds(2));
    flushed.wait(before);
    EXPECT_GT(flushed, before);
  }
}

TEST(FlushTimer, EndsWhileItIsArmed) {
  FlushTimer timer([] { FAIL() << "nobody was quiet for an hour"; });
  timer.touch(std::chrono::hours(1), std::chrono::hours(1));
}

}  // namespace
}  // namespace distob::node

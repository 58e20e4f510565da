// Remote C++ objects in real engines.
#include <distob/distob.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace distob {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Tree {
  int age = 0;
  std::string name = {};
  std::vector<double> rings = {};

  int grow(int years) { return age += years; }
  void rename(std::string_view text) { name = text; }
  [[nodiscard]] const std::string& full_name() const { return name; }
  std::vector<double>& ring_widths() { return rings; }
  Tree& older() {
    ++age;
    return *this;
  }
  double mean(std::span<const double> weights) const {
    return std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
  }
  int fail(const std::string& text) const { throw std::invalid_argument(text); }
  int older_than(Remote<Tree> other) const { return age - other.get<&Tree::age>(); }
  [[nodiscard]] int process() const { return getpid(); }
  bool operator==(const Tree&) const = default;
};

/// Cannot travel, and counts its instances in the engine that has it.
class Log {
 public:
  explicit Log(std::string path) : path_(std::move(path)) { ++living_; }
  ~Log() { --living_; }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  std::size_t write(const std::string& line) {
    lines_.push_back(line);
    return lines_.size();
  }
  static int living() { return living_; }

 private:
  static inline std::atomic<int> living_ = 0;
  std::string path_;
  std::vector<std::string> lines_;
};

int square(int x) { return x * x; }
std::string shout(const std::string& text, char end) { return text + end; }

class Objects : public testing::Test {
 protected:
  static void SetUpTestSuite() { shared() = std::make_unique<Cluster>(ClusterOptions{.engines = 2}); }
  static void TearDownTestSuite() { shared().reset(); }
  static std::unique_ptr<Cluster>& shared() {
    static std::unique_ptr<Cluster> cluster;
    return cluster;
  }
  Cluster& cluster = *shared();
};

TEST_F(Objects, methods_run_in_another_process_and_keep_state_there) {
  const auto tree = cluster.scatter(Tree{.age = 5});
  EXPECT_EQ(tree.call<&Tree::grow>(30), 35);
  EXPECT_EQ(tree.call<&Tree::grow>(1), 36);
  EXPECT_NE(tree.call<&Tree::process>(), getpid());
}

TEST_F(Objects, text_and_spans_arrive_as_what_the_method_takes) {
  const auto tree = cluster.scatter(Tree{});
  tree.call<&Tree::rename>("oak");
  EXPECT_EQ(tree.call<&Tree::full_name>(), "oak");
  EXPECT_EQ(tree.call<&Tree::mean>(std::vector<double>{1, 2, 3}), 2.0);
}

TEST_F(Objects, data_members_are_read_and_written) {
  const auto tree = cluster.scatter(Tree{.age = 5});
  tree.set<&Tree::age>(7);
  tree.set<&Tree::name>("elm");
  EXPECT_EQ(tree.get<&Tree::age>(), 7);
  EXPECT_EQ(tree.get<&Tree::name>(), "elm");
}

TEST_F(Objects, a_list_is_spread_over_all_engines_in_order) {
  std::vector<Tree> values(1000);
  for (int i = 0; i < 1000; ++i) values[i].age = i;
  const auto trees = cluster.scatter(values);
  EXPECT_EQ(gather(trees), values);
  EXPECT_NE(trees.front().engine(), trees.back().engine());
  std::vector<int> expected(1000);
  std::iota(expected.begin(), expected.end(), 30);
  EXPECT_EQ((call_all<&Tree::grow>(trees, 30)), expected);
}

TEST_F(Objects, an_empty_list_gives_an_empty_list) {
  const auto trees = cluster.scatter(std::vector<Tree>{});
  EXPECT_TRUE(trees.empty());
  EXPECT_TRUE((call_all<&Tree::grow>(trees, 1)).empty());
  EXPECT_TRUE(cluster.apply([](int x) { return x; }, std::vector<int>{}).empty());
}

TEST_F(Objects, an_object_that_cannot_travel_is_made_where_it_lives) {
  auto log = cluster.create<Log>("some path");
  EXPECT_EQ(log.call<&Log::write>("first"), 1u);
  EXPECT_EQ(log.async<&Log::write>("second").get(), 2u);
}

TEST_F(Objects, an_object_goes_when_its_last_reference_goes) {
  const auto living = [](const Remote<Tree>& where) { return where.apply([](Tree&) { return Log::living(); }); };
  // Both engines are asked, because create() takes them in turn.
  const auto trees = cluster.scatter(std::vector<Tree>(2));
  const int before = living(trees[0]) + living(trees[1]);
  auto log = cluster.create<Log>("x");
  auto copy = log;
  log = {};
  EXPECT_EQ(living(trees[0]) + living(trees[1]), before + 1);
  copy = {};
  while (living(trees[0]) + living(trees[1]) != before) {
  }
}

TEST_F(Objects, a_reference_to_part_of_an_object_reaches_the_original) {
  const auto tree = cluster.scatter(Tree{.rings = {1, 2}});
  Remote<std::vector<double>> rings = tree.call<&Tree::ring_widths>();
  rings.apply([](std::vector<double>& r) { r.push_back(3); });
  EXPECT_THAT(tree.get<&Tree::rings>(), ElementsAre(1, 2, 3));
}

TEST_F(Objects, a_method_that_returns_its_object_gives_the_same_object) {
  const auto tree = cluster.scatter(Tree{});
  const Remote<Tree> same = tree.call<&Tree::older>();
  EXPECT_EQ(same, tree);
  EXPECT_EQ(same.get<&Tree::age>(), 1);
}

TEST_F(Objects, a_remote_as_argument_refers_to_the_same_object_on_any_engine) {
  const auto trees = cluster.scatter(std::vector<Tree>{{.age = 1}, {.age = 10}});
  ASSERT_NE(trees[0].engine(), trees[1].engine());
  EXPECT_EQ(trees[1].call<&Tree::older_than>(trees[0]), 9);
  EXPECT_EQ(trees[0].call<&Tree::older_than>(trees[1]), -9);
  const Remote<Tree> back = cluster.call([](std::vector<Remote<Tree>> all) { return all.at(1); }, trees);
  EXPECT_EQ(back.get<&Tree::age>(), 10);
}

TEST_F(Objects, functions_and_lambdas_run_in_engines) {
  EXPECT_EQ(cluster.call<square>(7), 49);
  EXPECT_EQ(cluster.call<shout>("hey", '!'), "hey!");
  EXPECT_EQ(cluster.call([](int a, double b) { return a * b; }, 3, 0.5), 1.5);
  EXPECT_NE(cluster.call([] { return static_cast<int>(getpid()); }), getpid());
  auto future = cluster.async<square>(8);
  EXPECT_EQ(future.get(), 64);
  EXPECT_FALSE(future.valid());
  EXPECT_THROW(future.get(), ValueError);
}

TEST_F(Objects, two_lambdas_of_one_function_and_type_are_not_confused) {
  auto first = [](int x) { return x + 1; };
  auto second = [](int x) { return x - 1; };
  EXPECT_EQ(cluster.call(first, 1), 2);
  EXPECT_EQ(cluster.call(second, 1), 0);
}

TEST_F(Objects, apply_and_vectorize_take_values_and_objects) {
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 0);
  const auto squares = cluster.apply([](int x, int offset) { return std::to_string(x * x + offset); }, values, 5);
  ASSERT_EQ(squares.size(), 100u);
  EXPECT_EQ(squares[9], "86");
  const auto trees = cluster.scatter(std::vector<Tree>{{.age = 1}, {.age = 2}});
  auto twice = cluster.vectorize([](const Tree& tree) { return 2 * tree.age; });
  EXPECT_THAT(twice(trees), ElementsAre(2, 4));
  EXPECT_THAT(vectorize([](Tree& tree, int n) { return tree.grow(n); })(trees, 1), ElementsAre(2, 3));
}

TEST_F(Objects, large_values_travel_beside_the_messages) {
  std::vector<double> many(1'000'000, 0.5);
  many.back() = 2;
  const auto doubled = cluster.call(
      [](std::vector<double> v) {
        for (double& x : v) x *= 2;
        return v;
      },
      many);
  ASSERT_EQ(doubled.size(), many.size());
  EXPECT_EQ(doubled.front(), 1.0);
  EXPECT_EQ(doubled.back(), 4.0);
}

TEST_F(Objects, standard_exceptions_keep_their_type) {
  const auto tree = cluster.scatter(Tree{});
  try {
    tree.call<&Tree::fail>("too dry");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "too dry");
  }
  EXPECT_THROW(cluster.call([](int i) { return std::vector<int>(2).at(i); }, 5), std::out_of_range);
  EXPECT_THROW(cluster.call([]() -> int { throw 7; }), RemoteError);
  EXPECT_EQ(tree.call<&Tree::grow>(1), 1);  // the engine goes on
}

TEST_F(Objects, several_failures_are_all_told) {
  const auto trees = cluster.scatter(std::vector<Tree>{{.age = 1}, {.age = 2}, {.age = 3}});
  try {
    apply([](const Tree& t) { return t.age == 2 ? t.age : throw std::out_of_range("age " + std::to_string(t.age)); },
          trees);
    FAIL();
  } catch (const std::out_of_range& error) {
    EXPECT_THAT(error.what(), HasSubstr("age 1"));
    EXPECT_THAT(error.what(), HasSubstr("call 2: age 3"));
    EXPECT_THAT(error.what(), HasSubstr("2 of 3 calls failed"));
  }
}

TEST_F(Objects, an_error_that_nobody_looked_at_is_thrown_by_sync) {
  const auto tree = cluster.scatter(Tree{});
  static_cast<void>(tree.async<&Tree::fail>("unseen"));
  EXPECT_THROW(cluster.sync(), std::invalid_argument);
  cluster.sync();
}

TEST_F(Objects, a_reference_of_the_wrong_type_is_refused) {
  const auto tree = cluster.scatter(Tree{});
  const Remote<Log> wrong(tree.ref());
  EXPECT_THROW(wrong.call<&Log::write>("x"), TypeError);
  EXPECT_THROW((Remote<Tree>().call<&Tree::grow>(1)), ValueError);
  EXPECT_THROW(static_cast<void>(Remote<Tree>().async<&Tree::grow>(1)), ValueError);
}

TEST_F(Objects, calls_of_one_thread_to_one_object_keep_their_order) {
  const auto numbers = cluster.scatter(std::vector<std::vector<int>>{{}}).front();
  std::vector<Future<void>> futures;
  for (int i = 0; i < 1000; ++i)
    futures.push_back(numbers.async_apply([](std::vector<int>& v, int x) { v.push_back(x); }, i));
  get_all(std::move(futures));
  std::vector<int> expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(numbers.copy(), expected);
}

TEST_F(Objects, many_threads_may_call) {
  const auto tree = cluster.scatter(Tree{});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i) tree.call<&Tree::grow>(1);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(tree.get<&Tree::age>(), 1000);
}

// --- Calls within calls -------------------------------------------------------------------------------------------

struct Player {
  Remote<Player> other = {};
  int hits = 0;

  void meet(Remote<Player> p) { other = std::move(p); }
  int play(int rounds) {
    ++hits;
    return rounds == 0 ? 0 : 1 + other.call<&Player::play>(rounds - 1);
  }
  void forget() { other = {}; }
};

TEST_F(Objects, calls_that_come_back_to_a_waiting_object_finish) {
  const auto players = cluster.scatter(std::vector<Player>(2));
  ASSERT_NE(players[0].engine(), players[1].engine());
  players[0].call<&Player::meet>(players[1]);
  players[1].call<&Player::meet>(players[0]);
  EXPECT_EQ(players[0].call<&Player::play>(9), 9);
  EXPECT_EQ(players[0].get<&Player::hits>() + players[1].get<&Player::hits>(), 10);
  call_all<&Player::forget>(players);
}

TEST_F(Objects, an_object_may_call_itself_through_its_reference) {
  const auto players = cluster.scatter(std::vector<Player>(1));
  players[0].call<&Player::meet>(players[0]);
  EXPECT_EQ(players[0].call<&Player::play>(4), 4);
  call_all<&Player::forget>(players);
}

/// Waits for the other of a pair while that waits for it: two chains that cross.
struct Crossing {
  Remote<Crossing> other = {};
  void meet(Remote<Crossing> c) { other = std::move(c); }
  int idle() const { return 1; }
  /// Keeps this object busy until the other one is busy too, then calls it.
  int cross(std::string mine, std::string theirs) {
    if (FILE* file = std::fopen(mine.c_str(), "w")) std::fclose(file);
    while (access(theirs.c_str(), F_OK) != 0) std::this_thread::yield();
    return other.call<&Crossing::idle>();
  }
  void forget() { other = {}; }
};

TEST_F(Objects, calls_that_wait_for_each_other_end_with_a_deadlock_error) {
  const auto pair = cluster.scatter(std::vector<Crossing>(2));
  ASSERT_NE(pair[0].engine(), pair[1].engine());
  pair[0].call<&Crossing::meet>(pair[1]);
  pair[1].call<&Crossing::meet>(pair[0]);
  const std::string base = testing::TempDir() + "distob-crossing-" + std::to_string(getpid());
  auto first = pair[0].async<&Crossing::cross>(base + "a", base + "b");
  auto second = pair[1].async<&Crossing::cross>(base + "b", base + "a");
  int deadlocks = 0;
  for (auto* future : {&first, &second}) {
    try {
      future->get();
    } catch (const DeadlockError&) {
      ++deadlocks;
    }
  }
  EXPECT_EQ(deadlocks, 1);
  std::remove((base + "a").c_str());
  std::remove((base + "b").c_str());
  call_all<&Crossing::forget>(pair);
}

// --- Cancel -------------------------------------------------------------------------------------------------------

TEST_F(Objects, a_running_call_that_asks_can_be_cancelled_and_the_object_stays_usable) {
  const auto tree = cluster.scatter(Tree{.age = 3});
  const std::string started = testing::TempDir() + "distob-started-" + std::to_string(getpid());
  auto future = tree.async_apply(
      [](Tree&, const std::string& file) {
        if (FILE* f = std::fopen(file.c_str(), "w")) std::fclose(f);
        while (true) throw_if_cancelled();
      },
      started);
  while (access(started.c_str(), F_OK) != 0) std::this_thread::yield();
  future.cancel();
  EXPECT_THROW(future.get(), Cancelled);
  EXPECT_EQ(tree.get<&Tree::age>(), 3);
  std::remove(started.c_str());
}

TEST_F(Objects, a_sleep_is_interrupted_by_cancel) {
  const auto tree = cluster.scatter(Tree{});
  const std::string started = testing::TempDir() + "distob-asleep-" + std::to_string(getpid());
  auto future = tree.async_apply(
      [](Tree&, const std::string& file) {
        if (FILE* f = std::fopen(file.c_str(), "w")) std::fclose(f);
        while (!cancelled()) ::sleep(5);
        throw_if_cancelled();
      },
      started);
  while (access(started.c_str(), F_OK) != 0) std::this_thread::yield();
  future.cancel();
  EXPECT_THROW(future.get(), Cancelled);
  std::remove(started.c_str());
}

TEST_F(Objects, a_call_that_waits_its_turn_can_be_cancelled) {
  const auto tree = cluster.scatter(Tree{});
  auto running = tree.async_apply([](Tree&) {
    while (true) throw_if_cancelled();
  });
  auto waiting = tree.async<&Tree::grow>(1);
  waiting.cancel();
  EXPECT_THROW(waiting.get(), Cancelled);
  running.cancel();
  EXPECT_THROW(running.get(), Cancelled);
  EXPECT_EQ(tree.get<&Tree::age>(), 0);
}

}  // namespace
}  // namespace distob

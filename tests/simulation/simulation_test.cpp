// Thousands of clusters, each from a seed of its own. A seed that fails is printed with the command that replays it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "simulation/simulator.h"

namespace distob::simulation {
namespace {

std::optional<std::uint64_t> seed_to_replay() {
  const char* text = std::getenv("DISTOB_SIMULATION_SEED");
  if (!text || !*text) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DISTOB_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DISTOB_SANITIZED 1
#endif
#endif

/// How many percent of the seeds to run: DISTOB_SIMULATION_PERCENT, or all of them, or few where sanitizers make each slow.
std::uint64_t percent_to_run() {
  if (const char* text = std::getenv("DISTOB_SIMULATION_PERCENT"); text && *text)
    return std::strtoull(text, nullptr, 10);
#ifdef DISTOB_SANITIZED
  return 10;
#else
  return 100;
#endif
}

/// Whether so many seeds run that the rare things must have happened among them.
bool runs_all() { return !seed_to_replay() && percent_to_run() >= 100; }

/// Runs its share of `count` seeds, or the one that is asked for.
Simulator::Counts play(const Dice& dice, std::uint64_t count, const std::string& test) {
  Simulator::Counts total;
  const auto one = seed_to_replay();
  const std::uint64_t first = one.value_or(1),
                      last = one.value_or(std::max<std::uint64_t>(1, count * percent_to_run() / 100));
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    Simulator simulator(seed, dice);
    try {
      simulator.run();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what() << "\nreplay with: DISTOB_SIMULATION_SEED=" << seed
                    << " distob_simulation_test --gtest_filter=Simulation." << test;
      return total;
    }
    const auto& counts = simulator.counts();
    total.steps += counts.steps;
    total.calls += counts.calls;
    total.nested += counts.nested;
    total.deadlocks += counts.deadlocks;
    total.cancelled += counts.cancelled;
    total.lost += counts.lost;
    total.errors += counts.errors;
    total.died += counts.died;
    total.helpers += counts.helpers;
    total.callbacks += counts.callbacks;
    total.waited_for_credit += counts.waited_for_credit;
  }
  std::cout << total.steps << " steps, " << total.calls << " calls, " << total.nested << " nested, " << total.callbacks
            << " callbacks, " << total.helpers << " on helpers, " << total.deadlocks << " deadlocks, "
            << total.cancelled << " cancelled, " << total.errors << " errors, " << total.lost << " lost, " << total.died
            << " died, " << total.waited_for_credit << " waits for credit\n";
  return total;
}

TEST(Simulation, CallsAndReferences) {
  const auto counts = play({}, 1000, "CallsAndReferences");
  if (!runs_all()) return;
  EXPECT_GT(counts.nested, 1000u);
  EXPECT_GT(counts.callbacks, 100u);
  EXPECT_GT(counts.helpers, 100u);
}

TEST(Simulation, OneEngineCallingItself) {
  Dice dice;
  dice.engines = 1;
  play(dice, 500, "OneEngineCallingItself");
}

TEST(Simulation, CancelledCalls) {
  Dice dice;
  dice.cancel = 300;
  const auto counts = play(dice, 1000, "CancelledCalls");
  if (!runs_all()) return;
  EXPECT_GT(counts.cancelled, 100u);
}

TEST(Simulation, EnginesThatDie) {
  Dice dice;
  dice.engines = 4;
  dice.kills = 2;
  dice.cancel = 50;
  const auto counts = play(dice, 1500, "EnginesThatDie");
  if (!runs_all()) return;
  EXPECT_GT(counts.died, 100u);
}

Dice few_threads_and_little_credit() {
  Dice dice;
  dice.engines = 2;
  dice.helpers = 1;
  dice.client_calls = 40;
  dice.credit = {2, 1 << 20};
  return dice;
}

TEST(Simulation, FewThreadsAndLittleCredit) {
  const auto counts = play(few_threads_and_little_credit(), 1000, "FewThreadsAndLittleCredit");
  if (!runs_all()) return;
  EXPECT_GT(counts.deadlocks, 0u);
  EXPECT_GT(counts.waited_for_credit, 100u);
}

TEST(Simulation, SeedsThatFailedOnce) {
  for (const std::uint64_t seed : {
           6050,   // commands that engines sent waited for credit that only each other could free
           8571,   // a command waited for credit while another waited for what it was making
           33928,  // a circle of parked commands alone, in an engine where nothing was suspended
       }) {
    EXPECT_NO_THROW(Simulator(seed, few_threads_and_little_credit()).run()) << seed;
  }
}

}  // namespace
}  // namespace distob::simulation

// Work for the threads of a node, cut into units that may run on any of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "program/program.h"

namespace distob::node {

/// A number of units that may run in any order on any threads, once each, and what has to happen after the last.
///
/// Each thread that takes part starts with a range of its own, so that neighbouring units stay with one thread and its
/// memory, and claims from the ranges of others when it is done: static halves suffer on busy machines.
class Task {
 public:
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// Takes part until no unit is left to claim. Returns true to the one caller whose units were the last to end; it has
  /// run finish() then.
  bool take_part(program::Scratch& scratch);

  /// Runs all of it in the calling thread. Nobody else may take part.
  void run_alone(program::Scratch& scratch);

  /// Whether a thread that came now would find a seat and units. May change at any moment.
  [[nodiscard]] bool wants_help() const;
  /// Whether every unit was claimed by some thread.
  [[nodiscard]] bool claimed() const { return unclaimed_.load(std::memory_order_relaxed) == 0; }

 protected:
  /// `units` in steps of `grain`, by at most `seats` threads at a time.
  Task(std::int64_t units, std::int64_t grain, int seats);

  /// Runs units [first, last). Called by several threads at once.
  virtual void run(std::int64_t first, std::int64_t last, program::Scratch& scratch) = 0;
  /// Called once, after all units.
  virtual void finish(program::Scratch&) {}

 private:
  struct alignas(64) Range {
    std::atomic<std::int64_t> next;
    std::int64_t end;
  };
  std::int64_t claim_from(Range& range, program::Scratch& scratch);

  std::int64_t units_;
  std::int64_t grain_;
  int seats_;
  std::atomic<int> seated_{0};
  std::atomic<std::int64_t> unclaimed_;
  std::atomic<std::int64_t> unfinished_;
  std::vector<Range> ranges_;
};

}  // namespace distob::node

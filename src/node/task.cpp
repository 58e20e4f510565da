#include "node/task.h"

#include <algorithm>

namespace distob::node {

Task::Task(std::int64_t units, std::int64_t grain, int seats)
    : units_(units),
      grain_(std::max<std::int64_t>(grain, 1)),
      seats_(std::max(seats, 1)),
      unclaimed_(units),
      unfinished_(units),
      ranges_(static_cast<std::size_t>(seats_)) {
  for (int seat = 0; seat < seats_; ++seat) {
    ranges_[static_cast<std::size_t>(seat)].next.store(units * seat / seats_, std::memory_order_relaxed);
    ranges_[static_cast<std::size_t>(seat)].end = units * (seat + 1) / seats_;
  }
}

void Task::run_alone(program::Scratch& scratch) {
  if (units_ > 0) run(0, units_, scratch);
  finish(scratch);
}

bool Task::wants_help() const {
  return unclaimed_.load(std::memory_order_relaxed) > 0 && seated_.load(std::memory_order_relaxed) < seats_;
}

std::int64_t Task::claim_from(Range& range, program::Scratch& scratch) {
  std::int64_t done = 0;
  while (range.next.load(std::memory_order_relaxed) < range.end) {
    const std::int64_t first = range.next.fetch_add(grain_, std::memory_order_relaxed);
    const std::int64_t last = std::min(first + grain_, range.end);
    if (first >= last) break;
    unclaimed_.fetch_sub(last - first, std::memory_order_relaxed);
    run(first, last, scratch);
    done += last - first;
  }
  return done;
}

bool Task::take_part(program::Scratch& scratch) {
  const int seat = seated_.fetch_add(1, std::memory_order_relaxed);
  std::int64_t done = 0;
  for (int i = 0; i < seats_; ++i) done += claim_from(ranges_[static_cast<std::size_t>((seat + i) % seats_)], scratch);
  // The last thread to end sees everything that the others wrote: each subtracts with release, the last acquires.
  if (done == 0 || unfinished_.fetch_sub(done, std::memory_order_acq_rel) != done) return false;
  finish(scratch);
  return true;
}

}  // namespace distob::node

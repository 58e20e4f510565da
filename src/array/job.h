// What the crew runs for the workspace: programs, and copies of bytes.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "array/compile.h"
#include "base/mutex.h"
#include "node/task.h"
#include "order/order.h"

namespace distob::array {

/// A task with a place in the order.
class Job : public node::Task {
 public:
  order::EntryId entry = 0;                 ///< 0: in no order, somebody waits for `done`
  bool done = false;                        ///< guarded by the workspace's mutex
  std::vector<memory::MemoryPtr> memories;  ///< kept until the job ended
  std::vector<order::Access> accesses;      ///< for the order; spent when the job is appended

  /// Few enough elements to run whole in one thread.
  [[nodiscard]] bool small() const { return small_; }
  /// What the units came to. Call after the end.
  [[nodiscard]] virtual program::Outcome outcome() const { return {}; }

 protected:
  Job(std::int64_t units, std::int64_t grain, int seats, bool small) : Task(units, grain, seats), small_(small) {}

 private:
  bool small_;
};

/// A job for a compiled program, on at most `seats` threads.
[[nodiscard]] std::shared_ptr<Job> make_job(Compiled compiled, int seats);
/// The same with bases of the caller's in place of memories.
[[nodiscard]] std::shared_ptr<Job> make_job(program::Program program, std::vector<char*> bases, int seats);
/// Copies bytes. Large copies go past the caches: what is copied at that size is not read soon.
[[nodiscard]] std::shared_ptr<Job> make_byte_copy(char* to, const char* from, std::int64_t bytes, int seats);
/// Calls `work(first, last)` for ranges that make up [0, n).
[[nodiscard]] std::shared_ptr<Job> make_ranges(std::int64_t n, std::function<void(std::int64_t, std::int64_t)> work,
                                               int seats);
/// The same for a few large pieces of work: ranges of one.
[[nodiscard]] std::shared_ptr<Job> make_parts(std::int64_t n, std::function<void(std::int64_t, std::int64_t)> work,
                                              int seats);

}  // namespace distob::array

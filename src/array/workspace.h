// Where array work of this process comes together: the window, the order, the threads.
//
// One mutex guards it all. Under it are only planning, small kernels and counters: no allocation callback, no finalizer,
// no Python. Programs run outside of it. The workspace is never destroyed: exported memory and late handles may need it.
//
//   append -> window --flush--> passes -> programs -> order --ready--> crew (or the calling thread) --ended--> order
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "array/compile.h"
#include "array/instruction.h"
#include "array/job.h"
#include "array/passes.h"
#include "base/mutex.h"
#include "memory/budget.h"
#include "memory/storage.h"
#include "node/crew.h"
#include "node/timer.h"
#include "order/order.h"
#include "order/repoint.h"

namespace distob::array {

class Workspace {
 public:
  /// Throws ForkedError in a child of fork().
  [[nodiscard]] static Workspace& instance();
  /// True in a child of fork(), where nothing may be touched.
  [[nodiscard]] static bool forked() noexcept;

  // --- Memory ---------------------------------------------------------------------------------------------------------

  /// A storage without memory; its bytes are taken from the budget. Throws MemoryError after everything else was tried.
  [[nodiscard]] memory::StoragePtr new_storage(std::int64_t bytes) DISTOB_EXCLUDES(mutex_);

  // --- Work -----------------------------------------------------------------------------------------------------------

  /// Puts an instruction at the end of the sequence.
  void append(Instruction instruction) DISTOB_EXCLUDES(mutex_);
  /// The same, and waits until its targets are written. Returns the float flags it raised.
  unsigned append_and_wait(Instruction instruction) DISTOB_EXCLUDES(mutex_);

  /// Makes a job from the addresses of the storages it works on: those it reads, then the one it writes. Called under the
  /// lock; `site` is the line that flags of the job's outcome name.
  using MakeJob = std::function<std::shared_ptr<Job>(std::span<char* const> bases, Site site, int seats)>;
  /// Work that is no instruction: puts a job at the end of the sequence. `target` is (part of) a new array, which no export
  /// has seen.
  void append_job(std::span<const Source> sources, const Target& target, Site site, const MakeJob& make)
      DISTOB_EXCLUDES(mutex_);
  /// The same, and waits for it. Returns the float flags it raised.
  unsigned append_job_and_wait(std::span<const Source> sources, const Target& target, const MakeJob& make)
      DISTOB_EXCLUDES(mutex_);

  /// Runs `work()` under the lock, in this thread, if every operand is ready: `sources` have been written, and nobody
  /// reads or writes `targets`, which then have memory. Returns false, and does nothing, otherwise.
  template <class Work>
  bool run_small(std::span<const Source* const> sources, std::span<const Target* const> targets, Work&& work)
      DISTOB_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!ready(sources, targets)) return false;
    work();
    ++inline_runs_;
    return true;
  }
  /// The same for results that nobody has seen yet: `check` is given a function that says whether a view of a storage has
  /// been written, and returns whether all that `work` reads has been.
  template <class Check, class Work>
  bool run_small(Check&& check, Work&& work) DISTOB_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto readable = [this](const memory::Storage& storage, const View& view)
                              DISTOB_NO_THREAD_SAFETY_ANALYSIS { return written(storage, view); };
    if (!check(readable)) return false;
    work();
    ++inline_runs_;
    return true;
  }

  /// Float flags from a small run, for the line `site`.
  void raised(unsigned flags, Site site) DISTOB_EXCLUDES(mutex_);

  /// Copies, with a cast, memory that no entry of the order can touch (the caller's, new, or pinned), on all threads.
  void run_apart(const View& from, char* source, const View& to, char* target) DISTOB_EXCLUDES(mutex_);

  /// Calls `work(first, last)` for ranges that make up [0, n), on all threads if n is large, and waits for all of them.
  void run_ranges(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) DISTOB_EXCLUDES(mutex_);
  /// The same for n large pieces of work, each of which may go to a thread of its own.
  void run_parts(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) DISTOB_EXCLUDES(mutex_);

  // --- Reading and lending --------------------------------------------------------------------------------------------

  /// Pins what a view shows now and waits until it is written. Later writes to the storage go elsewhere.
  [[nodiscard]] memory::Pin pin(memory::Storage& storage, const View& view) DISTOB_EXCLUDES(mutex_);
  /// Copies the first element of a view, as it lies in memory, once it is written.
  void read_element(memory::Storage& storage, const View& view, void* bytes) DISTOB_EXCLUDES(mutex_);
  /// The same if it is written already; else returns false and does nothing.
  [[nodiscard]] bool read_written_element(const memory::Storage& storage, const View& view, void* bytes)
      DISTOB_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!written(storage, view)) return false;
    std::memcpy(bytes, storage.memory()->data() + view.offset, view.dtype.itemsize);
    return true;
  }

  /// An open entry: until it is closed, work on its elements that conflicts with it waits.
  struct Hold {
    order::EntryId entry = 0;
    std::vector<memory::MemoryPtr> memories;  ///< of each view that is held
  };
  /// Waits for earlier work on the views and keeps later work away. Storages whose memory is pinned are moved first. All
  /// views are one entry: callers with views in common cannot wait for each other.
  [[nodiscard]] Hold hold_for_write(std::span<const Target> targets) DISTOB_EXCLUDES(mutex_);
  void close(const Hold& hold) DISTOB_EXCLUDES(mutex_);
  /// What somebody outside is to have of a storage: reading, or both; in shared memory if another process maps it.
  struct Wish {
    memory::StoragePtr storage;
    View view;
    bool write = false;
    bool shared = false;
  };
  /// The same for readers as well, and for loans, each of another storage.
  [[nodiscard]] Hold hold_all(std::span<const Wish> wishes) DISTOB_EXCLUDES(mutex_);
  /// Ends it. Where somebody outside keeps the memory (`kept`, by wish) the storage moves to other memory, as soon as nobody
  /// else has it on loan.
  void end_all(std::span<const Wish> wishes, const Hold& hold, const std::vector<bool>& kept) DISTOB_EXCLUDES(mutex_);

  // --- The machine ----------------------------------------------------------------------------------------------------

  void sync() DISTOB_EXCLUDES(mutex_);
  void set_interrupt_check(void (*check)()) { interrupt_check_.store(check); }
  void set_threads(int n) DISTOB_EXCLUDES(mutex_);
  [[nodiscard]] int threads() const { return threads_.load(std::memory_order_relaxed); }
  void run_inline() DISTOB_EXCLUDES(mutex_);
  /// At the end of the process: ends the threads. Later work runs in the calling thread.
  void shut_down() DISTOB_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<FloatWarning> take_warnings() DISTOB_EXCLUDES(mutex_);
  [[nodiscard]] bool warnings_pending() const noexcept { return warnings_pending_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string explain() DISTOB_EXCLUDES(mutex_);
  /// How many instructions of the window write this storage.
  [[nodiscard]] std::size_t waiting_for(const memory::Storage& storage) DISTOB_EXCLUDES(mutex_);
  [[nodiscard]] Statistics statistics() DISTOB_EXCLUDES(mutex_);

 private:
  using Jobs = std::vector<std::shared_ptr<Job>>;
  enum class From : std::uint8_t {
    waiter,
    appender,
    timer
  };  // who starts jobs: whether it will help, and may run small ones

  Workspace();

  // Under the lock.
  void push(Instruction instruction) DISTOB_REQUIRES(mutex_);
  bool reserve_moves(const Instruction& instruction) DISTOB_REQUIRES(mutex_);
  /// Launches what waits. What there is no memory for stays in the window, with all that depends on it, and the error is
  /// returned: it concerns whoever reads those results.
  std::exception_ptr flush(Jobs& ready) DISTOB_REQUIRES(mutex_);
  void launch(std::span<const Instruction> window, const Pass& pass, const Plan& plan, Jobs& ready)
      DISTOB_REQUIRES(mutex_);
  /// A storage's memories in a pass, found before anything is changed.
  struct Prepared {
    memory::Storage* storage = nullptr;
    Binding binding;
    order::WritePlan plan;
  };
  Prepared prepare(std::span<const Instruction> window, const Pass& pass, memory::Storage& storage)
      DISTOB_REQUIRES(mutex_);
  void commit(const Prepared& prepared, Jobs& ready) DISTOB_REQUIRES(mutex_);
  void give_memory(memory::Storage& storage, const memory::MemoryPtr& memory) DISTOB_REQUIRES(mutex_);
  void enter(std::shared_ptr<Job> job, Jobs& ready) DISTOB_REQUIRES(mutex_);
  void enter_made(MutexLock& lock, std::span<const Source> sources, const Target& target, Site site,
                  const MakeJob& make, From from) DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  void enter_copy(const memory::MemoryPtr& from, const memory::MemoryPtr& to, const View& view, Jobs& ready)
      DISTOB_REQUIRES(mutex_);
  memory::MemoryPtr take_memory(std::int64_t bytes, bool shared) DISTOB_REQUIRES(mutex_);
  void ensure_memory(memory::Storage& storage) DISTOB_REQUIRES(mutex_);
  bool ready(std::span<const Source* const> sources, std::span<const Target* const> targets) DISTOB_REQUIRES(mutex_);
  bool written(const memory::Storage& storage, const View& view) const DISTOB_REQUIRES(mutex_) {
    if (!window_.empty() && waits_in_window(storage, false)) return false;
    return storage.memory() && order_.may_read(storage.memory().get(), view);
  }
  bool waits_in_window(const memory::Storage& storage, bool also_read) const DISTOB_REQUIRES(mutex_);
  void note(unsigned flags, Site site) DISTOB_REQUIRES(mutex_);

  // Give the lock up and take it again, which the analysis cannot follow through a reference to the lock's holder.
  /// Returns the error of flush(); a caller who is not the timer has tried again after all that ran had ended.
  std::exception_ptr flush_and_start(MutexLock& lock, From from)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  std::exception_ptr flush_once(MutexLock& lock, From from) DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  /// For a caller who needs what waits for `storage` to be launched: throws if there is no memory for it.
  void flush_for(MutexLock& lock, const memory::Storage& storage, bool also_read)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  void make_room(MutexLock& lock, const Instruction& instruction)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  std::exception_ptr drain(MutexLock& lock) DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  template <class Predicate>
  void wait_until(MutexLock& lock, Predicate done, void (*check)() = nullptr)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  void give_up(MutexLock& lock, order::EntryId entry) DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  void move_away(MutexLock& lock, memory::Storage& storage, bool shared)
      DISTOB_REQUIRES(mutex_) DISTOB_NO_THREAD_SAFETY_ANALYSIS;
  order::EntryId open_entry(MutexLock& lock, std::span<const order::Access> accesses) DISTOB_REQUIRES(mutex_);
  [[nodiscard]] bool must_move(const Wish& wish) const DISTOB_REQUIRES(mutex_);
  void end_loan(MutexLock& lock, memory::Storage& storage, const memory::MemoryPtr& memory, bool kept)
      DISTOB_REQUIRES(mutex_);
  void finish_entry(order::EntryId entry, Jobs& ready) DISTOB_REQUIRES(mutex_);

  // Without the lock.
  void start(Jobs jobs, From from) DISTOB_EXCLUDES(mutex_);
  void ended(node::Task& task) DISTOB_EXCLUDES(mutex_);
  void run_and_wait(const std::shared_ptr<Job>& job) DISTOB_EXCLUDES(mutex_);
  void run_to_end(const std::shared_ptr<Job>& job) DISTOB_EXCLUDES(mutex_);
  void timer_fired() DISTOB_EXCLUDES(mutex_);
  [[nodiscard]] node::Crew& crew() DISTOB_EXCLUDES(mutex_);
  [[nodiscard]] int seats() const { return threads_.load(std::memory_order_relaxed); }

  memory::Budget budget_;
  std::atomic<int> threads_;
  std::atomic<bool> warnings_pending_{false};
  std::atomic<void (*)()> interrupt_check_{nullptr};
  std::atomic<std::uint64_t> bytes_copied_{0};

  Mutex mutex_;
  std::condition_variable progress_;
  std::vector<Instruction> window_ DISTOB_GUARDED_BY(mutex_);
  std::int64_t waiting_work_ DISTOB_GUARDED_BY(mutex_) = 0;  ///< of the window, in additions
  order::Order order_ DISTOB_GUARDED_BY(mutex_);
  std::unordered_map<order::EntryId, std::shared_ptr<Job>> jobs_ DISTOB_GUARDED_BY(mutex_);
  order::EntryId next_entry_ DISTOB_GUARDED_BY(mutex_) = 1;
  /// Memory that storages gave up while programs still use it: the next storage of the size takes it, uses and all.
  std::vector<memory::MemoryPtr> given_up_ DISTOB_GUARDED_BY(mutex_);
  /// Shared memory that is lent: how many loans are open, and whether somebody keeps it.
  struct Lent {
    int loans = 0;
    bool kept = false;
  };
  std::unordered_map<const memory::Memory*, Lent> lent_ DISTOB_GUARDED_BY(mutex_);
  /// Entries that stand for a caller who waits for his turn or holds it.
  enum class Turn : std::uint8_t { waits, is_his, given_up };
  std::unordered_map<order::EntryId, Turn> held_ DISTOB_GUARDED_BY(mutex_);
  std::vector<FloatWarning> warnings_ DISTOB_GUARDED_BY(mutex_);
  std::unordered_map<Site, unsigned> private_flags_ DISTOB_GUARDED_BY(mutex_);
  Site next_private_site_ DISTOB_GUARDED_BY(mutex_) = 0x80000000U;
  int waiters_ DISTOB_GUARDED_BY(mutex_) = 0;
  std::vector<program::Program> last_passes_ DISTOB_GUARDED_BY(mutex_);
  std::int64_t bytes_lent_ DISTOB_GUARDED_BY(mutex_) = 0;
  std::uint64_t instructions_ DISTOB_GUARDED_BY(mutex_) = 0;
  std::uint64_t inline_runs_ DISTOB_GUARDED_BY(mutex_) = 0;
  std::uint64_t programs_ DISTOB_GUARDED_BY(mutex_) = 0;
  std::uint64_t repoints_ DISTOB_GUARDED_BY(mutex_) = 0;

  // The crew in use; crews of other sizes are stopped but kept, because a late thread may still look at them.
  std::atomic<node::Crew*> crew_{nullptr};
  std::vector<std::unique_ptr<node::Crew>> crews_ DISTOB_GUARDED_BY(mutex_);
  std::unique_ptr<node::FlushTimer> timer_ DISTOB_GUARDED_BY(mutex_);
};

}  // namespace distob::array

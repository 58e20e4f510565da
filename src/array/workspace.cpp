#include "array/workspace.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "array/job.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

constexpr std::size_t kFullWindow = 96;   // instructions; a Black-Scholes formula is 61
constexpr std::size_t kOpenEntries = 16;  // an appender that is further ahead helps instead
constexpr std::size_t kKeptWarnings = 256;
// Silence after which the window is flushed: a tenth of the time its work will take, for a formula that is cut in two, because
// its thread was kept waiting between two lines, stores and loads what could have stayed in registers.
constexpr std::chrono::nanoseconds kShortestIdle = std::chrono::microseconds(100);
constexpr std::chrono::nanoseconds kLongestIdle = std::chrono::milliseconds(5);
constexpr int kIdlesToLatest = 20;
constexpr std::int64_t kAdditionsPerNanosecond = 20;         // of one thread
constexpr auto kCheckEvery = std::chrono::milliseconds(50);  // between two looks for Ctrl-C

std::atomic<bool> in_forked_child{false};

program::Scratch& own_scratch() {
  thread_local program::Scratch scratch;
  return scratch;
}

std::chrono::nanoseconds idle_before(std::int64_t additions, int threads) {
  const std::chrono::nanoseconds tenth(additions / (10 * kAdditionsPerNanosecond * threads));
  return std::clamp(tenth, kShortestIdle, kLongestIdle);
}

View all_bytes(std::int64_t size) { return View::contiguous(Kind::UInt8, {size}); }

}  // namespace

// --- Life -----------------------------------------------------------------------------------------------------------

Workspace& Workspace::instance() {
  // Never destroyed: handles in static variables of the user's may outlive any order of destruction.
  static Workspace& workspace = *new Workspace;
  if (forked()) {
    throw ForkedError(
        "distob arrays cannot be used in a forked child: the threads and memory of the parent are not here. "
        "Gather what the child needs before the fork.");
  }
  return workspace;
}

bool Workspace::forked() noexcept { return in_forked_child.load(std::memory_order_relaxed); }

Workspace::Workspace() : budget_(memory::default_memory_limit()), threads_(node::default_threads()) {
  pthread_atfork(nullptr, nullptr, [] { in_forked_child.store(true, std::memory_order_relaxed); });
  std::atexit([] {
    if (!forked()) instance().shut_down();
  });
}

void Workspace::set_threads(int n) {
  if (n < 1) throw ValueError("the number of threads must be above zero, not " + std::to_string(n));
  sync();
  node::Crew* old = nullptr;
  {
    const MutexLock lock(mutex_);
    threads_.store(n, std::memory_order_relaxed);
    old = crew_.exchange(nullptr);
  }
  if (old != nullptr) old->stop();
}

void Workspace::run_inline() {
  std::unique_ptr<node::FlushTimer> timer;
  {
    const MutexLock lock(mutex_);
    timer = std::move(timer_);
  }
  timer.reset();
  set_threads(1);
}

// What runs ends, what waits is dropped: nobody can read it any more, and it may wait for an access that never closes.
void Workspace::shut_down() {
  std::unique_ptr<node::FlushTimer> timer;
  node::Crew* crew = nullptr;
  {
    const MutexLock lock(mutex_);
    timer = std::move(timer_);
    threads_.store(1, std::memory_order_relaxed);
    crew = crew_.exchange(nullptr);
  }
  timer.reset();
  if (crew != nullptr) crew->stop();
}

node::Crew& Workspace::crew() {
  if (node::Crew* crew = crew_.load(std::memory_order_acquire)) return *crew;
  const MutexLock lock(mutex_);
  if (node::Crew* crew = crew_.load(std::memory_order_acquire)) return *crew;
  // One thread: the caller's own does it all.
  const int workers = threads() == 1 ? 0 : threads();
  crews_.push_back(std::make_unique<node::Crew>(workers, [this](node::Task& task) { ended(task); }));
  crew_.store(crews_.back().get(), std::memory_order_release);
  return *crews_.back();
}

// --- Memory ---------------------------------------------------------------------------------------------------------

memory::StoragePtr Workspace::new_storage(std::int64_t bytes) {
  memory::StoragePtr storage = memory::Storage::create(bytes);
  if (budget_.try_reserve(bytes, storage->reservation)) return storage;
  {
    MutexLock lock(mutex_);
    (void)drain(lock);  // dead temporaries of the window and of running programs give theirs back
  }
  if (!budget_.try_reserve(bytes, storage->reservation)) budget_.refuse(bytes);
  return storage;
}

memory::MemoryPtr Workspace::take_memory(std::int64_t bytes, bool shared) {
  if (shared) return memory::Memory::allocate_shared(static_cast<std::size_t>(bytes));
  auto found = std::find_if(given_up_.begin(), given_up_.end(), [&](const memory::MemoryPtr& m) {
    return m->size() == static_cast<std::size_t>(bytes) && !m->pinned();
  });
  if (found == given_up_.end()) return memory::Memory::allocate(static_cast<std::size_t>(bytes));
  memory::MemoryPtr memory = std::move(*found);
  given_up_.erase(found);
  memory->reservation = {};  // its new storage has one
  return memory;
}

void Workspace::ensure_memory(memory::Storage& storage) {
  if (!storage.memory()) storage.set_memory(take_memory(storage.size(), false));
}

// --- The window -----------------------------------------------------------------------------------------------------

void Workspace::push(Instruction instruction) {
  for (Source& source : instruction.sources) source.handle = {};
  if (instruction.mask) instruction.mask->handle = {};
  const int cost = instruction.what == Instruction::What::apply ? instruction.kernel.cost + 1 : 2;
  waiting_work_ += element_count(instruction.shape) * cost;
  window_.push_back(std::move(instruction));
  ++instructions_;
}

// Targets whose memory somebody pins will have to move. True if the budget has room for that.
bool Workspace::reserve_moves(const Instruction& instruction) {
  return std::all_of(instruction.targets.begin(), instruction.targets.end(), [&](const Target& t) {
    memory::Storage& storage = *t.storage;
    if (!storage.memory() || !storage.memory()->pinned() || storage.next.bytes() > 0) return true;
    return budget_.try_reserve(storage.size(), storage.next);
  });
}

void Workspace::make_room(MutexLock& lock, const Instruction& instruction) {
  if (reserve_moves(instruction)) return;
  (void)drain(lock);
  if (reserve_moves(instruction)) return;
  std::int64_t bytes = 0;
  for (const Target& t : instruction.targets) bytes += t.storage->next.bytes() > 0 ? 0 : t.storage->size();
  budget_.refuse(bytes);
}

void Workspace::append(Instruction instruction) {
  MutexLock lock(mutex_);
  make_room(lock, instruction);
  push(std::move(instruction));
  if (window_.size() < kFullWindow) {
    if (threads() == 1) return;
    if (!timer_) timer_ = std::make_unique<node::FlushTimer>([this] { timer_fired(); });
    const auto idle = idle_before(waiting_work_, threads());
    timer_->touch(idle, kIdlesToLatest * idle);
    return;
  }
  const std::exception_ptr failed = flush_and_start(lock, From::appender);
  if (failed && window_.size() >= 2 * kFullWindow) std::rethrow_exception(failed);
  if (order_.open() > kOpenEntries) {
    wait_until(lock, [this]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return order_.open() <= kOpenEntries / 2; });
  }
}

unsigned Workspace::append_and_wait(Instruction instruction) {
  const std::vector<Target> targets = instruction.targets;
  MutexLock lock(mutex_);
  make_room(lock, instruction);
  const Site site = instruction.site = next_private_site_ = (next_private_site_ + 1) | 0x80000000U;
  private_flags_[site] = 0;
  push(std::move(instruction));
  if (const std::exception_ptr failed = flush_and_start(lock, From::waiter)) {
    // An error at this line: the instruction must not run later.
    if (std::erase_if(window_, [&](const Instruction& i) { return i.site == site; }) > 0) {
      private_flags_.erase(site);
      std::rethrow_exception(failed);
    }
  }
  wait_until(lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    return std::all_of(targets.begin(), targets.end(), [&](const Target& t) DISTOB_NO_THREAD_SAFETY_ANALYSIS {
      return !t.storage->memory() || order_.may_read(t.storage->memory().get(), t.view);
    });
  });
  return private_flags_.extract(site).mapped();
}

void Workspace::enter_made(MutexLock& lock, std::span<const Source> sources, const Target& target, Site site,
                           const MakeJob& make, From from) {
  // What it reads may still be in the window.
  const std::exception_ptr failed = flush_and_start(lock, from);
  const bool waits = std::any_of(sources.begin(), sources.end(), [&](const Source& s) DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    return waits_in_window(*s.storage, false);
  });
  if (failed && (waits || waits_in_window(*target.storage, true))) std::rethrow_exception(failed);
  std::vector<char*> bases;
  std::vector<memory::MemoryPtr> memories;
  std::vector<order::Access> accesses;
  const auto use = [&](memory::Storage& storage, const View& view, bool write) DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    ensure_memory(storage);
    memories.push_back(storage.memory());
    bases.push_back(storage.memory()->data());
    accesses.push_back({storage.memory().get(), view, write});
  };
  for (const Source& source : sources) use(*source.storage, source.view, false);
  use(*target.storage, target.view, true);
  std::shared_ptr<Job> job = make(bases, site, seats());
  job->memories = std::move(memories);
  job->accesses = std::move(accesses);
  Jobs ready;
  enter(std::move(job), ready);
  lock.unlock();
  start(std::move(ready), from);
  lock.lock();
}

void Workspace::append_job(std::span<const Source> sources, const Target& target, Site site, const MakeJob& make) {
  MutexLock lock(mutex_);
  enter_made(lock, sources, target, site, make, From::appender);
  if (order_.open() > kOpenEntries) {
    wait_until(lock, [this]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return order_.open() <= kOpenEntries / 2; });
  }
}

unsigned Workspace::append_job_and_wait(std::span<const Source> sources, const Target& target, const MakeJob& make) {
  MutexLock lock(mutex_);
  const Site site = next_private_site_ = (next_private_site_ + 1) | 0x80000000U;
  private_flags_[site] = 0;
  enter_made(lock, sources, target, site, make, From::waiter);
  wait_until(lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    return order_.may_read(target.storage->memory().get(), target.view);
  });
  return private_flags_.extract(site).mapped();
}

void Workspace::timer_fired() {
  MutexLock lock(mutex_);
  (void)flush_and_start(lock, From::timer);
}

bool Workspace::waits_in_window(const memory::Storage& storage, bool also_read) const {
  for (const Instruction& i : window_) {
    for (const Target& t : i.targets) {
      if (t.storage.get() == &storage) return true;
    }
    if (!also_read) continue;
    for (const Source& s : i.sources) {
      if (s.storage.get() == &storage) return true;
    }
    if (i.mask && i.mask->storage.get() == &storage) return true;
  }
  return false;
}

bool Workspace::ready(std::span<const Source* const> sources, std::span<const Target* const> targets) {
  for (const Source* s : sources) {
    if (s->storage && !written(*s->storage, s->view)) return false;
  }
  for (const Target* t : targets) {
    memory::Storage& storage = *t->storage;
    if (!storage.memory()) {
      if (!window_.empty() && waits_in_window(storage, true)) return false;
      storage.set_memory(memory::Memory::allocate(static_cast<std::size_t>(storage.size())));
      continue;
    }
    if (storage.memory()->pinned() || (!window_.empty() && waits_in_window(storage, true))) return false;
    if (!order_.may_write(storage.memory().get(), t->view)) return false;
  }
  return true;
}

// --- From the window to the order -----------------------------------------------------------------------------------

std::exception_ptr Workspace::flush(Jobs& ready) {
  if (window_.empty()) return {};
  std::vector<Instruction> window = std::exchange(window_, {});
  waiting_work_ = 0;
  const Plan plan = plan_passes(window);
  for (const Instruction& i : window) {
    for (const Target& t : i.targets) {
      if (!plan.stored.contains(t.storage.get())) t.storage->reservation = {};  // it stays in registers
    }
  }
  last_passes_.clear();
  std::exception_ptr failed;
  std::vector<std::uint32_t> left;
  std::unordered_set<const memory::Storage*> held;  // what instructions that stay use
  const auto each_storage = [&](const Pass& pass, auto&& f) {
    for (std::uint32_t number : pass.instructions) {
      for (const Source& source : window[number].sources) f(source.storage.get());
      if (window[number].mask) f(window[number].mask->storage.get());
      for (const Target& t : window[number].targets) f(t.storage.get());
    }
  };
  for (const Pass& pass : plan.passes) {
    bool depends = false;
    each_storage(pass,
                 [&](const memory::Storage* storage) { depends |= storage != nullptr && held.contains(storage); });
    if (!depends) {
      try {
        launch(window, pass, plan, ready);
        continue;
      } catch (const MemoryError&) {
        failed = std::current_exception();
      } catch (const std::bad_alloc&) {
        failed = std::current_exception();
      }
    }
    left.insert(left.end(), pass.instructions.begin(), pass.instructions.end());
    each_storage(pass, [&](const memory::Storage* storage) { held.insert(storage); });
  }
  std::sort(left.begin(), left.end());
  for (std::uint32_t number : left) window_.push_back(std::move(window[number]));
  return failed;
}

void Workspace::launch(std::span<const Instruction> window, const Pass& pass, const Plan& plan, Jobs& ready) {
  std::vector<Prepared> prepared;
  Bindings bindings;
  const auto prepare_once = [&](const memory::StoragePtr& s) DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    if (s && plan.stored.contains(s.get()) && !bindings.contains(s.get())) {
      prepared.push_back(prepare(window, pass, *s));
      bindings[s.get()] = prepared.back().binding;
    }
  };
  for (std::uint32_t number : pass.instructions) {
    for (const Source& s : window[number].sources) prepare_once(s.storage);
    if (window[number].mask) prepare_once(window[number].mask->storage);
    for (const Target& t : window[number].targets) prepare_once(t.storage);
  }
  Compiled compiled = compile(window, pass, plan, bindings);
  for (const Prepared& each : prepared) commit(each, ready);
  ++programs_;
  last_passes_.push_back(compiled.program);
  enter(make_job(std::move(compiled), seats()), ready);
  // Only now does the order know that this pass still reads them: another storage may take them over.
  for (const auto& [storage, binding] : bindings) {
    const bool moved = !(binding.read == binding.write);
    if (moved && !binding.read->shared() && !binding.read->pinned()) given_up_.push_back(binding.read);
  }
}

// All that can fail for want of memory; the storage is as it was.
Workspace::Prepared Workspace::prepare(std::span<const Instruction> window, const Pass& pass,
                                       memory::Storage& storage) {
  std::vector<View> written;
  bool partly = false;
  for (std::uint32_t number : pass.instructions) {
    for (const Target& t : window[number].targets) {
      if (t.storage.get() != &storage) continue;
      partly |= window[number].mask.has_value() && window[number].what != Instruction::What::reduce;
      if (std::find(written.begin(), written.end(), t.view) == written.end()) written.push_back(t.view);
    }
  }
  if (written.empty() || !storage.memory()) {
    ensure_memory(storage);
    return {&storage, {storage.memory(), storage.memory()}, {}};
  }
  const memory::MemoryPtr before = storage.memory();
  const order::Needs needs{before->pinned(), pass.repointed.contains(&storage)};
  order::WritePlan plan = order::plan_write(storage.size(), written, partly, needs);
  if (!plan.fresh) return {&storage, {before, before}, {}};
  if (storage.next.bytes() == 0 && !budget_.try_reserve(storage.size(), storage.next)) budget_.refuse(storage.size());
  return {&storage, {before, take_memory(storage.size(), before->shared())}, std::move(plan)};
}

void Workspace::commit(const Prepared& prepared, Jobs& ready) {
  if (prepared.binding.read == prepared.binding.write) {
    prepared.storage->next = {};  // nobody pins its memory any more
    return;
  }
  for (const View& view : prepared.plan.carried) {
    enter_copy(prepared.binding.read, prepared.binding.write, view, ready);
  }
  give_memory(*prepared.storage, prepared.binding.write);
}

// Re-points `storage`, whose `next` is reserved. What it leaves counts as long as somebody has it.
void Workspace::give_memory(memory::Storage& storage, const memory::MemoryPtr& memory) {
  const memory::MemoryPtr before = storage.set_memory(memory);
  before->reservation = std::exchange(storage.reservation, std::exchange(storage.next, {}));
  ++repoints_;
}

void Workspace::enter_copy(const memory::MemoryPtr& from, const memory::MemoryPtr& to, const View& view, Jobs& ready) {
  if (view.size() == 0) return;
  bytes_copied_ += static_cast<std::uint64_t>(view.nbytes());
  std::shared_ptr<Job> job = view.is_contiguous() ? make_byte_copy(to->data() + view.offset, from->data() + view.offset,
                                                                   view.nbytes(), seats())
                                                  : make_job(copying(view, view), {from->data(), to->data()}, seats());
  job->memories = {from, to};
  job->accesses = {{from.get(), view, false}, {to.get(), view, true}};
  enter(std::move(job), ready);
}

void Workspace::enter(std::shared_ptr<Job> job, Jobs& ready) {
  job->entry = next_entry_++;
  if (order_.append(job->entry, job->accesses)) ready.push_back(job);
  job->accesses.clear();
  jobs_.emplace(job->entry, std::move(job));
}

// --- From the order to the threads ----------------------------------------------------------------------------------

std::exception_ptr Workspace::flush_once(MutexLock& lock, From from) {
  Jobs ready;
  std::exception_ptr failed;
  try {
    failed = flush(ready);
  } catch (...) {
    failed = std::current_exception();  // what was entered before it must still run: others wait for it
  }
  if (!ready.empty()) {
    lock.unlock();
    start(std::move(ready), from);
    lock.lock();
  }
  return failed;
}

std::exception_ptr Workspace::flush_and_start(MutexLock& lock, From from) {
  const std::exception_ptr failed = flush_once(lock, from);
  if (!failed || from == From::timer || !held_.empty()) return failed;
  // What runs will give memory back. (Not while somebody holds elements: it may be this thread.)
  wait_until(lock, [this]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return jobs_.empty(); });
  memory::trim();
  return flush_once(lock, from);
}

void Workspace::flush_for(MutexLock& lock, const memory::Storage& storage, bool also_read) {
  if (window_.empty() || !waits_in_window(storage, also_read)) return;
  const std::exception_ptr failed = flush_and_start(lock, From::waiter);
  if (failed && waits_in_window(storage, also_read)) std::rethrow_exception(failed);
}

void Workspace::start(Jobs jobs, From from) {
  for (std::shared_ptr<Job>& job : jobs) {
    if (job->small() && from != From::timer) {
      run_to_end(job);
    } else {
      // A caller who waits takes a seat himself: waking a thread for it would only make two fight for one core.
      crew().post(std::move(job), from == From::waiter ? seats() - 1 : seats());
    }
  }
}

void Workspace::run_to_end(const std::shared_ptr<Job>& job) {
  job->run_alone(own_scratch());
  ended(*job);
}

void Workspace::ended(node::Task& task) {
  auto& job = static_cast<Job&>(task);
  Jobs next;
  {
    const MutexLock lock(mutex_);
    for (const program::Raised& r : job.outcome().raised) note(r.flags, r.tag);
    job.done = true;
    job.memories.clear();
    if (job.entry != 0) finish_entry(job.entry, next);
    if (waiters_ > 0) progress_.notify_all();
  }
  start(std::move(next), From::appender);
}

void Workspace::finish_entry(order::EntryId entry, Jobs& ready) {
  jobs_.erase(entry);
  std::vector<order::EntryId> entries;
  order_.finish(entry, entries);
  for (order::EntryId e : entries) {
    auto held = held_.find(e);
    if (held == held_.end()) {
      ready.push_back(jobs_.at(e));
    } else if (held->second == Turn::given_up) {
      held_.erase(held);
      finish_entry(e, ready);
    } else {
      held->second = Turn::is_his;  // its caller waits for this
    }
  }
  // What nobody uses any more is better off in the pool, where every size finds it.
  std::erase_if(given_up_,
                [this](const memory::MemoryPtr& m) DISTOB_NO_THREAD_SAFETY_ANALYSIS { return !order_.busy(m.get()); });
  if (waiters_ > 0) progress_.notify_all();
}

template <class Predicate>
void Workspace::wait_until(MutexLock& lock, Predicate done, void (*check)()) {
  ++waiters_;
  while (!done()) {
    lock.unlock();
    const bool helped = crew().help(own_scratch());
    lock.lock();
    if (helped || done()) continue;
    if (check == nullptr) {
      lock.wait(progress_);
    } else if (lock.wait_for(progress_, kCheckEvery) == std::cv_status::timeout) {
      lock.unlock();
      try {
        check();
      } catch (...) {
        lock.lock();
        --waiters_;
        throw;
      }
      lock.lock();
    }
  }
  --waiters_;
}

void Workspace::run_apart(const View& from, char* source, const View& to, char* target) {
  if (to.size() == 0) return;
  bytes_copied_ += static_cast<std::uint64_t>(to.nbytes());
  const bool bytes_only = from.dtype == to.dtype && from.is_contiguous() && to.is_contiguous();
  const std::shared_ptr<Job> job = bytes_only
                                       ? make_byte_copy(target + to.offset, source + from.offset, to.nbytes(), seats())
                                       : make_job(copying(from, to), {source, target}, seats());
  run_and_wait(job);
}

void Workspace::run_ranges(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) {
  run_and_wait(make_ranges(n, work, seats()));
}

void Workspace::run_parts(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) {
  run_and_wait(make_parts(n, work, seats()));
}

void Workspace::run_and_wait(const std::shared_ptr<Job>& job) {
  if (job->small()) {
    job->run_alone(own_scratch());
    return;
  }
  crew().post(job, seats() - 1);
  MutexLock lock(mutex_);
  wait_until(lock, [&] { return job->done; });
}

// --- Reading and lending --------------------------------------------------------------------------------------------

memory::Pin Workspace::pin(memory::Storage& storage, const View& view) {
  MutexLock lock(mutex_);
  flush_for(lock, storage, false);
  ensure_memory(storage);
  memory::Pin pin(storage.memory());
  const memory::Memory* memory = pin.memory().get();
  wait_until(
      lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return order_.may_read(memory, view); }, interrupt_check_);
  return pin;
}

void Workspace::read_element(memory::Storage& storage, const View& view, void* bytes) {
  MutexLock lock(mutex_);
  flush_for(lock, storage, false);
  ensure_memory(storage);
  const memory::Pin pin(storage.memory());
  const memory::Memory* memory = pin.memory().get();
  if (!order_.may_read(memory, view)) {
    wait_until(
        lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return order_.may_read(memory, view); }, interrupt_check_);
  }
  std::memcpy(bytes, memory->data() + view.offset, view.dtype.itemsize);
}

order::EntryId Workspace::open_entry(MutexLock& lock, std::span<const order::Access> accesses) {
  const order::EntryId entry = next_entry_++;
  held_[entry] = order_.append(entry, accesses) ? Turn::is_his : Turn::waits;
  try {
    wait_until(
        lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS { return held_.at(entry) == Turn::is_his; }, interrupt_check_);
  } catch (...) {
    give_up(lock, entry);
    throw;
  }
  return entry;
}

/// The caller does not wait for his turn any longer: it passes when it comes.
void Workspace::give_up(MutexLock& lock, order::EntryId entry) {
  if (held_.at(entry) == Turn::waits) {
    held_[entry] = Turn::given_up;
    return;
  }
  Jobs ready;
  held_.erase(entry);
  finish_entry(entry, ready);
  lock.unlock();
  start(std::move(ready), From::appender);
  lock.lock();
}

void Workspace::move_away(MutexLock& lock, memory::Storage& storage, bool shared) {
  if (storage.next.bytes() == 0 && !budget_.try_reserve(storage.size(), storage.next)) budget_.refuse(storage.size());
  const memory::MemoryPtr before = storage.memory();
  const memory::MemoryPtr after = take_memory(storage.size(), shared);
  Jobs ready;
  enter_copy(before, after, all_bytes(storage.size()), ready);
  give_memory(storage, after);
  lock.unlock();
  start(std::move(ready), From::waiter);
  lock.lock();
}

Workspace::Hold Workspace::hold_for_write(std::span<const Target> targets) {
  std::vector<Wish> wishes;
  for (const Target& target : targets) wishes.push_back({target.storage, target.view, true, false});
  return hold_all(wishes);
}

/// Whether others still need the bytes that whoever is granted the wish could change, or cannot map them.
bool Workspace::must_move(const Wish& wish) const {
  const memory::MemoryPtr& now = wish.storage->memory();
  if (wish.shared && !now->shared()) return true;
  if (!now->pinned()) return false;
  const auto lent = lent_.find(now.get());
  return wish.write || (lent != lent_.end() && lent->second.kept);
}

Workspace::Hold Workspace::hold_all(std::span<const Wish> wishes) {
  MutexLock lock(mutex_);
  for (const Wish& wish : wishes) flush_for(lock, *wish.storage, true);
  for (std::size_t k = 0; k < wishes.size();) {
    memory::Storage& storage = *wishes[k].storage;
    ensure_memory(storage);
    if (must_move(wishes[k])) {
      move_away(lock, storage, wishes[k].shared || storage.memory()->shared());
      k = 0;  // the lock was open: others may have pinned those before
    } else {
      ++k;
    }
  }
  Hold hold;
  std::vector<order::Access> accesses;
  for (const Wish& wish : wishes) {
    hold.memories.push_back(wish.storage->memory());
    const memory::Memory* memory = hold.memories.back().get();
    if (wish.shared) {
      ++lent_[memory].loans;
      bytes_lent_ += wish.view.nbytes();
    }
    accesses.push_back({memory, wish.view, wish.write});
  }
  try {
    hold.entry = open_entry(lock, accesses);
  } catch (...) {
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      if (wishes[i].shared) end_loan(lock, *wishes[i].storage, hold.memories[i], false);
    }
    throw;
  }
  return hold;
}

void Workspace::close(const Hold& hold) {
  Jobs ready;
  {
    const MutexLock lock(mutex_);
    held_.erase(hold.entry);
    finish_entry(hold.entry, ready);
  }
  start(std::move(ready), From::appender);
}

void Workspace::end_all(std::span<const Wish> wishes, const Hold& hold, const std::vector<bool>& kept) {
  close(hold);
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    if (wishes[i].shared) end_loan(lock, *wishes[i].storage, hold.memories[i], kept[i]);
  }
}

void Workspace::end_loan(MutexLock& lock, memory::Storage& storage, const memory::MemoryPtr& memory, bool kept) {
  Lent& lent = lent_.at(memory.get());
  if (kept && !lent.kept) {
    lent.kept = true;
    memory->pin();  // for ever: nobody can say when the engine lets go
  }
  if (--lent.loans > 0) return;
  const bool must_leave = lent.kept && storage.memory() == memory;
  lent_.erase(memory.get());
  if (!must_leave) return;
  move_away(lock, storage, true);
  const memory::MemoryPtr now = storage.memory();
  wait_until(lock, [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    return !order_.busy(memory.get()) && order_.may_read(now.get(), all_bytes(storage.size()));
  });
}

// --- The machine ----------------------------------------------------------------------------------------------------

void Workspace::sync() {
  MutexLock lock(mutex_);
  if (const std::exception_ptr failed = drain(lock)) std::rethrow_exception(failed);
}

std::exception_ptr Workspace::drain(MutexLock& lock) {
  std::exception_ptr failed = flush_and_start(lock, From::waiter);
  const order::EntryId last = next_entry_;
  const auto done = [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
    return std::none_of(jobs_.begin(), jobs_.end(), [&](const auto& job) { return job.first < last; });
  };
  wait_until(lock, done, interrupt_check_);
  return failed;
}

void Workspace::note(unsigned flags, Site site) {
  if (flags == 0 || site == 0) return;
  if ((site & 0x80000000U) != 0) {
    auto found = private_flags_.find(site);
    if (found != private_flags_.end()) found->second |= flags;
    return;
  }
  auto found = std::find_if(warnings_.begin(), warnings_.end(), [&](const FloatWarning& w) { return w.site == site; });
  if (found != warnings_.end()) {
    found->flags |= flags;
  } else if (warnings_.size() < kKeptWarnings) {
    warnings_.push_back({flags, site});
  }
  warnings_pending_.store(true, std::memory_order_relaxed);
}

void Workspace::raised(unsigned flags, Site site) {
  const MutexLock lock(mutex_);
  note(flags, site);
}

std::vector<FloatWarning> Workspace::take_warnings() {
  const MutexLock lock(mutex_);
  warnings_pending_.store(false, std::memory_order_relaxed);
  return std::exchange(warnings_, {});
}

std::string Workspace::explain() {
  const MutexLock lock(mutex_);
  const auto count = [](std::size_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  std::string text = "waiting in the window: " + count(window_.size(), "instruction") + "\n";
  const Plan plan = plan_passes(window_);
  for (const Pass& pass : plan.passes) {
    text.append("  a pass over ").append(to_string(pass.shape)).append(": ");
    text.append(count(pass.instructions.size(), "instruction")).append("\n");
  }
  program::Program::Traffic all;
  std::size_t operations = 0;
  for (const program::Program& pass : last_passes_) {
    all.read += pass.traffic().read;
    all.written += pass.traffic().written;
    operations += static_cast<std::size_t>(pass.operations());
  }
  text += "ran last: " + count(operations, "operation") +
          ", passes over memory: " + std::to_string(last_passes_.size()) + ", ";
  text += memory::format_size(all.read) + " read, " + memory::format_size(all.written) + " written\n";
  for (const program::Program& pass : last_passes_) text += pass.to_string();
  text += "since the start: " + memory::format_size(static_cast<std::int64_t>(bytes_copied_.load())) +
          " copied to move or gather arrays, " + memory::format_size(bytes_lent_) + " lent to engines\n";
  return text;
}

std::size_t Workspace::waiting_for(const memory::Storage& storage) {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(window_.begin(), window_.end(), [&](const Instruction& i) {
    return std::any_of(i.targets.begin(), i.targets.end(),
                       [&](const Target& t) { return t.storage.get() == &storage; });
  }));
}

Statistics Workspace::statistics() {
  const MutexLock lock(mutex_);
  Statistics s;
  s.instructions = instructions_;
  s.inline_runs = inline_runs_;
  s.programs = programs_;
  s.repoints = repoints_;
  s.bytes_copied = bytes_copied_.load();
  s.bytes_live = static_cast<std::uint64_t>(budget_.used());
  s.storages_live = static_cast<std::uint64_t>(memory::usage().live_blocks);
  return s;
}

}  // namespace distob::array

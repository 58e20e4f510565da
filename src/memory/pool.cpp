#include "memory/pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "distob/errors.h"
#include "memory/budget.h"

namespace distob::memory {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kPage = 4096;

// Blocks on equal addresses modulo 4096 make stores and loads of different arrays look alike to the processor (4K
// aliasing) and crowd the same cache sets, so each starts a few lines further on than the one before.
constexpr std::size_t kColours = 8;
constexpr std::size_t kColourStep = 9 * 64;
constexpr std::size_t kColourRoom = 2 * kPage;

// A thread keeps this many bytes of each small class, at least four blocks.
constexpr std::size_t kKeptBytes = 256 * 1024;

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

/// Pages of a large block: room for its class and its colour.
std::size_t mapped_bytes(std::uint32_t size_class) {
  const std::size_t bytes = SizeClass::bytes(size_class) + kColourRoom;
  return round_up(bytes, bytes >= kHugePage ? kHugePage : kPage);
}

char* mapping_of(const char* data, std::size_t mapped) {
  // The colour is less than two pages, so the start of the mapping is found by rounding down.
  const std::size_t unit = mapped >= kHugePage ? kHugePage : 2 * kPage;
  return const_cast<char*>(data) - reinterpret_cast<std::uintptr_t>(data) % unit;
}

/// An aligned mapping: one that is longer is cut to size.
char* map_aligned(std::size_t bytes, std::size_t alignment) {
  void* mapped =
      mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* start = static_cast<char*>(mapped);
  auto* aligned = start + (alignment - reinterpret_cast<std::uintptr_t>(start) % alignment) % alignment;
  if (aligned > start) munmap(start, static_cast<std::size_t>(aligned - start));
  char* end = start + bytes + alignment;
  if (end > aligned + bytes) munmap(aligned + bytes, static_cast<std::size_t>(end - aligned) - bytes);
  return aligned;
}

[[noreturn]] void throw_no_memory(std::size_t bytes) {
  throw MemoryError("the system has no " + format_size(static_cast<std::int64_t>(bytes)) +
                    " for an array; delete arrays that are no longer needed, or work on parts");
}

// Trivial on purpose: it is still readable while other thread locals are destroyed.
thread_local ThreadCache* this_cache = nullptr;
thread_local bool this_thread_ended = false;

struct CacheOwner {
  ThreadCache cache;
  CacheOwner() { this_cache = &cache; }
  ~CacheOwner() {
    this_cache = nullptr;
    this_thread_ended = true;
  }
};

}  // namespace

ThreadCache::ThreadCache() {
  Pool& pool = Pool::instance();
  MutexLock lock(pool.mutex_);
  pool.caches_.push_back(this);
}

ThreadCache::~ThreadCache() {
  Pool& pool = Pool::instance();
  {
    MutexLock lock(pool.mutex_);
    std::erase(pool.caches_, this);
  }
  pool.live_bytes_.fetch_add(live_bytes_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  pool.live_blocks_.fetch_add(live_blocks_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  for (std::uint32_t size_class = 0; size_class < kSmallClasses; ++size_class) {
    while (Memory* memory = take(size_class)) Pool::destroy(memory);
  }
}

bool ThreadCache::keep(Memory* memory, std::uint32_t size_class) {
  List& list = lists_[size_class];
  const std::size_t most = std::max<std::size_t>(kKeptBytes / SizeClass::bytes(size_class), 4);
  if (list.count >= most) return false;
  memory->next_ = list.first;
  list.first = memory;
  ++list.count;
  return true;
}

Pool& Pool::instance() {
  static Pool& pool = *new Pool;
  return pool;
}

Pool::Pool() : retention_(default_memory_limit() / 4) {}

ThreadCache* Pool::cache() {
  if (this_cache != nullptr || this_thread_ended) return this_cache;
  thread_local CacheOwner owner;
  return this_cache;
}

void Pool::count(std::int64_t bytes, std::int64_t blocks) {
  if (ThreadCache* mine = cache()) {
    mine->count(bytes, blocks);
  } else {
    live_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    live_blocks_.fetch_add(blocks, std::memory_order_relaxed);
  }
}

Memory* Pool::allocate(std::size_t bytes) {
  if (bytes > SizeClass::kLargest) throw_no_memory(bytes);
  const std::uint32_t size_class = SizeClass::of(bytes);
  Memory* memory = nullptr;
  if (size_class < kSmallClasses) {
    ThreadCache* mine = cache();
    memory = mine != nullptr ? mine->take(size_class) : nullptr;
  } else {
    memory = take_large(size_class);
  }
  if (memory == nullptr) memory = make(size_class);
  memory->size_ = bytes;
  count(static_cast<std::int64_t>(bytes), 1);
  return memory;
}

void Pool::give_back(Memory* memory) {
  count(-static_cast<std::int64_t>(memory->size_), -1);
  const std::uint32_t size_class = memory->size_class_;
  if (size_class < kSmallClasses) {
    ThreadCache* mine = cache();
    if (mine == nullptr || !mine->keep(memory, size_class)) destroy(memory);
    return;
  }
  std::vector<Memory*> evicted;
  {
    MutexLock lock(mutex_);
    retained_.push_back(memory);
    retained_bytes_ += static_cast<std::int64_t>(mapped_bytes(size_class));
    evict(retention_, evicted);
  }
  for (Memory* old : evicted) destroy(old);
}

Memory* Pool::take_large(std::uint32_t size_class) {
  MutexLock lock(mutex_);
  // The youngest is the warmest. Retained blocks are few: they are large and their sum is bounded.
  for (auto it = retained_.rbegin(); it != retained_.rend(); ++it) {
    if ((*it)->size_class_ != size_class) continue;
    Memory* memory = *it;
    retained_.erase(std::next(it).base());
    retained_bytes_ -= static_cast<std::int64_t>(mapped_bytes(size_class));
    return memory;
  }
  return nullptr;
}

Memory* Pool::make(std::uint32_t size_class) {
  if (size_class >= kSmallClasses) return make_large(size_class);
  auto* data = static_cast<char*>(std::aligned_alloc(64, SizeClass::bytes(size_class)));
  if (data == nullptr) throw_no_memory(SizeClass::bytes(size_class));
  auto* memory = new Memory(data, 0);
  memory->size_class_ = size_class;
  return memory;
}

Memory* Pool::make_large(std::uint32_t size_class) {
  const std::size_t mapped = mapped_bytes(size_class);
  const bool huge = mapped >= kHugePage;
  char* start = map_aligned(mapped, huge ? kHugePage : 2 * kPage);
  if (start == nullptr && trim(0) > 0) start = map_aligned(mapped, huge ? kHugePage : 2 * kPage);
  if (start == nullptr) throw_no_memory(SizeClass::bytes(size_class));
  // First touched at 7-16 GB/s with huge pages, at 2-3 without; where the system forbids them the advice does nothing.
  if (huge) madvise(start, mapped, MADV_HUGEPAGE);
  const std::size_t colour = colour_.fetch_add(1, std::memory_order_relaxed) % kColours * kColourStep;
  auto* memory = new Memory(start + colour, 0);
  memory->size_class_ = size_class;
  return memory;
}

void Pool::destroy(Memory* memory) {
  if (memory->size_class_ < kSmallClasses) {
    std::free(memory->data_);
  } else {
    const std::size_t mapped = mapped_bytes(memory->size_class_);
    munmap(mapping_of(memory->data_, mapped), mapped);
  }
  delete memory;
}

std::int64_t Pool::evict(std::int64_t keep, std::vector<Memory*>& out) {
  std::int64_t freed = 0;
  while (retained_bytes_ > keep && !retained_.empty()) {
    Memory* oldest = retained_.front();
    retained_.pop_front();
    const auto bytes = static_cast<std::int64_t>(mapped_bytes(oldest->size_class_));
    retained_bytes_ -= bytes;
    freed += bytes;
    out.push_back(oldest);
  }
  return freed;
}

std::int64_t Pool::trim(std::int64_t keep) {
  std::vector<Memory*> evicted;
  std::int64_t freed = 0;
  {
    MutexLock lock(mutex_);
    freed = evict(keep, evicted);
  }
  for (Memory* old : evicted) destroy(old);
  return freed;
}

void Pool::set_retention(std::int64_t bytes) {
  {
    MutexLock lock(mutex_);
    retention_ = bytes;
  }
  trim(bytes);
}

Usage Pool::usage() {
  MutexLock lock(mutex_);
  Usage usage;
  usage.live_bytes = live_bytes_.load(std::memory_order_relaxed);
  usage.live_blocks = live_blocks_.load(std::memory_order_relaxed);
  for (const ThreadCache* thread : caches_) {
    usage.live_bytes += thread->live_bytes_.load(std::memory_order_relaxed);
    usage.live_blocks += thread->live_blocks_.load(std::memory_order_relaxed);
  }
  usage.shared_bytes = shared_bytes_.load(std::memory_order_relaxed);
  usage.retained_bytes = retained_bytes_;
  return usage;
}

}  // namespace distob::memory

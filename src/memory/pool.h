// Where private memory comes from and goes to: inside of src/memory.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <list>
#include <vector>

#include "base/mutex.h"
#include "memory/memory.h"

namespace distob::memory {

/// Four classes for each doubling, so that at most a quarter of a block is unused (address space only: what nobody
/// touches has no pages).
struct SizeClass {
  static constexpr int kCount = 8 + 4 * 39;  ///< up to 2^48 bytes
  static constexpr std::size_t kLargest = std::size_t{1} << 47;

  [[nodiscard]] static constexpr std::uint32_t of(std::size_t bytes) {
    if (bytes <= 512) return bytes == 0 ? 0 : static_cast<std::uint32_t>((bytes - 1) / 64);
    const int exponent = std::bit_width(bytes - 1) - 1;  // 2^exponent <= bytes - 1
    return static_cast<std::uint32_t>(8 + 4 * (exponent - 9)) +
           static_cast<std::uint32_t>((bytes - 1 - (std::size_t{1} << exponent)) >> (exponent - 2));
  }
  [[nodiscard]] static constexpr std::size_t bytes(std::uint32_t size_class) {
    if (size_class < 8) return 64 * (std::size_t{size_class} + 1);
    const std::uint32_t exponent = 9 + (size_class - 8) / 4;
    return (std::size_t{1} << exponent) + ((size_class - 8) % 4 + std::size_t{1}) * (std::size_t{1} << (exponent - 2));
  }
};

/// Blocks up to this size come from the C heap and are kept by threads; larger ones are mappings of their own.
inline constexpr std::size_t kSmall = 128 * 1024;
inline constexpr std::uint32_t kSmallClasses = SizeClass::of(kSmall) + 1;

/// What one thread keeps of each small size: a list it alone uses, and its share of the counts.
class ThreadCache {
 public:
  ThreadCache();
  ~ThreadCache();

  /// A kept block of this class, or null.
  Memory* take(std::uint32_t size_class) {
    List& list = lists_[size_class];
    Memory* memory = list.first;
    if (memory != nullptr) {
      list.first = memory->next_;
      --list.count;
    }
    return memory;
  }
  /// False if this thread keeps enough of them.
  bool keep(Memory* memory, std::uint32_t size_class);
  /// Written by this thread only, read by usage().
  void count(std::int64_t bytes, std::int64_t blocks) {
    live_bytes_.store(live_bytes_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    live_blocks_.store(live_blocks_.load(std::memory_order_relaxed) + blocks, std::memory_order_relaxed);
  }

 private:
  friend class Pool;
  struct List {
    Memory* first = nullptr;
    std::uint32_t count = 0;
  };
  std::array<List, kSmallClasses> lists_{};
  std::atomic<std::int64_t> live_bytes_{0}, live_blocks_{0};
};

/// What the threads share. One for the process, never destroyed: memory may be released after main.
class Pool {
 public:
  static Pool& instance();

  [[nodiscard]] Memory* allocate(std::size_t bytes);
  void give_back(Memory* memory);
  [[nodiscard]] Usage usage();
  std::int64_t trim(std::int64_t keep);
  void set_retention(std::int64_t bytes);
  void count(std::int64_t bytes, std::int64_t blocks);
  void count_shared(std::int64_t bytes) { shared_bytes_.fetch_add(bytes, std::memory_order_relaxed); }

 private:
  friend class ThreadCache;
  Pool();
  /// This thread's cache, or null before its first and after its last use.
  static ThreadCache* cache();
  Memory* take_large(std::uint32_t size_class);
  Memory* make(std::uint32_t size_class);
  Memory* make_large(std::uint32_t size_class);
  static void destroy(Memory* memory);
  /// Unlinks the oldest retained blocks beyond `keep` bytes into `out`, to be destroyed without the lock.
  std::int64_t evict(std::int64_t keep, std::vector<Memory*>& out) DISTOB_REQUIRES(mutex_);

  Mutex mutex_;
  std::vector<ThreadCache*> caches_ DISTOB_GUARDED_BY(mutex_);
  std::list<Memory*> retained_ DISTOB_GUARDED_BY(mutex_);  ///< large blocks, the oldest first
  std::int64_t retained_bytes_ DISTOB_GUARDED_BY(mutex_) = 0;
  std::int64_t retention_ DISTOB_GUARDED_BY(mutex_);
  std::atomic<std::int64_t> live_bytes_{0}, live_blocks_{0}, shared_bytes_{0};  ///< of threads that have no cache
  std::atomic<std::uint32_t> colour_{0};
};

}  // namespace distob::memory

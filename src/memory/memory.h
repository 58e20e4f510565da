// The bytes that storages have: pooled private memory, and segments that can be shared with another process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "memory/budget.h"
#include "memory/counted.h"
#include "memory/segment.h"

namespace distob::memory {

class Memory;
using MemoryPtr = Ptr<Memory>;

/// A run of bytes, aligned to 64, that stays where it is until its last owner and its last pin are gone.
///
/// Contents are undefined at first. Thread-safe, apart from the bytes themselves, whose order is the owner's business.
class Memory : public Counted<Memory> {
 public:
  /// Private memory of at least one byte from the pool of its size class; large ones are advised huge pages and are often
  /// still warm from their last owner. Throws MemoryError when the system has no more. Under 50 ns when warm and small.
  [[nodiscard]] static MemoryPtr allocate(std::size_t bytes);

  /// Memory in a new shared segment. Throws MemoryError.
  [[nodiscard]] static MemoryPtr allocate_shared(std::size_t bytes);
  /// The whole of a segment that came from elsewhere.
  [[nodiscard]] static MemoryPtr of(std::shared_ptr<SharedSegment> segment);

  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool shared() const { return segment_ != nullptr; }
  /// The segment it is in, or null.
  [[nodiscard]] const std::shared_ptr<SharedSegment>& segment() const { return segment_; }

  /// Readers outside the order of array work (an exported view, a lent block): while there is one, writers must leave
  /// these bytes alone and write elsewhere. Any thread.
  void pin() { pins_.fetch_add(1, std::memory_order_relaxed); }
  void unpin() { pins_.fetch_sub(1, std::memory_order_release); }
  [[nodiscard]] bool pinned() const { return pins_.load(std::memory_order_acquire) != 0; }

  /// Of the budget, for memory that its storage has left and others still need. Of the owner of the order; ends with the
  /// last owner.
  Reservation reservation;

 private:
  friend class Counted<Memory>;
  friend class Pool;
  friend class ThreadCache;
  Memory(char* data, std::size_t size) : data_(data), size_(size) {}
  ~Memory() = default;
  void last_owner_gone();

  char* data_;
  std::size_t size_;  ///< as asked
  std::atomic<std::int32_t> pins_{0};
  std::uint32_t size_class_ = 0;
  Memory* next_ = nullptr;  ///< in a free list
  std::shared_ptr<SharedSegment> segment_;
};

/// Holds a pin together with the ownership of the memory it pins.
class Pin {
 public:
  Pin() = default;
  explicit Pin(MemoryPtr memory) : memory_(std::move(memory)) {
    if (memory_) memory_->pin();
  }
  Pin(Pin&&) noexcept = default;
  Pin& operator=(Pin&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~Pin() {
    if (memory_) memory_->unpin();
  }
  [[nodiscard]] const MemoryPtr& memory() const { return memory_; }
  explicit operator bool() const { return static_cast<bool>(memory_); }

 private:
  MemoryPtr memory_;
};

/// What the process holds through this room, in bytes of the sizes asked for (live) and of the system (retained).
struct Usage {
  std::int64_t live_bytes = 0;  ///< owned by someone, shared segments included
  std::int64_t live_blocks = 0;
  std::int64_t shared_bytes = 0;    ///< the part of live_bytes that is in shared segments
  std::int64_t retained_bytes = 0;  ///< large blocks kept warm for the next owner
};
[[nodiscard]] Usage usage();

/// Gives retained large blocks back to the system, oldest first, until at most `keep` bytes are retained.
/// Returns the bytes given back.
std::int64_t trim(std::int64_t keep = 0);

/// How many bytes of freed large blocks stay warm at the most (default: a quarter of the budget's default limit).
void set_retention(std::int64_t bytes);

}  // namespace distob::memory

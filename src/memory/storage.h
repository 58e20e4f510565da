// What views alias.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "memory/budget.h"
#include "memory/counted.h"
#include "memory/memory.h"

namespace distob::memory {

/// Something its owner keeps with a storage (the order: who read and wrote it last). Goes with the storage.
struct Attachment {
  virtual ~Attachment() = default;
};

class Storage;
using StoragePtr = Ptr<Storage>;

/// The identity of some bytes: views name a storage, and the storage has a memory at the moment.
///
/// Whoever owns the order of array work may give it another memory (re-pointing), and every view follows. It may also have
/// none yet: results get memory when they are first needed.
///
///   any thread:                retain, release, add_handle, drop_handle, handles, size, id
///   the owner of the order:    memory, set_memory, attachment, reservation
class Storage : public Counted<Storage> {
 public:
  /// A storage of `size` bytes without memory.
  [[nodiscard]] static StoragePtr create(std::int64_t size);
  /// A storage that has `memory`.
  [[nodiscard]] static StoragePtr create(MemoryPtr memory);

  [[nodiscard]] std::int64_t size() const { return size_; }
  /// Never reused in this process.
  [[nodiscard]] std::uint64_t id() const { return id_; }

  [[nodiscard]] const MemoryPtr& memory() const { return memory_; }
  /// Gives it `memory` (at least size() bytes) and returns what it had.
  MemoryPtr set_memory(MemoryPtr memory);
  /// The memory's bytes; it must have one.
  [[nodiscard]] char* data() const { return memory_->data(); }

  /// Arrays of the user that name this storage: when none is left, results nobody reads need not be computed. Kept apart
  /// from owners, which include the window and running programs.
  void add_handle() { handles_.fetch_add(1, std::memory_order_relaxed); }
  /// True if that was the last one.
  bool drop_handle() { return handles_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  [[nodiscard]] std::int32_t handles() const { return handles_.load(std::memory_order_acquire); }

  std::unique_ptr<Attachment> attachment;
  Reservation reservation;  ///< of the budget, for the memory it has or will have
  Reservation next;         ///< for memory that it has to move to, because work that waits will write while others read

 private:
  friend class Counted<Storage>;
  explicit Storage(std::int64_t size);
  ~Storage() = default;
  void last_owner_gone() { delete this; }

  std::int64_t size_;
  std::uint64_t id_;
  std::atomic<std::int32_t> handles_{0};
  MemoryPtr memory_;
};

/// How bytes are copied: the node's threads can do it in parallel.
using Copier = std::function<void(char* to, const char* from, std::int64_t bytes)>;

/// Makes sure that the storage's memory is a shared segment, by copying it into one and re-pointing the storage unless it
/// is one already. Returns that memory. The caller owns the order. Throws MemoryError.
MemoryPtr move_to_shared(Storage& storage, const Copier& copy = {});

}  // namespace distob::memory

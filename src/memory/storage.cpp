#include "memory/storage.h"

#include <cstring>

namespace distob::memory {
namespace {
std::atomic<std::uint64_t> next_id{1};
}

Storage::Storage(std::int64_t size) : size_(size), id_(next_id.fetch_add(1, std::memory_order_relaxed)) {}

StoragePtr Storage::create(std::int64_t size) { return StoragePtr(new Storage(size)); }

StoragePtr Storage::create(MemoryPtr memory) {
  StoragePtr storage = create(static_cast<std::int64_t>(memory->size()));
  storage->memory_ = std::move(memory);
  return storage;
}

MemoryPtr Storage::set_memory(MemoryPtr memory) { return std::exchange(memory_, std::move(memory)); }

MemoryPtr move_to_shared(Storage& storage, const Copier& copy) {
  const MemoryPtr from = storage.memory();
  if (from && from->shared()) return from;
  MemoryPtr to = Memory::allocate_shared(static_cast<std::size_t>(storage.size()));
  if (from && storage.size() > 0) {
    if (copy) {
      copy(to->data(), from->data(), storage.size());
    } else {
      std::memcpy(to->data(), from->data(), static_cast<std::size_t>(storage.size()));
    }
  }
  storage.set_memory(to);
  return to;
}

}  // namespace distob::memory

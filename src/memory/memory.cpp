#include "memory/memory.h"

#include "memory/pool.h"

namespace distob::memory {

MemoryPtr Memory::allocate(std::size_t bytes) { return MemoryPtr(Pool::instance().allocate(bytes)); }

MemoryPtr Memory::allocate_shared(std::size_t bytes) { return of(SharedSegment::create(bytes)); }

MemoryPtr Memory::of(std::shared_ptr<SharedSegment> segment) {
  MemoryPtr memory(new Memory(segment->data(), segment->size()));
  memory->segment_ = std::move(segment);
  Pool::instance().count(static_cast<std::int64_t>(memory->size()), 1);
  Pool::instance().count_shared(static_cast<std::int64_t>(memory->size()));
  return memory;
}

void Memory::last_owner_gone() {
  reservation = {};
  Pool& pool = Pool::instance();
  if (!shared()) return pool.give_back(this);
  pool.count(-static_cast<std::int64_t>(size_), -1);
  pool.count_shared(-static_cast<std::int64_t>(size_));
  delete this;
}

Usage usage() { return Pool::instance().usage(); }
std::int64_t trim(std::int64_t keep) { return Pool::instance().trim(keep); }
void set_retention(std::int64_t bytes) { Pool::instance().set_retention(bytes); }

}  // namespace distob::memory

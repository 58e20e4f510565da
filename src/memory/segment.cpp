#include "memory/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "distob/errors.h"

namespace distob::memory {

std::shared_ptr<SharedSegment> SharedSegment::create(std::size_t bytes) {
  const int descriptor = memfd_create("distob", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) throw MemoryError(std::string("no shared memory: memfd_create: ") + std::strerror(errno));
  std::shared_ptr<SharedSegment> segment(new SharedSegment(descriptor, bytes));
  // An empty file cannot be mapped, so an empty segment has one byte that nobody asked for.
  if (ftruncate(descriptor, static_cast<off_t>(std::max<std::size_t>(bytes, 1))) != 0 ||
      fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    throw MemoryError("no shared memory for " + std::to_string(bytes) + " bytes: " + std::strerror(errno));
  }
  segment->map(true);
  return segment;
}

std::shared_ptr<SharedSegment> SharedSegment::from_descriptor(int descriptor, std::size_t bytes, bool writable) {
  std::shared_ptr<SharedSegment> segment(new SharedSegment(descriptor, bytes));
  struct stat status {};
  const int seals = fcntl(descriptor, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) throw ProtocolError("a shared segment came that is not sealed");
  if (fstat(descriptor, &status) != 0 || static_cast<std::size_t>(status.st_size) < std::max<std::size_t>(bytes, 1)) {
    throw ProtocolError("a shared segment came that is smaller than the " + std::to_string(bytes) + " bytes announced");
  }
  segment->map(writable);
  return segment;
}

void SharedSegment::map(bool writable) {
  void* data = mmap(nullptr, std::max<std::size_t>(size_, 1), writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                    descriptor_, 0);
  if (data == MAP_FAILED) {
    throw MemoryError("cannot map " + std::to_string(size_) + " bytes of shared memory: " + std::strerror(errno));
  }
  data_ = static_cast<char*>(data);
}

SharedSegment::~SharedSegment() {
  if (data_ != nullptr) munmap(data_, std::max<std::size_t>(size_, 1));
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace distob::memory

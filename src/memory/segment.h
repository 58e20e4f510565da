// Memory that another process can map: how large values and lent blocks travel on one host.
#pragma once

#include <cstddef>
#include <memory>

namespace distob::memory {

/// Pages of their own (a memfd) without a name in any file system, mapped, sealed against change of size. The descriptor
/// travels by SCM_RIGHTS. When the last process lets go, nothing is left. Thread-safe, apart from the bytes.
class SharedSegment {
 public:
  /// A new segment, zero at first. Throws MemoryError.
  [[nodiscard]] static std::shared_ptr<SharedSegment> create(std::size_t bytes);

  /// Maps a segment that another process made; takes `descriptor` over even if it throws. Throws ProtocolError if it holds
  /// fewer than `bytes` or is not sealed against shrinking (it could be cut under our feet).
  [[nodiscard]] static std::shared_ptr<SharedSegment> from_descriptor(int descriptor, std::size_t bytes,
                                                                      bool writable = true);

  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;
  ~SharedSegment();

  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Stays owned by the segment.
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  SharedSegment(int descriptor, std::size_t bytes) : size_(bytes), descriptor_(descriptor) {}
  void map(bool writable);

  char* data_ = nullptr;
  std::size_t size_;
  int descriptor_;
};

}  // namespace distob::memory

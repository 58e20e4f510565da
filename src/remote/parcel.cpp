#include "remote/parcel.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "distob/errors.h"

namespace distob::detail {
namespace {

int duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0)
    throw std::system_error(errno, std::generic_category(), "cannot duplicate the descriptor of shared memory");
  return copy;
}

}  // namespace

std::optional<SharedBuffer> share_if_large(std::span<const std::byte> bytes) {
  if (bytes.size() < kLargeValue) return std::nullopt;
  const auto segment = memory::SharedSegment::create(bytes.size());
  std::memcpy(segment->data(), bytes.data(), bytes.size());
  SharedBuffer buffer;
  buffer.file = std::make_shared<UniqueFd>(duplicate(segment->descriptor()));
  buffer.size = bytes.size();
  return buffer;
}

Arrived::Arrived(std::span<const std::byte> payload, std::span<const SharedBuffer> buffers) : bytes_(payload) {
  if (buffers.empty()) return;
  const SharedBuffer& buffer = buffers.front();
  if (buffers.size() != 1 || !payload.empty() || buffer.offset != 0 || !buffer.file)
    throw ProtocolError("a C++ value came with other buffers than it has");
  segment_ = memory::SharedSegment::from_descriptor(duplicate(buffer.file->get()), buffer.size, false);
  bytes_ = {reinterpret_cast<const std::byte*>(segment_->data()), buffer.size};
}

}  // namespace distob::detail

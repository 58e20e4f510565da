// Encoded values on their way: small ones inside the message, large ones in shared memory beside it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "memory/segment.h"

namespace distob::detail {

/// Above this, one copy into shared memory and a descriptor cost less than two copies through a socket.
inline constexpr std::size_t kLargeValue = std::size_t{256} << 10;

/// `bytes` as a shared buffer if they are large; nothing if they travel in the message.
[[nodiscard]] std::optional<SharedBuffer> share_if_large(std::span<const std::byte> bytes);

/// The bytes that arrived, from the message or from its one buffer, mapped as long as this lives.
class Arrived {
 public:
  /// Throws ProtocolError if there is a buffer and it cannot be the value.
  Arrived(std::span<const std::byte> payload, std::span<const SharedBuffer> buffers);
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::shared_ptr<memory::SharedSegment> segment_;
  std::span<const std::byte> bytes_;
};

}  // namespace distob::detail

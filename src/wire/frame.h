// Framing: messages to bytes and back, with nothing believed that was not checked.
//
// A frame is a header of 8 bytes (length of the body; number of descriptors; a magic number), the body (a FlatBuffers
// Message), and zeros up to a multiple of 8. Descriptors travel beside the bytes, attached to the frame's first byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/unique_fd.h"
#include "wire/message.h"

namespace distob::wire {

/// The largest body. Larger values travel out of band.
inline constexpr std::uint32_t kMaxBody = 256u << 20;
/// Linux passes at most 253 descriptors at a time.
inline constexpr std::size_t kMaxFiles = 250;
/// The largest frame that is accepted of a peer that has not greeted yet.
inline constexpr std::uint32_t kMaxGreeting = 1024;

/// Bytes on their way out, and the descriptors that go with them.
class Outgoing {
 public:
  Outgoing();
  ~Outgoing();
  Outgoing(Outgoing&&) noexcept;
  Outgoing& operator=(Outgoing&&) noexcept;

  /// Appends a message. Throws ValueError if it is larger than a frame may be or has more than kMaxFiles descriptors.
  void append(const Message& message);

  [[nodiscard]] std::size_t size() const { return bytes_.size() - sent_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// What to write next: bytes, and the descriptors that go with the first of them.
  struct Piece {
    std::span<const std::byte> bytes;
    std::span<const std::shared_ptr<const UniqueFd>> files;
  };
  [[nodiscard]] Piece next() const;
  /// The first `count` bytes of next() are written.
  void sent(std::size_t count);

 private:
  struct Builder;
  struct Attached {
    std::size_t at;  ///< in bytes_
    std::vector<std::shared_ptr<const UniqueFd>> files;
  };
  std::unique_ptr<Builder> builder_;
  std::vector<std::byte> bytes_;
  std::size_t sent_ = 0;
  std::deque<Attached> files_;
};

/// Bytes on their way in. One for each connection; after a ProtocolError it is not used again.
class Incoming {
 public:
  /// Room for at least `size` more bytes, to read into; received() says how many were.
  [[nodiscard]] std::span<std::byte> room(std::size_t size);
  void received(std::size_t count) { end_ += count; }
  void received(UniqueFd file) { files_.push_back(std::make_shared<UniqueFd>(std::move(file))); }

  /// The next whole message, verified. False if more bytes are needed. Throws ProtocolError if the bytes are no message;
  /// nothing is allocated for a length before the bytes are there.
  bool next(Message& message);

  /// Until this is called, only frames of kMaxGreeting bytes are accepted.
  void greeted() { limit_ = kMaxBody; }

 private:
  std::vector<std::uint64_t> words_;  ///< the buffer, aligned as FlatBuffers wants it
  std::size_t begin_ = 0, end_ = 0;   ///< bytes
  std::uint32_t limit_ = kMaxGreeting;
  std::deque<std::shared_ptr<const UniqueFd>> files_;
};

}  // namespace distob::wire

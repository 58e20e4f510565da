// The bytes of a payload: what the Python front door writes into commands and replies and reads back from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/ids.h"
#include "distob/errors.h"

namespace distob::python {

/// Appends to a payload and to what travels beside it.
class Packer {
 public:
  std::vector<std::byte> bytes;
  std::vector<ObjectId> references;   ///< the objects that the bytes name, by number
  std::vector<SharedBuffer> buffers;  ///< large contents, in the order the pickles ask for them

  void byte(char value) { bytes.push_back(static_cast<std::byte>(value)); }
  void raw(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  }
  /// Seven bits a byte, lowest first.
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<std::byte>(value | 0x80));
    bytes.push_back(static_cast<std::byte>(value));
  }
  void text(std::string_view value) {
    number(value.size());
    raw(value.data(), value.size());
  }
  std::uint32_t reference(ObjectId id) {
    references.push_back(id);
    return static_cast<std::uint32_t>(references.size() - 1);
  }
};

/// Reads a payload. Throws ProtocolError where it ends too early.
class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : rest_(bytes) {}

  char byte() { return static_cast<char>(raw(1)[0]); }
  std::span<const std::byte> raw(std::size_t size) {
    if (size > rest_.size()) throw ProtocolError("a payload ends in the middle of a value");
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto next = static_cast<std::uint64_t>(raw(1)[0]);
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    throw ProtocolError("a number in a payload is too long");
  }
  std::string_view text() {
    const auto taken = raw(number());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  template <class T>
  T plain() {
    T value;
    std::memcpy(&value, raw(sizeof(T)).data(), sizeof(T));
    return value;
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace distob::python

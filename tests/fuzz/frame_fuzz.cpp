// Feeds the frame decoder with what a stranger could send. It may throw ProtocolError and nothing else.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "distob/errors.h"
#include "wire/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  distob::wire::Incoming in;
  in.greeted();
  distob::wire::Message message;
  try {
    // The first byte says how the rest is cut into pieces, as a socket would.
    const std::size_t piece = size ? data[0] + 1u : 1u;
    for (std::size_t at = 1; at < size; at += piece) {
      const std::size_t count = std::min(piece, size - at);
      std::memcpy(in.room(count).data(), data + at, count);
      in.received(count);
      while (in.next(message)) {
      }
    }
  } catch (const distob::ProtocolError&) {
  }
  return 0;
}

// Messages over a connected Unix stream socket, with descriptors beside them. Nothing here ever waits.
#pragma once

#include <cstddef>
#include <utility>

#include "base/unique_fd.h"
#include "wire/frame.h"

namespace distob::transport {

/// One end of a socketpair. Not thread safe.
class LocalConnection {
 public:
  /// Makes `socket` non-blocking. Throws ValueError if it is not a connected Unix stream socket.
  explicit LocalConnection(UniqueFd socket);

  /// Queues a message. Throws ValueError if it is too large; nothing was queued then.
  void send(const wire::Message& message) { outgoing_.append(message); }
  /// Writes as much of the queue as the socket takes. False if the peer is gone.
  bool flush();
  [[nodiscard]] bool wants_to_write() const { return !outgoing_.empty(); }
  [[nodiscard]] std::size_t queued() const { return outgoing_.size(); }

  /// Reads what is there, at most about 256 KiB. False if the peer is gone; what came before is still in next().
  bool receive();
  /// True if receive() would find something (the end included).
  [[nodiscard]] bool has_input() const;
  /// The next message that was received. Throws ProtocolError as wire::Incoming does.
  bool next(wire::Message& message) { return incoming_.next(message); }
  void greeted() { incoming_.greeted(); }

  [[nodiscard]] int fd() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  UniqueFd socket_;
  wire::Outgoing outgoing_;
  wire::Incoming incoming_;
};

/// A pair of connected sockets, closed on exec.
[[nodiscard]] std::pair<UniqueFd, UniqueFd> local_pair();

}  // namespace distob::transport

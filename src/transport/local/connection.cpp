#include "transport/local/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "distob/errors.h"

namespace distob::transport {
namespace {

constexpr std::size_t kReadAtOnce = 64u << 10;
constexpr int kReadsInARow = 4;

using Control = std::byte[CMSG_SPACE(sizeof(int) * 253)];

}  // namespace

LocalConnection::LocalConnection(UniqueFd socket) : socket_(std::move(socket)) {
  int type = 0, domain = 0;
  socklen_t size = sizeof type;
  const bool unix_stream = ::getsockopt(socket_.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
                           ::getsockopt(socket_.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
  if (!unix_stream) throw ValueError("an engine's descriptor is no connected Unix stream socket");
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  ::fcntl(socket_.get(), F_SETFD, FD_CLOEXEC);
}

bool LocalConnection::flush() {
  while (!outgoing_.empty()) {
    const auto piece = outgoing_.next();
    iovec part{const_cast<std::byte*>(piece.bytes.data()), piece.bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) Control control;
    if (!piece.files.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(sizeof(int) * piece.files.size());
      std::memset(control, 0, header.msg_controllen);
      cmsghdr* first = CMSG_FIRSTHDR(&header);
      first->cmsg_level = SOL_SOCKET;
      first->cmsg_type = SCM_RIGHTS;
      first->cmsg_len = CMSG_LEN(sizeof(int) * piece.files.size());
      auto* to = CMSG_DATA(first);
      for (const auto& file : piece.files) {
        const int fd = file->get();
        std::memcpy(to, &fd, sizeof fd);
        to += sizeof fd;
      }
    }
    const ssize_t written = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    outgoing_.sent(static_cast<std::size_t>(written));
  }
  return true;
}

bool LocalConnection::receive() {
  for (int i = 0; i < kReadsInARow; ++i) {
    const auto room = incoming_.room(kReadAtOnce);
    iovec part{room.data(), room.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) Control control;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each; each = CMSG_NXTHDR(&header, each)) {
      if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t k = 0; k < count; ++k) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(each) + k * sizeof fd, sizeof fd);
        incoming_.received(UniqueFd(fd));
      }
    }
    if (got == 0) return false;
    incoming_.received(static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < room.size()) return true;
  }
  return true;
}

bool LocalConnection::has_input() const {
  pollfd one{socket_.get(), POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

std::pair<UniqueFd, UniqueFd> local_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace distob::transport

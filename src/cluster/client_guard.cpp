#include "cluster/client_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "cluster/spawn.h"

namespace distob::cluster {
namespace {

constexpr int kPatienceMilliseconds = 1000;

void guard(const UniqueFd& client, const UniqueFd& socket) {
  pollfd files[] = {{client.get(), POLLIN, 0}, {socket.get(), POLLRDHUP, 0}};
  while (poll(files, 2, -1) < 0 && errno == EINTR) {
  }
  poll(nullptr, 0, kPatienceMilliseconds);
  _exit(0);
}

UniqueFd duplicate(const UniqueFd& fd) { return UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

}  // namespace

void guard_against_lost_client(const UniqueFd& client_pidfd, const UniqueFd& socket) {
  const SignalBlock block;
  std::thread([client = duplicate(client_pidfd), hub = duplicate(socket)] {
    pthread_setname_np(pthread_self(), "distob-guard");
    guard(client, hub);
  }).detach();
}

}  // namespace distob::cluster

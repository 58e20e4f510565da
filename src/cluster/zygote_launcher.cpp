#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "cluster/launcher.h"
#include "cluster/spawn.h"
#include "distob/errors.h"

namespace distob::cluster {
namespace {

void send_packet(int socket, const std::string& text, std::initializer_list<int> descriptors) {
  iovec piece{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), std::data(descriptors), descriptors.size() * sizeof(int));
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "the helper that forks engines is gone");
}

}  // namespace

ZygoteLauncher::ZygoteLauncher(Options options) {
  auto [ours, theirs] = make_socketpair(SOCK_SEQPACKET);
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  Program program{.path = options.arguments.at(0),
                  .arguments = std::move(options.arguments),
                  .environment = std::move(options.environment),
                  .descriptors = {{output.write.get(), 1}, {errors.write.get(), 2}, {theirs.get(), 3}}};
  pid_ = spawn(program);
  socket_ = std::move(ours);
  output_.push_back(std::move(output.read));
  output_.push_back(std::move(errors.read));
}

ZygoteLauncher::~ZygoteLauncher() { close(); }

bool ZygoteLauncher::receive(bool wait, std::string& text, UniqueFd& descriptor) {
  char bytes[1024];
  iovec piece{bytes, sizeof bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  } while (size < 0 && errno == EINTR);
  if (size <= 0) {
    gone_ = gone_ || size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    return false;
  }
  text.assign(bytes, size);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    int fd = -1;
    if (header->cmsg_type != SCM_RIGHTS) continue;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    descriptor.reset(fd);
  }
  return true;
}

void ZygoteLauncher::note_exit(const std::string& text) {
  int pid = 0;
  int status = 0;
  if (std::sscanf(text.c_str(), "exited %d %d", &pid, &status) == 2) exited_[pid] = status;
}

StartedEngine ZygoteLauncher::start(EngineFiles files) {
  std::string text;
  UniqueFd descriptor;
  const auto next = [&] {
    if (!receive(true, text, descriptor)) throw Error("the helper that forks engines ended; its output says why");
    note_exit(text);
  };
  while (!ready_) {
    next();
    if (text.rfind("failed", 0) == 0) throw Error("the helper that forks engines could not start: " + text.substr(6));
    ready_ = text == "ready";
  }
  const std::uint64_t number = ++requests_;
  send_packet(socket_.get(), "fork " + std::to_string(number),
              {files.socket.get(), files.output.get(), files.errors.get(), files.client.get()});
  files = {};  // the helper has its own now; ours must not keep the engine's ends open
  for (;;) {
    next();
    unsigned long long answered = 0;
    StartedEngine started;
    if (std::sscanf(text.c_str(), "forked %llu %d", &answered, &started.pid) == 2 && answered == number) {
      if (!descriptor) throw ProtocolError("the helper that forks engines sent no pidfd");
      started.pidfd = std::move(descriptor);
      return started;
    }
    if (std::sscanf(text.c_str(), "failed %llu", &answered) == 1 && answered == number)
      throw Error("no engine could be forked: " + text);
  }
}

std::optional<int> ZygoteLauncher::exit_status(pid_t pid, bool& lost) {
  std::string text;
  UniqueFd descriptor;
  while (receive(false, text, descriptor)) note_exit(text);
  const auto found = exited_.find(pid);
  lost = gone_ && found == exited_.end();
  if (found == exited_.end()) return std::nullopt;
  const int status = found->second;
  exited_.erase(found);
  return status;
}

void ZygoteLauncher::close() noexcept {
  if (!pid_) return;
  socket_.reset();  // at which it ends
  int status = 0;
  bool lost = false;
  try {
    const UniqueFd pidfd = open_pidfd(pid_);
    pollfd ended{pidfd.get(), POLLIN, 0};
    while (poll(&ended, 1, 2000) < 0 && errno == EINTR) {
    }
    if (!ended.revents) kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  } catch (const std::exception&) {
    static_cast<void>(reap(pid_, status, lost));
  }
  pid_ = 0;
}

}  // namespace distob::cluster

#include "fault/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "cluster/native_executor.h"
#include "cluster/role.h"
#include "cluster/spawn.h"
#include "engine/executor.h"

namespace distob::fault {
namespace {

constexpr int kClient = 3;

void send_text(const std::string& text, int descriptor = -1) {
  iovec piece{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  sendmsg(kClient, &message, MSG_NOSIGNAL);
}

/// One packet with its descriptors; an empty text at the end.
std::string receive(std::vector<UniqueFd>& descriptors) {
  char bytes[256];
  iovec piece{bytes, sizeof bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(kClient, &message, MSG_CMSG_CLOEXEC);
  if (size <= 0) return {};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    int numbers[4];
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(numbers, CMSG_DATA(header), count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) descriptors.emplace_back(numbers[i]);
  }
  return {bytes, static_cast<std::size_t>(size)};
}

[[noreturn]] void become_engine(std::vector<UniqueFd> files) {
  setpgid(0, 0);
  dup2(files[1].get(), STDOUT_FILENO);
  dup2(files[2].get(), STDERR_FILENO);
  files[1].reset();
  files[2].reset();
  close(kClient);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  int status = 0;
  try {
    cluster::NativeExecutor executor(cluster::build_id());
    engine::Engine({.socket = std::move(files[0]), .client = std::move(files[3])}, executor).serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    status = 1;
  }
  std::fflush(nullptr);
  _exit(status);
}

void fork_engine(const std::string& request, std::vector<UniqueFd> files) {
  const pid_t pid = fork();
  if (pid == 0) become_engine(std::move(files));
  const UniqueFd pidfd = cluster::open_pidfd(pid);
  send_text("forked " + request.substr(5) + " " + std::to_string(pid), pidfd.get());
}

void report_exits() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    send_text("exited " + std::to_string(pid) + " " + std::to_string(status));
}

}  // namespace

int run_zygote(bool say_ready) {
  if (!say_ready) {
    std::fprintf(stderr, "no module named numpy\n");
    return 1;
  }
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ended, nullptr);
  const UniqueFd signals(signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK));
  send_text("ready");
  for (;;) {
    pollfd files[] = {{kClient, POLLIN, 0}, {signals.get(), POLLIN, 0}};
    poll(files, 2, -1);
    if (files[1].revents) {
      signalfd_siginfo info;
      while (read(signals.get(), &info, sizeof info) > 0) {
      }
      report_exits();
    }
    if (!files[0].revents) continue;
    std::vector<UniqueFd> descriptors;
    const std::string request = receive(descriptors);
    if (request.empty()) return 0;
    fork_engine(request, std::move(descriptors));
  }
}

}  // namespace distob::fault

#include "cluster/spawn.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace distob::cluster {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  std::vector<std::string> result;
  for (char** entry = environ; entry && *entry; ++entry) {
    bool changed = false;
    for (const auto& change : changes) changed |= name_of(change) == name_of(*entry);
    if (!changed) result.emplace_back(*entry);
  }
  for (const auto& change : changes)
    if (change.find('=') != std::string::npos) result.push_back(change);
  return result;
}

struct Actions {
  posix_spawn_file_actions_t value;
  Actions() { posix_spawn_file_actions_init(&value); }
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
};
struct Attributes {
  posix_spawnattr_t value;
  Attributes() { posix_spawnattr_init(&value); }
  ~Attributes() { posix_spawnattr_destroy(&value); }
};

}  // namespace

pid_t spawn(const Program& program) {
  Actions actions;
  posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
  int highest = 2;
  // Sources are moved above every target first, so that no dup2 overwrites one that is still needed.
  std::vector<UniqueFd> moved;
  for (const auto& [ours, number] : program.descriptors) {
    moved.emplace_back(fcntl(ours, F_DUPFD_CLOEXEC, 64));
    if (!moved.back()) fail(errno, "cannot duplicate a descriptor for a new process");
    posix_spawn_file_actions_adddup2(&actions.value, moved.back().get(), number);
    highest = std::max(highest, number);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions.value, highest + 1);

  Attributes attributes;
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes.value, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes.value, &signals);
  posix_spawnattr_setpgroup(&attributes.value, 0);
  posix_spawnattr_setflags(&attributes.value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  auto arguments = program.arguments;
  auto environment = merged_environment(program.environment);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, program.path.c_str(), &actions.value, &attributes.value,
                                 pointers(arguments).data(), pointers(environment).data());
  if (error) fail(error, "cannot start " + program.path);
  return pid;
}

UniqueFd open_pidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));  // close-on-exec by definition
  if (!fd) fail(errno, "pidfd_open");
  return fd;
}

bool reap(pid_t pid, int& status, bool& lost) {
  const pid_t result = waitpid(pid, &status, WNOHANG);
  lost = result < 0 && errno == ECHILD;
  return result == pid;
}

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) fail(errno, "pipe2");
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return pipe;
}

std::pair<UniqueFd, UniqueFd> make_socketpair(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends)) fail(errno, "socketpair");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

static_assert(sizeof(sigset_t) <= sizeof(unsigned long) * 16);

SignalBlock::SignalBlock() {
  sigset_t all;
  sigset_t saved;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  std::memcpy(saved_, &saved, sizeof saved);
}

SignalBlock::~SignalBlock() {
  sigset_t saved;
  std::memcpy(&saved, saved_, sizeof saved);
  pthread_sigmask(SIG_SETMASK, &saved, nullptr);
}

}  // namespace distob::cluster

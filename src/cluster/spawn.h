// Starting a program with exactly the descriptors it is meant to have.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace distob::cluster {

struct Program {
  std::string path;                              ///< found by PATH if it has no slash
  std::vector<std::string> arguments;            ///< argv, its name included
  std::vector<std::string> environment;          ///< "NAME=value": added to ours, or replacing; "NAME": removed
  std::vector<std::pair<int, int>> descriptors;  ///< (ours, its number); everything else is closed, stdin is /dev/null
};

/// Starts it in a process group of its own, no signal blocked or ignored. Throws std::system_error.
[[nodiscard]] pid_t spawn(const Program& program);

/// A pidfd of a process, close-on-exec. Throws std::system_error.
[[nodiscard]] UniqueFd open_pidfd(pid_t pid);

/// The wait status of our child `pid` if it ended; reaps it. `lost` is set if it is not ours to wait for any more.
[[nodiscard]] bool reap(pid_t pid, int& status, bool& lost);

/// A pipe, both ends close-on-exec, the reading end not blocking.
struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
[[nodiscard]] Pipe make_pipe();

/// Two connected Unix sockets of `type`, close-on-exec. Throws std::system_error.
[[nodiscard]] std::pair<UniqueFd, UniqueFd> make_socketpair(int type);

/// Blocks all signals in the calling thread for a scope, so that threads started in it never run a handler of the user's.
class SignalBlock {
 public:
  SignalBlock();
  ~SignalBlock();
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  unsigned long saved_[16];
};

}  // namespace distob::cluster

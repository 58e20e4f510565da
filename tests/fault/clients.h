// Client programs that fault tests run as processes of their own, to kill them: this executable with another task.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace distob::fault {

/// A client under way. Its output is lines of words.
class ClientProcess {
 public:
  explicit ClientProcess(const std::string& task);
  ~ClientProcess();
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;

  /// The next line it writes; "" at the end.
  std::string line();
  /// The pids of its engines, which it writes first; and a pidfd of each, so that they stay the same processes.
  std::vector<UniqueFd> engines();
  void kill(int signal) const;
  /// Waits for its end: its wait status.
  int wait();

 private:
  pid_t pid_ = 0;
  UniqueFd output_;
};

/// The task this process was started for, or "".
std::string task_of_this_process();
int run_client(const std::string& task, int argc, char** argv);

/// Waits for a process to end. False if it still runs after half a minute.
bool ends(const UniqueFd& pidfd);

}  // namespace distob::fault

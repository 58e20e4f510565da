#include <string>

#include "cluster/launcher.h"
#include "cluster/role.h"
#include "cluster/spawn.h"

namespace distob::cluster {

ExecutableLauncher::ExecutableLauncher(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
  if (arguments_.empty()) arguments_ = own_arguments();
}

StartedEngine ExecutableLauncher::start(EngineFiles files) {
  const UniqueFd role = make_engine_role(build_id());
  StartedEngine started;
  started.pid = spawn({.path = "/proc/self/exe",
                       .arguments = arguments_,
                       .environment = {std::string(kRoleVariable).append("=").append(std::to_string(kRoleDescriptor)),
                                       "DISTOB_THREADS=1"},
                       .descriptors = {{files.output.get(), 1},
                                       {files.errors.get(), 2},
                                       {role.get(), kRoleDescriptor},
                                       {files.socket.get(), kSocketDescriptor},
                                       {files.client.get(), kClientDescriptor}}});
  started.pidfd = open_pidfd(started.pid);
  return started;
}

std::optional<int> ExecutableLauncher::exit_status(pid_t pid, bool& lost) {
  int status = 0;
  if (reap(pid, status, lost)) return status;
  return std::nullopt;
}

}  // namespace distob::cluster

// Ways to start an engine process on this host: the program's own executable again, or a zygote that forks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"

namespace distob::cluster {

/// What an engine process inherits, and nothing else.
struct EngineFiles {
  UniqueFd socket;  ///< its end of the socketpair to the hub
  UniqueFd output;  ///< becomes its stdout
  UniqueFd errors;  ///< becomes its stderr
  UniqueFd client;  ///< pidfd of the client: the engine ends when the client does
};

struct StartedEngine {
  pid_t pid = 0;
  UniqueFd pidfd;  ///< opened before anybody could have reaped the process
};

/// Starts engines. Used by one thread at a time.
class Launcher {
 public:
  virtual ~Launcher() = default;

  /// Starts one engine, in a process group of its own, with stdin from /dev/null and no signal blocked or ignored. Returns
  /// as soon as the process exists. Throws std::system_error, or Error with the launcher's own text.
  virtual StartedEngine start(EngineFiles files) = 0;

  /// The wait status (as of waitpid) of an engine whose pidfd says that it ended, as soon as it is known; reaps it.
  /// Also nullopt, and `lost` set, if it can never be known (somebody else reaped it).
  virtual std::optional<int> exit_status(pid_t pid, bool& lost) = 0;

  /// Readable when exit_status() may know more than at the last call; -1 if it always knows at once.
  [[nodiscard]] virtual int events() const { return -1; }

  /// stdout and stderr of a process of the launcher's own, to be read like an engine's; empty if it has none.
  virtual std::vector<UniqueFd> take_output() { return {}; }

  /// Ends what the launcher itself runs, after all engines ended.
  virtual void close() noexcept {}
};

/// Starts /proc/self/exe again with the arguments of this program. The child learns its role from a sealed memfd whose number
/// is in the environment variable DISTOB_ROLE, which the Cluster constructor reads (see role.h) and removes.
class ExecutableLauncher : public Launcher {
 public:
  explicit ExecutableLauncher(std::vector<std::string> arguments);
  StartedEngine start(EngineFiles files) override;
  std::optional<int> exit_status(pid_t pid, bool& lost) override;

 private:
  std::vector<std::string> arguments_;
};

/// Starts a helper process once, which forks an engine for each request. The helper has loaded what engines need, runs no
/// user code and has one thread.
///
/// The helper's side, over the SOCK_SEQPACKET socket that it finds as descriptor 3 (every message is one packet of ASCII
/// text; descriptors come as SCM_RIGHTS of the same packet):
///
///     from the client             descriptors                          meaning
///     "fork N"                    socket, stdout, stderr, client       fork an engine that owns these; N is the request's number
///                                                                      (`client`: a pidfd of the client, for Engine's options)
///     (end of file)                                                    kill what still runs, reap it, exit 0
///
///     to the client
///     "ready"                                                          once, when it can fork
///     "forked N PID"              pidfd of the engine                  opened before the child could be reaped
///     "failed N TEXT"                                                  no engine; TEXT says why
///     "exited PID STATUS"                                              an engine was reaped; STATUS as os.waitpid gives it
///
/// In the forked engine: setpgid(0, 0); stdin from /dev/null; dup2 the two output ends to 1 and 2; close descriptor 3 and
/// everything else but `socket` and `client`; default signal handlers, nothing blocked; then Engine::serve() on the main
/// thread; when it returns, flush and os._exit(0). The helper has a process group of its own and must take an end of file
/// on descriptor 3 (the client is gone) as its end at any time.
class ZygoteLauncher : public Launcher {
 public:
  struct Options {
    std::vector<std::string> arguments;    ///< the program and its arguments; found by PATH if it has no slash
    std::vector<std::string> environment;  ///< "NAME=value": added to this process's environment, or replacing
  };
  /// Starts the helper and returns without waiting for it.
  explicit ZygoteLauncher(Options options);
  ~ZygoteLauncher() override;

  /// Waits for "ready" the first time. Throws Error if the helper ended or said "failed".
  StartedEngine start(EngineFiles files) override;
  std::optional<int> exit_status(pid_t pid, bool& lost) override;
  [[nodiscard]] int events() const override { return socket_.get(); }
  std::vector<UniqueFd> take_output() override { return std::move(output_); }
  void close() noexcept override;

 private:
  /// Reads one packet; waits for it if `wait`. False if there is none, or the helper is gone (then gone_ is set).
  bool receive(bool wait, std::string& text, UniqueFd& descriptor);
  void note_exit(const std::string& text);

  UniqueFd socket_;
  pid_t pid_ = 0;
  bool ready_ = false;
  bool gone_ = false;
  std::uint64_t requests_ = 0;
  std::unordered_map<pid_t, int> exited_;
  std::vector<UniqueFd> output_;
};

}  // namespace distob::cluster

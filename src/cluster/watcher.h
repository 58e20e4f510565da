// The thread that hears and reaps the engines of one host.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "cluster/local_cluster.h"

namespace distob::cluster {

/// Cuts what comes out of a pipe into lines.
class OutputPipe {
 public:
  explicit OutputPipe(UniqueFd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Reads what is there, calling `line` for each complete one; closes at the end of file. A line longer than 64 KiB is
  /// cut, so that an engine which never ends its line costs no more than that.
  template <class Line>
  void read(Line&& line);
  /// Gives the last line though it has no end, and closes.
  template <class Line>
  void finish(Line&& line);

 private:
  UniqueFd fd_;
  std::string rest_;
};

/// Reads output, notices ends and reaps, on a thread of its own that blocks all signals. add() everything, then start().
class LocalCluster::Watcher {
 public:
  Watcher(std::unique_ptr<Launcher> launcher, std::shared_ptr<hub::Client> client, OutputLine output);
  ~Watcher() { close(std::chrono::milliseconds(0)); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Starts one engine and attaches it to the hub; before start().
  EngineId add(const UniqueFd& client_pidfd);
  void start();
  /// Waits until all engines ended by themselves, for `grace` at the most; then kills. Ends the thread. Idempotent.
  void close(std::chrono::milliseconds grace);
  /// How the first engine that ended did so, in words.
  [[nodiscard]] std::optional<std::string> first_loss() const;
  /// What the launcher's own process wrote lately.
  [[nodiscard]] std::string launcher_output();

 private:
  using Clock = std::chrono::steady_clock;
  enum class State { Running, Ended, Reported };

  struct Watched {
    EngineId id;  ///< none: the launcher's own process, which is heard but not reaped here
    pid_t pid = 0;
    UniqueFd pidfd;
    OutputPipe output;
    OutputPipe errors;
    State state = State::Running;
    Clock::time_point ended = {};
    std::deque<std::string> last_lines = {};
  };

  void run();
  void poll_once(int timeout_milliseconds);
  void read(Watched& watched);
  void note_line(Watched& watched, bool is_stderr, std::string_view line);
  void report_if_known(Watched& watched);
  [[nodiscard]] bool all_reported() const;
  void kill_the_rest();

  std::unique_ptr<Launcher> launcher_;
  std::shared_ptr<hub::Client> client_;
  OutputLine output_;
  std::vector<Watched> watched_;  ///< touched by the thread only, once it runs
  UniqueFd wake_;
  std::thread thread_;

  mutable Mutex mutex_;
  std::optional<Clock::time_point> kill_at_ DISTOB_GUARDED_BY(mutex_);
  std::optional<std::string> first_loss_ DISTOB_GUARDED_BY(mutex_);
  bool closed_ = false;
};

}  // namespace distob::cluster

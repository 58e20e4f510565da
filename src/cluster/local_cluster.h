// Engines on this host: started together, watched, heard and ended.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "cluster/launcher.h"
#include "hub/client.h"

namespace distob::cluster {

/// How many engines to start: `asked`, or DISTOB_ENGINES, or one for each core this process may run on.
/// Throws ValueError, naming the allowed range, for a number below 1 or above most_engines(), from wherever it came.
[[nodiscard]] int engine_count(std::optional<long long> asked);
/// The most engines that this process has descriptors for, at most 4096.
[[nodiscard]] int most_engines();

/// One line that an engine wrote, without its end: called on the watching thread, one call at a time. `engine` is empty for
/// the launcher's own process.
using OutputLine = std::function<void(EngineId engine, bool is_stderr, std::string_view line)>;

struct LocalOptions {
  int engines = 1;  ///< of engine_count()
  /// By default lines go to this process's stdout and stderr as "[engine 3] ...".
  OutputLine output = {};
  /// How long an engine may take to greet before the start counts as failed.
  std::chrono::milliseconds start_timeout{60'000};
  /// How long engines may take to end by themselves at close() before they are killed.
  std::chrono::milliseconds grace{2'000};
};

/// A running set of engines and the hub that directs them.
///
/// One thread watches: it reads the engines' output, learns of ends by pidfd, reaps, and tells the hub how each engine ended.
/// It blocks all signals. After fork() the child's copy does nothing, not even at destruction.
///
/// Order of tear-down, in close(): the hub closes (pending calls end with Status::Closed, sockets close, at which engines
/// end); the watching thread waits for the ends, kills what outlives `grace`, reads the last output and reaps; the
/// launcher closes.
class LocalCluster {
 public:
  /// Starts all engines at once and returns when all greeted. Throws EngineDied with its last output if one ended instead;
  /// then nothing is left behind. `check` may throw to give up (see session::InterruptCheck).
  LocalCluster(std::unique_ptr<Launcher> launcher, LocalOptions options, const session::InterruptCheck& check = {});
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  [[nodiscard]] const std::shared_ptr<hub::Client>& client() const { return client_; }
  /// Those that were started, by ascending id; the lost ones included.
  [[nodiscard]] const std::vector<EngineId>& engines() const { return engines_; }

  /// Ends everything; see above. Idempotent. Takes milliseconds, `grace` at the most.
  void close() noexcept;

 private:
  class Watcher;

  std::shared_ptr<hub::Client> client_;
  std::unique_ptr<Watcher> watcher_;
  std::vector<EngineId> engines_;
  std::chrono::milliseconds grace_;
  pid_t owner_;
};

}  // namespace distob::cluster

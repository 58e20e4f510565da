#include "cluster/local_cluster.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "cluster/spawn.h"
#include "cluster/watcher.h"

namespace distob::cluster {
namespace {

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
}

int checked(long long count, const std::string& where) {
  if (count < 1 || count > most_engines())
    throw ValueError(where + " asks for " + std::to_string(count) + " engines; this process can have 1 to " +
                     std::to_string(most_engines()));
  return static_cast<int>(count);
}

int engines_in_environment(const char* text) {
  long long count = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), count);
  if (error != std::errc() || *end)
    throw ValueError("DISTOB_ENGINES is \"" + std::string(text) + "\", which is no number of engines (1 to " +
                     std::to_string(most_engines()) + ")");
  return checked(count, "DISTOB_ENGINES");
}

}  // namespace

int most_engines() {
  // An engine takes five descriptors here (socket, two pidfds, two pipes); some stay for the program itself.
  constexpr long long kEach = 5;
  constexpr long long kReserve = 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY) return 4096;
  const long long room = (static_cast<long long>(limit.rlim_cur) - kReserve) / kEach;
  return static_cast<int>(std::clamp<long long>(room, 1, 4096));
}

int engine_count(std::optional<long long> asked) {
  if (asked) return checked(*asked, "the cluster");
  if (const char* text = std::getenv("DISTOB_ENGINES"); text && *text) return engines_in_environment(text);
  return std::min(usable_cores(), most_engines());
}

LocalCluster::LocalCluster(std::unique_ptr<Launcher> launcher, LocalOptions options,
                           const session::InterruptCheck& check)
    : grace_(options.grace), owner_(getpid()) {
  const int count = engine_count(options.engines);
  client_ = hub::Client::create();
  watcher_ = std::make_unique<Watcher>(std::move(launcher), client_, std::move(options.output));
  try {
    const UniqueFd own_pidfd = open_pidfd(getpid());
    for (int i = 0; i < count; ++i) engines_.push_back(watcher_->add(own_pidfd));
    watcher_->start();
    const bool in_time = client_->wait_attached(std::chrono::steady_clock::now() + options.start_timeout, check);
    if (const auto loss = watcher_->first_loss()) throw EngineDied("the cluster could not start: " + *loss);
    if (!in_time)
      throw Error("the cluster could not start: an engine did not greet within " +
                  std::to_string(options.start_timeout.count()) +
                  " ms (a C++ program must make its distob::Cluster first "
                  "thing in main, so that its engines get there too)");
  } catch (const Error& error) {
    const std::string output = watcher_->launcher_output();
    client_->close();
    if (output.empty()) throw;
    throw Error(error.what() + ("; its output was:" + output));
  } catch (...) {
    client_->close();
    throw;
  }
}

LocalCluster::~LocalCluster() {
  close();
  // A forked child has a copy of the watcher but not its thread: it leaves both alone.
  if (getpid() != owner_) static_cast<void>(watcher_.release());
}

void LocalCluster::close() noexcept {
  if (getpid() != owner_) return;
  client_->close();
  watcher_->close(grace_);
}

}  // namespace distob::cluster

#include "distob/cluster.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "cluster/client_guard.h"
#include "cluster/local_cluster.h"
#include "cluster/native_executor.h"
#include "cluster/role.h"
#include "engine/executor.h"
#include "remote/caller.h"

namespace distob {
namespace {

/// The life of an engine's process. Ends it without running the destructors of objects with static storage: threads of the
/// user's may still use them.
[[noreturn]] void serve(cluster::EngineRole role) {
  int status = 0;
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // a pipe would hold lines back until the engine ends
  try {
    if (role.build_id != cluster::build_id())
      throw ProtocolError("the executable changed since the client was started: the client is build " + role.build_id +
                          ", this engine is build " + cluster::build_id() + ". Start the client again");
    cluster::guard_against_lost_client(role.client, role.socket);
    cluster::NativeExecutor executor(role.build_id);
    engine::Engine({.socket = std::move(role.socket), .client = std::move(role.client)}, executor).serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "distob engine: %s\n", error.what());
    status = 1;
  }
  std::cout.flush();
  std::fflush(nullptr);
  _exit(status);
}

}  // namespace

class Cluster::Engines {
 public:
  Engines(std::vector<std::string> arguments, ClusterOptions options)
      : local_(std::make_unique<cluster::ExecutableLauncher>(std::move(arguments)), local_options(std::move(options))) {
  }
  cluster::LocalCluster& local() { return local_; }

 private:
  static cluster::LocalOptions local_options(ClusterOptions options) {
    cluster::LocalOptions local;
    local.engines = cluster::engine_count(options.engines);
    local.start_timeout = options.start_timeout;
    local.grace = options.grace;
    if (options.output)
      local.output = [output = std::move(options.output)](EngineId engine, bool is_stderr, std::string_view line) {
        output(static_cast<int>(engine.value), is_stderr, line);
      };
    return local;
  }

  cluster::LocalCluster local_;
};

Cluster::Cluster(int argc, char** argv, ClusterOptions options) {
  serve_if_engine();
  engines_ = std::make_unique<Engines>(std::vector<std::string>(argv, argv + argc), std::move(options));
  caller_ = std::make_shared<detail::Caller>(engines_->local().client());
}

Cluster::Cluster(ClusterOptions options) : Cluster(0, nullptr, std::move(options)) {}

void Cluster::serve_if_engine() {
  if (auto role = cluster::take_engine_role()) serve(std::move(*role));
}

Cluster::~Cluster() { close(); }

std::size_t Cluster::size() const { return caller_->living().size(); }

std::vector<int> Cluster::pids() const {
  std::vector<int> pids;
  for (const auto& engine : caller_->endpoint->engines())
    if (engine.state == session::EngineInfo::State::Ready) pids.push_back(engine.pid);
  return pids;
}

void Cluster::close() noexcept { engines_->local().close(); }

void Cluster::sync() {
  caller_->endpoint->wait_all();
  const auto errors = caller_->endpoint->take_unobserved_errors();
  if (!errors.empty()) detail::throw_error_of(errors.front().reply);
}

}  // namespace distob

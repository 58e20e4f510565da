// The client's process: the hub of a cluster and the calling side of the user's program, behind one Endpoint.
#pragma once

#include <sys/types.h>

#include <memory>

#include "base/ids.h"
#include "base/unique_fd.h"
#include "session/endpoint.h"

namespace distob::hub {

/// The hub with its connections. Threads that wait for calls run the loop themselves; one I/O thread, started by the first
/// attach(), runs it when nobody waits.
///
/// Order of tear-down: close() ends pending calls, then closes the sockets (at which the engines end), then joins the I/O
/// thread. Killing and reaping engines that do not end is up to whoever started them.
class Client : public virtual session::Endpoint {
 public:
  [[nodiscard]] static std::shared_ptr<Client> create();

  struct Attachment {
    UniqueFd socket;   ///< our end of the engine's socketpair
    pid_t pid = 0;     ///< 0: the engine has no process of its own, its death is the end of the socket
    UniqueFd pidfd;    ///< of the engine's process; it is dead when this is readable
    bool ours = true;  ///< we started it, so it may be killed when it stops answering
  };
  /// Makes an engine of the cluster. Returns its id at once: ids ascend and are never used again. Commands may be submitted
  /// at once; they are held until the engine greets.
  virtual EngineId attach(Attachment attachment) = 0;

  /// Waits until the engines greeted, or were lost. False if `deadline` came first.
  virtual bool wait_attached(std::chrono::steady_clock::time_point deadline,
                             const session::InterruptCheck& check = {}) = 0;

  /// How engine `loss.engine` ended, from whoever reaped it. The hub declares the death when it has seen the end of the
  /// process *and* this report, or 250 ms after the end without one.
  virtual void report_exit(session::EngineLoss loss) = 0;

  /// Ends one engine in order: its objects are lost, pending calls to it end with EngineDied saying `cause`.
  virtual void detach(EngineId engine, std::string cause) = 0;

  /// Ends everything. Pending calls end with Status::Closed. Idempotent; called by the destructor.
  virtual void close() noexcept = 0;
};

}  // namespace distob::hub

// The end of an engine whose client is gone, whatever the engine's code is doing.
#pragma once

#include "base/unique_fd.h"

namespace distob::cluster {

/// Watches, on a thread of its own that blocks all signals, for the end of the client's process and for the hub closing
/// `socket`. From then on the engine has a second to end in order; after that this ends the process, because code that
/// computes for ever, or is stuck in a system call, cannot be asked. The thread lives as long as the process.
void guard_against_lost_client(const UniqueFd& client_pidfd, const UniqueFd& socket);

}  // namespace distob::cluster

// What a process was started to be: read from a sealed memfd that its starter made, so that nothing of it shows in
// arguments or environment beyond a descriptor's number.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace distob::cluster {

/// The role of an engine that is the client's own executable.
struct EngineRole {
  std::string build_id;  ///< of the client
  UniqueFd socket;
  UniqueFd client;  ///< pidfd
};

/// The numbers under which an engine started by ExecutableLauncher finds its descriptors.
inline constexpr int kRoleDescriptor = 3;
inline constexpr int kSocketDescriptor = 4;
inline constexpr int kClientDescriptor = 5;
inline constexpr const char* kRoleVariable = "DISTOB_ROLE";

/// A sealed memfd that says "engine of the build `build_id`".
[[nodiscard]] UniqueFd make_engine_role(const std::string& build_id);

/// The role this process was started with, taken once: the variable is removed from the environment and the descriptors
/// get close-on-exec. Nothing if this process is a client. Throws ProtocolError if the variable is there but no role is.
[[nodiscard]] std::optional<EngineRole> take_engine_role();

/// Names this executable's build: the linker's build id, or a digest of the file if it has none.
[[nodiscard]] const std::string& build_id();

/// The arguments this process was started with, from /proc/self/cmdline.
[[nodiscard]] std::vector<std::string> own_arguments();

}  // namespace distob::cluster

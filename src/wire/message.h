// The messages as values, which is how session, hub and engine see them. messages.fbs says what each field means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/buffer.h"
#include "base/ids.h"

namespace distob::wire {

inline constexpr std::uint32_t kVersion = 1;

/// The hub itself has the client's address.
inline constexpr SessionId kHub = kClientSession;
/// The calling side of an engine. Clients beyond the first will be numbered from the other end.
constexpr SessionId session_of(EngineId engine) { return SessionId{engine.value + 2}; }
constexpr EngineId engine_of(SessionId session) { return EngineId{session.value - 2}; }

using Bytes = std::vector<std::byte>;

struct Hello {
  std::uint32_t version = kVersion;
  std::int32_t pid = 0;
};
struct Welcome {
  EngineId engine;
  SessionId session;
  std::int32_t client_pid = 0;
};
struct Command {
  CommandId id;
  std::uint64_t sequence = 0;
  ObjectId target;
  Bytes payload;
  std::vector<ObjectId> references;
  std::vector<SharedBuffer> buffers;
  std::uint32_t results = 0;
  std::vector<CommandId> chain;
  std::string label;
  std::uint64_t order = 0;
};
struct Reply {
  CommandId command;
  std::uint8_t status = 0;
  bool results_stored = true;
  Bytes payload;
  std::vector<ObjectId> references;
  std::vector<SharedBuffer> buffers;
  std::vector<ObjectId> kept;
  Bytes loans;
  bool wants_receipt = false;
};
struct Receipt {
  CommandId command;
};
struct Count {
  ObjectId object;
  std::uint64_t count = 0;
};
struct Release {
  std::vector<Count> counts;
};
struct Register {
  std::vector<ObjectId> objects;
};
struct Registered {
  std::vector<ObjectId> objects;
  std::vector<ObjectId> gone;
};
struct Cancel {
  CommandId command;
  std::uint8_t status = 0;
  std::string text;
};
struct Wait {
  CommandId command;
  bool parked = false;  ///< waits to begin (so it can be refused), rather than inside a call of its own
  std::uint64_t order = 0;
  std::string label;
  std::vector<std::vector<CommandId>> all;  ///< goes on when of each group one has ended
};
struct Waits {
  std::vector<Wait> waits;
  std::uint64_t cancels = 0;  ///< how many Cancels the engine had taken when it said this
};
struct Watch {
  bool on = false;
};
struct Gone {
  SessionId session;
  std::string text;
};

using Body =
    std::variant<Hello, Welcome, Command, Reply, Receipt, Release, Register, Registered, Cancel, Waits, Watch, Gone>;

struct Message {
  SessionId source;
  SessionId destination;
  Body body;
};

}  // namespace distob::wire

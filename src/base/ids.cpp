#include "base/ids.h"

namespace distob {

std::string to_string(EngineId id) { return "engine " + std::to_string(id.value); }

std::string to_string(SessionId id) { return "session " + std::to_string(id.value); }

std::string to_string(const CommandId& id) {
  return "command " + std::to_string(id.session.value) + "." + std::to_string(id.number);
}

std::string to_string(const ObjectId& id) {
  return "object " + std::to_string(id.creator.value) + "." + std::to_string(id.sequence) + "." +
         std::to_string(id.index) + " on " + to_string(id.owner);
}

}  // namespace distob

// An executor that tests write as they need it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/executor.h"

namespace distob::conformance {

inline std::span<const std::byte> bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::vector<std::byte> owned(std::string_view text) {
  const auto all = bytes(text);
  return {all.begin(), all.end()};
}
inline std::string text_of(std::span<const std::byte> all) {
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

using engine::Context;
using engine::Incoming;
using engine::Outcome;

/// Runs the function that a test names in the payload; echoes what it does not know.
class Functions : public engine::Executor {
 public:
  using Function = std::function<Outcome(const Incoming&, Context&)>;
  std::map<std::string, Function> functions;
  std::atomic<bool> interrupted{false};
  std::atomic<int> dropped{0};

  Outcome execute(const Incoming& command, Context& context) override {
    const auto found = functions.find(text_of(command.payload));
    if (found != functions.end()) return found->second(command, context);
    return {.payload = {command.payload.begin(), command.payload.end()}};
  }
  void drop(std::span<const ObjectId> ids) override { dropped += static_cast<int>(ids.size()); }
  void interrupt() noexcept override { interrupted = true; }
};

}  // namespace distob::conformance

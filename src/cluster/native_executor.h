// What a C++ engine does with commands: finds the operation, runs it on its objects, encodes what it gave.
#pragma once

#include <memory>
#include <string>
#include <typeinfo>
#include <unordered_map>

#include "base/mutex.h"
#include "engine/executor.h"

namespace distob::cluster {

class NativeExecutor : public engine::Executor {
 public:
  /// `client_build`: what an unknown operation's message calls the other side.
  explicit NativeExecutor(std::string client_build) : client_build_(std::move(client_build)) {}

  engine::Outcome execute(const engine::Incoming& command, engine::Context& context) override;
  void drop(std::span<const ObjectId> ids) override;

 private:
  class Running;

  struct Object {
    std::shared_ptr<void> value;
    const std::type_info* type = nullptr;
  };
  [[nodiscard]] Object find(ObjectId id);
  void store(ObjectId id, Object object);

  const std::string client_build_;
  Mutex mutex_;
  std::unordered_map<ObjectId, Object> objects_ DISTOB_GUARDED_BY(mutex_);
};

}  // namespace distob::cluster

// What the public headers only name: references, pending calls and the way to submit one.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "distob/cluster.h"
#include "session/endpoint.h"

namespace distob::detail {

/// One count on an object, given back at destruction.
struct RefState {
  RefState(std::shared_ptr<session::Endpoint> endpoint, ObjectId id) : endpoint(std::move(endpoint)), id(id) {}
  ~RefState() { endpoint->release(id); }
  RefState(const RefState&) = delete;
  RefState& operator=(const RefState&) = delete;

  const std::shared_ptr<session::Endpoint> endpoint;
  const ObjectId id;
};

/// A Ref that takes over one count.
[[nodiscard]] Ref adopt(const std::shared_ptr<session::Endpoint>& endpoint, ObjectId id);
[[nodiscard]] std::vector<ObjectId> ids_of(std::span<const Ref> refs);

class PendingCall {
 public:
  PendingCall(std::shared_ptr<session::Endpoint> endpoint, session::Call call)
      : endpoint(std::move(endpoint)), call(std::move(call)) {}

  const std::shared_ptr<session::Endpoint> endpoint;
  const session::Call call;
};

/// An endpoint, and whose turn it is when any engine will do.
class Caller {
 public:
  explicit Caller(std::shared_ptr<session::Endpoint> endpoint) : endpoint(std::move(endpoint)) {}

  /// The engines that live, by ascending number. Throws EngineDied if there is none.
  [[nodiscard]] std::vector<EngineId> living() const;
  /// The next of them.
  [[nodiscard]] EngineId next();

  const std::shared_ptr<session::Endpoint> endpoint;

 private:
  Mutex mutex_;
  std::size_t turn_ DISTOB_GUARDED_BY(mutex_) = 0;
};

/// Throws the error that a reply stands for, if it is one.
void throw_error_of(const session::Reply& reply);

}  // namespace distob::detail

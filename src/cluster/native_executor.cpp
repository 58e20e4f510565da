#include "cluster/native_executor.h"

#include <utility>
#include <vector>

#include "cluster/role.h"
#include "distob/calls.h"
#include "remote/caller.h"
#include "remote/exceptions.h"
#include "remote/parcel.h"

namespace distob {
namespace {

/// The command that this thread runs, innermost.
thread_local engine::Context* current_context = nullptr;

class ContextScope {
 public:
  explicit ContextScope(engine::Context& context) : outer_(std::exchange(current_context, &context)) {}
  ~ContextScope() { current_context = outer_; }
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  engine::Context* outer_;
};

}  // namespace

bool cancelled() noexcept { return current_context && current_context->cancelled(); }

void throw_if_cancelled() {
  if (cancelled()) throw Cancelled("the call was cancelled");
}

namespace cluster {

using engine::Context;
using engine::Incoming;
using engine::Outcome;
using session::Status;

/// One command under way.
class NativeExecutor::Running : public detail::Invocation {
 public:
  Running(NativeExecutor& executor, const Incoming& command, Context& context, Reader& arguments)
      : Invocation(arguments), executor_(executor), command_(command), context_(context) {}
  /// Gives back what was stored if the command did not finish.
  ~Running() override {
    if (!finished_) executor_.drop(command_.results.first(stored_));
  }

  [[nodiscard]] std::size_t expected() const override { return command_.results.size() - stored_; }

  Outcome finish() {
    finished_ = true;
    Outcome outcome;
    outcome.results_stored = expected() == 0;
    for (const Ref& ref : result.references()) {
      if (!context_.endpoint()->retain(ref.state()->id)) throw ObjectLost(ref.to_string() + " is gone");
      outcome.references.push_back(ref.state()->id);
    }
    if (auto large = detail::share_if_large(result.bytes()))
      outcome.buffers.push_back(std::move(*large));
    else
      outcome.payload.assign(result.bytes().begin(), result.bytes().end());
    return outcome;
  }

 private:
  std::shared_ptr<void> target_of_type(const std::type_info& type) override {
    Object object = executor_.find(command_.target);
    if (*object.type != type)
      throw TypeError(to_string(command_.target) + " is a " + detail::demangled(object.type->name()) +
                      ", but was called as a " + detail::demangled(type.name()));
    return std::move(object.value);
  }

  void store_object(std::shared_ptr<void> object, const std::type_info& type) override {
    executor_.store(command_.results[stored_], {std::move(object), &type});
    ++stored_;
  }

  Ref refer_to_object(std::shared_ptr<void> object, const std::type_info& type) override {
    if (command_.target) {
      const Object target = executor_.find(command_.target);
      if (target.value == object && *target.type == type && context_.endpoint()->retain(command_.target))
        return detail::adopt(context_.endpoint(), command_.target);
    }
    const ObjectId id = context_.new_object();
    executor_.store(id, {std::move(object), &type});
    return detail::adopt(context_.endpoint(), id);
  }

  NativeExecutor& executor_;
  const Incoming& command_;
  Context& context_;
  std::size_t stored_ = 0;
  bool finished_ = false;
};

namespace {

Outcome failure(Status status, const std::exception_ptr& error) {
  Outcome outcome;
  outcome.status = status;
  outcome.payload = detail::encode_exception(error);
  return outcome;
}

/// References of a command end with it; what user code may keep gets a count of its own.
std::vector<Ref> retained(std::span<const ObjectId> ids, const std::shared_ptr<session::Endpoint>& endpoint) {
  std::vector<Ref> refs;
  refs.reserve(ids.size());
  for (const ObjectId id : ids) {
    if (!endpoint->retain(id)) throw ObjectLost(to_string(id) + ", an argument of this call, is gone");
    refs.push_back(detail::adopt(endpoint, id));
  }
  return refs;
}

}  // namespace

Outcome NativeExecutor::execute(const Incoming& command, Context& context) try {
  const ContextScope scope(context);
  const auto references = retained(command.references, context.endpoint());
  const detail::Arrived arrived(command.payload, command.buffers);
  Reader arguments(arrived.bytes(), references);
  const auto hash = decode<std::uint64_t>(arguments);
  const auto ordinal = static_cast<std::uint32_t>(arguments.get_number());
  const auto name = arguments.view(arguments.get_count());
  const detail::Operation& operation =
      detail::find_operation(hash, {reinterpret_cast<const char*>(name.data()), name.size()}, ordinal);
  Running running(*this, command, context, arguments);
  operation.thunk(running);
  return running.finish();
} catch (const Cancelled&) {
  return failure(context.cancelled() ? Status::Cancelled : Status::Error, std::current_exception());
} catch (const ProtocolError& error) {
  return failure(Status::Error,
                 std::make_exception_ptr(ProtocolError(std::string(error.what()) + " (the client is build " +
                                                       client_build_ + ", this engine is build " + build_id() + ")")));
} catch (...) {
  return failure(Status::Error, std::current_exception());
}

void NativeExecutor::drop(std::span<const ObjectId> ids) {
  // Destructors of user objects run without the lock: they may release references, and so come back here.
  std::vector<Object> dropped;
  MutexLock lock(mutex_);
  for (const ObjectId id : ids)
    if (const auto node = objects_.extract(id)) dropped.push_back(std::move(node.mapped()));
  lock.unlock();
}

NativeExecutor::Object NativeExecutor::find(ObjectId id) {
  MutexLock lock(mutex_);
  const auto found = objects_.find(id);
  if (found == objects_.end()) throw ObjectLost(to_string(id) + " is not among the objects of its engine");
  return found->second;
}

void NativeExecutor::store(ObjectId id, Object object) {
  MutexLock lock(mutex_);
  objects_.insert_or_assign(id, std::move(object));
}

}  // namespace cluster
}  // namespace distob

#include "session/endpoint.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "session/shell.h"

namespace distob::session {

void throw_if_failed(const Reply& reply) {
  if (reply.status == Status::Value || reply.status == Status::Error) return;
  const std::string text(reinterpret_cast<const char*>(reply.payload.data()), reply.payload.size());
  switch (reply.status) {
    case Status::Cancelled: throw Cancelled(text);
    case Status::Lost: throw ObjectLost(text);
    case Status::EngineDied: throw EngineDied(text);
    case Status::Deadlock: throw DeadlockError(text);
    case Status::Refused: throw ProtocolError(text);
    default: throw ClosedError(text);
  }
}

std::string to_string(const EngineLoss& loss) {
  std::string text = to_string(loss.engine);
  if (loss.pid) text += " (pid " + std::to_string(loss.pid) + ")";
  if (loss.signal) {
    text += " was killed by signal " + std::to_string(loss.signal);
    if (const char* name = ::strsignal(loss.signal)) text += std::string(" (") + name + ")";
  } else if (loss.exit_status) {
    text += " ended with exit status " + std::to_string(*loss.exit_status);
  } else {
    text += " is gone";
  }
  if (!loss.cause.empty()) text += ": " + loss.cause;
  if (!loss.last_output.empty()) {
    text += "; its last output was:";
    for (const auto& line : loss.last_output) text += "\n  " + line;
  }
  return text;
}

// --- Call ---------------------------------------------------------------------------------------------------------

namespace {

/// The shell, or nothing if it is gone; then the call has ended with it.
std::shared_ptr<Shell> shell_of(const detail::CallState& state) { return state.shell.lock(); }

}  // namespace

CommandId Call::id() const { return state_->id; }
EngineId Call::engine() const { return state_->engine; }

ObjectId Call::result(std::uint32_t i) const {
  if (i >= state_->results) throw IndexError("a call makes " + std::to_string(state_->results) + " objects");
  return {state_->id.session, state_->engine, state_->sequence, i};
}

bool Call::ready() const noexcept { return state_->ready.load(std::memory_order_acquire); }

void Call::wait(const InterruptCheck& check) const { wait_until(Shell::Clock::time_point::max(), check); }

bool Call::wait_until(std::chrono::steady_clock::time_point deadline, const InterruptCheck& check) const {
  if (ready()) return true;
  const auto shell = shell_of(*state_);
  if (!shell) throw ClosedError("the cluster was closed");
  return shell->wait_for(*state_, deadline, check);
}

Reply Call::take(const InterruptCheck& check) const {
  wait(check);
  if (state_->taken.exchange(true)) throw std::logic_error("the reply of a call was taken twice");
  return std::move(state_->reply);
}

void Call::on_ready(std::function<void()> callback) const {
  if (ready()) return callback();
  if (const auto shell = shell_of(*state_)) shell->when_ready(*state_, std::move(callback));
}

void Call::cancel() const {
  if (ready()) return;
  if (const auto shell = shell_of(*state_)) shell->cancel(state_->id);
}

// --- Chains -------------------------------------------------------------------------------------------------------

namespace {
thread_local Chain this_chain;
}

Chain current_chain() { return this_chain; }
ChainScope::ChainScope(Chain chain) : outer_(std::exchange(this_chain, std::move(chain))) {}
ChainScope::~ChainScope() { this_chain = std::move(outer_); }

}  // namespace distob::session

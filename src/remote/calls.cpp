#include <algorithm>
#include <map>

#include "distob/cluster.h"
#include "remote/caller.h"
#include "remote/exceptions.h"
#include "remote/parcel.h"

namespace distob {

int Ref::engine() const {
  if (!state_) throw ValueError("this reference refers to nothing");
  return static_cast<int>(state_->id.owner.value);
}

std::string Ref::to_string() const { return state_ ? distob::to_string(state_->id) : "no object"; }

bool Ref::same_object(const Ref& other) const {
  if (!state_ || !other.state_) return state_ == other.state_;
  return state_->id == other.state_->id && state_->endpoint == other.state_->endpoint;
}

namespace detail {

Ref adopt(const std::shared_ptr<session::Endpoint>& endpoint, ObjectId id) {
  return Ref(std::make_shared<RefState>(endpoint, id));
}

std::vector<ObjectId> ids_of(std::span<const Ref> refs) {
  std::vector<ObjectId> ids;
  ids.reserve(refs.size());
  for (const Ref& ref : refs) ids.push_back(ref.state()->id);
  return ids;
}

std::vector<EngineId> Caller::living() const {
  std::vector<EngineId> ids;
  for (const auto& engine : endpoint->engines())
    if (engine.state == session::EngineInfo::State::Ready) ids.push_back(engine.id);
  if (ids.empty()) endpoint->flush();  // throws if that is so because the cluster was closed, or this is a forked child
  if (ids.empty()) throw EngineDied("all engines of this cluster are gone");
  return ids;
}

EngineId Caller::next() {
  const auto engines = living();
  MutexLock lock(mutex_);
  return engines[turn_++ % engines.size()];
}

Writer begin_call(const Operation& operation) {
  Writer call;
  distob::encode(call, operation.hash);
  call.put_number(ordinal_of(operation));
  distob::encode(call, operation.name);
  return call;
}

namespace {

std::shared_ptr<PendingCall> submit(const std::shared_ptr<session::Endpoint>& endpoint, session::Command command,
                                    const Operation& operation, const Writer& call) {
  for (const Ref& ref : call.references())
    if (ref.state()->endpoint != endpoint)
      throw ValueError("the argument " + ref.to_string() +
                       " belongs to another cluster than the engine that is called");
  const auto references = ids_of(call.references());
  const auto large = share_if_large(call.bytes());
  if (large)
    command.buffers = {&*large, 1};
  else
    command.payload = call.bytes();
  command.references = references;
  command.label = operation.label;
  return std::make_shared<PendingCall>(endpoint, endpoint->submit(command));
}

}  // namespace

std::shared_ptr<PendingCall> submit_to(const Ref& target, const Operation& operation, const Writer& call,
                                       bool synchronous) {
  if (!target) throw ValueError("this Remote refers to no object");
  const auto& state = *target.state();
  return submit(state.endpoint,
                {.engine = state.id.owner, .target = state.id, .payload = {}, .synchronous = synchronous}, operation,
                call);
}

std::shared_ptr<PendingCall> submit_at(Caller& caller, int engine, const Operation& operation, const Writer& call,
                                       std::uint32_t results, bool synchronous) {
  return submit(caller.endpoint,
                {.engine = EngineId{static_cast<std::uint32_t>(engine)},
                 .payload = {},
                 .results = results,
                 .synchronous = synchronous},
                operation, call);
}

int choose_engine(Caller& caller, const Writer& call) {
  std::map<EngineId, int> votes;
  for (const Ref& ref : call.references()) ++votes[ref.state()->id.owner];
  const auto most = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  return static_cast<int>((most == votes.end() ? caller.next() : most->first).value);
}

std::vector<int> living_engines(Caller& caller) {
  std::vector<int> numbers;
  for (const EngineId id : caller.living()) numbers.push_back(static_cast<int>(id.value));
  return numbers;
}

Ref result_of(const PendingCall& call, std::uint32_t i) { return adopt(call.endpoint, call.call.result(i)); }

void throw_error_of(const session::Reply& reply) {
  if (reply.status == session::Status::Error) std::rethrow_exception(decode_exception(reply.payload));
  session::throw_if_failed(reply);
}

Answer take_answer(PendingCall& pending) {
  session::Reply reply = pending.call.take();
  Answer answer;
  for (const ObjectId id : reply.references) answer.references.push_back(adopt(pending.endpoint, id));
  throw_error_of(reply);
  if (reply.buffers.empty()) {
    answer.bytes = std::move(reply.payload);
  } else {
    const Arrived arrived(reply.payload, reply.buffers);
    answer.bytes.assign(arrived.bytes().begin(), arrived.bytes().end());
  }
  return answer;
}

bool is_ready(const PendingCall& pending) { return pending.call.ready(); }
void wait_for_reply(const PendingCall& pending) { pending.call.wait(); }
bool wait_for_reply_until(const PendingCall& pending, std::chrono::steady_clock::time_point deadline) {
  return pending.call.wait_until(deadline);
}
void cancel_call(const PendingCall& pending) { pending.call.cancel(); }

void Failures::add_current(std::size_t index) { entries_.push_back({index, std::current_exception()}); }

void Failures::throw_if_any(std::size_t calls) const {
  constexpr std::size_t kListed = 20;
  if (entries_.empty()) return;
  const auto& first = entries_.front();
  if (entries_.size() == 1) std::rethrow_exception(first.error);
  std::string text = text_of(first.error) + "\n" + std::to_string(entries_.size()) + " of " + std::to_string(calls) +
                     " calls failed; this was call " + std::to_string(first.index) + ", the others:";
  for (std::size_t i = 1; i < std::min(entries_.size(), kListed + 1); ++i)
    text += "\n  call " + std::to_string(entries_[i].index) + ": " + text_of(entries_[i].error);
  if (entries_.size() > kListed + 1) text += "\n  and " + std::to_string(entries_.size() - kListed - 1) + " more";
  std::rethrow_exception(with_text(first.error, text));
}

}  // namespace detail
}  // namespace distob

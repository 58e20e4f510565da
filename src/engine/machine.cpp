// An engine's commands on their way to its threads, and their ends.
#include "engine/machine.h"

#include <algorithm>
#include <utility>

namespace distob::engine {
namespace {

bool contains(const std::vector<CommandId>& chain, const CommandId& id) {
  return std::find(chain.begin(), chain.end(), id) != chain.end();
}

wire::Bytes bytes_of(const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

}  // namespace

Machine::Machine(session::CreditLimits limits, std::size_t max_helpers)
    : session_(SessionId{}, this, limits), max_helpers_(max_helpers), threads_(1) {}

Machine::~Machine() = default;

void Machine::welcomed(EngineId self) {
  self_ = self;
  session_.welcomed(wire::session_of(self));
}

void Machine::send(SessionId to, wire::Body body) { messages_.push_back({session_.self(), to, std::move(body)}); }

std::vector<wire::Message> Machine::take_messages() {
  if (waits_changed_) report_waits();
  std::vector<wire::Message> all = session_.take_messages();  // a Register goes before the Reply that depends on it
  if (all.empty()) return std::exchange(messages_, {});
  for (auto& message : messages_) all.push_back(std::move(message));
  messages_.clear();
  return all;
}

// --- Messages -----------------------------------------------------------------------------------------------------

void Machine::on_message(wire::Message message) {
  const SessionId source = message.source;
  if (auto* m = std::get_if<wire::Command>(&message.body)) {
    on(source, std::move(*m));
  } else if (auto* m = std::get_if<wire::Reply>(&message.body)) {
    session_.on_reply(std::move(*m), source);
  } else if (auto* m = std::get_if<wire::Registered>(&message.body)) {
    session_.on_registered(*m);
    send_deferred();
  } else if (auto* m = std::get_if<wire::Receipt>(&message.body)) {
    on(source, *m);
  } else if (auto* m = std::get_if<wire::Release>(&message.body)) {
    on(source, *m);
  } else if (auto* m = std::get_if<wire::Register>(&message.body)) {
    on(source, *m);
  } else if (auto* m = std::get_if<wire::Cancel>(&message.body)) {
    on(source, *m);
  } else if (auto* m = std::get_if<wire::Gone>(&message.body)) {
    on(source, *m);
  } else if (auto* m = std::get_if<wire::Watch>(&message.body)) {
    watched_ = m->on;
    waits_changed_ = true;
  } else {
    throw ProtocolError("a message of a kind came that engines do not take");
  }
  assign();
}

void Machine::on(SessionId source, wire::Command command) {
  if (command.id.session != source) throw ProtocolError("a command came from another session than it says");
  if (command.sequence != streams_[source] + 1) throw ProtocolError("a command came out of its order");
  if (tasks_.contains(command.id)) throw ProtocolError("a command came twice");
  if (command.target && command.target.owner != self_)
    throw ProtocolError("a command came for another engine's object");

  auto owned = std::make_unique<Task>();
  Task& task = *owned;
  task.command = std::move(command);
  task.sender = source;
  task.arrival = ++arrivals_;
  tasks_.emplace(task.command.id, std::move(owned));
  for (std::uint32_t i = 0; i < task.command.results; ++i) {
    const ObjectId id{source, self_, task.command.sequence, i};
    task.results.push_back(id);
    Object& object = objects_[id];
    object.maker = task.command.id;
    std::int64_t count = 1;
    if (const auto early = early_.find(id); early != early_.end()) {
      count += early->second;
      early_.erase(early);
    }
    add_count(object, source, count);
  }
  if (!task.command.chain.empty()) inner_ += 1;
  session_.borrow(task.command.references);
  advance_stream(source, task.command.sequence);
  look_up_target(task);
}

void Machine::on(SessionId, const wire::Cancel& cancel) {
  cancels_ += 1;
  if (watched_ || waits_reported_) waits_changed_ = true;
  const auto found = tasks_.find(cancel.command);
  if (found == tasks_.end()) return;  // done already
  Task& task = *found->second;
  if (task.stage != Task::Stage::Running) {
    const std::string text = cancel.text.empty() ? "the call was cancelled before it began" : cancel.text;
    fail(task, std::make_shared<const Failure>(Failure{static_cast<Status>(cancel.status), bytes_of(text)}));
    return;
  }
  if (static_cast<Status>(cancel.status) != Status::Cancelled || task.cancelled.exchange(true)) return;
  if (threads_[task.thread].stack.back() == &task) interrupts_.push_back(task.thread);
}

void Machine::on(SessionId, const wire::Gone& gone) {
  if (!gone_.insert(gone.session).second) return;
  session_.on_gone(gone.session, gone.text);
  send_deferred();
  // What it sent and nobody began needs no answer any more.
  std::vector<Task*> orphans;
  for (auto& [id, task] : tasks_) {
    if (task->sender == gone.session && task->stage != Task::Stage::Running) orphans.push_back(task.get());
  }
  std::sort(orphans.begin(), orphans.end(), [](const Task* a, const Task* b) { return a->arrival < b->arrival; });
  for (Task* task : orphans) fail(*task, std::make_shared<const Failure>(Failure{Status::Lost, bytes_of(gone.text)}));
  // Nothing more comes from it: what it would have made is lost, not late.
  if (auto waiting = unreached_.extract(gone.session)) {
    std::vector<Unreached> all;
    for (auto& [sequence, each] : waiting.mapped()) all.push_back(each);
    wake(std::move(all));
  }
  std::vector<ObjectId> held;
  for (auto& [id, object] : objects_) {
    for (auto& count : object.held) {
      if (count.first != gone.session) continue;
      held.push_back(id);
      break;
    }
  }
  for (const ObjectId& id : held) {
    std::erase_if(objects_.at(id).held, [&](const auto& h) { return h.first == gone.session; });
    drop_if_unused(id);
  }
  for (auto at = receipts_.begin(); at != receipts_.end();) {
    if (at->second.first != gone.session) {
      ++at;
      continue;
    }
    const auto references = std::move(at->second.second);
    at = receipts_.erase(at);
    for (const ObjectId& id : references) session_.release(id);
  }
  std::erase_if(deferred_, [&](const DeferredReply& each) { return each.to == gone.session; });
}

// --- A command's way to its thread --------------------------------------------------------------------------------

void Machine::look_up_target(Task& task) {
  const ObjectId& id = task.command.target;
  if (id) {
    Object* object = find(id);
    if (!object && !reached(id)) {
      unreached_[id.creator].emplace(id.sequence, Unreached{task.command.id, {}, id});
      return;
    }
    if (!object) return fail_lost(task, id);
    pin(task, id, *object);
    const bool nested = !object->holders.empty() && contains(task.command.chain, object->holders.front());
    if (nested) {
      object->nested.push_back(&task);
    } else {
      object->queue.push_back(&task);
    }
    queued_.insert(id);
    waits_changed_ = waits_changed_ || object->state == Object::State::Pending;
  }
  task.stage = Task::Stage::Queued;
  look_up_references(task);
}

void Machine::look_up_references(Task& task) {
  task.missing = 1;  // ourselves, until all are looked up
  for (const ObjectId& id : task.command.references) {
    if (id.owner == self_) look_up_reference(task, id);
  }
  if (task.missing > 1) lacking_.insert(task.command.id);
  reference_ready(task);
}

/// Pins the object and counts it as missing if it is still being made, or its id was not reached.
void Machine::look_up_reference(Task& task, const ObjectId& id) {
  Object* object = find(id);
  if (!object && reached(id)) return fail_lost(task, id);
  if (!object) {
    unreached_[id.creator].emplace(id.sequence, Unreached{task.command.id, {}, id});
    task.missing += 1;
    return;
  }
  pin(task, id, *object);
  if (object->state == Object::State::Failed) {
    fail(task, object->failure);
  } else if (object->state == Object::State::Pending) {
    object->readers.push_back(task.command.id);
    task.missing += 1;
    waits_changed_ = true;
  }
}

void Machine::reference_ready(Task& task) {
  if (--task.missing > 0) return;
  lacking_.erase(task.command.id);
  advance(task);
}

/// The task may have become able to run.
void Machine::advance(Task& task) {
  if (task.command.target) {
    pump(task.command.target);
  } else if (task.missing == 0) {
    make_ready(task);
  }
}

/// Lets whatever may enter the object enter it.
void Machine::pump(const ObjectId& id) {
  Object* object = find(id);
  if (!object || object->state == Object::State::Pending) return;
  if (object->queue.empty() && object->nested.empty()) {
    queued_.erase(id);
    return;
  }
  waits_changed_ = true;
  if (object->holders.empty() && !object->nested.empty()) {
    // Their holder ended: they are like all others now.
    object->queue.insert(object->queue.begin(), object->nested.begin(), object->nested.end());
    object->nested.clear();
  }
  if (object->state == Object::State::Failed) {
    for (const Task* task : object->queue) fail(*task, object->failure);
    object->queue.clear();
    return;
  }
  Task* next = nullptr;
  if (object->holders.empty()) {
    next = object->queue.front();
    if (next->missing) return;
    object->queue.pop_front();
  } else {
    // The first that descends from the innermost holder, unless an earlier one of the same caller still waits for something.
    const auto follows = [&](auto at) {
      return std::any_of(object->nested.begin(), at, [&](const Task* earlier) {
        return earlier->command.chain.back() == (*at)->command.chain.back();
      });
    };
    auto fits = object->nested.begin();
    while (fits != object->nested.end() &&
           ((*fits)->missing || !contains((*fits)->command.chain, object->holders.back()) || follows(fits))) {
      ++fits;
    }
    if (fits == object->nested.end()) return;
    next = *fits;
    object->nested.erase(fits);
  }
  object->holders.push_back(next->command.id);
  make_ready(*next);
}

void Machine::make_ready(Task& task) {
  task.stage = Task::Stage::Ready;
  if (home_of(task)) {
    nested_.push_back(&task);
  } else {
    ready_.push_back(&task);
  }
}

/// The innermost command of its chain that is under way here.
Task* Machine::home_of(const Task& task) const {
  const auto& chain = task.command.chain;
  for (auto id = chain.rbegin(); id != chain.rend(); ++id) {
    const auto found = tasks_.find(*id);
    if (found != tasks_.end() && found->second->stage == Task::Stage::Running) return found->second.get();
  }
  return nullptr;
}

void Machine::give(ThreadId number, Task* task) {
  Thread& thread = threads_[number];
  thread.inbox = task;
  thread.announced = false;
  work_ = true;
  task->thread = number;
}

void Machine::assign() {
  end_failed();
  if (ready_.empty() && nested_.empty()) return;
  for (std::size_t i = 0; i < nested_.size();) {
    Task* task = nested_[i];
    Task* home = home_of(*task);
    Thread* thread = home ? &threads_[home->thread] : nullptr;
    if (thread && thread->stack.back() == home) {
      if (!thread->suspended || thread->inbox) {
        ++i;  // it will wait sooner or later, or end
        continue;
      }
      task->callback = true;
      give(home->thread, task);
    } else {
      ready_.push_front(task);
    }
    nested_.erase(nested_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (ready_.empty()) return;
  if (std::any_of(threads_.begin(), threads_.end(), [](const Thread& thread) { return thread.active(); })) return;
  for (ThreadId number = 0; number < threads_.size(); ++number) {
    if (!threads_[number].idle()) continue;
    give(number, ready_.front());
    ready_.pop_front();
    return;
  }
  if (threads_.size() <= max_helpers_) {
    threads_.emplace_back();
    give(static_cast<ThreadId>(threads_.size() - 1), ready_.front());
    ready_.pop_front();
  } else {
    waits_changed_ = true;  // no thread left: said to the hub
  }
}

std::vector<ThreadId> Machine::take_work() {
  std::vector<ThreadId> work;
  if (!std::exchange(work_, false)) return work;
  for (ThreadId number = 0; number < threads_.size(); ++number) {
    if (threads_[number].inbox && !std::exchange(threads_[number].announced, true)) work.push_back(number);
  }
  return work;
}

Task* Machine::begin(ThreadId number) {
  Thread& thread = threads_[number];
  Task* task = std::exchange(thread.inbox, nullptr);
  if (!task) return nullptr;
  task->stage = Task::Stage::Running;
  thread.stack.push_back(task);
  thread.suspended = false;
  return task;
}

Task* Machine::top(ThreadId number) const {
  const Thread& thread = threads_[number];
  return thread.stack.empty() ? nullptr : thread.stack.back();
}

void Machine::suspend(ThreadId number, std::vector<CommandId> calls) {
  Thread& thread = threads_[number];
  if (thread.stack.empty()) return;
  thread.suspended = true;
  thread.stack.back()->waits_on = std::move(calls);
  if (watched_ || !queued_.empty() || !ready_.empty()) waits_changed_ = true;
  assign();
}

void Machine::resume(ThreadId number) {
  Thread& thread = threads_[number];
  if (thread.stack.empty()) return;
  thread.suspended = false;
  thread.stack.back()->waits_on.clear();
  if (watched_ || waits_reported_) waits_changed_ = true;
  if (Task* task = std::exchange(thread.inbox, nullptr)) {
    task->callback = false;
    nested_.insert(nested_.begin(), task);
  }
}

bool Machine::is_waited_for(ThreadId number) const {
  const auto& stack = threads_[number].stack;
  if (stack.empty()) return false;
  if (!ready_.empty() || !nested_.empty()) return true;
  // What engines send never waits for credit, or two streams that are full of commands which wait for credit in each other
  // would stand still for ever. Clients' commands wait: they hold no credit that an engine may need.
  if (stack.back()->sender != kClientSession) return true;
  return std::any_of(stack.begin(), stack.end(), [&](const Task* task) { return holds_up_others(*task); });
}

/// True if a command waits for what this one holds or makes.
bool Machine::holds_up_others(const Task& task) const {
  for (const ObjectId& id : queued_) {
    const auto found = objects_.find(id);
    if (found != objects_.end() && contains(found->second.holders, task.command.id)) return true;
  }
  return std::any_of(task.results.begin(), task.results.end(), [&](const ObjectId& id) {
    const auto found = objects_.find(id);
    return found != objects_.end() && !(found->second.readers.empty() && found->second.queue.empty());
  });
}

bool Machine::is_cancelled(ThreadId number) const {
  const Task* task = top(number);
  return task && task->cancelled.load(std::memory_order_relaxed);
}

void Machine::helper_failed(ThreadId number) {
  Thread& thread = threads_[number];
  thread.usable = false;
  if (Task* task = std::exchange(thread.inbox, nullptr)) ready_.push_front(task);
  assign();
}

// --- Ends ---------------------------------------------------------------------------------------------------------

void Machine::finish(ThreadId number, Outcome outcome) {
  Thread& thread = threads_[number];
  Task& task = *thread.stack.back();
  thread.stack.pop_back();
  thread.suspended = !thread.stack.empty();
  if (outcome.status == Status::Value) {
    if (outcome.results_stored) {
      settle_results(task, Object::State::Alive, nullptr);
    } else {
      forget_results(task);
    }
  } else {
    settle_results(task, Object::State::Failed,
                   std::make_shared<const Failure>(Failure{outcome.status, outcome.payload}));
  }
  reply(task, std::move(outcome));
  end(task);
  if (thread.suspended && !(queued_.empty() && ready_.empty())) waits_changed_ = true;  // the one below waits again
  assign();
}

void Machine::fail(const Task& task, std::shared_ptr<const Failure> failure) {
  failed_.emplace_back(task.command.id, std::move(failure));
}

void Machine::fail_lost(const Task& task, const ObjectId& id) {
  fail(task,
       std::make_shared<const Failure>(Failure{Status::Lost, bytes_of(to_string(id) + " does not exist any more")}));
}

/// Ends what failed, and what fails because of that.
void Machine::end_failed() {
  while (!failed_.empty()) {
    const auto [id, failure] = std::move(failed_.front());
    failed_.pop_front();
    const auto found = tasks_.find(id);
    if (found == tasks_.end() || found->second->stage == Task::Stage::Running) continue;
    Task& task = *found->second;
    remove_waiting(task);
    settle_results(task, Object::State::Failed, failure);
    Outcome outcome;
    outcome.status = failure->status;
    outcome.payload = failure->payload;
    outcome.results_stored = false;
    reply(task, std::move(outcome));
    end(task);
  }
}

void Machine::settle_results(Task& task, Object::State state, const std::shared_ptr<const Failure>& failure) {
  for (const ObjectId& id : task.results) {
    Object* object = find(id);
    object->state = state;
    object->failure = failure;
    for (const CommandId& reader : std::exchange(object->readers, {})) {
      const auto found = tasks_.find(reader);
      if (found == tasks_.end()) continue;
      if (state == Object::State::Alive) {
        reference_ready(*found->second);
      } else {
        fail(*found->second, failure);
      }
    }
    pump(id);
    drop_if_unused(id);
  }
}

/// The command returned a value instead: what waits for its objects never gets them.
void Machine::forget_results(Task& task) {
  if (task.results.empty()) return;
  const auto failure = std::make_shared<const Failure>(
      Failure{Status::Lost, bytes_of("the call " + task.command.label + " returned a value, not an object")});
  settle_results(task, Object::State::Failed, failure);
  for (const ObjectId& id : task.results) {
    if (Object* object = find(id)) {
      std::erase_if(object->held, [&](const auto& h) { return h.first == task.sender; });
      drop_if_unused(id);
    }
  }
}

void Machine::reply(Task& task, Outcome outcome) {
  wire::Reply reply;
  reply.command = task.command.id;
  reply.status = static_cast<std::uint8_t>(outcome.status);
  reply.results_stored = outcome.results_stored;
  reply.payload = std::move(outcome.payload);
  reply.buffers = std::move(outcome.buffers);
  reply.loans = std::move(outcome.loans);
  const bool wanted = !gone_.contains(task.sender);
  std::vector<ObjectId> foreign;
  for (const ObjectId& id : outcome.references) {
    if (id.owner != self_) {
      foreign.push_back(id);
    } else if (Object* object = find(id)) {
      if (wanted && task.sender == session_.self()) {
        foreign.push_back(id);  // stays counted until our own session, which adopts the reply, sends the receipt
        continue;
      }
      if (wanted) add_count(*object, task.sender, 1);
      release_own(id);
    }
  }
  std::vector<ObjectId> registering = session_.end_borrow(task.command.references, reply.kept);
  if (!wanted) {
    for (const ObjectId& id : foreign) session_.release(id);
    return;
  }
  reply.references = std::move(outcome.references);
  if (!foreign.empty()) {
    auto& held = receipts_[task.command.id];
    held.first = task.sender;
    held.second.insert(held.second.end(), foreign.begin(), foreign.end());
  }
  reply.wants_receipt = receipts_.contains(task.command.id);
  if (registering.empty()) {
    send(task.sender, std::move(reply));
  } else {
    deferred_.push_back({task.sender, std::move(reply), std::move(registering)});
  }
}

void Machine::send_deferred() {
  for (std::size_t i = 0; i < deferred_.size();) {
    auto& each = deferred_[i];
    std::erase_if(each.registering, [&](const ObjectId& id) { return !session_.still_registering(id); });
    if (!each.registering.empty()) {
      ++i;
      continue;
    }
    send(each.to, std::move(each.reply));
    deferred_.erase(deferred_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

/// Unlocks, unpins and forgets the task.
void Machine::end(Task& task) {
  if (waits_reported_ || watched_) waits_changed_ = true;
  const auto owned = tasks_.extract(task.command.id);
  if (!task.command.chain.empty()) inner_ -= 1;
  lacking_.erase(task.command.id);
  if (task.command.target) {
    if (Object* object = find(task.command.target)) {
      std::erase(object->holders, task.command.id);
      pump(task.command.target);
    }
  }
  for (const ObjectId& id : task.pinned) unpin(id);
}

/// Takes a task that does not run out of everything it waits in.
void Machine::remove_waiting(Task& task) {
  if (Object* object = task.command.target ? find(task.command.target) : nullptr) {
    std::erase(object->queue, &task);
    std::erase(object->nested, &task);
  }
  if (task.stage != Task::Stage::Ready) return;
  std::erase(ready_, &task);
  std::erase(nested_, &task);
  for (Thread& thread : threads_) {
    if (thread.inbox == &task) thread.inbox = nullptr;
  }
}

}  // namespace distob::engine

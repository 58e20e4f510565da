#include "simulation/simulator.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "distob/errors.h"

namespace distob::simulation {

using engine::Machine;
using engine::ThreadId;
using session::Status;
using Kind = Script::Kind;

namespace {

std::string text_of(const wire::Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void require(bool holds, const std::string& what) {
  if (!holds) throw Violation(what);
}

}  // namespace

Simulator::Simulator(std::uint64_t seed, Dice dice)
    : random_(seed),
      dice_(dice),
      client_(kClientSession, nullptr, dice.credit),
      calls_left_(dice.client_calls),
      kills_left_(dice.kills) {
  for (int i = 0; i < dice.engines; ++i) {
    auto& engine = *(engines_[hub_.join()] = std::make_unique<Engine>(dice));
    engine.up.push_back({SessionId{}, wire::kHub, wire::Hello{}});
  }
}

// --- User code ----------------------------------------------------------------------------------------------------

std::shared_ptr<const Script> Simulator::make_script(std::size_t references, int depth, bool has_target) {
  auto script = std::make_shared<Script>();
  script->results = roll(4) == 0 ? static_cast<std::uint32_t>(1 + roll(2)) : 0;
  script->stores_results = roll(20) != 0;
  for (std::size_t i = roll(5); i > 0; --i) {
    Script::Operation operation;
    if (chance(dice_.raise)) {
      operation.kind = Kind::Raise;
    } else {
      constexpr Kind any[] = {Kind::Work, Kind::Call, Kind::Call,   Kind::Call,       Kind::Start,    Kind::Join,
                              Kind::Keep, Kind::Drop, Kind::Return, Kind::ReturnSelf, Kind::ReturnNew};
      operation.kind = any[roll(std::size(any))];
    }
    const bool is_call = operation.kind == Kind::Call || operation.kind == Kind::Start;
    if ((is_call || operation.kind == Kind::Keep || operation.kind == Kind::Return) && references == 0) continue;
    if (is_call && depth == 0) continue;
    if (operation.kind == Kind::ReturnSelf && !has_target) continue;
    if (references) operation.reference = roll(references);
    if (is_call) {
      for (std::size_t k = roll(3); k > 0; --k) operation.references.push_back(roll(references));
      operation.callee = make_script(operation.references.size(), depth - 1, true);
    }
    script->operations.push_back(std::move(operation));
  }
  return script;
}

wire::Bytes Simulator::payload_of(std::shared_ptr<const Script> script) {
  scripts_.push_back(std::move(script));
  const std::uint64_t index = scripts_.size() - 1;
  wire::Bytes payload(sizeof index);
  std::memcpy(payload.data(), &index, sizeof index);
  return payload;
}

std::shared_ptr<const Script> Simulator::script_of(const engine::Task& task) const {
  std::uint64_t index = 0;
  std::memcpy(&index, task.command.payload.data(), sizeof index);
  return scripts_.at(index);
}

// --- The network --------------------------------------------------------------------------------------------------

wire::Message Simulator::through_frame(const wire::Message& message) {
  wire::Outgoing out;
  out.append(message);
  wire::Incoming in;
  in.greeted();
  const auto piece = out.next();
  std::memcpy(in.room(piece.bytes.size()).data(), piece.bytes.data(), piece.bytes.size());
  in.received(piece.bytes.size());
  wire::Message arrived;
  require(in.next(arrived), "a whole frame gave no message");
  return arrived;
}

void Simulator::carry() {
  while (client_.has_messages() || hub_.has_messages()) {
    for (auto& message : client_.take_messages()) hub_.on_message(wire::kHub, std::move(message));
    for (auto& message : hub_.take_messages()) {
      if (message.destination != wire::kHub) {
        const auto engine = engines_.find(wire::engine_of(message.destination));
        if (engine == engines_.end() || !engine->second->alive) continue;
        if (const auto* welcome = std::get_if<wire::Welcome>(&message.body)) {
          engine->second->machine.welcomed(welcome->engine);  // nothing comes before it on any path
          continue;
        }
        // That a process is gone comes after all that it sent, so it belongs to its stream.
        const auto* gone = std::get_if<wire::Gone>(&message.body);
        const SessionId stream = gone ? gone->session : message.source;
        engine->second->down[stream].push_back(roll(8) ? std::move(message) : through_frame(message));
        continue;
      }
      const SessionId source = message.source;
      if (auto* reply = std::get_if<wire::Reply>(&message.body)) {
        client_.on_reply(std::move(*reply), source);
      } else if (auto* registered = std::get_if<wire::Registered>(&message.body)) {
        client_.on_registered(*registered);
      } else if (auto* gone = std::get_if<wire::Gone>(&message.body)) {
        client_.on_gone(gone->session, gone->text);
      }
    }
  }
  client_completions();
  require(client_.inconsistency().empty(), "in the client, " + client_.inconsistency());
}

void Simulator::deliver_up(EngineId id, Engine& engine) {
  wire::Message message = std::move(engine.up.front());
  engine.up.pop_front();
  hub_.on_message(wire::session_of(id), std::move(message));
  carry();
}

void Simulator::deliver_down(Engine& engine, SessionId from) {
  auto& stream = engine.down.at(from);
  wire::Message message = std::move(stream.front());
  stream.pop_front();
  if (stream.empty()) engine.down.erase(from);
  engine.machine.on_message(std::move(message));
}

/// What a shell does after every event.
void Simulator::after(EngineId id, Engine& engine) {
  Machine& machine = engine.machine;
  const std::string wrong = machine.session().inconsistency();
  require(wrong.empty(), "in " + to_string(id) + ", " + wrong);
  machine.session().flush_releases();
  for (auto& message : machine.take_messages()) engine.up.push_back(std::move(message));
  for (auto& completion : machine.session().take_completions()) {
    const auto call = engine.answered.find(completion.number);
    require(call != engine.answered.end() && !call->second, "a call of an engine ended twice");
    call->second = true;
    for (const ObjectId& reference : completion.reply.references) engine.kept.push_back(reference);
  }
  for (const ObjectId& dropped : machine.take_drops()) {
    require(engine.objects.erase(dropped) == 1, to_string(dropped) + " was dropped twice");
  }
  for (const ThreadId thread : machine.take_work()) {
    if (thread != engine::kMainThread) ++counts_.helpers;
    static_cast<void>(engine.threads[thread]);
  }
  for (const ThreadId thread : machine.take_interrupts()) {
    if (!machine.is_suspended(thread) && !engine.threads[thread].empty())
      engine.threads[thread].back().interrupted = true;
  }
  if (machine.has_drops() || machine.session().has_messages()) after(id, engine);
}

// --- Engines ------------------------------------------------------------------------------------------------------

bool Simulator::engine_can_step(const Engine& engine, ThreadId thread) const {
  if (engine.machine.has_work(thread)) return true;
  const auto found = engine.threads.find(thread);
  if (found == engine.threads.end() || found->second.empty()) return false;
  const Frame& frame = found->second.back();
  if (!engine.machine.is_suspended(thread)) return true;
  if (engine.machine.is_cancelled(thread)) return true;
  if (frame.waits_for_credit) {
    const auto& operation = frame.script->operations[frame.next];
    const ObjectId target = frame.task->command.references[operation.reference];
    auto& machine = const_cast<Machine&>(engine.machine);
    return machine.session().has_credit(target.owner, 8) || machine.is_waited_for(thread);
  }
  return engine.answered.at(frame.waits_for);
}

void Simulator::begin(EngineId id, Engine& engine, ThreadId thread) {
  engine::Task* task = engine.machine.begin(thread);
  require(task != nullptr, "work was announced and is not there");
  if (task->callback) ++counts_.callbacks;
  // Commands of one caller to one object run in the order they were sent.
  if (task->command.target) {
    const CommandId caller = task->command.chain.empty() ? CommandId{task->sender, 0} : task->command.chain.back();
    std::uint64_t& last = last_sequence_[{caller, task->command.target}];
    require(task->command.sequence > last,
            to_string(task->command.id) + " ran before an earlier one on the same object");
    last = task->command.sequence;
    require(engine.objects.contains(task->command.target), "a command entered an object that was dropped");
    for (const auto& [other, frames] : engine.threads) {
      for (const Frame& frame : frames) {
        if (frame.task->command.target != task->command.target) continue;
        const auto& chain = task->command.chain;
        require(std::find(chain.begin(), chain.end(), frame.task->command.id) != chain.end(),
                "two chains are inside one object");
      }
    }
  }
  for (const ObjectId& reference : task->command.references) {
    require(reference.owner != id || engine.objects.contains(reference),
            "a reference of a running command was dropped");
  }
  Frame frame;
  frame.task = task;
  frame.script = script_of(*task);
  engine.threads[thread].push_back(std::move(frame));
}

void Simulator::engine_step(EngineId id, Engine& engine, ThreadId thread) {
  Machine& machine = engine.machine;
  if (machine.has_work(thread) && (engine.threads[thread].empty() || roll(2))) {
    begin(id, engine, thread);
    return after(id, engine);
  }
  auto& stack = engine.threads[thread];
  if (stack.empty()) return;
  Frame& frame = stack.back();
  if (machine.is_suspended(thread)) {
    if (machine.is_cancelled(thread)) {
      if (frame.waits_for) machine.session().cancel({machine.session().self(), frame.waits_for});
      machine.resume(thread);
      frame.outcome.status = Status::Cancelled;
      finish(engine, thread);
      return after(id, engine);
    }
    if (!engine_can_step(engine, thread) || machine.has_work(thread)) {
      if (machine.has_work(thread)) begin(id, engine, thread);
      return after(id, engine);
    }
    machine.resume(thread);
    const bool retry = std::exchange(frame.waits_for_credit, false);
    frame.waits_for = 0;
    if (retry) nested_call(id, engine, thread, frame, frame.script->operations[frame.next]);
    return after(id, engine);
  }
  if (frame.interrupted) {
    frame.outcome.status = Status::Cancelled;
    finish(engine, thread);
  } else if (frame.next < frame.script->operations.size()) {
    operate(id, engine, thread, frame);
  } else {
    finish(engine, thread);
  }
  after(id, engine);
}

void Simulator::nested_call(EngineId, Engine& engine, ThreadId thread, Frame& frame,
                            const Script::Operation& operation) {
  const auto& references = frame.task->command.references;
  std::vector<ObjectId> passed;
  for (const std::size_t i : operation.references) passed.push_back(references[i]);
  const wire::Bytes payload = payload_of(operation.callee);
  session::Command command;
  command.target = references[operation.reference];
  command.engine = command.target.owner;
  command.payload = payload;
  command.references = passed;
  command.results = operation.callee->results;
  command.label = "nested";
  auto chain = frame.task->command.chain;
  chain.push_back(frame.task->command.id);
  auto& session = engine.machine.session();
  const bool asynchronous = operation.kind == Kind::Start;
  command.synchronous = !asynchronous;
  if (asynchronous && !session.has_credit(command.engine, 8) && !engine.machine.is_waited_for(thread)) {
    ++counts_.waited_for_credit;
    frame.waits_for_credit = true;
    engine.machine.suspend(thread, {});
    return;
  }
  const auto submitted = session.submit(command, chain);
  ++counts_.nested;
  engine.answered[submitted.id.number] = false;
  for (std::uint32_t i = 0; i < command.results; ++i) {
    engine.kept.push_back({submitted.id.session, command.engine, submitted.sequence, i});
  }
  ++frame.next;
  if (asynchronous) {
    frame.started.push_back(submitted.id.number);
  } else {
    frame.waits_for = submitted.id.number;
    engine.machine.suspend(thread, {submitted.id});
  }
}

void Simulator::operate(EngineId id, Engine& engine, ThreadId thread, Frame& frame) {
  const Script::Operation& operation = frame.script->operations[frame.next];
  const auto& references = frame.task->command.references;
  auto& session = engine.machine.session();
  switch (operation.kind) {
    case Kind::Call:
    case Kind::Start: return nested_call(id, engine, thread, frame, operation);
    case Kind::Join:
      if (!frame.started.empty()) {
        frame.waits_for = frame.started.back();
        frame.started.pop_back();
        engine.machine.suspend(thread, {CommandId{session.self(), frame.waits_for}});
        if (frame.started.empty()) break;
        return;
      }
      break;
    case Kind::Keep:
      require(session.retain(references[operation.reference]), "a reference of a running command is gone");
      engine.kept.push_back(references[operation.reference]);
      break;
    case Kind::Drop:
      if (!engine.kept.empty()) {
        std::swap(engine.kept[roll(engine.kept.size())], engine.kept.back());
        session.release(engine.kept.back());
        engine.kept.pop_back();
      }
      break;
    case Kind::Return:
    case Kind::ReturnSelf: {
      const ObjectId what =
          operation.kind == Kind::Return ? references[operation.reference] : frame.task->command.target;
      require(session.retain(what), "what a running command holds is gone");
      frame.outcome.references.push_back(what);
      break;
    }
    case Kind::ReturnNew:
      frame.outcome.references.push_back(engine.machine.new_object());
      engine.objects.insert(frame.outcome.references.back());
      break;
    case Kind::Raise: frame.outcome.status = Status::Error; return finish(engine, thread);
    case Kind::Work: break;
  }
  ++frame.next;
}

void Simulator::finish(Engine& engine, ThreadId thread) {
  Frame frame = std::move(engine.threads[thread].back());
  engine.threads[thread].pop_back();
  frame.outcome.results_stored = frame.script->stores_results;
  if (frame.outcome.status == Status::Value) {
    auto& results = frame.outcome.results_stored ? engine.objects : never_made_;
    results.insert(frame.task->results.begin(), frame.task->results.end());
  } else {
    for (const ObjectId& id : frame.outcome.references) engine.machine.session().release(id);
    frame.outcome.references.clear();
  }
  engine.machine.finish(thread, std::move(frame.outcome));
}

// --- The client ---------------------------------------------------------------------------------------------------

void Simulator::client_act() {
  if (draining_ || (!handles_.empty() && roll(4) == 0)) {
    if (handles_.empty()) return;
    std::swap(handles_[roll(handles_.size())], handles_.back());
    client_.release(handles_.back().id);
    handles_.pop_back();
    if (roll(3) == 0) client_.flush_releases();
    return;
  }
  if (calls_left_ == 0) return;
  session::Command command;
  std::vector<ObjectId> references;
  const bool construct = handles_.size() < 3 || roll(4) == 0;
  for (std::size_t k = handles_.empty() ? 0 : roll(4); k > 0; --k)
    references.push_back(handles_[roll(handles_.size())].id);
  if (construct) {
    auto engine = engines_.begin();
    std::advance(engine, roll(engines_.size()));
    command.engine = engine->first;
  } else {
    command.target = handles_[roll(handles_.size())].id;
    command.engine = command.target.owner;
  }
  if (!client_.has_credit(command.engine, 8)) {
    ++counts_.waited_for_credit;
    return;  // a user would wait
  }
  --calls_left_;
  auto script = std::make_shared<Script>(*make_script(references.size(), 3, !construct));
  if (construct) script->results = 1;
  command.results = script->results;
  const wire::Bytes payload = payload_of(script);
  command.payload = payload;
  command.references = references;
  command.label = "call";
  client_.flush_releases();  // what was released before is told before
  const auto submitted = client_.submit(command, {});
  ++counts_.calls;
  pending_.insert(submitted.id.number);
  for (std::uint32_t i = 0; i < command.results; ++i) {
    handles_.push_back({{kClientSession, command.engine, submitted.sequence, i}, submitted.id.number});
  }
  if (chance(dice_.cancel)) client_.cancel(submitted.id);
  carry();
}

/// A program may use the result of a call that turns out to be a value; nothing else may be lost while its engine lives.
bool Simulator::may_be_lost(const std::string& text) const {
  if (text.find("returned a value") != std::string::npos) return true;
  return std::any_of(never_made_.begin(), never_made_.end(),
                     [&](const ObjectId& id) { return text.find(to_string(id) + " does") == 0; });
}

void Simulator::client_completions() {
  for (auto& completion : client_.take_completions()) {
    require(pending_.erase(completion.number) == 1, "a call of the client ended twice");
    const auto& reply = completion.reply;
    switch (reply.status) {
      case Status::Lost:
        ++counts_.lost;
        require(disturbed_ || may_be_lost(text_of(reply.payload)), "a call was lost: " + text_of(reply.payload));
        break;
      case Status::EngineDied:
        ++counts_.died;
        require(disturbed_, "an engine died that lives");
        break;
      case Status::Deadlock: ++counts_.deadlocks; break;
      case Status::Cancelled: ++counts_.cancelled; break;
      case Status::Error: ++counts_.errors; break;
      default: break;
    }
    for (const ObjectId& id : reply.references) handles_.push_back({id, completion.number});
    if (!reply.results_stored && reply.status == Status::Value) {
      // The ids mean nothing any more; a program would not use them.
      for (std::size_t i = 0; i < handles_.size();) {
        const bool mine =
            handles_[i].id.creator == kClientSession && handles_[i].made_by == completion.number &&
            std::find(reply.references.begin(), reply.references.end(), handles_[i].id) == reply.references.end();
        if (!mine) {
          ++i;
          continue;
        }
        client_.release(handles_[i].id);
        handles_.erase(handles_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }
}

void Simulator::kill(EngineId id) {
  Engine& engine = *engines_.at(id);
  engine.alive = false;
  disturbed_ = true;
  engine.down.clear();
  // Some of what it wrote made it into the socket.
  for (std::size_t arrived = roll(engine.up.size() + 1); arrived > 0; --arrived) deliver_up(id, engine);
  hub_.lose(id, to_string(id) + " was killed");
  carry();
}

// --- Time ---------------------------------------------------------------------------------------------------------

bool Simulator::step() {
  struct Choice {
    enum What : std::uint8_t { Up, Down, Step, Act, Kill } what;
    EngineId engine = {};
    std::uint32_t which = 0;
  };
  std::vector<Choice> choices;
  for (const auto& [id, engine] : engines_) {
    if (!engine->alive) continue;
    if (!engine->up.empty()) choices.push_back({Choice::Up, id});
    for (const auto& [from, stream] : engine->down) choices.push_back({Choice::Down, id, from.value});
    for (const auto& [thread, frames] : engine->threads) {
      if (engine_can_step(*engine, thread)) choices.push_back({Choice::Step, id, thread});
    }
  }
  if (draining_ ? !handles_.empty() : calls_left_ > 0) choices.push_back({Choice::Act});
  if (choices.empty()) return false;
  ++counts_.steps;
  if (kills_left_ && !draining_ && chance(5)) {
    --kills_left_;
    auto victim = engines_.begin();
    std::advance(victim, roll(engines_.size()));
    if (victim->second->alive) kill(victim->first);
    return true;
  }
  const Choice choice = choices[roll(choices.size())];
  if (choice.what == Choice::Act) {
    client_act();
    carry();
    return true;
  }
  Engine& engine = *engines_.at(choice.engine);
  if (choice.what == Choice::Up) {
    deliver_up(choice.engine, engine);
  } else if (choice.what == Choice::Down) {
    deliver_down(engine, SessionId{choice.which});
    after(choice.engine, engine);
  } else {
    engine_step(choice.engine, engine, choice.which);
  }
  return true;
}

void Simulator::run() {
  constexpr std::uint64_t kTooLong = 200'000;
  const auto settle = [&] {
    while (step()) {
      if (counts_.steps > kTooLong) throw Violation("the cluster does not come to rest" + waits());
    }
  };
  settle();
  if (!pending_.empty()) {
    throw Violation(std::to_string(pending_.size()) + " calls wait for ever, and nobody got a DeadlockError" + waits());
  }
  draining_ = true;
  for (;;) {
    settle();
    client_.flush_releases();
    carry();
    bool released = false;
    for (auto& [id, engine] : engines_) {
      if (!engine->alive) continue;
      for (const ObjectId& kept : std::exchange(engine->kept, {})) {
        engine->machine.session().release(kept);
        released = true;
      }
      after(id, *engine);
    }
    if (!released && !step()) break;
  }
  check_end();
}

std::string Simulator::waits() const {
  std::string text;
  for (const auto& [id, engine] : engines_) {
    text.append("\n")
        .append(to_string(id))
        .append(" has ")
        .append(std::to_string(engine->machine.tasks()))
        .append(" commands")
        .append(engine->machine.describe());
    for (const auto& wait : engine->machine.waits().waits) {
      text.append("\n  ").append(to_string(wait.command)).append(wait.parked ? " parked for" : " waits for");
      for (const auto& group : wait.all) {
        text += " one of";
        for (const auto& each : group) text.append(" ").append(to_string(each));
      }
    }
  }
  return text;
}

void Simulator::check_end() {
  require(client_.outstanding() == 0, "the client still waits for a reply");
  require(client_.held() == 0, "the client still holds " + std::to_string(client_.held()) + " objects");
  require(client_.owed() == 0, "the client still owes receipts");
  for (const auto& [id, engine] : engines_) {
    if (!engine->alive) continue;
    const std::string who = to_string(id) + " still has ";
    auto& machine = engine->machine;
    require(machine.tasks() == 0, who + "commands" + waits());
    require(machine.session().outstanding() == 0, who + "calls without reply");
    require(machine.objects() == 0, who + std::to_string(machine.objects()) + " objects");
    require(engine->objects.empty(), who + "objects that were never dropped");
    require(machine.session().held() == 0, who + "counts on objects elsewhere");
    require(machine.session().owed() == 0, who + "receipts to send");
    require(machine.unsettled() == 0, who + "replies without receipt");
  }
}

}  // namespace distob::simulation

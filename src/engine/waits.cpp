// What an engine says about who waits for whom in it, from which the hub finds circles.
#include <algorithm>
#include <utility>

#include "engine/machine.h"

namespace distob::engine {

/// Said only when it may matter: if a call from inside another command is parked here (every circle has one), or if the
/// hub looks for a circle that others begin.
void Machine::report_waits() {
  waits_changed_ = false;
  wire::Waits all;
  if (watched_ || (inner_ && may_have_circle())) all = waits();
  all.cancels = cancels_;
  const bool suspicious = std::any_of(all.waits.begin(), all.waits.end(), [&](const wire::Wait& wait) {
    return wait.parked && !tasks_.at(wait.command)->command.chain.empty();
  });
  if (!suspicious && !watched_) all.waits.clear();
  if (all.waits.empty() && !waits_reported_) return;
  waits_reported_ = !all.waits.empty();
  messages_.push_back({session_.self(), wire::kHub, std::move(all)});
}

/// Cheap to ask. A circle that goes through this engine goes through a suspended command, or else lies all in it: then one
/// of it waits for an object to be made by another that comes behind it somewhere.
bool Machine::may_have_circle() const {
  return !lacking_.empty() ||
         std::any_of(threads_.begin(), threads_.end(), [](const Thread& t) { return t.suspended; });
}

wire::Waits Machine::waits() const {
  wire::Waits all;
  std::vector<CommandId> suspended;
  for (const Thread& thread : threads_) {
    for (std::size_t i = 0; i < thread.stack.size(); ++i) {
      const Task* task = thread.stack[i];
      const bool top = i + 1 == thread.stack.size();
      if (top && (!thread.suspended || task->cancelled)) continue;  // a cancel ends all its waits
      wire::Wait wait{task->command.id, false, task->command.order, task->command.label, {}};
      if (!top) {
        wait.all.push_back({thread.stack[i + 1]->command.id});
      } else if (!task->waits_on.empty()) {
        wait.all.push_back(task->waits_on);
      }
      if (!wait.all.empty()) all.waits.push_back(std::move(wait));
      if (top) suspended.push_back(task->command.id);
    }
  }
  const bool starved = threads_.size() > max_helpers_ && suspended.size() == threads_.size();
  for (const auto& [id, task] : tasks_) {
    if (task->stage == Task::Stage::Running || !may_be_waited_for(*task)) continue;
    auto groups = blockers(*task);
    if (task->stage == Task::Stage::Ready && starved) groups.push_back(suspended);
    if (!groups.empty()) {
      all.waits.push_back({id, true, task->command.order, task->command.label, std::move(groups)});
    }
  }
  return all;
}

std::string Machine::describe() const {
  static constexpr const char* kStages[] = {"looks for its target", "is queued", "is ready", "runs"};
  std::string text;
  for (const auto& [id, task] : tasks_) {
    text += "\n  " + to_string(id) + " " + kStages[static_cast<int>(task->stage)];
    if (task->command.target) text += " on " + to_string(task->command.target);
    if (task->stage == Task::Stage::Queued) text += ", " + std::to_string(task->missing) + " references missing";
    if (task->stage >= Task::Stage::Ready) text += ", thread " + std::to_string(task->thread);
    for (const CommandId& outer : task->command.chain) text += ", in " + to_string(outer);
  }
  return text;
}

/// Leaves out the long queues of calls that only a client waits for.
bool Machine::may_be_waited_for(const Task& task) const {
  if (!task.command.chain.empty() || task.stage == Task::Stage::Ready || !task.results.empty()) return true;
  const auto object = objects_.find(task.command.target);
  return object == objects_.end() || object->second.queue.empty() || object->second.queue.front() == &task;
}

std::vector<std::vector<CommandId>> Machine::blockers(const Task& task) const {
  std::vector<std::vector<CommandId>> groups;
  if (task.stage != Task::Stage::Queued) return groups;
  if (const auto found = objects_.find(task.command.target); found != objects_.end()) {
    const Object& object = found->second;
    const bool nested = std::find(object.nested.begin(), object.nested.end(), &task) != object.nested.end();
    if (object.state == Object::State::Pending) groups.push_back({object.maker});
    if (!object.holders.empty()) groups.push_back({nested ? object.holders.back() : object.holders.front()});
    const auto& line = nested ? std::deque<Task*>(object.nested.begin(), object.nested.end()) : object.queue;
    if (!line.empty() && line.front() != &task) groups.push_back({line.front()->command.id});
  }
  for (const ObjectId& id : task.command.references) {
    const auto found = objects_.find(id);
    if (found != objects_.end() && found->second.state == Object::State::Pending)
      groups.push_back({found->second.maker});
  }
  return groups;
}

}  // namespace distob::engine

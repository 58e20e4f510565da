// A whole cluster in one thread: hub, client session and engine machines, with a network and user code made of dice.
//
// Everything random comes from one seed. Each step does one thing that could happen next: deliver a message, run one step
// of some user code, let the client act, kill an engine. When nothing can happen any more, nothing may be left over.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/machine.h"
#include "hub/hub.h"
#include "session/session.h"
#include "wire/frame.h"

namespace distob::simulation {

/// What the dice may do. Chances are per thousand steps.
struct Dice {
  int engines = 3;
  int client_calls = 30;
  int kills = 0;  ///< at most so many engines die
  int cancel = 0;
  int raise = 20;  ///< of a script's operations
  std::size_t helpers = 64;
  session::CreditLimits credit{6, 1 << 20};
};

/// User code: what a command does, step by step. References are numbered as the command's are.
struct Script {
  enum class Kind : std::uint8_t { Work, Call, Start, Join, Keep, Drop, Return, ReturnSelf, ReturnNew, Raise };
  struct Operation {
    Kind kind = Kind::Work;
    std::size_t reference = 0;                 ///< what it is about; of calls: the target
    std::vector<std::size_t> references = {};  ///< of calls: what is passed on
    std::shared_ptr<const Script> callee = {};
  };
  std::vector<Operation> operations;
  std::uint32_t results = 0;
  bool stores_results = true;
};

/// Thrown when something happened that must not; the text says what.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Simulator {
 public:
  Simulator(std::uint64_t seed, Dice dice);

  /// Runs until nothing can happen any more, releases what is held, and checks that nothing is left.
  void run();

  struct Counts {
    std::uint64_t steps = 0, calls = 0, nested = 0, deadlocks = 0, cancelled = 0, lost = 0, errors = 0, died = 0;
    std::uint64_t helpers = 0, callbacks = 0, waited_for_credit = 0;
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  /// A command in the middle of its script.
  struct Frame {
    engine::Task* task = nullptr;
    std::shared_ptr<const Script> script;
    std::size_t next = 0;
    std::vector<std::uint64_t> started;  ///< calls without answer yet
    std::uint64_t waits_for = 0;         ///< a call, while suspended
    bool waits_for_credit = false;
    bool interrupted = false;
    engine::Outcome outcome;
  };
  struct Engine {
    explicit Engine(const Dice& dice) : machine(dice.credit, dice.helpers) {}
    engine::Machine machine;
    bool alive = true;
    std::map<engine::ThreadId, std::vector<Frame>> threads;
    std::map<std::uint64_t, bool> answered;  ///< its own calls: true when the reply is there
    std::vector<ObjectId> kept;
    std::set<ObjectId> objects;  ///< as its executor knows them
    std::deque<wire::Message> up;
    std::map<SessionId, std::deque<wire::Message>> down;  ///< by whom they come from
  };
  struct Handle {
    ObjectId id;
    std::uint64_t made_by = 0;
  };

  bool step();
  void deliver_up(EngineId id, Engine& engine);
  void deliver_down(Engine& engine, SessionId from);
  bool engine_can_step(const Engine& engine, engine::ThreadId thread) const;
  void engine_step(EngineId id, Engine& engine, engine::ThreadId thread);
  void operate(EngineId id, Engine& engine, engine::ThreadId thread, Frame& frame);
  void nested_call(EngineId id, Engine& engine, engine::ThreadId thread, Frame& frame,
                   const Script::Operation& operation);
  void finish(Engine& engine, engine::ThreadId thread);
  void begin(EngineId id, Engine& engine, engine::ThreadId thread);
  void after(EngineId id, Engine& engine);
  void carry();
  void client_act();
  void client_completions();
  [[nodiscard]] bool may_be_lost(const std::string& text) const;
  void kill(EngineId id);
  void check_end();
  [[nodiscard]] std::string waits() const;
  [[nodiscard]] std::shared_ptr<const Script> make_script(std::size_t references, int depth, bool has_target);
  [[nodiscard]] wire::Message through_frame(const wire::Message& message);
  [[nodiscard]] std::size_t roll(std::size_t sides) {
    return std::uniform_int_distribution<std::size_t>(0, sides - 1)(random_);
  }
  [[nodiscard]] bool chance(int in_thousand) { return static_cast<int>(roll(1000)) < in_thousand; }
  [[nodiscard]] std::shared_ptr<const Script> script_of(const engine::Task& task) const;
  wire::Bytes payload_of(std::shared_ptr<const Script> script);

  std::mt19937_64 random_;
  Dice dice_;
  hub::Hub hub_;
  session::Session client_;
  std::map<EngineId, std::unique_ptr<Engine>> engines_;
  std::vector<std::shared_ptr<const Script>> scripts_;
  std::vector<Handle> handles_;
  std::set<std::uint64_t> pending_;
  std::map<std::pair<CommandId, ObjectId>, std::uint64_t> last_sequence_;  ///< of (caller, object)
  std::set<ObjectId> never_made_;  ///< ids of results of commands that returned a value instead
  int calls_left_;
  int kills_left_;
  bool disturbed_ = false;  ///< an engine died: objects may be lost
  bool draining_ = false;
  Counts counts_;
};

}  // namespace distob::simulation

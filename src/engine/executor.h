// What an engine needs from a language: something that runs commands and owns the objects they make.
//
// An Engine receives commands, decides when and on which thread each runs, and counts references. The Executor decodes
// the payload, runs the user's code, keeps the objects in a map from ObjectId, and encodes the answer.
//
//     class Echo : public Executor {
//       Outcome execute(const Incoming& command, Context&) override {
//         return {.payload = {command.payload.begin(), command.payload.end()}};
//       }
//       void drop(std::span<const ObjectId>) override {}
//     };
//     Echo echo;
//     Engine({.socket = std::move(inherited)}, echo).serve();  // returns when the client closes or ends
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "session/endpoint.h"

namespace distob::engine {

using session::Status;

/// A command that is due. Valid until execute() returns.
struct Incoming {
  CommandId id;
  SessionId sender;
  ObjectId target;  ///< exists, was not dropped, and is entered by no other call chain until execute() returns
  std::span<const std::byte> payload;
  std::span<const ObjectId> references;  ///< those that this engine owns exist until execute() returns
  std::span<const SharedBuffer> buffers;
  std::span<const ObjectId> results;  ///< the names under which the sender expects the objects that this command makes
  std::string_view label;
  bool callback = false;  ///< a call back from further down this thread's own chain: it runs inside a waiting command
};

/// How a command ended. `status` is Value, Error or Cancelled.
struct Outcome {
  Status status = Status::Value;
  std::vector<std::byte> payload = {};
  /// Objects that the payload names, here or elsewhere, in the order it numbers them. Each comes with one count (of
  /// retain(), Context::new_object() or a taken Reply), which the engine gives back when the receiver has its own.
  std::vector<ObjectId> references = {};
  std::vector<SharedBuffer> buffers = {};
  /// True: the executor has an object for each of Incoming::results. False: for none of them. Ignored on errors, where
  /// commands on the missing objects get this same error.
  bool results_stored = true;
  /// What became of memory that the command's sender lent it: for Reply::loans.
  std::vector<std::byte> loans = {};
};

/// The engine's side of a running command.
class Context {
 public:
  virtual ~Context() = default;
  /// True from the moment somebody cancelled the command. An executor that catches an interrupt asks this to tell it from
  /// the user's own.
  [[nodiscard]] virtual bool cancelled() const noexcept = 0;
  /// For calls that the user's code makes, and for retain() and release().
  [[nodiscard]] virtual const std::shared_ptr<session::Endpoint>& endpoint() const = 0;
  /// A name for an object of this engine that was made on the way (a proxy to part of a result), with one count.
  [[nodiscard]] virtual ObjectId new_object() = 0;
  /// From here on, interrupt() is not called for this command: for an executor that has left the user's code and encodes
  /// the outcome. The engine does this itself when execute() returns.
  virtual void disarm() noexcept = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;

  /// Runs one command. On the engine's main thread for outermost commands; on the waiting thread for callbacks of its chain;
  /// on a helper thread for others while the main thread waits for a remote call. So several execute() can be under way, but
  /// a new one starts only when all others wait. An exception that escapes becomes Status::Error with its text.
  virtual Outcome execute(const Incoming& command, Context& context) = 0;

  /// Nobody refers to these objects any more: forget them. Called on a thread that could call execute(), never inside it
  /// on the same thread (except during waits of a command), at the latest when the running command returns.
  virtual void drop(std::span<const ObjectId> ids) = 0;

  /// The command on the main thread was cancelled and is still running: make its code stop. Runs inside a signal handler on
  /// the main thread: only what is async-signal-safe. The signal itself already ends sleeps and waits with EINTR. Called
  /// at most once a command, and never after execute() returned.
  virtual void interrupt() noexcept {}

  /// The wait-time equivalent of InterruptCheck for the idle main thread: called after a signal and at least once a second.
  virtual void idle() {}

  /// Around the life of each helper thread, on it.
  virtual void thread_started() {}
  virtual void thread_ending() {}
};

struct EngineOptions {
  UniqueFd socket;          ///< connected to the hub: a Unix stream socket
  UniqueFd client;          ///< pidfd of the client, if known: the engine ends with it even if the socket stays open
  bool use_signals = true;  ///< cancel by signal (SIGURG); false in a process that is not ours
  /// With use_signals: user code that still runs so long after the client closed or ended is ended with the process.
  std::chrono::milliseconds patience{1000};
};

/// One engine, in the process and on the thread that calls serve().
class Engine {
 public:
  /// Throws ValueError if the socket is not connected. `executor` must outlive the engine.
  Engine(EngineOptions options, Executor& executor);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Greets the hub, then runs commands on this thread until the hub closes the connection or the client ends. Throws
  /// ProtocolError if the peer does not speak the protocol. All helper threads have ended when it returns. If user code
  /// does not end in EngineOptions::patience, it does not return: the process exits with status 1.
  void serve();

  /// The calling side for user code of this process. Knows its id once serve() was welcomed.
  [[nodiscard]] const std::shared_ptr<session::Endpoint>& endpoint() const;

 private:
  class Shell;
  std::shared_ptr<Shell> shell_;
  std::shared_ptr<session::Endpoint> endpoint_;
};

}  // namespace distob::engine

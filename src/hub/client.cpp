#include "hub/client.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "hub/hub.h"
#include "session/shell.h"

namespace distob::hub {
namespace {

using namespace std::chrono_literals;
using session::EngineLoss;
using session::Shell;

constexpr auto kReportTime = 250ms;  ///< for the report on how a process ended, after its end was seen
constexpr auto kExitTime = 1s;       ///< for a process to end after its socket did, before it is killed

// Tokens of the event loop: the engine, and which of its descriptors.
std::uint64_t socket_token(EngineId id) { return (std::uint64_t{id.value} + 1) * 2; }
std::uint64_t process_token(EngineId id) { return socket_token(id) + 1; }

/// One engine and its connection.
struct Member {
  transport::LocalConnection connection;
  pid_t pid = 0;
  UniqueFd pidfd = {};
  bool ours = true;
  bool socket_ended = false;
  bool process_ended = false;
  bool waits_to_write = false;
  std::optional<EngineLoss> report = {};
  std::string cause = {};                                          ///< why we gave it up, if we did
  Shell::Clock::time_point due = Shell::Clock::time_point::max();  ///< when to go on without what is missing
};

class ClientShell final : public Client, public Shell {
 public:
  ClientShell() : session_(kClientSession, nullptr) { hub_.client_pid = ::getpid(); }
  ~ClientShell() override {
    if (!forked()) end();
  }

  EngineId attach(Attachment attachment) override;
  bool wait_attached(Clock::time_point deadline, const session::InterruptCheck& check) override;
  void report_exit(EngineLoss loss) override;
  void detach(EngineId engine, std::string cause) override;
  void close() noexcept override { end(); }

  [[nodiscard]] std::vector<session::EngineInfo> engines() const override;
  [[nodiscard]] SessionId session() const override { return kClientSession; }
  [[nodiscard]] std::optional<EngineId> own_engine() const override { return std::nullopt; }

 protected:
  session::Session& session_machine() override { return session_; }
  void carry() override DISTOB_REQUIRES(mutex_);
  void write() override DISTOB_REQUIRES(mutex_);
  void on_event(std::uint64_t token, std::uint32_t events) override DISTOB_REQUIRES(mutex_);
  void check_engine(EngineId engine) const override DISTOB_REQUIRES(mutex_);
  Clock::time_point next_time() override DISTOB_REQUIRES(mutex_) { return due_; }
  void on_time() override DISTOB_REQUIRES(mutex_);
  void abandon() noexcept override DISTOB_NO_THREAD_SAFETY_ANALYSIS;  // fork() holds the mutex

 private:
  void end() noexcept;
  void receive(EngineId id, Member& member) DISTOB_REQUIRES(mutex_);
  void give_up(EngineId id, Member& member, std::string cause) DISTOB_REQUIRES(mutex_);
  void socket_ended(Member& member) DISTOB_REQUIRES(mutex_);
  void set_due(Member& member, Clock::duration from_now) DISTOB_REQUIRES(mutex_);
  void declare_if_known(EngineId id) DISTOB_REQUIRES(mutex_);
  void declare_lost(EngineId id) DISTOB_REQUIRES(mutex_);

  Hub hub_ DISTOB_GUARDED_BY(mutex_);
  session::Session session_ DISTOB_GUARDED_BY(mutex_);
  std::map<EngineId, Member> members_ DISTOB_GUARDED_BY(mutex_);
  std::vector<session::EngineInfo> lost_ DISTOB_GUARDED_BY(mutex_);
  Clock::time_point due_ DISTOB_GUARDED_BY(mutex_) = Clock::time_point::max();
};

// --- Messages -----------------------------------------------------------------------------------------------------

void ClientShell::carry() {
  while (session_.has_messages() || hub_.has_messages()) {
    for (auto& message : session_.take_messages()) hub_.on_message(wire::kHub, std::move(message));
    for (auto& message : hub_.take_messages()) {
      if (message.destination != wire::kHub) {
        const auto member = members_.find(wire::engine_of(message.destination));
        if (member == members_.end() || member->second.socket_ended) continue;
        try {
          member->second.connection.send(message);
        } catch (const ValueError& error) {
          give_up(member->first, member->second,
                  error.what());  // checked at submit(); only a relayed frame can get here
        }
        continue;
      }
      const SessionId source = message.source;
      if (auto* reply = std::get_if<wire::Reply>(&message.body)) {
        session_.on_reply(std::move(*reply), source);
      } else if (auto* registered = std::get_if<wire::Registered>(&message.body)) {
        session_.on_registered(*registered);
      } else if (auto* gone = std::get_if<wire::Gone>(&message.body)) {
        session_.on_gone(gone->session, gone->text);
      }
    }
  }
}

void ClientShell::write() {
  for (auto& [id, member] : members_) {
    auto& connection = member.connection;
    if (member.socket_ended || (!connection.wants_to_write() && !member.waits_to_write)) continue;
    if (!connection.flush()) {
      socket_ended(member);
      continue;
    }
    if (member.waits_to_write != connection.wants_to_write()) {
      member.waits_to_write = connection.wants_to_write();
      rewatch(connection.fd(), socket_token(id), member.waits_to_write);
    }
  }
}

void ClientShell::on_event(std::uint64_t token, std::uint32_t) {
  const EngineId id{static_cast<std::uint32_t>(token / 2 - 1)};
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  Member& member = found->second;
  if (token == socket_token(id)) {
    if (!member.socket_ended) receive(id, member);
  } else if (!member.process_ended) {
    // What it sent before it died is still in the socket, and counts.
    while (!member.socket_ended && member.connection.has_input()) receive(id, member);
    member.process_ended = true;
    unwatch(member.pidfd.get());
    set_due(member, kReportTime);
  }
  declare_if_known(id);
}

void ClientShell::receive(EngineId id, Member& member) {
  const bool open = member.connection.receive();
  try {
    wire::Message message;
    while (member.connection.next(message)) {
      const bool greeted = hub_.is_ready(id);
      hub_.on_message(wire::session_of(id), std::move(message));
      if (!greeted && hub_.is_ready(id)) {
        member.connection.greeted();
        wake_all();
      }
    }
    carry();
  } catch (const ProtocolError& error) {
    return give_up(id, member, error.what());
  }
  if (!open) socket_ended(member);
}

// --- Members ------------------------------------------------------------------------------------------------------

EngineId ClientShell::attach(Attachment attachment) {
  check_usable();
  MutexLock lock(mutex_);
  check_usable();
  transport::LocalConnection connection(std::move(attachment.socket));
  const EngineId id = hub_.join();
  auto [at, added] = members_.try_emplace(id, Member{std::move(connection)});
  Member& member = at->second;
  member.pid = attachment.pid;
  member.pidfd = std::move(attachment.pidfd);
  member.ours = attachment.ours;
  watch(member.connection.fd(), socket_token(id));
  if (member.pidfd) watch(member.pidfd.get(), process_token(id));
  start_io();
  return id;
}

bool ClientShell::wait_attached(Clock::time_point deadline, const session::InterruptCheck& check) {
  check_usable();
  MutexLock lock(mutex_);
  return wait(
      lock,
      [&]() DISTOB_NO_THREAD_SAFETY_ANALYSIS {
        for (const auto& [id, member] : members_) {
          if (!hub_.is_ready(id) && hub_.is_member(id)) return false;
        }
        return true;
      },
      deadline, check);
}

void ClientShell::check_engine(EngineId engine) const {
  if (hub_.is_member(engine)) return;
  for (const auto& info : lost_) {
    if (info.id == engine) return;  // the call will say so
  }
  throw ValueError(to_string(engine) + " is no engine of this cluster");
}

std::vector<session::EngineInfo> ClientShell::engines() const {
  MutexLock lock(mutex_);
  std::vector<session::EngineInfo> all = lost_;
  for (const auto& [id, member] : members_) {
    if (hub_.is_member(id)) all.push_back({id, member.pid, session::EngineInfo::State::Ready});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return all;
}

void ClientShell::report_exit(EngineLoss loss) {
  if (forked()) return;
  MutexLock lock(mutex_);
  const auto found = members_.find(loss.engine);
  if (found == members_.end()) return;
  found->second.report = std::move(loss);
  declare_if_known(found->first);
  settle();
  wake_all();
  kick();
}

void ClientShell::detach(EngineId engine, std::string cause) {
  check_usable();
  MutexLock lock(mutex_);
  const auto found = members_.find(engine);
  if (found == members_.end()) return;
  found->second.cause = std::move(cause);
  declare_lost(engine);
  settle();
  wake_all();
  kick();
}

/// Its connection is of no use any more; its process may still be.
void ClientShell::give_up(EngineId id, Member& member, std::string cause) {
  log()->warn("the connection to {} is closed: {}", to_string(id), cause);
  member.cause = std::move(cause);
  socket_ended(member);
}

void ClientShell::socket_ended(Member& member) {
  if (std::exchange(member.socket_ended, true)) return;
  unwatch(member.connection.fd());
  member.connection.close();
  set_due(member, member.pidfd ? kExitTime : 0s);
}

void ClientShell::set_due(Member& member, Clock::duration from_now) {
  member.due = Clock::now() + from_now;
  due_ = std::min(due_, member.due);
  kick();  // whoever leads may be waiting for longer than that
}

void ClientShell::on_time() {
  const auto now = Clock::now();
  due_ = Clock::time_point::max();
  std::vector<EngineId> due;
  for (auto& [id, member] : members_) {
    if (member.due > now) {
      due_ = std::min(due_, member.due);
    } else if (member.pidfd && !member.process_ended && member.ours) {
      // It closed its socket and lives on. Dead it is of no harm; the end of the process is declared when the kernel says so.
      ::syscall(SYS_pidfd_send_signal, member.pidfd.get(), SIGKILL, nullptr, 0);
      if (member.cause.empty()) member.cause = "it closed its connection";
      set_due(member, kExitTime);
    } else {
      due.push_back(id);
    }
  }
  for (const EngineId id : due) declare_lost(id);
}

void ClientShell::declare_if_known(EngineId id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  const Member& member = found->second;
  const bool ended = member.pidfd ? member.process_ended : member.socket_ended;
  if (ended && (member.report || member.pid == 0)) declare_lost(id);
}

void ClientShell::declare_lost(EngineId id) {
  auto node = members_.extract(id);
  if (!node) return;
  Member& member = node.mapped();
  if (!member.socket_ended) unwatch(member.connection.fd());
  if (member.pidfd && !member.process_ended) unwatch(member.pidfd.get());
  EngineLoss loss = member.report.value_or(EngineLoss{});
  loss.engine = id;
  if (!loss.pid) loss.pid = member.pid;
  if (loss.cause.empty()) loss.cause = member.cause;
  lost_.push_back({id, member.pid, session::EngineInfo::State::Lost});
  hub_.lose(id, to_string(loss));
  carry();
  tell_lost(loss);
  wake_all();
}

// --- The end ------------------------------------------------------------------------------------------------------

void ClientShell::end() noexcept {
  if (forked()) return;
  {
    MutexLock lock(mutex_);
    if (!closed()) {
      settle();  // releases and cancels still go out
      closed_.store(true, std::memory_order_release);
      session_.on_closed(closed_text_);
      settle();
      for (auto& [id, member] : members_) {
        if (!member.socket_ended) unwatch(member.connection.fd());
        if (member.pidfd && !member.process_ended) unwatch(member.pidfd.get());
      }
      members_.clear();
      due_ = Clock::time_point::max();
      wake_all();
      run_callbacks(lock);
    }
  }
  stop_io();
}

void ClientShell::abandon() noexcept { members_.clear(); }

}  // namespace

std::shared_ptr<Client> Client::create() { return std::make_shared<ClientShell>(); }

}  // namespace distob::hub

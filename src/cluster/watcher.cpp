#include "cluster/watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cluster/spawn.h"

namespace distob::cluster {
namespace {

constexpr std::size_t kLastLines = 20;
constexpr std::size_t kLongestLine = std::size_t{64} << 10;
// The hub waits 250 ms for the report of an end; a launcher that knows no status by then will not know it later.
constexpr std::chrono::milliseconds kStatusPatience{200};

/// Writes the whole text, in one piece where the kernel allows it, so that lines of several engines do not mix.
void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // the client's own output is gone: nobody is there to be told
    if (written > 0) text.remove_prefix(written);
  }
}

void write_prefixed(EngineId engine, bool is_stderr, std::string_view line) {
  std::string text = engine ? "[engine " + std::to_string(engine.value) + "] " : "[engines] ";
  text.append(line).append("\n");
  write_all(is_stderr ? STDERR_FILENO : STDOUT_FILENO, text);
}

}  // namespace

template <class Line>
void OutputPipe::read(Line&& line) {
  char bytes[8192];
  while (fd_) {
    const ssize_t size = ::read(fd_.get(), bytes, sizeof bytes);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return finish(line);
    rest_.append(bytes, size);
    std::size_t begin = 0;
    for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
      line(std::string_view(rest_).substr(begin, end - begin));
    rest_.erase(0, begin);
    if (rest_.size() > kLongestLine) {
      line(std::string_view(rest_));
      rest_.clear();
    }
  }
}

template <class Line>
void OutputPipe::finish(Line&& line) {
  if (!rest_.empty()) line(std::string_view(rest_));
  rest_.clear();
  fd_.reset();
}

LocalCluster::Watcher::Watcher(std::unique_ptr<Launcher> launcher, std::shared_ptr<hub::Client> client,
                               OutputLine output)
    : launcher_(std::move(launcher)),
      client_(std::move(client)),
      output_(output ? std::move(output) : OutputLine(write_prefixed)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  auto pipes = launcher_->take_output();
  if (pipes.size() == 2)
    watched_.push_back({.id = {},
                        .pidfd = {},
                        .output = OutputPipe(std::move(pipes[0])),
                        .errors = OutputPipe(std::move(pipes[1])),
                        .state = State::Reported});
}

EngineId LocalCluster::Watcher::add(const UniqueFd& client_pidfd) {
  auto [ours, theirs] = make_socketpair(SOCK_STREAM);
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  StartedEngine started = launcher_->start({.socket = std::move(theirs),
                                            .output = std::move(output.write),
                                            .errors = std::move(errors.write),
                                            .client = UniqueFd(dup(client_pidfd.get()))});
  Watched watched{.id = {},
                  .pid = started.pid,
                  .pidfd = UniqueFd(fcntl(started.pidfd.get(), F_DUPFD_CLOEXEC, 3)),
                  .output = OutputPipe(std::move(output.read)),
                  .errors = OutputPipe(std::move(errors.read))};
  watched.id = client_->attach({.socket = std::move(ours), .pid = started.pid, .pidfd = std::move(started.pidfd)});
  watched_.push_back(std::move(watched));
  return watched_.back().id;
}

void LocalCluster::Watcher::start() {
  const SignalBlock block;
  thread_ = std::thread([this] { run(); });
}

void LocalCluster::Watcher::close(std::chrono::milliseconds grace) {
  if (closed_) return;
  closed_ = true;
  {
    MutexLock lock(mutex_);
    kill_at_ = Clock::now() + grace;
  }
  if (thread_.joinable()) {
    eventfd_write(wake_.get(), 1);
    thread_.join();
  } else {
    run();  // never started: what was begun is ended here
  }
  launcher_->close();
}

std::optional<std::string> LocalCluster::Watcher::first_loss() const {
  MutexLock lock(mutex_);
  return first_loss_;
}

std::string LocalCluster::Watcher::launcher_output() {
  std::string text;
  if (watched_.empty() || watched_.front().id || thread_.joinable()) return text;
  const auto keep = [&](std::string_view line) { text.append("\n  ").append(line); };
  watched_.front().output.read(keep);
  watched_.front().errors.read(keep);
  return text;
}

void LocalCluster::Watcher::run() {
  for (;;) {
    std::optional<Clock::time_point> kill_at;
    {
      MutexLock lock(mutex_);
      kill_at = kill_at_;
    }
    if (kill_at && all_reported()) return;
    if (kill_at && Clock::now() >= *kill_at) kill_the_rest();
    // Without an end to watch for there is nothing to time; the rest is woken for.
    const bool timed =
        kill_at || std::ranges::any_of(watched_, [](const Watched& w) { return w.state == State::Ended; });
    poll_once(timed ? 10 : -1);
  }
}

void LocalCluster::Watcher::poll_once(int timeout) {
  std::vector<pollfd> files{{wake_.get(), POLLIN, 0}, {launcher_->events(), POLLIN, 0}};
  for (const Watched& watched : watched_) {
    files.push_back({watched.state == State::Running ? watched.pidfd.get() : -1, POLLIN, 0});
    files.push_back({watched.output.fd(), POLLIN, 0});
    files.push_back({watched.errors.fd(), POLLIN, 0});
  }
  // A launcher whose process ended stays readable for ever; its descriptor counts only while an end is unexplained.
  if (std::ranges::none_of(watched_, [](const Watched& w) { return w.state == State::Ended; })) files[1].fd = -1;
  if (poll(files.data(), files.size(), timeout) < 0) return;
  eventfd_t count = 0;
  if (files[0].revents) eventfd_read(wake_.get(), &count);
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const pollfd* ready = &files[2 + 3 * i];
    if (ready[1].revents || ready[2].revents) read(watched_[i]);
    if (ready[0].revents) {
      watched_[i].state = State::Ended;
      watched_[i].ended = Clock::now();
    }
    if (watched_[i].state == State::Ended) report_if_known(watched_[i]);
  }
}

void LocalCluster::Watcher::read(Watched& watched) {
  watched.output.read([&](std::string_view line) { note_line(watched, false, line); });
  watched.errors.read([&](std::string_view line) { note_line(watched, true, line); });
}

void LocalCluster::Watcher::note_line(Watched& watched, bool is_stderr, std::string_view line) {
  watched.last_lines.emplace_back(line);
  if (watched.last_lines.size() > kLastLines) watched.last_lines.pop_front();
  try {
    output_(watched.id, is_stderr, line);
  } catch (...) {  // a notebook's callback that fails must not end the watching
  }
}

void LocalCluster::Watcher::report_if_known(Watched& watched) {
  bool lost = false;
  const std::optional<int> status = launcher_->exit_status(watched.pid, lost);
  if (!status && !lost && Clock::now() < watched.ended + kStatusPatience) return;
  read(watched);
  watched.output.finish([&](std::string_view line) { note_line(watched, false, line); });
  watched.errors.finish([&](std::string_view line) { note_line(watched, true, line); });
  session::EngineLoss loss;
  loss.engine = watched.id;
  loss.pid = watched.pid;
  if (status && WIFSIGNALED(*status)) loss.signal = WTERMSIG(*status);
  if (status && WIFEXITED(*status)) loss.exit_status = WEXITSTATUS(*status);
  if (!status) loss.cause = "it ended; how is not known, because its exit status was taken by somebody else";
  loss.last_output.assign(watched.last_lines.begin(), watched.last_lines.end());
  {
    MutexLock lock(mutex_);
    if (!first_loss_) first_loss_ = to_string(loss);
  }
  watched.state = State::Reported;
  client_->report_exit(std::move(loss));
}

bool LocalCluster::Watcher::all_reported() const {
  return std::ranges::all_of(watched_, [](const Watched& watched) { return watched.state == State::Reported; });
}

void LocalCluster::Watcher::kill_the_rest() {
  for (const Watched& watched : watched_)
    if (watched.state == State::Running) syscall(SYS_pidfd_send_signal, watched.pidfd.get(), SIGKILL, nullptr, 0);
}

}  // namespace distob::cluster

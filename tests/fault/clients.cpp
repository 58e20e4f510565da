#include "fault/clients.h"

#include <distob/distob.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "cluster/spawn.h"
#include "fault/zygote.h"

namespace distob::fault {
namespace {

constexpr const char* kVariable = "DISTOB_FAULT_CLIENT";

void compute_for_ever() {
  for (volatile bool forever = true; forever;) {
  }
}

void tell_pids(const Cluster& cluster) {
  std::string text;
  for (const int pid : cluster.pids()) text += std::to_string(pid) + " ";
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

}  // namespace

ClientProcess::ClientProcess(const std::string& task) {
  cluster::Pipe pipe = cluster::make_pipe();
  fcntl(pipe.read.get(), F_SETFL, 0);
  pid_ = cluster::spawn({.path = "/proc/self/exe",
                         .arguments = {"fault-client"},
                         .environment = {std::string(kVariable) + "=" + task},
                         .descriptors = {{pipe.write.get(), 1}, {STDERR_FILENO, 2}}});
  output_ = std::move(pipe.read);
}

ClientProcess::~ClientProcess() {
  if (pid_) {
    kill(SIGKILL);
    wait();
  }
}

std::string ClientProcess::line() {
  std::string text;
  char c = 0;
  while (::read(output_.get(), &c, 1) == 1 && c != '\n') text += c;
  return text;
}

std::vector<UniqueFd> ClientProcess::engines() {
  std::istringstream words(line());
  std::vector<UniqueFd> pidfds;
  for (pid_t pid; words >> pid;) pidfds.push_back(cluster::open_pidfd(pid));
  return pidfds;
}

void ClientProcess::kill(int signal) const { ::kill(pid_, signal); }

int ClientProcess::wait() {
  int status = 0;
  waitpid(std::exchange(pid_, 0), &status, 0);
  return status;
}

std::string task_of_this_process() {
  const char* task = std::getenv(kVariable);
  return task ? task : "";
}

int run_client(const std::string& task, int argc, char** argv) {
  if (task.starts_with("zygote")) return run_zygote(task == "zygote");
  Cluster cluster(argc, argv, {.engines = 2, .grace = std::chrono::milliseconds(1500)});
  tell_pids(cluster);
  std::vector<Future<void>> running;
  if (task != "idle")
    for (int i = 0; i < 2; ++i) running.push_back(cluster.async<compute_for_ever>());
  if (task == "exit") std::exit(0);
  if (task == "return") return 0;
  for (;;) pause();
}

bool ends(const UniqueFd& pidfd) {
  pollfd ended{pidfd.get(), POLLIN, 0};
  return poll(&ended, 1, 30'000) == 1;
}

}  // namespace distob::fault

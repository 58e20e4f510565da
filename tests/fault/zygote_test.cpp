// Engines that a helper process forks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "cluster/local_cluster.h"
#include "cluster/spawn.h"
#include "fault/clients.h"

namespace distob {
namespace {

using testing::HasSubstr;

std::unique_ptr<cluster::Launcher> helper(const std::string& task) {
  return std::make_unique<cluster::ZygoteLauncher>(cluster::ZygoteLauncher::Options{
      .arguments = {"/proc/self/exe"}, .environment = {"DISTOB_FAULT_CLIENT=" + task}});
}

/// Waits until the hub told of one lost engine.
session::EngineLoss loss_after(cluster::LocalCluster& local, const std::function<void()>& cause) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<session::EngineLoss> loss;
  local.client()->on_engine_lost([&](const session::EngineLoss& lost) {
    const std::lock_guard lock(mutex);
    loss = lost;
    changed.notify_all();
  });
  cause();
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return loss.has_value(); });
  return *loss;
}

TEST(Zygote, engines_that_it_forks_greet_and_end_with_the_cluster) {
  std::vector<UniqueFd> pidfds;
  {
    cluster::LocalCluster local(helper("zygote"), {.engines = 4});
    ASSERT_EQ(local.client()->engines().size(), 4u);
    for (const auto& engine : local.client()->engines()) {
      EXPECT_EQ(engine.state, session::EngineInfo::State::Ready);
      pidfds.push_back(cluster::open_pidfd(engine.pid));
    }
  }
  for (const auto& pidfd : pidfds) EXPECT_TRUE(fault::ends(pidfd));
}

TEST(Zygote, the_signal_that_killed_an_engine_is_known_though_another_process_reaped_it) {
  cluster::LocalCluster local(helper("zygote"), {.engines = 2});
  const auto engine = local.client()->engines().back();
  const auto loss = loss_after(local, [&] { kill(engine.pid, SIGKILL); });
  EXPECT_EQ(loss.engine, engine.id);
  EXPECT_EQ(loss.signal, SIGKILL);
  EXPECT_EQ(local.client()->engines().front().state, session::EngineInfo::State::Ready);
}

TEST(Zygote, a_helper_that_cannot_start_fails_the_cluster_with_its_output) {
  try {
    cluster::LocalCluster local(helper("zygote-that-fails"), {.engines = 2});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no module named numpy"));
  }
}

TEST(Zygote, many_clusters_leave_no_descriptor) {
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  { cluster::LocalCluster local(helper("zygote"), {.engines = 2}); }
  const auto before = count();
  for (int i = 0; i < 10; ++i) cluster::LocalCluster local(helper("zygote"), {.engines = 2});
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace distob

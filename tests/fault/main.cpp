// These tests start real engines and real clients, which are this program again, and kill them.
#include <distob/cluster.h>
#include <gtest/gtest.h>

#include "fault/clients.h"

int main(int argc, char** argv) {
  distob::Cluster::serve_if_engine();
  if (const std::string task = distob::fault::task_of_this_process(); !task.empty())
    return distob::fault::run_client(task, argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

// These tests start real engines, which are this program again.
#include <distob/cluster.h>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  distob::Cluster::serve_if_engine();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

// What a program of someone else's sees of distob: the installed headers and one library.
#include <distob/distob.h>

#include <cstdio>
#include <numeric>
#include <vector>

struct Tree {
  int age = 0;
  int grow(int years) { return age += years; }
};

int main(int argc, char** argv) {
  distob::Cluster cluster(argc, argv);
  auto trees = cluster.scatter(std::vector<Tree>(8));
  std::vector<int> ages = distob::call_all<&Tree::grow>(trees, 30);
  int total = std::accumulate(ages.begin(), ages.end(), 0);
  std::printf("total age %d\n", total);
  return total == 240 ? 0 : 1;
}

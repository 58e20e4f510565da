#include <distob/cluster.h>
struct Tree {
  int age = 0;
  std::map<std::string, std::vector<std::optional<double>>> notes = {};
  int grow(int years) { return age += years; }
};
int call(distob::Cluster& cluster) { return cluster.scatter(Tree{}).call<&Tree::grow>(1); }

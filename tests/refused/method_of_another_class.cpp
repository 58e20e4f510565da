#include <distob/cluster.h>
struct Tree {
  int age = 0;
};
struct Rock {
  int roll() { return 1; }
};
int call(const distob::Remote<Tree>& tree) { return tree.call<&Rock::roll>(); }

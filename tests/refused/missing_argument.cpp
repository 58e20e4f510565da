#include <distob/cluster.h>
struct Tree {
  int age = 0;
  int grow(int years, int factor = 1) { return age += years * factor; }
};
int call(const distob::Remote<Tree>& tree) { return tree.call<&Tree::grow>(1); }

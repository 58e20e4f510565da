#include <distob/cluster.h>
struct Tree {
  int age = 0;
  int* where() { return &age; }
};
void call(const distob::Remote<Tree>& tree) { tree.call<&Tree::where>(); }

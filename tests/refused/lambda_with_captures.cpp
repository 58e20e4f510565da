#include <distob/cluster.h>
int call(distob::Cluster& cluster, int y) {
  return cluster.call([y](int x) { return x + y; }, 1);
}

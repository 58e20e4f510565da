#include <distob/cluster.h>
struct Plant {
  int age;
};
struct Birch : Plant {
  int height;
};
distob::Remote<Birch> scatter(distob::Cluster& cluster) { return cluster.scatter(Birch{}); }

#include <distob/cluster.h>
class Handle {
 public:
  explicit Handle(int number) : number_(number) {}

 private:
  int number_;
};
distob::Remote<Handle> scatter(distob::Cluster& cluster) { return cluster.scatter(Handle(1)); }

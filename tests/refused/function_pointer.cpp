#include <distob/cluster.h>
int square(int x) { return x * x; }
int call(distob::Cluster& cluster) { return cluster.call(&square, 2); }

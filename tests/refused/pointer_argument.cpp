#include <distob/cluster.h>
int sum(const double* values) { return static_cast<int>(*values); }
int call(distob::Cluster& cluster, const double* values) { return cluster.call<sum>(values); }

#include <distob/cluster.h>
void fill(std::vector<int>& values) { values.push_back(1); }
void call(distob::Cluster& cluster, std::vector<int>& values) { cluster.call<fill>(values); }

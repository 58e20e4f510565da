// A forest of ordinary objects that grow in parallel: remote objects, calls on all of them, objects that know each other.
#include <distob/distob.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

struct Tree {
  std::string species;
  double height = 0.1;  // metres
  double growth = 0.3;  // of the height still missing, each year
  double limit = 20;

  /// Grows for some years; returns the height.
  double grow(int years) {
    for (int i = 0; i < years; ++i) height += growth * (limit - height);
    return height;
  }
  /// Trees in the shade of a higher neighbour grow more slowly from now on.
  bool stand_beside(distob::Remote<Tree> neighbour) {
    const bool shaded = neighbour.get<&Tree::height>() > height;
    if (shaded) growth *= 0.5;
    return shaded;
  }
};

int main(int argc, char** argv) {
  distob::Cluster cluster(argc, argv);  // first: in an engine this serves and never returns

  std::vector<Tree> seeds;
  for (int i = 0; i < 1000; ++i)
    seeds.push_back({.species = i % 3 ? "spruce" : "oak", .height = 0.1 + 0.001 * i, .limit = i % 3 ? 35.0 : 25.0});
  const std::vector<distob::Remote<Tree>> trees = cluster.scatter(seeds);

  const std::vector<double> heights = distob::call_all<&Tree::grow>(trees, 3);
  double tallest = 0;
  for (const double height : heights) tallest = std::max(tallest, height);
  std::printf("%zu trees in %zu engines, the tallest is %.2f m\n", trees.size(), cluster.size(), tallest);

  // Neighbours may live in different engines; the call finds them.
  int shaded = 0;
  for (std::size_t i = 0; i + 1 < 100; ++i) shaded += trees[i].call<&Tree::stand_beside>(trees[i + 1]);
  std::printf("%d of the first 99 stand in the shade of the next\n", shaded);

  // State stays where it is; attributes are read and written there.
  trees[0].set<&Tree::species>("plane");
  std::printf("tree 0 is now a %s\n", trees[0].get<&Tree::species>().c_str());

  const auto oaks = distob::apply([](const Tree& tree) { return tree.species == "oak" ? 1 : 0; }, trees);
  int count = 0;
  for (const int oak : oaks) count += oak;
  std::printf("%d oaks are left\n", count);
  return heights.size() == 1000 && count == 333 && shaded > 0 && std::isfinite(tallest) ? 0 : 1;
}

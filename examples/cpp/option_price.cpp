// The price of an Asian option by Monte Carlo, on all cores: a function applied to many seeds.
#include <distob/distob.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

struct Option {
  double spot = 100, strike = 100, rate = 0.03, volatility = 0.2, years = 1;
  int fixings = 50;
};

struct Estimate {
  double sum = 0, squares = 0;
  long paths = 0;
};

/// Simulates `paths` paths: the option pays what the mean of the fixings exceeds the strike by.
Estimate simulate(int seed, const Option& option, long paths) {
  std::mt19937_64 random(static_cast<unsigned long>(seed));
  std::normal_distribution<double> normal;
  const double step = option.years / option.fixings;
  const double drift = (option.rate - 0.5 * option.volatility * option.volatility) * step;
  const double spread = option.volatility * std::sqrt(step);
  Estimate estimate{.paths = paths};
  for (long path = 0; path < paths; ++path) {
    double price = option.spot, total = 0;
    for (int i = 0; i < option.fixings; ++i) total += price *= std::exp(drift + spread * normal(random));
    const double pay = std::exp(-option.rate * option.years) * std::max(total / option.fixings - option.strike, 0.0);
    estimate.sum += pay;
    estimate.squares += pay * pay;
  }
  return estimate;
}

int main(int argc, char** argv) {
  distob::Cluster cluster(argc, argv);
  constexpr int kSeeds = 32;
  constexpr long kPaths = 2'000;
  std::vector<int> seeds(kSeeds);
  std::iota(seeds.begin(), seeds.end(), 1);

  const auto started = std::chrono::steady_clock::now();
  const auto run = [](int seed, const Option& option, long paths) { return simulate(seed, option, paths); };
  Estimate total;
  for (const Estimate& part : cluster.apply(run, seeds, Option{}, kPaths)) {
    total.sum += part.sum;
    total.squares += part.squares;
    total.paths += part.paths;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  const double mean = total.sum / static_cast<double>(total.paths);
  const double variance = total.squares / static_cast<double>(total.paths) - mean * mean;
  const double error = std::sqrt(variance / static_cast<double>(total.paths));
  std::printf("%.3f +- %.3f after %ld paths on %zu engines in %.2f s\n", mean, error, total.paths, cluster.size(),
              seconds);

  // One part again, here: the same seed gives the same bits in every process.
  const double here = simulate(5, Option{}, 100).sum;
  const double there = cluster.call<simulate>(5, Option{}, 100).sum;
  return here == there && mean > 4.5 && mean < 6.0 ? 0 : 1;
}

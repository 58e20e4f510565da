// The wave equation on a grid, in place, with slices: a distributed array used as NumPy arrays are.
#include <distob/distob.h>

#include <cmath>
#include <cstdio>
#include <vector>

using distob::between;
using distob::from;
using distob::until;

/// The largest value of an array: what engines are asked for below.
double highest(const distob::DistArray<double>& a) { return distob::max(a); }

int main(int argc, char** argv) {
  distob::Cluster cluster(argc, argv);
  constexpr std::int64_t kSize = 400;
  constexpr double kSpeed = 0.25;  // (c dt / dx)^2: stable below 0.5

  // A drop in the middle of still water.
  auto x = distob::arange<double>(kSize, -kSize / 2.0).reshape({kSize, 1});
  auto y = distob::arange<double>(kSize, -kSize / 2.0).reshape({1, kSize});
  auto now = distob::exp((x * x + y * y) * -0.01);
  auto before = now.copy();

  for (int step = 0; step < 200; ++step) {
    const auto inner = now.slice(between(1, -1), between(1, -1));
    const auto around = now.slice(until(-2), between(1, -1)) + now.slice(from(2), between(1, -1)) +
                        now.slice(between(1, -1), until(-2)) + now.slice(between(1, -1), from(2)) - 4.0 * inner;
    auto next = 2.0 * now - before;
    next.slice(between(1, -1), between(1, -1)) += kSpeed * around;
    before = now;
    now = next;
  }

  // The ring runs outwards with the wave speed, the same in all four directions.
  const std::int64_t middle = kSize / 2;
  const double height = distob::max(now);
  const double left = now.at(middle, middle - 90), right = now.at(middle, middle + 90),
               down = now.at(middle + 90, middle);
  std::printf("after 200 steps the crest is %.4f high; 90 cells out: %.4f %.4f %.4f\n", height, left, right, down);

  // The rest of the program can use the array in an engine, too.
  const double there = cluster.call<highest>(now);
  return there == height && std::abs(left - right) < 1e-12 && std::abs(left - down) < 1e-12 && height < 1 ? 0 : 1;
}

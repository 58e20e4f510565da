// Remote calls between C++ processes, measured as benchmarks/calls.py measures Python ones; one line of JSON at the end.
#include <distob/distob.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Counter {
  long count = 0;
  long add(long number) { return count += number; }
};

double seconds_since(Clock::time_point started) {
  return std::chrono::duration<double>(Clock::now() - started).count();
}

/// Seconds of each synchronous call, sorted.
std::vector<double> synchronous(const distob::Remote<Counter>& counter, int calls) {
  std::vector<double> taken;
  for (int i = 0; i < calls; ++i) {
    const auto started = Clock::now();
    counter.call<&Counter::add>(1);
    taken.push_back(seconds_since(started));
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

/// Calls a second, sent without waiting for each.
double pipelined(const distob::Remote<Counter>& counter, int calls) {
  const auto started = Clock::now();
  std::vector<distob::Future<long>> futures;
  futures.reserve(static_cast<std::size_t>(calls));
  for (int i = 0; i < calls; ++i) futures.push_back(counter.async<&Counter::add>(1));
  for (auto& future : futures) future.get();
  return calls / seconds_since(started);
}

/// Megabytes that only this process holds.
double private_megabytes(int pid) {
  std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
  double kilobytes = 0;
  for (std::string word; rollup >> word;) {
    if (word == "Private_Clean:" || word == "Private_Dirty:") {
      double value = 0;
      rollup >> value;
      kilobytes += value;
    }
  }
  return kilobytes / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  const auto started = Clock::now();
  distob::Cluster cluster(argc, argv, {.engines = 2});
  const auto counters = cluster.scatter(std::vector<Counter>(2));
  distob::call_all<&Counter::add>(counters, 1);
  const double start = seconds_since(started);
  const double memory = private_megabytes(cluster.pids().front());

  synchronous(counters[0], 2'000);
  const auto calls = synchronous(counters[0], 20'000);
  pipelined(counters[0], 20'000);
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) rates.push_back(pipelined(counters[0], 100'000));
  std::sort(rates.begin(), rates.end());
  std::printf("{\"start\": %g, \"p50\": %g, \"p99\": %g, \"pipelined\": %g, \"memory\": %g}\n", start,
              calls[calls.size() / 2], calls[calls.size() * 99 / 100], rates[rates.size() / 2], memory);
}

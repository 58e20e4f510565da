// What this machine's memory allows: the triad of STREAM (McCalpin 1995), a sum and a memcpy, on all cores, ordinary stores.
//
// Reads requests from standard input, `triad ELEMENTS`, `read ELEMENTS` or `copy BYTES`, and answers each with the seconds one pass took.
// Memory is kept from one request to the next of the same size and was first touched by the thread that works on it.
#include <sys/mman.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Unmap {
  std::size_t bytes;
  void operator()(double* data) const { munmap(data, bytes); }
};
using Buffer = std::unique_ptr<double[], Unmap>;

/// Memory with huge pages asked for; nothing is touched.
Buffer allocate(std::size_t bytes) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  bytes = (bytes + kHuge - 1) / kHuge * kHuge;
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) std::abort();
  madvise(data, bytes, MADV_HUGEPAGE);
  return Buffer(static_cast<double*>(data), Unmap{bytes});
}

/// Calls work(first, last) on one thread for each core, each with its share of n, and returns the seconds of the slowest.
template <class Work>
double in_parallel(std::size_t n, Work work) {
  const std::size_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::barrier line(static_cast<std::ptrdiff_t>(threads) + 1);
  std::vector<std::jthread> team;
  for (std::size_t i = 0; i < threads; ++i) {
    team.emplace_back([&, i] {
      line.arrive_and_wait();
      work(n * i / threads, n * (i + 1) / threads);
      line.arrive_and_wait();
    });
  }
  line.arrive_and_wait();
  const auto started = Clock::now();
  line.arrive_and_wait();
  return std::chrono::duration<double>(Clock::now() - started).count();
}

/// Three arrays (two are enough for a copy) of n doubles.
struct Arrays {
  std::size_t n = 0;
  Buffer a, b, c;

  void resize(std::size_t count, bool three) {
    if (count == n && (c || !three)) return;
    *this = Arrays{count, allocate(8 * count), allocate(8 * count), three ? allocate(8 * count) : nullptr};
    in_parallel(n, [&](std::size_t first, std::size_t last) {
      std::fill(a.get() + first, a.get() + last, 0.0);
      std::fill(b.get() + first, b.get() + last, 1.0);
      if (three) std::fill(c.get() + first, c.get() + last, 2.0);
    });
  }
};

double triad(Arrays& arrays, std::size_t n) {
  arrays.resize(n, true);
  double* a = arrays.a.get();
  const double* b = arrays.b.get();
  const double* c = arrays.c.get();
  return in_parallel(n, [=](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) a[i] = b[i] + 3.0 * c[i];
  });
}

/// Reads n doubles: sums in so many lanes that additions never wait for each other.
double read(Arrays& arrays, std::size_t n) {
  arrays.resize(n, false);
  double* a = arrays.a.get();
  const double* b = arrays.b.get();
  return in_parallel(n, [=](std::size_t first, std::size_t last) {
    double lanes[64] = {};
    for (std::size_t i = first; i + 64 <= last; i += 64) {
      for (std::size_t lane = 0; lane < 64; ++lane) lanes[lane] += b[i + lane];
    }
    for (const double lane : lanes) a[first] += lane;
  });
}

double copy(Arrays& arrays, std::size_t bytes) {
  arrays.resize(bytes / 8, false);
  double* a = arrays.a.get();
  const double* b = arrays.b.get();
  return in_parallel(
      bytes / 8, [=](std::size_t first, std::size_t last) { std::memcpy(a + first, b + first, 8 * (last - first)); });
}

}  // namespace

int main() {
  Arrays arrays;
  std::string what;
  std::size_t size = 0;
  while (std::cin >> what >> size) {
    const double seconds = what == "triad"  ? triad(arrays, size)
                           : what == "read" ? read(arrays, size)
                                            : copy(arrays, size);
    if (arrays.a[size / 16] < 0) return 1;  // the result is looked at, so that the work is done
    std::cout << seconds << std::endl;
  }
}

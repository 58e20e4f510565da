#include "memory/budget.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "distob/errors.h"

namespace distob::memory {
namespace {

std::int64_t machine_memory() { return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }

/// The number in a file of the control group file system; "max", or no such file, is no limit.
std::int64_t limit_in(const std::string& path) {
  std::ifstream file(path);
  std::int64_t bytes = 0;
  return file >> bytes && bytes > 0 ? bytes : std::numeric_limits<std::int64_t>::max();
}

/// The least limit of this process's memory control group and those around it (versions 1 and 2).
std::int64_t cgroup_memory() {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = ",";
    controllers.append(line, first + 1, second - first - 1).append(",");
    const bool unified = controllers == ",,";
    if (!unified && controllers.find(",memory,") == std::string::npos) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string file = unified ? "/memory.max" : "/memory.limit_in_bytes";
    std::string path = line.substr(second + 1);
    while (true) {
      least = std::min(least, limit_in(root + (path == "/" ? "" : path) + file));
      if (path.empty()) break;
      path.erase(path.find_last_of('/'));
    }
  }
  return least;
}

}  // namespace

Reservation::~Reservation() {
  if (budget_ != nullptr) budget_->used_.fetch_sub(bytes_, std::memory_order_relaxed);
}

bool Budget::try_reserve(std::int64_t bytes, Reservation& into) {
  const std::int64_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before > limit() - bytes) {
    used_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  into = Reservation(this, bytes);
  return true;
}

Reservation Budget::reserve(std::int64_t bytes) {
  Reservation reservation;
  if (!try_reserve(bytes, reservation)) refuse(bytes);
  return reservation;
}

void Budget::refuse(std::int64_t bytes) const {
  throw MemoryError("no room for an array of " + format_size(bytes) + ": arrays use " + format_size(used()) +
                    " of the limit of " + format_size(limit()) +
                    "; delete arrays that are no longer needed, work on parts, or set DISTOB_MEMORY_LIMIT");
}

std::int64_t default_memory_limit() {
  if (const char* text = std::getenv("DISTOB_MEMORY_LIMIT"); text != nullptr && *text != '\0') return parse_size(text);
  return std::min(machine_memory(), cgroup_memory()) / 10 * 7;
}

std::int64_t parse_size(std::string_view text) {
  const auto refuse = [&] {
    throw ValueError("\"" + std::string(text) +
                     "\" is no size of memory; write 6GB, 1.5GiB, 512M or a number of bytes");
  };
  std::string_view rest = text;
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || !(number >= 0)) refuse();
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  double unit = 1;
  if (!rest.empty() && rest != "B" && rest != "b") {
    const auto power = std::string_view("KMGTkmgt").find(rest.front());
    const std::string_view suffix = rest.substr(1);
    const bool binary = suffix == "iB" || suffix == "i" || suffix == "ib";
    if (power == std::string_view::npos || !(binary || suffix.empty() || suffix == "B" || suffix == "b")) refuse();
    unit = std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power % 4 + 1));
  }
  if (!(number * unit < 9e18)) refuse();
  return static_cast<std::int64_t>(number * unit);
}

std::string format_size(std::int64_t bytes) {
  static constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
  double number = static_cast<double>(bytes);
  int unit = 0;
  while (std::abs(number) >= 1000 && unit < 6) number /= 1000, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", number, units[unit]);
  return text;
}

}  // namespace distob::memory

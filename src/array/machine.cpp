#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "array/workspace.h"
#include "distob/errors.h"
#include "node/crew.h"

namespace distob::array {
namespace {

int default_slots() {
  const char* text = std::getenv("DISTOB_ENGINES");
  if (text == nullptr || *text == '\0') return node::usable_cores();
  const std::string_view view(text);
  int n = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), n);
  if (error != std::errc{} || end != view.data() + view.size() || n < 1) {
    throw ValueError("DISTOB_ENGINES must be a number above zero, not \"" + std::string(view) + "\"");
  }
  return n;
}

std::atomic<int>& slots() {
  static std::atomic<int> n{default_slots()};
  return n;
}

}  // namespace

void sync() { Workspace::instance().sync(); }
void set_threads(int n) { Workspace::instance().set_threads(n); }
int threads() { return Workspace::instance().threads(); }
void run_inline() { Workspace::instance().run_inline(); }

void set_planned_slots(int n) {
  if (n < 1) throw ValueError("the number of slots must be above zero, not " + std::to_string(n));
  slots().store(n, std::memory_order_relaxed);
}
int planned_slots() { return slots().load(std::memory_order_relaxed); }

std::vector<FloatWarning> take_float_warnings() { return Workspace::instance().take_warnings(); }
bool float_warnings_pending() noexcept { return !Workspace::forked() && Workspace::instance().warnings_pending(); }
std::string explain() { return Workspace::instance().explain(); }
Statistics statistics() { return Workspace::instance().statistics(); }

}  // namespace distob::array

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "array/representation.h"
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
void set_interrupt_check(void (*check)()) {
  if (Workspace::forked()) return;  // a child may start a cluster of its own, but has no arrays
  Workspace::instance().set_interrupt_check(check);
}
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
std::string explain(const Array& a) {
  const detail::Node& node = *a.node();
  std::string text = "an array of shape " + to_string(a.shape()) + " of " + a.dtype().name() + ", " +
                     std::to_string(a.partition().blocks()) + " blocks, elements in " + std::to_string(a.pieces()) +
                     (a.pieces() == 1 ? " storage" : " storages");
  std::size_t waiting = 0;
  std::int64_t bytes = 0;
  const auto add = [&](const memory::Storage& storage) {
    waiting += Workspace::instance().waiting_for(storage);
    bytes += storage.size();
  };
  if (node.single()) add(*node.storage);
  for (const detail::Piece& piece : node.pieces) add(*piece.storage);
  text += " of " + memory::format_size(bytes) + (a.is_view() ? ", shared with other arrays" : "");
  text += "\ninstructions of the window that write there: " + std::to_string(waiting) + "\n";
  return text + Workspace::instance().explain();
}
Statistics statistics() { return Workspace::instance().statistics(); }

}  // namespace distob::array

#include "order/order.h"

#include <algorithm>

namespace distob::order {
namespace {

bool conflict(bool a_writes, const View& a, bool b_writes, const View& b) {
  return (a_writes || b_writes) && overlap(a, b) != Overlap::disjoint;
}

}  // namespace

bool Order::append(EntryId id, std::span<const Access> accesses) {
  Entry& entry = entries_[id];
  std::vector<EntryId> before;
  for (const Access& access : accesses) {
    std::vector<Use>& uses = uses_[access.place];
    for (const Use& use : uses) {
      if (use.entry != id && conflict(access.write, access.view, use.write, use.view)) before.push_back(use.entry);
    }
    uses.push_back({id, access.view, access.write});
    entry.places.push_back(access.place);
  }
  std::sort(before.begin(), before.end());
  before.erase(std::unique(before.begin(), before.end()), before.end());
  for (EntryId earlier : before) entries_.at(earlier).followers.push_back(id);
  entry.waits_for = static_cast<std::uint32_t>(before.size());
  return before.empty();
}

void Order::finish(EntryId id, std::vector<EntryId>& ready) {
  auto node = entries_.extract(id);
  const Entry& entry = node.mapped();
  for (Place place : entry.places) {
    auto uses = uses_.find(place);
    if (uses == uses_.end()) continue;  // several accesses of one entry to one place
    std::erase_if(uses->second, [id](const Use& use) { return use.entry == id; });
    if (uses->second.empty()) uses_.erase(uses);
  }
  for (EntryId follower : entry.followers) {
    if (--entries_.at(follower).waits_for == 0) ready.push_back(follower);
  }
}

bool Order::clear(Place place, const View& view, bool write) const {
  auto uses = uses_.find(place);
  if (uses == uses_.end()) return true;
  return std::none_of(uses->second.begin(), uses->second.end(),
                      [&](const Use& use) { return conflict(write, view, use.write, use.view); });
}

}  // namespace distob::order

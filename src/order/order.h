// The one order of array work: which entry may run when.
//
// A state machine without threads and clocks. Entries are appended in the order of the program; each says what it reads
// and writes. Entries that do not touch each other's elements may run at once; all others run in the order they came.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "tensor/view.h"

namespace distob::order {

/// The caller's number for an entry; each is used once.
using EntryId = std::uint64_t;

/// Some memory, by its address or any other number that is unique while entries on it are open.
using Place = const void*;

/// What an entry does to the elements of one view.
struct Access {
  Place place = nullptr;
  View view;
  bool write = false;
};

/// Not thread-safe: its owner feeds it one event at a time.
class Order {
 public:
  /// Puts an entry at the end. Returns true if it may run at once, which is when nothing it waits for is open.
  [[nodiscard]] bool append(EntryId entry, std::span<const Access> accesses);

  /// An entry that was allowed to run has ended. Adds those that may run now to `ready`, in the order they were appended.
  void finish(EntryId entry, std::vector<EntryId>& ready);

  /// Whether an entry with this one access, appended now, would be ready. Cost: one comparison if nothing is open.
  [[nodiscard]] bool may_read(Place place, const View& view) const { return idle() || clear(place, view, false); }
  [[nodiscard]] bool may_write(Place place, const View& view) const { return idle() || clear(place, view, true); }
  /// Whether some open entry touches the place at all.
  [[nodiscard]] bool busy(Place place) const { return !idle() && uses_.contains(place); }

  /// Entries appended and not finished.
  [[nodiscard]] std::size_t open() const { return entries_.size(); }
  [[nodiscard]] bool idle() const { return entries_.empty(); }

 private:
  struct Entry {
    std::uint32_t waits_for = 0;
    std::vector<EntryId> followers;
    std::vector<Place> places;
  };
  struct Use {
    EntryId entry;
    View view;
    bool write;
  };
  [[nodiscard]] bool clear(Place place, const View& view, bool write) const;

  std::unordered_map<EntryId, Entry> entries_;
  std::unordered_map<Place, std::vector<Use>> uses_;
};

}  // namespace distob::order

// How long a thread that waits for a socket polls it before it sleeps.
//
// Waking a thread that sleeps costs 5 us on a core that is awake and 30 us on an idle virtual one, several times what a
// call costs beside it. So whoever waits polls first, for no longer than a wake-up takes: at worst that doubles the cost of
// the wait, at best a call never sleeps. It only helps if the answer comes from another core and soon; where it does not
// (one core, busy cores, long calls) a series of failures ends it, but for a try now and then.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace distob::session {

class Patience {
 public:
  using Duration = std::chrono::steady_clock::duration;

  static constexpr Duration kPoll = std::chrono::microseconds(50);
  static constexpr std::uint32_t kFailures = 8;        ///< in a row, after which polling pauses
  static constexpr std::uint32_t kLongestPause = 512;  ///< waits without polling between two tries

  /// How long to poll in the wait that begins; zero: sleep at once.
  [[nodiscard]] Duration begin() {
    if (pause_ == 0) return kPoll;
    pause_ -= 1;
    return {};
  }

  /// A wait that polled found something, or did not.
  void ended(bool found) {
    if (found) {
      failures_ = 0;
      return;
    }
    failures_ = std::min(failures_ + 1, kFailures + 16);
    if (failures_ >= kFailures) pause_ = std::min(std::uint32_t{2} << (failures_ - kFailures), kLongestPause);
  }

 private:
  std::uint32_t failures_ = 0;
  std::uint32_t pause_ = 0;
};

}  // namespace distob::session

// How much memory arrays may take together.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace distob::memory {

class Budget;

/// Bytes taken from a budget, given back when it goes.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Reservation();
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  friend class Budget;
  Reservation(Budget* budget, std::int64_t bytes) : budget_(budget), bytes_(bytes) {}
  Budget* budget_ = nullptr;
  std::int64_t bytes_ = 0;
};

/// A count of bytes with a limit. Reserving is what can fail, at the line that asks; allocating afterwards should not.
/// Thread-safe; outlives its reservations.
class Budget {
 public:
  explicit Budget(std::int64_t limit) : limit_(limit) {}

  /// Takes `bytes`, or returns false and takes nothing. Cost: one atomic addition.
  [[nodiscard]] bool try_reserve(std::int64_t bytes, Reservation& into);
  /// Takes `bytes`. Throws MemoryError that says what was asked, what is used, and what can be done.
  [[nodiscard]] Reservation reserve(std::int64_t bytes);
  /// Throws the MemoryError of reserve(), for callers that have tried everything else first.
  [[noreturn]] void refuse(std::int64_t bytes) const;

  [[nodiscard]] std::int64_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void set_limit(std::int64_t limit) { limit_.store(limit, std::memory_order_relaxed); }

 private:
  friend class Reservation;
  std::atomic<std::int64_t> used_{0};
  std::atomic<std::int64_t> limit_;
};

/// DISTOB_MEMORY_LIMIT if it is set ("6GB", "1.5GiB", "512M", or bytes), else 70 % of the smaller of the machine's memory
/// and the limit of this process's cgroup. Throws ValueError for a limit that is no size.
[[nodiscard]] std::int64_t default_memory_limit();

/// The bytes that "6GB" and the like name. Throws ValueError.
[[nodiscard]] std::int64_t parse_size(std::string_view text);
/// The other way round, for messages: "80.0 MB".
[[nodiscard]] std::string format_size(std::int64_t bytes);

}  // namespace distob::memory

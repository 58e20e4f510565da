// A queue that anything may push to at any time: finalizers inside a garbage collection, signal handlers, any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace distob {

/// Many producers, one consumer at a time (the caller sees to that).
///
/// push() never waits and takes no lock. The first kCapacity elements that wait go into a ring (each cell carries the turn
/// at which it may be filled, after D. Vyukov's bounded queue), so that pushing does not allocate; what exceeds them goes
/// to a linked stack. Elements of one producer come out in any order: fit for releases, which commute.
template <class T, std::size_t kCapacity = 8192>
class ReleaseQueue {
  static_assert((kCapacity & (kCapacity - 1)) == 0);

 public:
  ReleaseQueue() : cells_(std::make_unique<std::array<Cell, kCapacity>>()) {
    for (std::size_t i = 0; i < kCapacity; ++i) (*cells_)[i].turn.store(i, std::memory_order_relaxed);
  }
  ~ReleaseQueue() {
    drain([](const T&) {});
  }
  ReleaseQueue(const ReleaseQueue&) = delete;
  ReleaseQueue& operator=(const ReleaseQueue&) = delete;

  void push(const T& value) noexcept {
    if (!push_to_ring(value)) push_to_stack(new Node{value, nullptr});
  }

  /// Calls `consume` for everything that was pushed before. Returns how many.
  template <class Consume>
  std::size_t drain(Consume consume) {
    std::size_t count = 0;
    for (;; ++head_, ++count) {
      Cell& cell = (*cells_)[head_ % kCapacity];
      if (cell.turn.load(std::memory_order_acquire) != head_ + 1) break;
      const T value = cell.value;
      cell.turn.store(head_ + kCapacity, std::memory_order_release);
      consume(value);
    }
    for (Node* node = overflow_.exchange(nullptr, std::memory_order_acquire); node; ++count) {
      consume(node->value);
      delete std::exchange(node, node->next);
    }
    return count;
  }

  /// A guess that may be wrong while somebody pushes.
  [[nodiscard]] bool seems_empty() const noexcept {
    return (*cells_)[head_ % kCapacity].turn.load(std::memory_order_acquire) != head_ + 1 &&
           !overflow_.load(std::memory_order_relaxed);
  }

 private:
  struct Cell {
    std::atomic<std::uint64_t> turn;
    T value;
  };
  struct Node {
    T value;
    Node* next;
  };

  bool push_to_ring(const T& value) noexcept {
    std::uint64_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = (*cells_)[at % kCapacity];
      const std::uint64_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn < at) return false;  // full
      if (turn > at) {
        at = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        cell.value = value;
        cell.turn.store(at + 1, std::memory_order_release);
        return true;
      }
    }
  }
  void push_to_stack(Node* node) noexcept {
    node->next = overflow_.load(std::memory_order_relaxed);
    while (!overflow_.compare_exchange_weak(node->next, node, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }

  std::unique_ptr<std::array<Cell, kCapacity>> cells_;
  std::atomic<std::uint64_t> tail_{0};
  std::uint64_t head_ = 0;  ///< the consumer's
  std::atomic<Node*> overflow_{nullptr};
};

}  // namespace distob

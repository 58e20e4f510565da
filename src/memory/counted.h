// A pointer that counts: for objects that many threads share and that know how many do.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace distob::memory {

/// A base that counts its owners. `T::last_owner_gone()` is called once, by the thread that dropped the last one.
template <class T>
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  void retain() const { owners_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      const_cast<T*>(static_cast<const T*>(this))->last_owner_gone();
    }
  }
  /// Owners at some moment; exact only if the caller knows that no other thread makes or drops one.
  [[nodiscard]] std::uint32_t owners() const { return owners_.load(std::memory_order_acquire); }

 protected:
  ~Counted() = default;

 private:
  mutable std::atomic<std::uint32_t> owners_{0};
};

/// Owns one count of a T. As thread-safe as a raw pointer: distinct pointers to one object may be used by distinct threads.
template <class T>
class Ptr {
 public:
  Ptr() = default;
  Ptr(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  explicit Ptr(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  Ptr(const Ptr& other) : Ptr(other.object_) {}
  Ptr(Ptr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ptr& operator=(Ptr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ptr() {
    if (object_) object_->release();
  }

  [[nodiscard]] T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ptr&, const Ptr&) = default;

 private:
  T* object_ = nullptr;
};

}  // namespace distob::memory

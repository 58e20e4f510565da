// A counted reference to an object that lives in some engine.
#pragma once

#include <memory>
#include <string>

namespace distob {

namespace detail {
struct RefState;
}

/// One counted reference. Copies share it; the last one to go tells the owner, from any thread, without waiting.
///
/// Remote<T> is a Ref that knows the type. A Ref outlives its cluster without harm: using it then throws ClosedError.
class Ref {
 public:
  Ref() = default;
  explicit Ref(std::shared_ptr<detail::RefState> state) : state_(std::move(state)) {}

  /// False for a default-constructed or moved-from reference, which refers to nothing.
  explicit operator bool() const { return state_ != nullptr; }
  /// True if both refer to the same object.
  friend bool operator==(const Ref& a, const Ref& b) { return a.same_object(b); }
  /// The number of the engine that holds the object.
  [[nodiscard]] int engine() const;
  /// The object's id, for messages: "object 3.17 on engine 2".
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] const std::shared_ptr<detail::RefState>& state() const { return state_; }

 private:
  [[nodiscard]] bool same_object(const Ref& other) const;

  std::shared_ptr<detail::RefState> state_;
};

}  // namespace distob

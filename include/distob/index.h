// What may stand between the brackets of an array: integers, slices, new axes, an ellipsis.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "distob/shape.h"

namespace distob {

/// Python's slice: missing ends mean "as far as it goes", negative numbers count from the end.
struct Slice {
  std::optional<std::int64_t> start{}, stop{}, step{};

  /// The slice on an axis of `extent` elements: first index, step (never 0) and how many there are.
  struct Range {
    std::int64_t start, step, count;
  };
  /// Throws ValueError for a step of zero.
  [[nodiscard]] Range on(std::int64_t extent) const;

  friend bool operator==(const Slice&, const Slice&) = default;
};

struct NewAxis {
  friend bool operator==(NewAxis, NewAxis) { return true; }
};
struct Ellipsis {
  friend bool operator==(Ellipsis, Ellipsis) { return true; }
};
using Index = std::variant<std::int64_t, Slice, NewAxis, Ellipsis>;

inline constexpr Slice all{};
inline constexpr NewAxis newaxis{};
inline constexpr Ellipsis ellipsis{};
/// a[start:], a[:stop], a[start:stop:step].
constexpr Slice from(std::int64_t start) { return {start, {}, {}}; }
constexpr Slice until(std::int64_t stop) { return {{}, stop, {}}; }
constexpr Slice between(std::int64_t start, std::int64_t stop, std::int64_t step = 1) { return {start, stop, step}; }

}  // namespace distob

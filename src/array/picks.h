// Integer arrays that pick elements along axes, as offsets in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "array/reading.h"
#include "array/runs.h"

namespace distob::array {

/// What becomes of an index that lies outside of its axis.
enum class OutOfRange : std::uint8_t {
  raise,  ///< IndexError; negative indices count from the end
  wrap,   ///< counted around
  clip    ///< the first or the last element
};

/// Index arrays that are broadcast together: one position of theirs picks one place along all of their axes.
class Picks {
 public:
  /// Positions that are resolved at a time, in buffers on the stack.
  static constexpr std::int64_t kChunk = 1024;

  explicit Picks(OutOfRange mode = OutOfRange::raise) : mode_(mode) {}

  /// Adds an index of integers into axes of these extents and byte strides, which count as one axis in C order. `axis`: the
  /// number that an error names. An index of kind Bool stands for no axis, and only takes part in the broadcasting.
  void add(Reading index, const Shape& extents, const Strides& strides, int axis);
  /// Broadcasts what was added. Throws IndexError with NumPy's words where the shapes do not fit.
  void broadcast();
  /// The same with the axes in another order from now on.
  void reorder(const Dims& axes);
  /// The order that NumPy walks the axes in, slowest first: that of the index arrays in memory, and of another operand's
  /// with these strides, if they agree, else C order.
  [[nodiscard]] Dims order(const Strides* other = nullptr) const;

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t size() const { return element_count(shape_); }
  [[nodiscard]] bool empty() const { return picks_.empty(); }

  /// Throws IndexError for the first index that lies outside; nothing is looked at if no position is left.
  void check() const;
  /// The byte offsets of positions [first, first + n), n <= kChunk. Returns false, and anything, if an index lies outside.
  [[nodiscard]] bool offsets(std::int64_t first, std::int64_t n, std::int64_t* out) const;

 private:
  struct Pick {
    Reading index;
    View broadcast;  ///< to the common shape, offset 0
    Runs walk;       ///< of that
    std::int64_t extent = 0;
    Runs axes;  ///< from index to byte offset
    int axis = 0;
    bool counts = true;
  };
  void bring_inside(std::int64_t extent, std::int64_t n, std::int64_t* indices) const;
  void check(const Pick& pick) const;

  OutOfRange mode_;
  std::vector<Pick> picks_;
  Shape shape_;
};

}  // namespace distob::array

// Boolean arrays as the places where they are true: a pass that counts, then one that moves, both on all threads.
#pragma once

#include <cstdint>
#include <vector>

#include "array/reading.h"

namespace distob::array {

/// A boolean operand in C order, and how many of its elements are true before each of its blocks.
class Mask {
 public:
  static constexpr std::int64_t kBlock = 1024;

  /// Reads and counts; waits for nothing else. Throws TypeError if it is not boolean.
  explicit Mask(const Operand& operand, const Array* written = nullptr);

  [[nodiscard]] const Shape& shape() const { return bytes_.shape(); }
  [[nodiscard]] std::int64_t size() const { return bytes_.view().size(); }
  /// How many elements are true.
  [[nodiscard]] std::int64_t count() const { return before_.back(); }

  /// Calls body(first, n, before, count) for blocks of elements [first, first + n) that contain `count` > 0 true ones, with
  /// `before` true ones in front of them; on all threads.
  template <class Body>
  void over_blocks(Body&& body) const;
  [[nodiscard]] const std::uint8_t* bytes() const { return reinterpret_cast<const std::uint8_t*>(bytes_.data()); }

 private:
  Reading bytes_;
  std::vector<std::int64_t> before_;  ///< for each block, and in all
};

/// The positions of true elements in C order, an Int64 array for each axis. Not for masks without axes.
[[nodiscard]] std::vector<Array> true_positions(const Mask& mask);
/// Their positions in the flattened mask.
[[nodiscard]] Array flat_positions(const Mask& mask);
/// The elements of `a`, which has the mask's shape, where the mask is true, in C order.
[[nodiscard]] Array compress(const Array& a, const Mask& mask);
/// Which value goes where a mask is true: values are used in turn, or each place has its own. Both start over at the end.
enum class ValueOrder : std::uint8_t { by_count, by_place };

/// The other way round: target[mask] = values. The target has the mask's shape and the dtype of the
/// values, of which there is at least one; it is held for the time.
void expand(const Array& target, const Mask& mask, const Reading& values, ValueOrder order);

}  // namespace distob::array

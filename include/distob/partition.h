// How an array is cut into blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "distob/index.h"
#include "distob/shape.h"

namespace distob {

/// The number of the engine that runs user functions on a block; bound to living engines modulo their number.
using Slot = std::int32_t;

/// A box in an index space: on each axis start <= index < stop.
struct Box {
  Dims start;
  Dims stop;

  [[nodiscard]] static Box whole(const Shape& shape) { return {Dims::filled(shape.size(), 0), shape}; }
  [[nodiscard]] int rank() const { return start.rank(); }
  [[nodiscard]] Shape shape() const;
  [[nodiscard]] bool empty() const;
  [[nodiscard]] bool contains(const Dims& index) const;
  friend bool operator==(const Box&, const Box&) = default;
};

/// What two boxes of one space share; empty (all zero) where they do not meet. An empty box meets nothing.
[[nodiscard]] Box intersect(const Box& a, const Box& b);
[[nodiscard]] bool meet(const Box& a, const Box& b);

/// One piece of a redistribution: `box` (in the index space of the array) goes from a block of one cut to one of another.
struct Transfer {
  std::int64_t source;
  std::int64_t target;
  Box box;
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

/// The cut of one array into blocks: for each axis the sorted cut points, and for each box its slot.
///
/// A partition is a value compared by content and never changed after construction. Boxes are the grid of the cuts, numbered
/// in C order. Blocks may be uneven or empty; every index of the shape belongs to exactly one block.
class Partition {
 public:
  /// One block, on slot 0: a scalar.
  Partition() : Partition(whole({})) {}

  [[nodiscard]] static Partition whole(const Shape& shape, Slot slot = 0);

  /// Cuts `shape` along `axis` into one block for each of `slots`, sizes differing by at most one (larger ones first).
  /// Throws AxisError if `axis` is not an axis of `shape`, ValueError without slots.
  [[nodiscard]] static Partition along(const Shape& shape, int axis, std::span<const Slot> slots);
  /// The same for slots 0, 1, ... count - 1.
  [[nodiscard]] static Partition along(const Shape& shape, int axis, int count);

  /// Cuts `axis` into blocks of `blocksize` indices (the last may be shorter; an empty axis has one empty block) and deals
  /// runs of neighbouring blocks to slots 0 ... slot_count - 1. Throws ValueError for blocksize < 1.
  [[nodiscard]] static Partition blocked(const Shape& shape, int axis, std::int64_t blocksize, int slot_count);

  /// Cuts several axes into a grid of boxes that are as near to cubes as the prime factors of `slot_count` allow, one for
  /// each slot. Throws AxisError, ValueError for an axis named twice.
  [[nodiscard]] static Partition grid(const Shape& shape, std::span<const int> axes, int slot_count);

  /// From cut points alone, as of_cuts; runs of neighbouring blocks are dealt to slots 0 ... slot_count - 1.
  [[nodiscard]] static Partition at(std::vector<std::vector<std::int64_t>> cuts, int slot_count);

  /// From cut points: `cuts[axis]` starts with 0, ends with the extent and never falls. `slots` in C order of the boxes.
  /// Throws ValueError where that does not hold.
  [[nodiscard]] static Partition of_cuts(std::vector<std::vector<std::int64_t>> cuts, std::vector<Slot> slots);

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t blocks() const { return static_cast<std::int64_t>(slots_.size()); }
  /// Blocks on each axis.
  [[nodiscard]] const Dims& grid() const { return grid_; }
  [[nodiscard]] const std::vector<std::int64_t>& cuts(int axis) const { return cuts_[static_cast<std::size_t>(axis)]; }
  [[nodiscard]] Box box(std::int64_t block) const;
  [[nodiscard]] Slot slot(std::int64_t block) const { return slots_[static_cast<std::size_t>(block)]; }
  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }
  /// The first axis with more than one block.
  [[nodiscard]] std::optional<int> split_axis() const;
  /// The block that holds `index`, which must lie inside the shape.
  [[nodiscard]] std::int64_t block_of(const Dims& index) const;

  /// The blocks of `this` that each block of `target` needs: the plan of a redistribution, ordered by target block.
  /// Cost: O(pairs of boxes that meet), not O(all pairs). Throws ValueError if the shapes differ.
  [[nodiscard]] std::vector<Transfer> transfers_to(const Partition& target) const;

  // What becomes of the cut when the array is indexed, transposed, reduced or broadcast. Blocks keep the slot of the
  // elements they came from, and no operation moves an element to another block.

  /// After a[indices] with basic indices. Blocks that keep no element stay as empty ones where their axis stays.
  /// Throws IndexError as indexing does.
  [[nodiscard]] Partition index(std::span<const Index> indices) const;
  /// Axis i of the result is axis axes[i] of this one.
  [[nodiscard]] Partition transpose(const Dims& axes) const;
  /// After a reduction over `axes` (from the front, sorted): each result block takes the slot of the first that feeds it.
  [[nodiscard]] Partition reduce(const Dims& axes, bool keepdims) const;
  /// After broadcasting to `shape`. Throws ValueError if it cannot.
  [[nodiscard]] Partition broadcast_to(const Shape& shape) const;
  /// The cut for an array of `shape` with this one's cut along its split axis where the extents agree, else whole.
  [[nodiscard]] Partition adapt_to(const Shape& shape) const;

  friend bool operator==(const Partition&, const Partition&) = default;

 private:
  Partition(std::vector<std::vector<std::int64_t>> cuts, std::vector<Slot> slots);

  Shape shape_;
  Dims grid_;
  std::vector<std::vector<std::int64_t>> cuts_;
  std::vector<Slot> slots_;
};

}  // namespace distob

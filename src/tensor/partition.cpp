#include "distob/partition.h"

#include <algorithm>
#include <map>

#include "distob/errors.h"

namespace distob {
namespace {

using Cuts = std::vector<std::int64_t>;

Cuts whole_axis(std::int64_t extent) { return {0, extent}; }

std::string text_of(const Cuts& cuts) {
  std::string text = "(";
  for (const std::int64_t point : cuts) text.append(text.size() > 1 ? ", " : "").append(std::to_string(point));
  return text.append(")");
}

/// Walks a grid in C order.
bool advance(Dims& at, const Dims& grid) {
  for (std::size_t axis = grid.size(); axis-- > 0;) {
    if (++at[axis] < grid[axis]) return true;
    at[axis] = 0;
  }
  return false;
}

std::int64_t number_of(const Dims& at, const Dims& grid) {
  std::int64_t block = 0;
  for (std::size_t axis = 0; axis < grid.size(); ++axis) block = block * grid[axis] + at[axis];
  return block;
}

Cuts cuts_of_slice(const Cuts& cuts, const Slice::Range& range) {
  // In the order of the result: a negative step meets the blocks from the last to the first.
  Cuts result{0};
  const auto blocks = cuts.size() - 1;
  for (std::size_t i = 0; i < blocks; ++i) {
    // Elements of the slice that lie before the far end of this block.
    const std::int64_t end = range.step > 0 ? cuts[i + 1] : cuts[blocks - 1 - i];
    const std::int64_t reach = range.step > 0 ? end - range.start : range.start - end + 1;
    const std::int64_t width = range.step > 0 ? range.step : -range.step;
    const std::int64_t passed = reach <= 0 ? 0 : (reach + width - 1) / width;
    result.push_back(std::clamp<std::int64_t>(passed, result.back(), range.count));
  }
  return result;
}

/// Runs of neighbouring blocks for slots 0 ... slot_count - 1.
std::vector<Slot> deal(std::int64_t blocks, int slot_count) {
  if (slot_count < 1) throw ValueError("an array cannot be cut for zero engines");
  std::vector<Slot> slots;
  for (std::int64_t i = 0; i < blocks; ++i) {
    slots.push_back(static_cast<Slot>(blocks <= slot_count ? i : i * slot_count / blocks));
  }
  return slots;
}

/// [0, extent) in `parts` intervals whose lengths differ by at most one, longer ones first.
Cuts even_cuts(std::int64_t extent, std::int64_t parts) {
  Cuts cuts{0};
  const std::int64_t size = extent / parts, longer = extent % parts;
  for (std::int64_t i = 0; i < parts; ++i) cuts.push_back(cuts.back() + size + (i < longer ? 1 : 0));
  return cuts;
}

}  // namespace

Shape Box::shape() const {
  Shape shape = stop;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) shape[axis] -= start[axis];
  return shape;
}

bool Box::empty() const {
  for (std::size_t axis = 0; axis < start.size(); ++axis) {
    if (start[axis] >= stop[axis]) return true;
  }
  return false;
}

bool Box::contains(const Dims& index) const {
  for (std::size_t axis = 0; axis < start.size(); ++axis) {
    if (index[axis] < start[axis] || index[axis] >= stop[axis]) return false;
  }
  return true;
}

Box intersect(const Box& a, const Box& b) {
  Box box = a;
  for (std::size_t axis = 0; axis < a.start.size(); ++axis) {
    box.start[axis] = std::max(a.start[axis], b.start[axis]);
    box.stop[axis] = std::min(a.stop[axis], b.stop[axis]);
  }
  if (box.empty()) return {Dims::filled(a.start.size(), 0), Dims::filled(a.start.size(), 0)};
  return box;
}

bool meet(const Box& a, const Box& b) {
  for (std::size_t axis = 0; axis < a.start.size(); ++axis) {
    if (std::max(a.start[axis], b.start[axis]) >= std::min(a.stop[axis], b.stop[axis])) return false;
  }
  return true;
}

Partition::Partition(std::vector<Cuts> cuts, std::vector<Slot> slots)
    : cuts_(std::move(cuts)), slots_(std::move(slots)) {
  for (const Cuts& axis : cuts_) {
    shape_.push_back(axis.back());
    grid_.push_back(static_cast<std::int64_t>(axis.size()) - 1);
  }
}

Partition Partition::whole(const Shape& shape, Slot slot) {
  std::vector<Cuts> cuts;
  for (std::int64_t extent : shape) cuts.push_back(whole_axis(extent));
  return {std::move(cuts), {slot}};
}

Partition Partition::along(const Shape& shape, int axis, std::span<const Slot> slots) {
  if (slots.empty()) throw ValueError("an array cannot be cut for zero engines");
  const auto split = static_cast<std::size_t>(normalize_axis(axis, shape.rank()));
  Partition result = whole(shape);
  result.cuts_[split] = even_cuts(shape[split], static_cast<std::int64_t>(slots.size()));
  return {std::move(result.cuts_), {slots.begin(), slots.end()}};
}

Partition Partition::along(const Shape& shape, int axis, int count) {
  std::vector<Slot> slots;
  for (Slot slot = 0; slot < count; ++slot) slots.push_back(slot);
  return along(shape, axis, slots);
}

Partition Partition::blocked(const Shape& shape, int axis, std::int64_t blocksize, int slot_count) {
  if (blocksize < 1) throw ValueError("blocksize must be at least 1, not " + std::to_string(blocksize));
  const auto split = static_cast<std::size_t>(normalize_axis(axis, shape.rank()));
  Partition result = whole(shape);
  const std::int64_t extent = shape[split];
  const std::int64_t count = std::max<std::int64_t>(extent / blocksize + (extent % blocksize != 0), 1);
  Cuts cuts{0};
  for (std::int64_t i = 0; i < count; ++i) {
    cuts.push_back(extent - cuts.back() <= blocksize ? extent : cuts.back() + blocksize);
  }
  result.cuts_[split] = std::move(cuts);
  return {std::move(result.cuts_), deal(count, slot_count)};
}

Partition Partition::grid(const Shape& shape, std::span<const int> axes, int slot_count) {
  const Dims split = normalize_axes(axes, shape.rank());
  Dims parts = Dims::filled(shape.size(), 1);
  // Each prime factor, largest first, cuts the axis whose parts are longest.
  std::vector<int> factors;
  for (int rest = slot_count, factor = 2; rest > 1; ++factor) {
    for (; rest % factor == 0; rest /= factor) factors.push_back(factor);
  }
  for (std::size_t k = factors.size(); k-- > 0 && !split.empty();) {
    const auto longest = std::max_element(split.begin(), split.end(), [&](std::int64_t one, std::int64_t other) {
      const auto i = static_cast<std::size_t>(one), j = static_cast<std::size_t>(other);
      return shape[i] * parts[j] < shape[j] * parts[i];
    });
    parts[static_cast<std::size_t>(*longest)] *= factors[k];
  }
  std::vector<Cuts> cuts;
  std::int64_t blocks = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    cuts.push_back(even_cuts(shape[axis], parts[axis]));
    blocks *= parts[axis];
  }
  return {std::move(cuts), deal(blocks, slot_count)};
}

Partition Partition::at(std::vector<std::vector<std::int64_t>> cuts, int slot_count) {
  std::int64_t blocks = 1;
  for (const auto& axis : cuts) blocks *= std::max<std::int64_t>(1, static_cast<std::int64_t>(axis.size()) - 1);
  return of_cuts(std::move(cuts), deal(blocks, slot_count));
}

Partition Partition::of_cuts(std::vector<std::vector<std::int64_t>> cuts, std::vector<Slot> slots) {
  std::int64_t blocks = 1;
  for (const Cuts& axis : cuts) {
    if (axis.size() < 2 || axis[0] != 0 || !std::is_sorted(axis.begin(), axis.end())) {
      throw ValueError("cut points must rise from 0 to the extent of their axis, unlike " + text_of(axis));
    }
    blocks *= static_cast<std::int64_t>(axis.size()) - 1;
  }
  if (blocks != static_cast<std::int64_t>(slots.size())) {
    throw ValueError(std::to_string(blocks) + " blocks need as many slots, not " + std::to_string(slots.size()));
  }
  return {std::move(cuts), std::move(slots)};
}

Box Partition::box(std::int64_t block) const {
  Box box{Dims::filled(grid_.size(), 0), Dims::filled(grid_.size(), 0)};
  for (std::size_t axis = grid_.size(); axis-- > 0;) {
    const auto at = static_cast<std::size_t>(block % grid_[axis]);
    block /= grid_[axis];
    box.start[axis] = cuts_[axis][at];
    box.stop[axis] = cuts_[axis][at + 1];
  }
  return box;
}

std::optional<int> Partition::split_axis() const {
  for (std::size_t axis = 0; axis < grid_.size(); ++axis) {
    if (grid_[axis] != 1) return static_cast<int>(axis);
  }
  return std::nullopt;
}

std::int64_t Partition::block_of(const Dims& index) const {
  Dims at = index;
  for (std::size_t axis = 0; axis < grid_.size(); ++axis) {
    // The last block that starts at or before the index: empty blocks before it start there too.
    at[axis] = std::upper_bound(cuts_[axis].begin(), cuts_[axis].end(), index[axis]) - cuts_[axis].begin() - 1;
  }
  return number_of(at, grid_);
}

std::vector<Transfer> Partition::transfers_to(const Partition& target) const {
  if (shape_ != target.shape_) {
    throw ValueError("cannot redistribute shape " + to_string(shape_) + " to shape " + to_string(target.shape_));
  }
  std::vector<Transfer> transfers;
  for (std::int64_t to = 0; to < target.blocks(); ++to) {
    const Box wanted = target.box(to);
    if (wanted.empty()) continue;
    // The source blocks that meet a box are a box of the grid.
    Dims first, extent;
    for (std::size_t axis = 0; axis < grid_.size(); ++axis) {
      const Cuts& cuts = cuts_[axis];
      const auto low = std::upper_bound(cuts.begin(), cuts.end(), wanted.start[axis]) - cuts.begin() - 1;
      const auto high = std::lower_bound(cuts.begin(), cuts.end(), wanted.stop[axis]) - cuts.begin();
      first.push_back(low);
      extent.push_back(high - low);
    }
    Dims at = Dims::filled(grid_.size(), 0);
    do {
      Dims source = first;
      for (std::size_t axis = 0; axis < source.size(); ++axis) source[axis] += at[axis];
      const std::int64_t from = number_of(source, grid_);
      const Box shared = intersect(box(from), wanted);
      if (!shared.empty()) transfers.push_back({from, to, shared});
    } while (advance(at, extent));
  }
  return transfers;
}

Partition Partition::index(std::span<const Index> indices) const {
  std::size_t named = 0;
  for (const Index& item : indices) {
    named += std::holds_alternative<std::int64_t>(item) || std::holds_alternative<Slice>(item);
  }
  if (named > grid_.size()) {
    throw IndexError("too many indices for array: array is " + std::to_string(shape_.rank()) + "-dimensional, but " +
                     std::to_string(named) + " were indexed");
  }
  // For each axis of the result: its cuts, and which axis of this one it comes from (-1: a new one). Axes an integer
  // dropped are fixed to the block it lies in.
  std::vector<Cuts> cuts;
  Dims origin, reversed, fixed = Dims::filled(grid_.size(), 0);
  std::size_t axis = 0;
  const auto keep = [&](std::size_t count) {
    for (; count > 0; --count, ++axis) {
      cuts.push_back(cuts_[axis]);
      origin.push_back(static_cast<std::int64_t>(axis));
      reversed.push_back(0);
    }
  };
  for (const Index& item : indices) {
    if (const auto* at = std::get_if<std::int64_t>(&item)) {
      const std::int64_t i = *at < 0 ? *at + shape_[axis] : *at;
      if (i < 0 || i >= shape_[axis]) {
        throw IndexError("index " + std::to_string(*at) + " is out of bounds for axis " + std::to_string(axis) +
                         " with size " + std::to_string(shape_[axis]));
      }
      fixed[axis] = std::upper_bound(cuts_[axis].begin(), cuts_[axis].end(), i) - cuts_[axis].begin() - 1;
      ++axis;
    } else if (const auto* slice = std::get_if<Slice>(&item)) {
      const Slice::Range range = slice->on(shape_[axis]);
      cuts.push_back(cuts_of_slice(cuts_[axis], range));
      origin.push_back(static_cast<std::int64_t>(axis++));
      reversed.push_back(range.step < 0);
    } else if (std::holds_alternative<NewAxis>(item)) {
      cuts.push_back(whole_axis(1));
      origin.push_back(-1);
      reversed.push_back(0);
    } else {
      keep(grid_.size() - named);
    }
  }
  keep(grid_.size() - axis);

  Partition result(std::move(cuts), {});
  Dims at = Dims::filled(result.grid_.size(), 0);
  do {
    Dims source = fixed;
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (origin[i] < 0) continue;
      source[static_cast<std::size_t>(origin[i])] = reversed[i] ? result.grid_[i] - 1 - at[i] : at[i];
    }
    result.slots_.push_back(slot(number_of(source, grid_)));
  } while (advance(at, result.grid_));
  return result;
}

Partition Partition::transpose(const Dims& axes) const {
  std::vector<Cuts> cuts;
  for (std::int64_t axis : axes) cuts.push_back(cuts_[static_cast<std::size_t>(axis)]);
  Partition result(std::move(cuts), {});
  Dims at = Dims::filled(grid_.size(), 0), source = at;
  do {
    for (std::size_t i = 0; i < axes.size(); ++i) source[static_cast<std::size_t>(axes[i])] = at[i];
    result.slots_.push_back(slot(number_of(source, grid_)));
  } while (advance(at, result.grid_));
  return result;
}

Partition Partition::reduce(const Dims& axes, bool keepdims) const {
  std::vector<Cuts> cuts;
  Dims kept;
  for (std::size_t axis = 0; axis < grid_.size(); ++axis) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) != axes.end();
    if (!reduced) {
      cuts.push_back(cuts_[axis]);
      kept.push_back(static_cast<std::int64_t>(axis));
    } else if (keepdims) {
      cuts.push_back(whole_axis(1));
      kept.push_back(-1);
    }
  }
  Partition result(std::move(cuts), {});
  Dims at = Dims::filled(result.grid_.size(), 0);
  do {
    Dims source = Dims::filled(grid_.size(), 0);
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (kept[i] >= 0) source[static_cast<std::size_t>(kept[i])] = at[i];
    }
    result.slots_.push_back(slot(number_of(source, grid_)));
  } while (advance(at, result.grid_));
  return result;
}

Partition Partition::broadcast_to(const Shape& shape) const {
  if (shape == shape_) return *this;
  if (shape.size() < shape_.size() || broadcast(shape_, shape) != shape) {
    throw ValueError("cannot broadcast an array of shape " + to_string(shape_) + " to shape " + to_string(shape));
  }
  const std::size_t added = shape.size() - shape_.size();
  std::vector<Cuts> cuts;
  Dims origin;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const bool stretched = axis < added || shape_[axis - added] != shape[axis];
    cuts.push_back(stretched ? whole_axis(shape[axis]) : cuts_[axis - added]);
    origin.push_back(stretched ? -1 : static_cast<std::int64_t>(axis - added));
  }
  Partition result(std::move(cuts), {});
  Dims at = Dims::filled(shape.size(), 0);
  do {
    Dims source = Dims::filled(grid_.size(), 0);
    for (std::size_t axis = 0; axis < at.size(); ++axis) {
      if (origin[axis] >= 0) source[static_cast<std::size_t>(origin[axis])] = at[axis];
    }
    result.slots_.push_back(slot(number_of(source, grid_)));
  } while (advance(at, result.grid_));
  return result;
}

Partition Partition::adapt_to(const Shape& shape) const {
  const std::optional<int> split = split_axis();
  if (!split) return whole(shape, slots_[0]);
  const auto axis = static_cast<std::size_t>(*split);
  // The same axis counted from the end or from the front, if it is as long there.
  const std::size_t from_end = shape_.size() - axis;
  std::optional<std::size_t> to;
  if (from_end <= shape.size() && shape[shape.size() - from_end] == shape_[axis]) {
    to = shape.size() - from_end;
  } else if (axis < shape.size() && shape[axis] == shape_[axis]) {
    to = axis;
  }
  if (!to) return whole(shape, slots_[0]);
  Partition result = whole(shape);
  result.cuts_[*to] = cuts_[axis];
  std::int64_t inner = 1;
  for (std::size_t i = axis + 1; i < grid_.size(); ++i) inner *= grid_[i];
  std::vector<Slot> slots;
  for (std::int64_t i = 0; i < grid_[axis]; ++i) slots.push_back(slot(i * inner));
  return {std::move(result.cuts_), std::move(slots)};
}

}  // namespace distob

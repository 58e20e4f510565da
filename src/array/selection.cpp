#include "array/selection.h"

#include <algorithm>
#include <string>

#include "array/operands.h"
#include "array/reading.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::dtype_of;
using detail::view_of;

bool is_mask(const Operand& operand) { return dtype_of(operand).kind == Kind::Bool; }

std::string plural_words(std::size_t rank, std::size_t indexed) {
  return "too many indices for array: array is " + std::to_string(rank) + "-dimensional, but " +
         std::to_string(indexed) + " were indexed";
}

// --- From the parts of an index to picks ------------------------------------------------------------------------------

// An index array and the axes of the array that it picks from: one, or none for a mask without axes.
struct IndexArray {
  Reading index;
  int axis;  // of the array that is indexed; -1: none
};

// An index whose masks are integer arrays already.
struct Expanded {
  std::vector<Index> basic;        // every array but those without an axis replaced by a slice of all
  std::vector<IndexArray> arrays;  // in the order of axes
  std::vector<bool> picked;        // for each axis of the basic view: whether an array picks from it
  std::size_t at = 0;              // where the axes of the picks stand among the others
};

// Goes through the parts once, keeping count of axes on both sides.
class Expansion {
 public:
  Expansion(const Shape& shape, std::span<const IndexPart> parts, const Array* written)
      : shape_(shape), written_(written) {
    count_axes(parts);
    for (const IndexPart& part : parts) std::visit([this](const auto& p) { add(p); }, part);
    while (axis_ < shape_.size()) keep_axis();
    if (!together_) result_.at = 0;
  }
  Expanded take() { return std::move(result_); }

 private:
  static std::size_t rank_of(const Operand& operand) {
    return static_cast<std::size_t>(detail::shape_of(operand).rank());
  }

  void count_axes(std::span<const IndexPart> parts) {
    std::size_t ellipses = 0;
    for (const IndexPart& part : parts) {
      if (const auto* operand = std::get_if<Operand>(&part)) {
        named_ += is_mask(*operand) ? rank_of(*operand) : 1;
      } else if (std::holds_alternative<Ellipsis>(part)) {
        ++ellipses;
      } else {
        named_ += std::holds_alternative<NewAxis>(part) ? 0 : 1;
      }
    }
    if (ellipses > 1) throw IndexError("an index can only have a single ellipsis ('...')");
    if (named_ > shape_.size()) throw IndexError(plural_words(shape_.size(), named_));
  }

  void add(std::int64_t i) {
    begin_array();
    result_.basic.emplace_back(i);
    ++axis_;
  }
  void add(const Slice& slice) {
    end_arrays();
    result_.basic.emplace_back(slice);
    result_.picked.push_back(false);
    ++axis_;
  }
  void add(NewAxis) {
    end_arrays();
    result_.basic.emplace_back(newaxis);
    result_.picked.push_back(false);
  }
  void add(Ellipsis) {
    end_arrays();
    for (std::size_t i = named_; i < shape_.size(); ++i) keep_axis();
  }
  void add(const Operand& operand) {
    begin_array();
    if (!is_mask(operand)) return pick(read_index(operand, written_));
    const Mask mask(operand, written_);
    if (mask.shape().empty()) {
      // No axis is used, and one is added, which is empty for False.
      const Array none = zeros({mask.count()}, Kind::Bool);
      result_.arrays.push_back({Reading(none), -1});
      return;
    }
    for (std::size_t i = 0; i < mask.shape().size(); ++i) {
      if (mask.shape()[i] == shape_[axis_ + i]) continue;
      throw IndexError("boolean index did not match indexed array along axis " + std::to_string(axis_ + i) +
                       "; size of axis is " + std::to_string(shape_[axis_ + i]) +
                       " but size of corresponding boolean axis is " + std::to_string(mask.shape()[i]));
    }
    for (const Array& positions : true_positions(mask)) pick(Reading(positions));
  }

  void pick(Reading index) {
    result_.arrays.push_back({std::move(index), static_cast<int>(axis_)});
    result_.basic.emplace_back(all);
    result_.picked.push_back(true);
    ++axis_;
  }
  void keep_axis() {
    result_.basic.emplace_back(all);
    result_.picked.push_back(false);
    ++axis_;
  }

  void begin_array() {
    if (seen_ && ended_) together_ = false;
    if (!seen_) {
      result_.at = static_cast<std::size_t>(std::count(result_.picked.begin(), result_.picked.end(), false));
    }
    seen_ = true;
  }
  void end_arrays() { ended_ = seen_; }

  const Shape& shape_;
  const Array* written_;
  Expanded result_;
  std::size_t named_ = 0;  // axes that the parts use
  std::size_t axis_ = 0;
  bool seen_ = false, ended_ = false, together_ = true;  // arrays (integers count as such) side by side
};

// `value` as a view that is broadcast to `shape`; NumPy lets leading axes of one element go.
View fit(const View& value, const Shape& shape) {
  View view = value;
  while (view.rank() > shape.rank() && view.shape[0] == 1) view = distob::index(view, {std::int64_t{0}});
  bool fits = view.rank() <= shape.rank();
  for (std::size_t i = 0; fits && i < view.shape.size(); ++i) {
    const std::int64_t extent = shape[shape.size() - view.shape.size() + i];
    fits = view.shape[i] == 1 || view.shape[i] == extent;
  }
  if (!fits) {
    throw ValueError("shape mismatch: value array of shape " + to_string(value.shape) +
                     " could not be broadcast to indexing result of shape " + to_string(shape));
  }
  return distob::broadcast_to(view, shape);
}

}  // namespace

// Integers of any width as they are; in foreign byte order, a copy.
Reading read_index(const Operand& operand, const Array* written) {
  const DType dtype = dtype_of(operand);
  if (!is_integer(dtype.kind)) throw IndexError("arrays used as indices must be of integer (or boolean) type");
  return dtype.swapped ? Reading(operand, Kind::Int64, written) : Reading(operand, written);
}

Shape Selection::shape() const {
  Shape result;
  for (std::size_t i = 0; i < at; ++i) result.push_back(inner[i]);
  for (std::int64_t extent : picks.shape()) result.push_back(extent);
  for (std::size_t i = at; i < inner.size(); ++i) result.push_back(inner[i]);
  return result;
}

namespace {

// NumPy's limits, so that programs find the same ones here.
void check_limits(std::size_t arrays, const Shape& inner, std::size_t broadcast) {
  constexpr std::size_t kMostArrays = 64;
  if (inner.size() + broadcast > static_cast<std::size_t>(Dims::kMaxRank)) {
    throw IndexError("number of dimensions must be within [0, 64], indexing result would have " +
                     std::to_string(inner.size() + broadcast));
  }
  if (arrays > kMostArrays) {
    throw IndexError(
        "too many advanced (array) indices. This probably means you are indexing with too many booleans. (more than 64 "
        "found)");
  }
  if (arrays == kMostArrays && element_count(inner) == 1) {
    throw IndexError(
        "when no subspace is given, the number of index arrays cannot be above 63, but 64 index arrays found");
  }
}

}  // namespace

Selection select(const Array& a, std::span<const IndexPart> index, const Array* written) {
  Expanded expanded = Expansion(a.shape(), index, written).take();
  Selection s;
  s.base = view(a, expanded.basic);
  s.at = expanded.at;
  const View& view = view_of(s.base);
  std::size_t most_axes = 0;
  for (const IndexArray& one : expanded.arrays) most_axes = std::max(most_axes, one.index.shape().size());
  auto array = expanded.arrays.begin();
  const auto add_without_axis = [&] {
    for (; array != expanded.arrays.end() && array->axis < 0; ++array) s.picks.add(std::move(array->index), {}, {}, -1);
  };
  for (std::size_t axis = 0; axis < expanded.picked.size(); ++axis) {
    if (!expanded.picked[axis]) {
      s.inner.push_back(view.shape[axis]);
      s.inner_strides.push_back(view.strides[axis]);
      continue;
    }
    add_without_axis();
    s.picks.add(std::move(array->index), {view.shape[axis]}, {view.strides[axis]}, array->axis);
    ++array;
  }
  add_without_axis();
  check_limits(expanded.arrays.size(), s.inner, most_axes);
  s.picks.broadcast();
  return s;
}

Rows rows_of(Selection& s, const View& value) {
  const View values = fit(value, s.shape());
  Rows rows;
  rows.itemsize = s.base.dtype().itemsize;
  rows.inner = s.inner;
  rows.picked_inner = s.inner_strides;
  Strides plain;
  for (std::size_t axis = 0; axis < values.strides.size(); ++axis) {
    const bool of_picks = axis >= s.at && axis < s.at + s.picks.shape().size();
    (of_picks ? plain : rows.plain_inner).push_back(values.strides[axis]);
  }
  if (s.inner.empty()) {  // which of two equal indices comes last depends on the order
    const Dims order = s.picks.order(&plain);
    s.picks.reorder(order);
    Strides ordered;
    for (std::int64_t axis : order) ordered.push_back(plain[static_cast<std::size_t>(axis)]);
    plain = ordered;
  }
  rows.plain = Runs(s.picks.shape(), plain);
  return rows;
}

void check_index(const Array& a, std::span<const IndexPart> index) {
  const Expanded expanded = Expansion(a.shape(), index, nullptr).take();
  (void)view(a, expanded.basic);
}

}  // namespace distob::array

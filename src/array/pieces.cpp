#include "array/pieces.h"

#include <algorithm>

namespace distob::array::detail {
namespace {

// a[index] where `a` has several pieces. Each axis of the array is one slice (of one element for an integer) at first;
// axes that integers drop and new ones make are put right on each piece's view afterwards.
struct Selection {
  std::vector<Slice::Range> ranges;  // one for each axis of the array
  std::vector<Index> shaping;        // what makes the result's axes from them: 0, all of it, or a new axis
};

Selection select(const Shape& shape, std::span<const Index> index) {
  const auto takes_axis = [](const Index& i) {
    return !std::holds_alternative<NewAxis>(i) && !std::holds_alternative<Ellipsis>(i);
  };
  const auto named = static_cast<std::size_t>(std::count_if(index.begin(), index.end(), takes_axis));
  Selection s;
  const auto whole_axis = [&] {
    s.ranges.push_back({0, 1, shape[s.ranges.size()]});
    s.shaping.emplace_back(all);
  };
  for (const Index& i : index) {
    if (std::holds_alternative<NewAxis>(i)) {
      s.shaping.emplace_back(newaxis);
    } else if (std::holds_alternative<Ellipsis>(i)) {
      for (std::size_t k = named; k < shape.size(); ++k) whole_axis();
    } else if (const auto* slice = std::get_if<Slice>(&i)) {
      s.ranges.push_back(slice->on(shape[s.ranges.size()]));
      s.shaping.emplace_back(all);
    } else {
      const std::int64_t extent = shape[s.ranges.size()];
      const std::int64_t at = std::get<std::int64_t>(i);
      s.ranges.push_back({at < 0 ? at + extent : at, 1, 1});
      s.shaping.emplace_back(std::int64_t{0});
    }
  }
  while (s.ranges.size() < shape.size()) whole_axis();
  return s;
}

// The elements of `range` that lie in [start, stop): which ones (first, count) of the range.
std::pair<std::int64_t, std::int64_t> inside(const Slice::Range& range, std::int64_t start, std::int64_t stop) {
  const auto ceil_div = [](std::int64_t a, std::int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; };
  std::int64_t first, last;  // [first, last) of the range
  if (range.step > 0) {
    first = ceil_div(start - range.start, range.step);
    last = ceil_div(stop - range.start, range.step);
  } else {
    first = ceil_div(range.start - (stop - 1), -range.step);
    last = ceil_div(range.start - (start - 1), -range.step);
  }
  last = std::min(last, range.count);
  return {first, std::max<std::int64_t>(0, last - first)};
}

// The elements [first, first + count) of axes of `extents` in C order as a box of them, or nothing if they are none.
struct Run {
  Dims start, shape;
};
std::optional<Run> box_of_range(std::span<const std::int64_t> extents, std::int64_t first, std::int64_t count) {
  Run run{Dims::filled(extents.size(), 0), Dims::filled(extents.size(), 1)};
  for (std::size_t axis = extents.size(); axis-- > 0;) {
    const std::int64_t extent = extents[axis];
    if (first % extent == 0 && count % extent == 0) {  // whole rows of this axis
      run.shape[axis] = extent;
      first /= extent, count /= extent;
      continue;
    }
    run.start[axis] = first % extent;
    run.shape[axis] = count;
    if (run.start[axis] + count > extent) return std::nullopt;
    first /= extent, count = 1;
  }
  return count == 1 || extents.empty() ? std::optional(run) : std::nullopt;
}

// Where a box of axes of `extents` starts in C order, and how many elements it has; nothing if they do not follow each
// other.
std::optional<std::pair<std::int64_t, std::int64_t>> range_of_box(std::span<const std::int64_t> extents,
                                                                  std::span<const std::int64_t> start,
                                                                  std::span<const std::int64_t> shape) {
  std::int64_t first = 0, count = 1;
  bool single = true;  // every slower axis has one element in the box
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    if (!single && shape[axis] != extents[axis]) return std::nullopt;
    first = first * extents[axis] + start[axis];
    count *= shape[axis];
    single = single && shape[axis] == 1;
  }
  return std::pair(first, count);
}

// The piece of an array of shape `from` as a piece of the array of shape `to` with the same elements. Axes are matched
// group by group, the product of the extents of a group being the same on both sides.
std::optional<Piece> reshape_piece(const Piece& piece, const Shape& from, const Shape& to) {
  Dims start, shape;
  const std::span<const std::int64_t> old_extents(from), old_start(piece.start), old_shape(piece.view.shape),
      extents(to);
  std::size_t i = 0, k = 0;
  while (i < from.size() || k < to.size()) {
    std::size_t i_end = i, k_end = k;
    std::int64_t old_count = 1, new_count = 1;
    if (i_end < from.size()) old_count = from[i_end++];
    if (k_end < to.size()) new_count = to[k_end++];
    while (old_count != new_count) {
      if (new_count < old_count) {
        new_count *= to[k_end++];
      } else {
        old_count *= from[i_end++];
      }
    }
    const auto range = range_of_box(old_extents.subspan(i, i_end - i), old_start.subspan(i, i_end - i),
                                    old_shape.subspan(i, i_end - i));
    if (!range) return std::nullopt;
    const auto run = box_of_range(extents.subspan(k, k_end - k), range->first, range->second);
    if (!run) return std::nullopt;
    for (std::int64_t at : run->start) start.push_back(at);
    for (std::int64_t extent : run->shape) shape.push_back(extent);
    i = i_end, k = k_end;
  }
  std::optional<View> view = distob::reshape(piece.view, shape);
  if (!view) return std::nullopt;
  return Piece{piece.storage, std::move(*view), std::move(start)};
}

}  // namespace

Box box_of(const Piece& piece) {
  Box box{piece.start, piece.start};
  for (std::size_t i = 0; i < box.stop.size(); ++i) box.stop[i] += piece.view.shape[i];
  return box;
}

std::vector<Piece> pieces_of(const Array& a) {
  if (!a.node()->single()) return a.node()->pieces;
  return {{storage_of(a), view_of(a), Dims::filled(a.shape().size(), 0)}};
}

Array from_pieces(std::vector<Piece> pieces, const Shape& shape, DType dtype, CutPtr cut) {
  if (pieces.size() == 1 && pieces[0].view.shape == shape) {
    return make_array(std::move(pieces[0].storage), std::move(pieces[0].view), std::move(cut), true);
  }
  if (pieces.empty()) return new_array(shape, dtype, std::move(cut));
  return Array(new Node(std::move(pieces), View::contiguous(dtype, shape), std::move(cut)));
}

Array index_pieces(const Array& a, std::span<const Index> index, const Shape& shape, CutPtr cut) {
  const Selection selection = select(a.shape(), index);
  std::vector<Piece> pieces;
  for (const Piece& piece : a.node()->pieces) {
    View view = piece.view;
    Dims start;
    bool empty = false;
    std::size_t shaped = 0;
    for (std::size_t axis = 0; axis < selection.ranges.size(); ++axis) {
      const Slice::Range& range = selection.ranges[axis];
      const auto [first, count] = inside(range, piece.start[axis], piece.start[axis] + piece.view.shape[axis]);
      empty = empty || count == 0;
      view.offset += (range.start + first * range.step - piece.start[axis]) * piece.view.strides[axis];
      view.shape[axis] = count;
      view.strides[axis] = piece.view.strides[axis] * range.step;
      for (; std::holds_alternative<NewAxis>(selection.shaping[shaped]); ++shaped) start.push_back(0);
      if (!std::holds_alternative<std::int64_t>(selection.shaping[shaped++])) start.push_back(first);
    }
    for (; shaped < selection.shaping.size(); ++shaped) start.push_back(0);
    if (!empty) pieces.push_back({piece.storage, distob::index(view, selection.shaping), start});
  }
  return from_pieces(std::move(pieces), shape, a.dtype(), std::move(cut));
}

Array reshape_pieces(const Array& a, const Shape& shape, CutPtr cut) {
  std::vector<Piece> pieces;
  for (const Piece& piece : a.node()->pieces) {
    std::optional<Piece> reshaped = reshape_piece(piece, a.shape(), shape);
    if (!reshaped) return {};
    pieces.push_back(std::move(*reshaped));
  }
  return from_pieces(std::move(pieces), shape, a.dtype(), std::move(cut));
}

}  // namespace distob::array::detail

#include "tensor/view.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "distob/errors.h"

namespace distob {
namespace {

bool contiguous_from(const View& view, bool c_order) {
  std::int64_t expected = view.dtype.itemsize;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    const std::size_t axis = c_order ? view.shape.size() - 1 - i : i;
    if (view.shape[axis] == 0) return true;
    if (view.shape[axis] == 1) continue;
    if (view.strides[axis] != expected) return false;
    expected *= view.shape[axis];
  }
  return true;
}

[[noreturn]] void throw_too_many_indices(int rank, std::size_t given) {
  throw IndexError("too many indices for array: array is " + std::to_string(rank) + "-dimensional, but " +
                   std::to_string(given) + " were indexed");
}

}  // namespace

Slice::Range Slice::on(std::int64_t extent) const {
  const std::int64_t by = step.value_or(1);
  if (by == 0) throw ValueError("slice step cannot be zero");
  const std::int64_t lowest = by > 0 ? 0 : -1;
  const std::int64_t highest = by > 0 ? extent : extent - 1;
  const auto clip = [&](std::int64_t i) { return std::clamp(i < 0 ? i + extent : i, lowest, highest); };
  const std::int64_t first = start ? clip(*start) : (by > 0 ? lowest : highest);
  const std::int64_t last = stop ? clip(*stop) : (by > 0 ? highest : lowest);
  const std::int64_t span = by > 0 ? last - first : first - last;
  if (span <= 0) return {first, by, 0};
  // In unsigned arithmetic, because a step may be as low as the lowest integer.
  const std::uint64_t width = by > 0 ? static_cast<std::uint64_t>(by) : 0 - static_cast<std::uint64_t>(by);
  return {first, by, static_cast<std::int64_t>((static_cast<std::uint64_t>(span) - 1) / width) + 1};
}

View View::contiguous(DType dtype, Shape shape, std::int64_t offset) {
  Strides strides = c_strides(shape, dtype.itemsize);
  return {offset, std::move(shape), std::move(strides), dtype};
}

bool View::is_contiguous() const { return contiguous_from(*this, true); }
bool View::is_f_contiguous() const { return contiguous_from(*this, false); }

bool View::is_aligned(std::int64_t alignment) const {
  std::int64_t bits = offset;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] > 1) bits |= strides[axis];
  }
  return bits % alignment == 0;
}

ByteRange View::byte_bounds() const {
  ByteRange range{offset, offset + static_cast<std::int64_t>(dtype.itemsize)};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0) return {offset, offset};
    const std::int64_t reach = strides[axis] * (shape[axis] - 1);
    (reach < 0 ? range.start : range.stop) += reach;
  }
  return range;
}

View index(const View& view, std::span<const Index> indices) {
  std::size_t named = 0, ellipses = 0;
  for (const Index& item : indices) {
    named += std::holds_alternative<std::int64_t>(item) || std::holds_alternative<Slice>(item);
    ellipses += std::holds_alternative<Ellipsis>(item);
  }
  if (ellipses > 1) throw IndexError("an index can only have a single ellipsis ('...')");
  if (named > view.shape.size()) throw_too_many_indices(view.rank(), named);

  View result{view.offset, {}, {}, view.dtype};
  std::size_t axis = 0;
  const auto keep = [&](std::size_t count) {
    for (; count > 0; --count, ++axis) {
      result.shape.push_back(view.shape[axis]);
      result.strides.push_back(view.strides[axis]);
    }
  };
  for (const Index& item : indices) {
    if (const auto* at = std::get_if<std::int64_t>(&item)) {
      const std::int64_t extent = view.shape[axis];
      if (*at < -extent || *at >= extent) {
        throw IndexError("index " + std::to_string(*at) + " is out of bounds for axis " + std::to_string(axis) +
                         " with size " + std::to_string(extent));
      }
      result.offset += (*at < 0 ? *at + extent : *at) * view.strides[axis++];
    } else if (const auto* slice = std::get_if<Slice>(&item)) {
      const Slice::Range range = slice->on(view.shape[axis]);
      // An empty or single slice takes no step, so that a huge one cannot overflow.
      if (range.count > 0) result.offset += range.start * view.strides[axis];
      result.shape.push_back(range.count);
      result.strides.push_back(range.count > 1 ? range.step * view.strides[axis] : view.strides[axis]);
      ++axis;
    } else if (std::holds_alternative<NewAxis>(item)) {
      result.shape.push_back(1);
      result.strides.push_back(0);
    } else {
      keep(view.shape.size() - named);
    }
  }
  keep(view.shape.size() - axis);
  return result;
}

View part(const View& view, const Box& box) {
  View result = view;
  result.shape = box.shape();
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) result.offset += box.start[axis] * view.strides[axis];
  return result;
}

View transpose(const View& view) {
  View result = view;
  std::reverse(result.shape.begin(), result.shape.end());
  std::reverse(result.strides.begin(), result.strides.end());
  return result;
}

View transpose(const View& view, std::span<const std::int64_t> axes) {
  if (axes.size() != view.shape.size()) throw ValueError("axes don't match array");
  View result = view;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = normalize_axis(static_cast<int>(axes[i]), view.rank());
    if (seen >> axis & 1) throw ValueError("repeated axis in transpose");
    seen |= std::uint64_t{1} << axis;
    result.shape[i] = view.shape[static_cast<std::size_t>(axis)];
    result.strides[i] = view.strides[static_cast<std::size_t>(axis)];
  }
  return result;
}

View broadcast_to(const View& view, const Shape& shape) {
  if (view.shape == shape) return view;
  const auto refuse = [&] {
    throw ValueError("cannot broadcast an array of shape " + to_string(view.shape) + " to shape " + to_string(shape));
  };
  if (view.shape.size() > shape.size()) refuse();
  View result{view.offset, shape, Dims::filled(shape.size(), 0), view.dtype};
  const std::size_t added = shape.size() - view.shape.size();
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    if (view.shape[axis] == shape[axis + added]) {
      result.strides[axis + added] = view.strides[axis];
    } else if (view.shape[axis] != 1) {
      refuse();
    }
  }
  return result;
}

Shape resolve_shape(const Shape& shape, std::int64_t elements) {
  Shape result = shape;
  std::optional<std::size_t> unknown;
  std::int64_t known = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 0) {
      if (unknown) throw ValueError("can only specify one unknown dimension");
      unknown = axis;
    } else if (__builtin_mul_overflow(known, shape[axis], &known)) {
      known = -1;
      break;
    }
  }
  if (unknown && known > 0 && elements % known == 0) {
    result[*unknown] = elements / known;
    known = elements;
    unknown.reset();
  }
  if (unknown || known != elements) {
    std::string text = to_string(shape);
    const auto at = text.find('-');
    if (at != std::string::npos) text.replace(at, text.find_first_of(",)", at) - at, "newaxis");  // NumPy's word
    throw ValueError("cannot reshape array of size " + std::to_string(elements) + " into shape " + text);
  }
  return result;
}

std::optional<View> reshape(const View& view, Shape shape) {
  shape = resolve_shape(shape, view.size());
  if (view.is_contiguous() || view.size() == 0) return View::contiguous(view.dtype, std::move(shape), view.offset);

  // Axes of one element carry no stride; what is left is matched group by group: the same number of elements on both
  // sides, the old axes of a group being mergeable.
  Dims extents, strides;
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    if (view.shape[axis] == 1) continue;
    extents.push_back(view.shape[axis]);
    strides.push_back(view.strides[axis]);
  }
  View result{view.offset, shape, Dims::filled(shape.size(), 0), view.dtype};
  std::size_t from = 0, to = 0;
  while (from < extents.size() && to < shape.size()) {
    std::size_t from_end = from + 1, to_end = to + 1;
    std::int64_t old_count = extents[from], new_count = shape[to];
    while (old_count != new_count) {
      if (new_count < old_count) {
        new_count *= shape[to_end++];
      } else {
        old_count *= extents[from_end++];
      }
    }
    for (std::size_t axis = from; axis + 1 < from_end; ++axis) {
      if (strides[axis] != extents[axis + 1] * strides[axis + 1]) return std::nullopt;
    }
    std::int64_t stride = strides[from_end - 1];
    for (std::size_t axis = to_end; axis-- > to;) {
      result.strides[axis] = stride;
      stride *= shape[axis];
    }
    from = from_end;
    to = to_end;
  }
  for (; to < shape.size(); ++to) result.strides[to] = view.dtype.itemsize;  // extents of one
  return result;
}

Dims memory_order(const View& view) { return memory_order(std::span<const View>(&view, 1)); }

Dims memory_order(std::span<const View> views) {
  const int rank = views.empty() ? 0 : views[0].rank();
  Dims order;
  for (int axis = 0; axis < rank; ++axis) {
    // Insertion, from the fastest end: an axis moves in front of those that every opinion says are faster than it, and
    // stops at the first one that is slower. Axes that no view has an opinion on stay in C order.
    std::size_t at = order.size();
    for (std::size_t before = order.size(); before-- > 0;) {
      int verdict = 0;
      const auto other = static_cast<std::size_t>(order[before]), mine = static_cast<std::size_t>(axis);
      for (const View& view : views) {
        if (view.shape[other] == 1 || view.shape[mine] == 1) continue;
        const std::int64_t a = std::abs(view.strides[other]), b = std::abs(view.strides[mine]);
        if (a == 0 || b == 0 || a == b) continue;
        verdict = a < b ? 1 : -1;
        break;
      }
      if (verdict > 0) at = before;
      if (verdict < 0) break;
    }
    order.insert(at, axis);
  }
  return order;
}

}  // namespace distob

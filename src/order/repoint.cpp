#include "order/repoint.h"

#include <algorithm>

namespace distob::order {
namespace {

View bytes(std::int64_t start, std::int64_t length) { return View::contiguous(Kind::UInt8, {length}, start); }

// An axis of a view, walked forwards.
struct Axis {
  std::int64_t extent;
  std::int64_t stride;
};

// The view's axes from slowest to fastest, all strides positive, without those of one element; moves `offset` to match.
std::vector<Axis> forward_axes(const View& view, std::int64_t& offset) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    const std::int64_t extent = view.shape[i];
    const std::int64_t stride = view.strides[i];
    if (extent <= 1) continue;
    if (stride < 0) offset += (extent - 1) * stride;
    axes.push_back({extent, stride < 0 ? -stride : stride});
  }
  std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.stride > b.stride; });
  return axes;
}

}  // namespace

std::optional<std::vector<View>> uncovered(std::int64_t size, const View& view) {
  if (view.size() == 0) return std::vector<View>{bytes(0, size)};
  std::int64_t offset = view.offset;
  const std::vector<Axis> axes = forward_axes(view, offset);
  std::vector<View> gaps;
  std::int64_t span = view.dtype.itemsize;  // bytes from the first to the end of the last element of the inner axes
  for (std::size_t k = axes.size(); k-- > 0;) {
    const std::int64_t gap = axes[k].stride - span;
    if (gap < 0) return std::nullopt;  // rows that interleave
    if (gap > 0) {
      if (k + 1 == axes.size()) return std::nullopt;  // single elements with holes between: copy all instead
      View between{offset + span, {}, {}, Kind::UInt8};
      for (std::size_t outer = 0; outer <= k; ++outer) {
        between.shape.push_back(axes[outer].extent - (outer == k ? 1 : 0));
        between.strides.push_back(axes[outer].stride);
      }
      between.shape.push_back(gap);
      between.strides.push_back(1);
      gaps.push_back(between);
    }
    span += (axes[k].extent - 1) * axes[k].stride;
  }
  if (offset > 0) gaps.push_back(bytes(0, offset));
  if (offset + span < size) gaps.push_back(bytes(offset + span, size - offset - span));
  return gaps;
}

WritePlan plan_write(std::int64_t size, std::span<const View> written, bool partly, Needs needs) {
  WritePlan plan;
  plan.fresh = needs.pinned || needs.read_crossing;
  if (!plan.fresh) return plan;
  if (!partly && written.size() == 1) {
    if (auto gaps = uncovered(size, written[0])) {
      plan.carried = std::move(*gaps);
      return plan;
    }
  }
  plan.carry_first = true;
  plan.carried.push_back(bytes(0, size));
  return plan;
}

}  // namespace distob::order

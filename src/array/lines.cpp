#include "array/lines.h"

#include <algorithm>

#include "array/workspace.h"

namespace distob::array::detail {
namespace {

bool plain(const View& view) {
  return !view.dtype.swapped && view.is_contiguous() &&
         view.is_aligned(std::min<std::int64_t>(std::max<std::int64_t>(1, view.dtype.itemsize), 16));
}

Lines shown(const Array& a, std::int64_t length) {
  Lines lines;
  lines.kind = a.dtype().kind;
  lines.itemsize = a.dtype().itemsize;
  lines.length = length;
  lines.count = length > 0 ? a.size() / length : 0;
  lines.keeps = snapshot(a);
  lines.data = lines.keeps.layout().data;
  return lines;
}

}  // namespace

Array with_axis_last(const Array& a, int axis) {
  const int last = a.ndim() - 1;
  if (axis == last) return a;
  std::vector<int> order;
  for (int i = 0; i <= last; ++i) {
    if (i != axis) order.push_back(i);
  }
  order.push_back(axis);
  return transpose(a, order);
}

Array with_last_axis_at(const Array& a, int axis) {
  const int last = a.ndim() - 1;
  if (axis == last) return a;
  std::vector<int> order;
  for (int i = 0; i < last; ++i) order.push_back(i);
  order.insert(order.begin() + axis, last);
  return transpose(a, order);
}

Lines lines_of(const Array& a, int axis) {
  const Array turned = with_axis_last(a, axis);
  const std::int64_t length = a.shape()[static_cast<std::size_t>(axis)];
  if (turned.node()->single() && plain(view_of(turned))) return shown(turned, length);
  DType native = a.dtype();
  native.swapped = false;
  Array copied = new_array(turned.shape(), native);
  assign(copied, turned);
  return shown(copied, length);
}

Lines flat_line(const Array& a, Kind kind) {
  if (a.dtype() == DType(kind) && a.node()->single() && plain(view_of(a))) return shown(a, a.size());
  Array copied = new_array(a.shape(), kind);
  assign(copied, a);
  return shown(copied, a.size());
}

Fresh::Fresh(const Shape& shape, DType dtype, CutPtr cut) : array_(new_array(shape, dtype, std::move(cut))) {
  if (array_.size() > 0) {
    memory_ = memory::Memory::allocate(static_cast<std::size_t>(storage_of(array_)->size()));
  }
}

Array Fresh::finished() && {
  if (memory_) storage_of(array_)->set_memory(std::move(memory_));
  return std::move(array_);
}

Fresh scratch(std::int64_t bytes) { return Fresh({bytes}, Kind::UInt8); }

void each_of(std::int64_t n, const std::function<void(std::int64_t)>& work) {
  Workspace::instance().run_parts(n, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) work(i);
  });
}

void run_lines(std::int64_t count, std::int64_t length, const std::function<void(std::int64_t, std::int64_t)>& work) {
  const std::int64_t parts = std::min(count, std::max<std::int64_t>(1, count * length / kWorthThreads));
  if (parts < 2) {
    work(0, count);
    return;
  }
  // Enough parts for threads that are slower than others, each worth its claim.
  const std::int64_t runs = std::min<std::int64_t>(parts, 8L * Workspace::instance().threads());
  each_of(runs, [&](std::int64_t i) { work(count * i / runs, count * (i + 1) / runs); });
}

}  // namespace distob::array::detail

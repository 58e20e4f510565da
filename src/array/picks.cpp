#include "array/picks.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "array/ranges.h"
#include "distob/errors.h"
#include "kernels/moving.h"

namespace distob::array {
namespace {

template <class T>
void load_as(const char* from, std::int64_t step, std::int64_t n, std::int64_t* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    T value;
    std::memcpy(&value, from + i * step, sizeof(T));
    out[i] = static_cast<std::int64_t>(value);
  }
}

void load_integers(Kind kind, const char* from, std::int64_t step, std::int64_t n, std::int64_t* out) {
  switch (kind) {
    case Kind::Int8: return load_as<std::int8_t>(from, step, n, out);
    case Kind::UInt8: return load_as<std::uint8_t>(from, step, n, out);
    case Kind::Int16: return load_as<std::int16_t>(from, step, n, out);
    case Kind::UInt16: return load_as<std::uint16_t>(from, step, n, out);
    case Kind::Int32: return load_as<std::int32_t>(from, step, n, out);
    case Kind::UInt32: return load_as<std::uint32_t>(from, step, n, out);
    default: break;
  }
  if (step == sizeof(std::int64_t)) {
    std::memcpy(out, from, static_cast<std::size_t>(n) * sizeof(std::int64_t));
  } else {
    load_as<std::int64_t>(from, step, n, out);  // the bits of uint64 are those of the int64 that NumPy makes of it
  }
}

void load(const Reading& index, const Runs& walk, std::int64_t first, std::int64_t n, std::int64_t* out) {
  walk.over(first, n, [&](std::int64_t offset, std::int64_t run) {
    load_integers(index.dtype().kind, index.data() + offset, walk.step(), run, out);
    out += run;
  });
}

// Whether axis `a`, which C order walks more slowly than axis `b`, goes behind it; nothing if no operand says.
std::optional<bool> goes_behind(std::int64_t a, std::int64_t b, std::span<const Strides* const> operands) {
  std::optional<bool> behind;
  for (const Strides* strides : operands) {
    const std::int64_t slow = std::abs((*strides)[static_cast<std::size_t>(a)]);
    const std::int64_t fast = std::abs((*strides)[static_cast<std::size_t>(b)]);
    if (slow == 0 || fast == 0) continue;
    if (fast <= slow) return false;  // where operands differ C order wins
    behind = true;
  }
  return behind;
}

// An insertion sort, since axes that no operand compares leave the order to others.
Dims walking_order(std::size_t rank, std::span<const Strides* const> operands) {
  Dims order;
  for (std::size_t i = rank; i-- > 0;) {
    std::size_t place = 0;  // counted from the front of what is sorted already
    for (std::size_t k = 0; k < order.size(); ++k) {
      const auto behind = goes_behind(static_cast<std::int64_t>(i), order[k], operands);
      if (!behind) continue;
      if (!*behind) break;
      place = k + 1;
    }
    order.insert(place, static_cast<std::int64_t>(i));
  }
  return order;
}

[[noreturn]] void refuse(std::int64_t index, int axis, std::int64_t extent) {
  throw IndexError("index " + std::to_string(index) + " is out of bounds for axis " + std::to_string(axis) +
                   " with size " + std::to_string(extent));
}

}  // namespace

void Picks::add(Reading index, const Shape& extents, const Strides& strides, int axis) {
  Pick pick{std::move(index), {}, {}, element_count(extents), Runs(extents, strides), axis, true};
  pick.counts = pick.index.dtype().kind != Kind::Bool;
  picks_.push_back(std::move(pick));
}

void Picks::broadcast() {
  if (picks_.empty()) return;  // one position, which picks nothing
  std::vector<const Shape*> shapes;
  for (const Pick& pick : picks_) shapes.push_back(&pick.index.shape());
  try {
    shape_ = broadcast_shapes(shapes);
  } catch (const ValueError&) {
    std::string text = "shape mismatch: indexing arrays could not be broadcast together with shapes ";
    for (const Shape* shape : shapes) text += to_string(*shape) + " ";
    throw IndexError(text);
  }
  for (Pick& pick : picks_) {
    pick.broadcast = distob::broadcast_to(pick.index.view(), shape_);
    pick.walk = Runs(shape_, pick.broadcast.strides);
  }
}

void Picks::reorder(const Dims& axes) {
  Shape shape;
  for (std::int64_t axis : axes) shape.push_back(shape_[static_cast<std::size_t>(axis)]);
  shape_ = shape;
  for (Pick& pick : picks_) {
    pick.broadcast = transpose(pick.broadcast, axes);
    pick.walk = Runs(shape_, pick.broadcast.strides);
  }
}

Dims Picks::order(const Strides* other) const {
  std::vector<const Strides*> operands;
  for (const Pick& pick : picks_) operands.push_back(&pick.broadcast.strides);
  if (other != nullptr) operands.push_back(other);
  return walking_order(shape_.size(), operands);
}

void Picks::bring_inside(std::int64_t extent, std::int64_t n, std::int64_t* indices) const {
  if (mode_ == OutOfRange::clip) {
    for (std::int64_t i = 0; i < n; ++i) indices[i] = std::clamp<std::int64_t>(indices[i], 0, extent - 1);
  } else if (mode_ == OutOfRange::wrap) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (indices[i] < 0 || indices[i] >= extent) indices[i] %= extent;
      if (indices[i] < 0) indices[i] += extent;
    }
  }
}

bool Picks::offsets(std::int64_t first, std::int64_t n, std::int64_t* out) const {
  std::int64_t indices[kChunk];
  std::fill(out, out + n, 0);
  for (const Pick& pick : picks_) {
    if (!pick.counts) continue;
    load(pick.index, pick.walk, first, n, indices);
    bring_inside(pick.extent, n, indices);
    if (pick.axes.single()) {
      if (!kernels::add_offsets(indices, n, pick.extent, pick.axes.step(), out)) return false;
      continue;
    }
    std::int64_t flat[kChunk] = {};
    if (!kernels::add_offsets(indices, n, pick.extent, 1, flat)) return false;
    for (std::int64_t i = 0; i < n; ++i) out[i] += pick.axes.offset(flat[i]);
  }
  return true;
}

void Picks::check() const {
  if (size() == 0 || mode_ != OutOfRange::raise) return;
  for (const Pick& pick : picks_) {
    if (pick.counts) check(pick);
  }
}

// Each index once, however often it is broadcast.
void Picks::check(const Pick& pick) const {
  const std::int64_t extent = pick.extent;
  const Runs walk(pick.index.shape(), pick.index.view().strides);
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  std::atomic<std::int64_t> outside{kNone};
  run_weighted(pick.index.view().size(), 1, [&](std::int64_t first, std::int64_t last) {
    std::int64_t indices[kChunk];
    for (; first < last; first += kChunk) {
      const std::int64_t n = std::min(kChunk, last - first);
      load(pick.index, walk, first, n, indices);
      std::int64_t sums[kChunk];
      if (kernels::add_offsets(indices, n, extent, 0, std::fill_n(sums, n, 0) - n)) continue;
      const auto is_outside = [extent](std::int64_t i) { return i < -extent || i >= extent; };
      const std::int64_t found = first + (std::find_if(indices, indices + n, is_outside) - indices);
      std::int64_t known = outside.load();
      while (found < known && !outside.compare_exchange_weak(known, found)) {
      }
      return;
    }
  });
  if (outside == kNone) return;
  std::int64_t index = 0;
  load(pick.index, walk, outside, 1, &index);
  refuse(index, pick.axis, extent);
}

}  // namespace distob::array

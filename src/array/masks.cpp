#include "array/masks.h"

#include <algorithm>

#include "array/ranges.h"
#include "array/runs.h"
#include "distob/errors.h"
#include "kernels/moving.h"

namespace distob::array {

using detail::data_of;
using detail::new_array_with_memory;

Mask::Mask(const Operand& operand, const Array* written) : bytes_(operand, written) {
  if (bytes_.dtype().kind != Kind::Bool) throw TypeError("a mask must be boolean, not " + bytes_.dtype().name());
  bytes_.make_contiguous();
  const std::int64_t blocks = (size() + kBlock - 1) / kBlock;
  before_.assign(static_cast<std::size_t>(blocks) + 1, 0);
  run_weighted(blocks, kBlock, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t block = first; block < last; ++block) {
      const std::int64_t start = block * kBlock;
      before_[static_cast<std::size_t>(block) + 1] =
          kernels::count_true(bytes() + start, std::min(kBlock, size() - start));
    }
  });
  for (std::size_t block = 1; block < before_.size(); ++block) before_[block] += before_[block - 1];
}

template <class Body>
void Mask::over_blocks(Body&& body) const {
  run_weighted(static_cast<std::int64_t>(before_.size()) - 1, kBlock, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t block = first; block < last; ++block) {
      const std::int64_t start = block * kBlock, before = before_[static_cast<std::size_t>(block)];
      const std::int64_t count = before_[static_cast<std::size_t>(block) + 1] - before;
      if (count > 0) body(start, std::min(kBlock, size() - start), before, count);
    }
  });
}

Array flat_positions(const Mask& mask) {
  Array positions = new_array_with_memory({mask.count()}, Kind::Int64);
  auto* out = reinterpret_cast<std::int64_t*>(data_of(positions));
  mask.over_blocks([&](std::int64_t first, std::int64_t, std::int64_t before, std::int64_t count) {
    kernels::true_positions(mask.bytes() + first, first, count, out + before);
  });
  return positions;
}

std::vector<Array> true_positions(const Mask& mask) {
  const Shape& shape = mask.shape();
  if (shape.size() == 1) return {flat_positions(mask)};
  std::vector<Array> positions;
  std::vector<std::int64_t*> out;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    positions.push_back(new_array_with_memory({mask.count()}, Kind::Int64));
    out.push_back(reinterpret_cast<std::int64_t*>(data_of(positions.back())));
  }
  const std::size_t last = shape.size() - 1;
  mask.over_blocks([&](std::int64_t first, std::int64_t, std::int64_t before, std::int64_t count) {
    kernels::true_positions(mask.bytes() + first, first, count, out[last] + before);
    // Neighbours are mostly in one row of the last axis, whose position on the other axes is worked out once.
    std::int64_t row = -1;
    for (std::int64_t i = before; i < before + count; ++i) {
      const std::int64_t flat = out[last][i];
      if (row < 0 || flat - row * shape[last] >= shape[last]) row = flat / shape[last];
      out[last][i] = flat - row * shape[last];
      out[last - 1][i] = row;
    }
    for (std::size_t axis = last - 1; axis > 0; --axis) {
      for (std::int64_t i = before; i < before + count; ++i) {
        const std::int64_t flat = out[axis][i];
        out[axis - 1][i] = flat / shape[axis];
        out[axis][i] = flat % shape[axis];
      }
    }
  });
  return positions;
}

Array compress(const Array& a, const Mask& mask) {
  const Reading from(a);
  const Array result = new_array_with_memory({mask.count()}, a.dtype());
  const std::size_t itemsize = a.dtype().itemsize;
  const auto size = static_cast<std::int64_t>(itemsize);
  const Runs walk(from.shape(), from.view().strides);
  char* to = data_of(result);
  mask.over_blocks([&](std::int64_t first, std::int64_t n, std::int64_t before, std::int64_t count) {
    if (walk.single() && walk.step() == size) {
      kernels::compress_items(mask.bytes() + first, from.data() + first * size, count, to + before * size, itemsize);
      return;
    }
    const std::uint8_t* bytes = mask.bytes() + first;
    std::int64_t positions[Mask::kBlock];
    char* next = to + before * size;
    walk.over(first, n, [&](std::int64_t offset, std::int64_t run) {
      const std::int64_t kept = kernels::count_true(bytes, run);
      kernels::true_positions(bytes, 0, kept, positions);
      for (std::int64_t i = 0; i < kept; ++i) positions[i] = offset + positions[i] * walk.step();
      kernels::take_items(from.data(), positions, kept, next, size, itemsize);
      bytes += run;
      next += kept * size;
    });
  });
  return result;
}

namespace {

// The byte offsets of values [first, first + n), counted around.
void fill_sources(const Runs& values, std::int64_t available, std::int64_t first, std::int64_t n, std::int64_t* out) {
  for (first %= available; n > 0; first = 0) {
    const std::int64_t run = std::min(n, available - first);
    values.over(first, run, [&](std::int64_t offset, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) *out++ = offset + i * values.step();
    });
    n -= run;
  }
}

}  // namespace

void expand(const Array& target, const Mask& mask, const Reading& values, ValueOrder order) {
  if (mask.count() == 0) return;
  const Access access = access_for_write(target);
  const Layout& to = access.layout();
  const std::size_t itemsize = target.dtype().itemsize;
  const Runs walk(to.shape, to.strides), source(values.shape(), values.view().strides);
  const std::int64_t available = values.view().size();
  mask.over_blocks([&](std::int64_t first, std::int64_t n, std::int64_t before, std::int64_t) {
    const std::uint8_t* bytes = mask.bytes() + first;
    std::int64_t positions[Mask::kBlock], values_at[Mask::kBlock];
    std::int64_t taken = before;
    walk.over(first, n, [&](std::int64_t offset, std::int64_t run) {
      const std::int64_t kept = kernels::count_true(bytes, run);
      kernels::true_positions(bytes, 0, kept, positions);
      if (order == ValueOrder::by_count) {
        fill_sources(source, available, taken, kept, values_at);
      } else {
        const std::int64_t place = bytes - mask.bytes();
        for (std::int64_t i = 0; i < kept; ++i) values_at[i] = source.offset((place + positions[i]) % available);
      }
      for (std::int64_t i = 0; i < kept; ++i) positions[i] = offset + positions[i] * walk.step();
      kernels::move_items(to.data, positions, values.data(), values_at, kept, itemsize);
      bytes += run;
      taken += kept;
    });
  });
}

}  // namespace distob::array

#include "program/interpreter_for_test.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace distob::program::testing {
namespace {

using Bytes = std::vector<char>;

void convert(const kernels::Kernel& kernel, const char* from, char* to) {
  char* const data[2] = {const_cast<char*>(from), to};
  const std::ptrdiff_t n = 1, strides[2] = {0, 0};
  kernel.loop(kernel.context, data, &n, strides, kernel.auxdata);
}

/// One element through byte order and cast. Aligned copies, because that is what loops ask for.
void element(DType from_type, const char* from, DType to_type, char* to) {
  alignas(64) char native[64], result[64];
  if (from_type.swapped) {
    kernels::swap_bytes(from_type.kind, from, 0, native, 0, 1);
  } else {
    std::memcpy(native, from, from_type.itemsize);
  }
  if (from_type.kind == to_type.kind) {
    std::memcpy(result, native, to_type.itemsize);
  } else {
    convert(*kernels::cast(from_type.kind, to_type.kind), native, result);
  }
  if (to_type.swapped) {
    kernels::swap_bytes(to_type.kind, result, 0, to, 0, 1);
  } else {
    std::memcpy(to, result, to_type.itemsize);
  }
}

Bytes combined(const kernels::Reduction& reduction, Bytes left, const Bytes& right) {
  const auto size = static_cast<std::ptrdiff_t>(itemsize_of(reduction.kind));
  reduction.combine(left.data(), size, right.data(), size, static_cast<std::ptrdiff_t>(left.size()) / size);
  return left;
}

/// Leaves [first, first + count) joined: split at the largest power of two below the count.
template <class Leaf>
Bytes joined(const kernels::Reduction& reduction, const Leaf& leaf, std::int64_t first, std::int64_t count) {
  if (count == 1) return leaf(first);
  const auto left = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(count - 1)));
  return combined(reduction, joined(reduction, leaf, first, left), joined(reduction, leaf, first + left, count - left));
}

/// Runs of equal class, extents of one left out: the shape of the tree.
struct Group {
  std::int64_t extent;
  bool reduced;
};
std::vector<Group> groups_of(const Shape& shape, const Dims& axes) {
  std::vector<Group> groups;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    const bool reduced = std::count(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) != 0;
    if (!groups.empty() && groups.back().reduced == reduced) {
      groups.back().extent *= shape[axis];
    } else {
      groups.push_back({shape[axis], reduced});
    }
  }
  return groups;
}

}  // namespace

std::int64_t offset_of(const View& view, std::int64_t number) {
  std::int64_t offset = view.offset;
  for (std::size_t axis = view.shape.size(); axis-- > 0;) {
    offset += number % view.shape[axis] * view.strides[axis];
    number /= view.shape[axis];
  }
  return offset;
}

std::vector<char> tree(const kernels::Reduction& reduction, const std::vector<char>& values, std::int64_t width) {
  const std::int64_t size = itemsize_of(reduction.kind);
  const std::int64_t rows = static_cast<std::int64_t>(values.size()) / (width * size);
  const auto row = [&](std::int64_t i) {
    return Bytes(values.begin() + i * width * size, values.begin() + (i + 1) * width * size);
  };
  const bool in_order = width == 1 && rows <= 16;
  if (width == 1 && !in_order) {
    const auto leaf = [&](std::int64_t i) {
      Bytes result(static_cast<std::size_t>(size));
      reduction.leaf(values.data() + i * kernels::kLeaf * size, size,
                     std::min(kernels::kLeaf, rows - i * kernels::kLeaf), result.data());
      return result;
    };
    return joined(reduction, leaf, 0, (rows + kernels::kLeaf - 1) / kernels::kLeaf);
  }
  const auto leaf = [&](std::int64_t i) {
    Bytes sum = row(i * 16);
    for (std::int64_t k = i * 16 + 1; k < std::min(rows, (i + 1) * 16); ++k)
      sum = combined(reduction, std::move(sum), row(k));
    return sum;
  };
  return joined(reduction, leaf, 0, (rows + 15) / 16);
}

int Interpreter::load(int slot, const View& view, Kind to) {
  const View whole = broadcast_to(view, shape_);
  Array array{to, Bytes(static_cast<std::size_t>(size()) * itemsize_of(to))};
  for (std::int64_t i = 0; i < size(); ++i) {
    element(view.dtype, slots_[static_cast<std::size_t>(slot)].data() + offset_of(whole, i), to,
            array.bytes.data() + i * itemsize_of(to));
  }
  return add(std::move(array));
}

int Interpreter::constant(Kind kind, const void* bytes) {
  Array array{kind, {}};
  for (std::int64_t i = 0; i < size(); ++i) {
    array.bytes.insert(array.bytes.end(), static_cast<const char*>(bytes),
                       static_cast<const char*>(bytes) + itemsize_of(kind));
  }
  return add(std::move(array));
}

int Interpreter::apply(const kernels::Kernel& kernel, std::span<const int> inputs, int output) {
  // One call for each element: a kernel must not depend on how many it is given.
  const Kind kind = kernel.kinds[static_cast<std::size_t>(kernel.inputs + output)];
  Array array{kind, Bytes(static_cast<std::size_t>(size()) * itemsize_of(kind))};
  alignas(64) char elements[8][64];
  char* data[8];
  const std::ptrdiff_t n = 1, strides[8] = {};
  for (std::size_t j = 0; j < 8; ++j) data[j] = elements[j];
  for (std::int64_t i = 0; i < size(); ++i) {
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      const Array& input = values_[static_cast<std::size_t>(inputs[j])];
      std::memcpy(elements[j], input.bytes.data() + i * itemsize_of(input.kind), itemsize_of(input.kind));
    }
    kernel.loop(kernel.context, data, &n, strides, kernel.auxdata);
    std::memcpy(array.bytes.data() + i * itemsize_of(kind), elements[kernel.inputs + output], itemsize_of(kind));
  }
  return add(std::move(array));
}

int Interpreter::select(int mask, int value, const void* otherwise) {
  Array array = values_[static_cast<std::size_t>(value)];
  const std::size_t width = itemsize_of(array.kind);
  for (std::size_t i = 0; i < static_cast<std::size_t>(size()); ++i) {
    if (values_[static_cast<std::size_t>(mask)].bytes[i] == 0)
      std::memcpy(array.bytes.data() + i * width, otherwise, width);
  }
  return add(std::move(array));
}

void Interpreter::store(int value, int slot, const View& view, int mask) {
  const Array& array = values_[static_cast<std::size_t>(value)];
  for (std::int64_t i = 0; i < size(); ++i) {
    if (mask >= 0 && values_[static_cast<std::size_t>(mask)].bytes[static_cast<std::size_t>(i)] == 0) continue;
    element(array.kind, array.bytes.data() + i * itemsize_of(array.kind), view.dtype,
            slots_[static_cast<std::size_t>(slot)].data() + offset_of(view, i));
  }
}

void Interpreter::reduce(int value, const kernels::Reduction& reduction, const Dims& axes, int slot,
                         const View& result) {
  Bytes data = values_[static_cast<std::size_t>(value)].bytes;
  const std::int64_t size = itemsize_of(reduction.kind);
  std::vector<Group> groups = groups_of(shape_, axes);
  std::int64_t width = 1;
  while (!groups.empty()) {
    const Group last = groups.back();
    groups.pop_back();
    if (!last.reduced) {
      width *= last.extent;
      continue;
    }
    Bytes next;
    const std::int64_t chunk = last.extent * width * size;
    for (std::int64_t at = 0; at < static_cast<std::int64_t>(data.size()); at += chunk) {
      const Bytes part(data.begin() + at, data.begin() + at + chunk);
      const Bytes one = tree(reduction, part, width);
      next.insert(next.end(), one.begin(), one.end());
    }
    data = std::move(next);
  }
  for (std::int64_t i = 0; i < result.size(); ++i) {
    if (element_count(shape_) > 0 && reduction.identity_counts)
      reduction.combine(data.data() + i * size, size, reduction.identity.data(), size, 1);
    const char* from = element_count(shape_) == 0 ? reduction.identity.data() : data.data() + i * size;
    element(reduction.kind, from, result.dtype, slots_[static_cast<std::size_t>(slot)].data() + offset_of(result, i));
  }
}

}  // namespace distob::program::testing

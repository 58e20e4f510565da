#include "distob/shape.h"

#include <algorithm>

#include "distob/errors.h"

namespace distob {

void Dims::reserve(std::size_t n) {
  if (n > kMaxRank) throw ValueError("arrays have at most 64 dimensions, not " + std::to_string(n));
  auto* grown = new std::int64_t[kMaxRank];
  std::memcpy(grown, data(), size_ * sizeof(std::int64_t));
  release();
  heap_ = grown;
  capacity_ = kMaxRank;
}

void Dims::resize(std::size_t size, std::int64_t value) {
  if (size > capacity_) reserve(size);
  for (std::size_t i = size_; i < size; ++i) data()[i] = value;
  size_ = static_cast<std::uint32_t>(size);
}

void Dims::insert(std::size_t at, std::int64_t value) {
  resize(size_ + std::size_t{1});
  std::int64_t* values = data();
  std::memmove(values + at + 1, values + at, (size_ - 1 - at) * sizeof(std::int64_t));
  values[at] = value;
}

void Dims::erase(std::size_t at) {
  std::memmove(data() + at, data() + at + 1, (size_ - 1 - at) * sizeof(std::int64_t));
  --size_;
}

std::int64_t byte_count(const Shape& shape, std::int64_t itemsize) {
  // Extents of zero do not excuse the others: numpy.empty((0, 2**62, 4)) is refused too.
  std::int64_t bytes = itemsize;
  bool any_empty = false;
  for (std::int64_t extent : shape) {
    if (extent < 0) throw ValueError("negative dimensions are not allowed");
    if (extent == 0) {
      any_empty = true;
    } else if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      throw ValueError("array is too big: shape " + to_string(shape) + " has more bytes than an address");
    }
  }
  return any_empty ? 0 : bytes;
}

Strides c_strides(const Shape& shape, std::int64_t itemsize) {
  Strides strides = Dims::filled(shape.size(), itemsize);
  std::int64_t stride = itemsize;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= std::max<std::int64_t>(shape[axis], 1);
  }
  return strides;
}

Shape broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  for (std::size_t i = 1; i <= shorter.size(); ++i) {
    const std::int64_t x = longer[longer.size() - i], y = shorter[shorter.size() - i];
    if (x != y && x != 1 && y != 1) {
      throw ValueError("operands could not be broadcast together with shapes " + to_string(a) + " " + to_string(b));
    }
    result[result.size() - i] = x == 1 ? y : x;
  }
  return result;
}

int normalize_axis(int axis, int rank) {
  if (axis < -rank || axis >= rank) throw AxisError(axis, rank);
  return axis < 0 ? axis + rank : axis;
}

Dims normalize_axes(std::span<const int> axes, int rank) {
  Dims result;
  for (int axis : axes) result.push_back(normalize_axis(axis, rank));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end()) throw ValueError("duplicate value in 'axis'");
  return result;
}

std::string to_string(const Dims& dims) {
  std::string text = "(";
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i != 0) text += ',';
    text += std::to_string(dims[i]);
  }
  return text + (dims.size() == 1 ? ",)" : ")");
}

}  // namespace distob

// A view: which bytes of a storage are an array. Everything here is arithmetic on offsets; no memory is touched.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "distob/dtype.h"
#include "distob/index.h"
#include "distob/partition.h"
#include "distob/shape.h"

namespace distob {

/// Bytes [start, stop) of a storage.
struct ByteRange {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  [[nodiscard]] bool empty() const { return start >= stop; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Offset, shape, strides and dtype of an array in some storage, which is named beside it. A value.
struct View {
  std::int64_t offset = 0;  ///< of the element with index zero, bytes
  Shape shape;
  Strides strides;  ///< bytes
  DType dtype;

  /// A C-contiguous array at `offset`.
  [[nodiscard]] static View contiguous(DType dtype, Shape shape, std::int64_t offset = 0);

  [[nodiscard]] int rank() const { return shape.rank(); }
  [[nodiscard]] std::int64_t size() const { return element_count(shape); }
  [[nodiscard]] std::int64_t nbytes() const { return size() * static_cast<std::int64_t>(dtype.itemsize); }

  /// Elements follow each other without a gap in C order (strides of axes with one element do not count).
  [[nodiscard]] bool is_contiguous() const;
  /// The same in Fortran order.
  [[nodiscard]] bool is_f_contiguous() const;
  /// Every element starts at a multiple of `alignment` if the storage does.
  [[nodiscard]] bool is_aligned(std::int64_t alignment) const;
  /// The bytes it may touch; empty if it has no element.
  [[nodiscard]] ByteRange byte_bounds() const;

  friend bool operator==(const View&, const View&) = default;
};

/// view[indices]: integers drop their axis, slices keep it, NewAxis makes one, one Ellipsis stands for the axes not named
/// (missing trailing indices are slices of everything). Throws IndexError as NumPy does.
[[nodiscard]] View index(const View& view, std::span<const Index> indices);
[[nodiscard]] inline View index(const View& view, std::initializer_list<Index> indices) {
  return index(view, std::span<const Index>(indices.begin(), indices.size()));
}

/// The part of `view` inside `box`, which lies inside its shape.
[[nodiscard]] View part(const View& view, const Box& box);

/// Axes in reverse, or axis i of the result being axis axes[i]. Throws ValueError if `axes` is no permutation.
[[nodiscard]] View transpose(const View& view);
[[nodiscard]] View transpose(const View& view, std::span<const std::int64_t> axes);

/// Strides of zero on the axes that grow. Throws ValueError if the shapes do not broadcast.
[[nodiscard]] View broadcast_to(const View& view, const Shape& shape);

/// The same elements in C order under another shape, or nullopt if that needs a copy. One extent may be -1.
/// Throws ValueError if the number of elements differs.
[[nodiscard]] std::optional<View> reshape(const View& view, Shape shape);
/// `shape` with a negative extent replaced by what `elements` asks for. Throws ValueError.
[[nodiscard]] Shape resolve_shape(const Shape& shape, std::int64_t elements);

/// Axes from slowest to fastest by stride (C order among equals): the order that walks memory of `view` forwards.
/// Axes of stride zero come where C order puts them.
[[nodiscard]] Dims memory_order(const View& view);
/// NumPy's order "K": the order of the first view that has one, ties broken by the next ones. Views have one rank.
[[nodiscard]] Dims memory_order(std::span<const View> views);

/// How two views of one storage lie to each other.
enum class Overlap : std::uint8_t {
  same,      ///< the same bytes for every index: operand and result of one instruction may be such a pair
  disjoint,  ///< no byte in common
  crossing,  ///< some bytes in common at different indices, or too intricate to tell
};

/// Exact for what slicing and transposing produce; gives up as `crossing` after a bounded search.
[[nodiscard]] Overlap overlap(const View& a, const View& b);

/// Two indices of `view` may name the same byte (it was broadcast, or built by hand). Conservative: false is certain.
[[nodiscard]] bool overlaps_itself(const View& view);

}  // namespace distob

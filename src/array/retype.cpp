// Views of the same bytes as elements of another type.
#include <algorithm>

#include "array/pieces.h"
#include "array/structure.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::map_pieces;
using detail::Piece;

Kind part_of(Kind kind) {
  switch (kind) {
    case Kind::Complex64: return Kind::Float32;
    case Kind::Complex128: return Kind::Float64;
    case Kind::CLongDouble: return Kind::LongDouble;
    default: throw TypeError("elements of " + DType(kind).name() + " have no imaginary part");
  }
}

Array part(const Array& a, bool second) {
  DType dtype(part_of(a.dtype().kind));
  dtype.swapped = a.dtype().swapped;
  return field(a, dtype, second ? dtype.itemsize : 0);
}

// The view of the same bytes, of which `last` elements along the last axis are as many bytes as before.
View view_of_bytes(const View& view, DType dtype) {
  View result = view;
  result.dtype = dtype;
  if (dtype.itemsize == view.dtype.itemsize) return result;
  result.shape.back() = view.shape.back() * view.dtype.itemsize / dtype.itemsize;
  result.strides.back() = dtype.itemsize;
  return result;
}

void check_bytes(const View& view, std::int64_t before, std::int64_t after) {
  const std::int64_t last = view.shape.back();
  if (last != 1 && view.size() != 0 && view.strides.back() != before) {
    throw ValueError("To change to a dtype of a different size, the last axis must be contiguous");
  }
  if (after < before ? after == 0 || before % after != 0 : last * before % after != 0) {
    throw ValueError(after < before
                         ? "When changing to a smaller dtype, its size must be a divisor of the size of original dtype"
                         : "When changing to a larger dtype, its size must be a divisor of the total size in bytes of "
                           "the last axis of the array.");
  }
}

}  // namespace

Array field(const Array& a, DType dtype, std::int64_t offset, const Shape& inner) {
  const std::int64_t bytes = byte_count(inner, dtype.itemsize);
  if (offset < 0 || offset + bytes > static_cast<std::int64_t>(a.dtype().itemsize)) {
    throw ValueError("a field of " + std::to_string(bytes) + " bytes at " + std::to_string(offset) +
                     " does not lie in elements of " + std::to_string(a.dtype().itemsize) + " bytes");
  }
  Shape shape = a.shape();
  for (std::int64_t extent : inner) shape.push_back(extent);
  const Strides steps = c_strides(inner, dtype.itemsize);
  detail::CutPtr cut = detail::derive_cut(a, [shape, rank = a.ndim()](const Partition& p) {
    if (p.shape().rank() == shape.rank()) return p;
    std::vector<Index> more(static_cast<std::size_t>(rank), Index(all));
    more.resize(shape.size(), Index(newaxis));
    return p.index(more).broadcast_to(shape);
  });
  return map_pieces(a, shape, dtype, std::move(cut), [&](Piece piece) {
    piece.view.dtype = dtype;
    piece.view.offset += offset;
    for (std::size_t i = 0; i < inner.size(); ++i) {
      piece.view.shape.push_back(inner[i]);
      piece.view.strides.push_back(steps[i]);
      piece.start.push_back(0);
    }
    return piece;
  });
}

Array real(const Array& a) { return part(a, false); }
Array imag(const Array& a) { return part(a, true); }

Array reinterpret(const Array& a, DType dtype) {
  const std::int64_t before = a.dtype().itemsize, after = dtype.itemsize;
  Shape shape = a.shape();
  if (before != after) {
    if (shape.empty()) {
      throw ValueError("Changing the dtype of a 0d array is only supported if the itemsize is unchanged");
    }
    for (const Piece& piece : detail::pieces_of(a)) check_bytes(piece.view, before, after);
    shape.back() = shape.back() * before / after;
  }
  detail::CutPtr cut =
      detail::derive_cut(a, [shape](const Partition& p) { return p.shape() == shape ? p : p.adapt_to(shape); });
  return map_pieces(a, shape, dtype, std::move(cut), [&](Piece piece) {
    if (before != after) piece.start.back() = piece.start.back() * before / after;
    piece.view = view_of_bytes(piece.view, dtype);
    return piece;
  });
}

}  // namespace distob::array

// Arrays whose elements lie in several storages: what joining others makes. Each piece is a box of the array.
#pragma once

#include <optional>
#include <vector>

#include "array/representation.h"

namespace distob::array::detail {

/// The elements of the array that lie in the piece.
[[nodiscard]] Box box_of(const Piece& piece);

/// The pieces of any array: of an ordinary one, the array itself.
[[nodiscard]] std::vector<Piece> pieces_of(const Array& a);

/// An array of these pieces, an ordinary one if a single piece is all of it.
[[nodiscard]] Array from_pieces(std::vector<Piece> pieces, const Shape& shape, DType dtype, CutPtr cut);

/// a[index], whose shape is `shape`.
[[nodiscard]] Array index_pieces(const Array& a, std::span<const Index> index, const Shape& shape, CutPtr cut);

/// The view under another shape of as many elements, or an empty handle if some piece would not be a box of it.
[[nodiscard]] Array reshape_pieces(const Array& a, const Shape& shape, CutPtr cut);

/// The view of `a` whose pieces are views that `map` makes of those of `a`, one for one, at the same indices.
template <class Map>
[[nodiscard]] Array map_pieces(const Array& a, const Shape& shape, DType dtype, CutPtr cut, Map&& map) {
  if (a.node()->single()) {
    return make_array(storage_of(a), map(Piece{storage_of(a), view_of(a), Dims::filled(a.shape().size(), 0)}).view,
                      std::move(cut), true);
  }
  std::vector<Piece> pieces;
  for (const Piece& piece : a.node()->pieces) pieces.push_back(map(piece));
  return from_pieces(std::move(pieces), shape, dtype, std::move(cut));
}

}  // namespace distob::array::detail

#include <algorithm>

#include "array/operands.h"
#include "array/pieces.h"
#include "array/structure.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::box_of;
using detail::from_pieces;
using detail::in_one_storage;
using detail::make_array;
using detail::Piece;
using detail::storage_of;
using detail::view_of;

// A view of `a` that `map` makes from its view, with the cut that `cut` makes from its cut. One storage only.
template <class Map>
Array mapped(const Array& a, Map map, detail::CutPtr cut) {
  return make_array(storage_of(a), map(view_of(a)), std::move(cut), true);
}

std::vector<Index> owned(std::span<const Index> index) { return {index.begin(), index.end()}; }

Instruction copy_instruction(const Source& from, const Array& to, Site site) {
  Instruction i;
  i.what = Instruction::What::copy;
  i.shape = to.shape();
  i.sources.push_back(from);
  i.targets.push_back({storage_of(to), view_of(to)});
  i.site = site;
  return i;
}

void check_assignable(const Shape& from, const Shape& to) {
  // NumPy lets leading axes of length one go in an assignment.
  Shape shape = from;
  while (shape.size() > to.size() && shape[0] == 1) shape.erase(0);
  bool fits = shape.size() <= to.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i) {
    const std::int64_t extent = to[to.size() - shape.size() + i];
    fits = shape[i] == 1 || shape[i] == extent;
  }
  if (!fits) {
    throw ValueError("could not broadcast input array from shape " + to_string(from) + " into shape " + to_string(to));
  }
}

// The part of an operand that falls on `box` of a target of `shape`.
Array part_of(const Array& value, const Shape& shape, const Box& box) {
  const Array whole = in_one_storage(value);
  return make_array(storage_of(whole), part(distob::broadcast_to(view_of(whole), shape), box), {}, true);
}

void assign_masked(const Array& target, const Operand& value, const Operand* where, Site site) {
  check_assignable(detail::shape_of(value), target.shape());
  if (where != nullptr) check_assignable(detail::shape_of(*where), target.shape());
  Source source = detail::source_of(value);
  while (source.storage && source.view.rank() > target.ndim()) {
    source.view = distob::index(source.view, {std::int64_t{0}});
  }
  detail::check_castable(source.storage ? source.view.dtype : DType(source.constant.kind), target.dtype());
  if (!source.storage) source.constant = detail::cast_scalar(source.constant, target.dtype().kind);
  if (target.node()->single()) {
    Instruction i = copy_instruction(source, target, site);
    if (where != nullptr) i.mask = detail::source_of(*where);
    return detail::submit(std::move(i), nullptr);
  }
  const Array whole_value = source.storage ? make_array(source.storage, source.view, {}, true) : Array();
  std::optional<Source> mask;
  if (where != nullptr) mask = detail::source_of(*where);
  for (const Piece& piece : target.node()->pieces) {
    const Array part_of_target = make_array(piece.storage, piece.view, {}, true);
    Instruction i = copy_instruction(source, part_of_target, site);
    if (whole_value) i.sources[0].view = view_of(part_of(whole_value, target.shape(), box_of(piece)));
    if (mask) {
      i.mask = mask;
      if (mask->storage) i.mask->view = part(distob::broadcast_to(mask->view, target.shape()), box_of(piece));
    }
    detail::submit(std::move(i), nullptr);
  }
}

}  // namespace

Array view(const Array& a, std::span<const Index> index) {
  const View mapped_view = distob::index(view_of(a), index);
  detail::CutPtr cut;
  if (a.node()->cut) {
    cut = detail::derive_cut(a, [index = owned(index)](const Partition& p) { return p.index(index); });
  }
  if (!a.node()->single()) return detail::index_pieces(a, index, mapped_view.shape, std::move(cut));
  return make_array(storage_of(a), mapped_view, std::move(cut), true);
}

void assign(const Array& target, const Operand& value, Site site) { assign_masked(target, value, nullptr, site); }

void assign_where(const Array& target, const Operand& value, const Operand& where, Site site) {
  assign_masked(target, value, &where, site);
}

Array transpose(const Array& a, std::span<const int> axes) {
  Dims order;
  if (axes.empty()) {
    for (int i = a.ndim(); i-- > 0;) order.push_back(i);
  } else {
    if (axes.size() != a.shape().size()) throw ValueError("axes don't match array");
    for (int axis : axes) order.push_back(normalize_axis(axis, a.ndim()));
  }
  detail::CutPtr cut = detail::derive_cut(a, [order](const Partition& p) { return p.transpose(order); });
  if (a.node()->single())
    return mapped(
        a, [&](const View& v) { return distob::transpose(v, order); }, std::move(cut));
  const Shape shape = distob::transpose(view_of(a), order).shape;
  std::vector<Piece> pieces;
  for (const Piece& piece : a.node()->pieces) {
    Dims start;
    for (std::int64_t axis : order) start.push_back(piece.start[static_cast<std::size_t>(axis)]);
    pieces.push_back({piece.storage, distob::transpose(piece.view, order), start});
  }
  return from_pieces(std::move(pieces), shape, a.dtype(), std::move(cut));
}

Array reshape_view(const Array& a, const Shape& shape) {
  const Shape resolved = resolve_shape(shape, a.size());
  detail::CutPtr cut = detail::derive_cut(a, [resolved](const Partition& p) { return p.adapt_to(resolved); });
  if (!a.node()->single()) return detail::reshape_pieces(a, resolved, std::move(cut));
  std::optional<View> view = distob::reshape(view_of(a), resolved);
  if (!view) return {};
  return make_array(storage_of(a), *view, std::move(cut), true);
}

Array reshape(const Array& a, const Shape& shape) {
  Array view = reshape_view(a, shape);
  if (view) return view;
  Array whole = detail::new_array(a.shape(), a.dtype(), a.node()->cut);  // C order, which reshape_view always can
  assign(whole, a);
  return reshape_view(whole, shape);
}

Array broadcast_to(const Array& a, const Shape& shape) {
  const Array whole = in_one_storage(a);
  const View view = distob::broadcast_to(view_of(whole), shape);
  return make_array(storage_of(whole), view,
                    detail::derive_cut(a, [shape](const Partition& p) { return p.broadcast_to(shape); }), true);
}

Array astype(const Array& a, DType dtype, Site site) { return astype(a, dtype, Order::keep, site); }

Array copy(const Array& a) { return copy(a, Order::keep); }

Array with_partition(const Array& a, const Partition& partition) {
  detail::CutPtr cut = detail::cut_for(&partition, a.shape());
  if (a.node()->single()) return make_array(storage_of(a), view_of(a), std::move(cut), a.is_view());
  return Array(new detail::Node(a.node()->pieces, view_of(a), std::move(cut)));
}

namespace {

// The shape of `parts` end to end, after checking that they fit; NumPy's words otherwise.
Shape joined_shape(std::span<const Array> parts, std::size_t axis) {
  Shape shape = parts[0].shape();
  for (std::size_t k = 1; k < parts.size(); ++k) {
    const Shape& other = parts[k].shape();
    if (other.size() != shape.size()) {
      throw ValueError(
          "all the input array dimensions except for the concatenation axis must match exactly, but array 0 has " +
          std::to_string(shape.size()) + " dimension(s) and array " + std::to_string(k) + " has " +
          std::to_string(other.size()) + " dimension(s)");
    }
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i == axis) {
        shape[i] += other[i];
      } else if (shape[i] != other[i]) {
        throw ValueError(
            "all the input array dimensions except for the concatenation axis must match exactly, but along "
            "dimension " +
            std::to_string(i) + ", array 0 has size " + std::to_string(shape[i]) + " and array " + std::to_string(k) +
            " has size " + std::to_string(other[i]));
      }
    }
  }
  return shape;
}

Partition joined_partition(std::span<const Array> parts, std::size_t axis, const Shape& shape) {
  std::vector<std::vector<std::int64_t>> cuts(shape.size(), {0});
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != axis) cuts[i].push_back(shape[i]);
  }
  std::int64_t at = 0;
  for (const Array& part : parts) {
    const Partition& p = part.partition();
    const auto& own = p.cuts(static_cast<int>(axis));
    for (std::size_t k = 1; k < own.size(); ++k) {
      cuts[axis].push_back(at + own[k]);
      Dims first = Dims::filled(shape.size(), 0);
      first[axis] = own[k - 1];
      const bool empty = own[k - 1] == own[k] || part.size() == 0;
      slots.push_back(empty ? p.slot(0) : p.slot(p.block_of(first)));
    }
    at += part.shape()[axis];
  }
  return Partition::of_cuts(std::move(cuts), std::move(slots));
}

}  // namespace

Array join(std::span<const Array> parts, int axis_number) {
  if (parts.empty()) throw ValueError("need at least one array to join");
  const auto axis = static_cast<std::size_t>(normalize_axis(axis_number, parts[0].ndim()));
  const Shape shape = joined_shape(parts, axis);
  std::vector<Piece> pieces;
  std::int64_t at = 0;
  for (const Array& part : parts) {
    if (!(part.dtype() == parts[0].dtype())) throw TypeError("arrays that are joined must have one dtype");
    std::vector<Piece> own = part.node()->pieces;
    if (part.node()->single()) own = {{storage_of(part), view_of(part), Dims::filled(shape.size(), 0)}};
    for (Piece& piece : own) {
      if (piece.view.size() == 0) continue;
      piece.start[axis] += at;
      pieces.push_back(std::move(piece));
    }
    at += part.shape()[axis];
  }
  detail::CutPtr cut(new detail::Cut(joined_partition(parts, axis, shape)));
  return from_pieces(std::move(pieces), shape, parts[0].dtype(), std::move(cut));
}

Array concatenate(std::span<const Array> parts, int axis_number, DType dtype) {
  if (parts.empty()) throw ValueError("need at least one array to concatenate");
  const int axis = normalize_axis(axis_number, parts[0].ndim());
  const Shape shape = joined_shape(parts, static_cast<std::size_t>(axis));
  detail::CutPtr cut;
  if (std::any_of(parts.begin(), parts.end(), [](const Array& a) { return static_cast<bool>(a.node()->cut); })) {
    cut = detail::CutPtr(new detail::Cut(joined_partition(parts, static_cast<std::size_t>(axis), shape)));
  }
  std::vector<View> views;
  for (const Array& part : parts) views.push_back(view_of(part));
  const Array result = detail::new_array(shape, dtype, memory_order(views), std::move(cut));
  Box box = Box::whole(shape);
  auto& start = box.start[static_cast<std::size_t>(axis)];
  auto& stop = box.stop[static_cast<std::size_t>(axis)];
  for (const Array& p : parts) {
    stop = start + p.shape()[static_cast<std::size_t>(axis)];
    assign(make_array(storage_of(result), part(view_of(result), box), {}, true), p);
    start = stop;
  }
  return result;
}

}  // namespace distob::array

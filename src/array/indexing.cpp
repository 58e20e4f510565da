#include "array/indexing.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "array/masks.h"
#include "array/operands.h"
#include "array/pieces.h"
#include "array/reading.h"
#include "array/rows.h"
#include "array/selection.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::data_of;
using detail::dtype_of;
using detail::in_one_storage;
using detail::make_array;
using detail::new_array_with_memory;
using detail::storage_of;
using detail::view_of;

// --- Reading ----------------------------------------------------------------------------------------------------------

// The view of `written` whose axis axes[i] is axis i of that.
Array in_order(const Array& written, const Dims& axes) {
  Dims order = axes;
  for (std::size_t i = 0; i < axes.size(); ++i) order[static_cast<std::size_t>(axes[i])] = static_cast<std::int64_t>(i);
  if (std::is_sorted(order.begin(), order.end())) return written;
  return make_array(storage_of(written), transpose(view_of(written), order));
}

Shape permuted(const Shape& shape, const Dims& order) {
  Shape result;
  for (std::int64_t axis : order) result.push_back(shape[static_cast<std::size_t>(axis)]);
  return result;
}

Dims c_order(std::size_t rank) {
  Dims order = Dims::filled(rank, 0);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

// The order of rows in memory: of the picks' axes as the index arrays have them if each row is one element, and inside a
// row as the source has it.
Array read(Selection& s) {
  const Reading from(s.base);
  const Dims picks_order = s.inner.empty() ? s.picks.order() : c_order(s.picks.shape().size());
  s.picks.reorder(picks_order);
  const Dims inner_order = memory_order(View{0, s.inner, s.inner_strides, s.base.dtype()});

  Rows rows;
  rows.itemsize = s.base.dtype().itemsize;
  rows.inner = permuted(s.inner, inner_order);
  rows.picked_inner = permuted(s.inner_strides, inner_order);
  rows.plain_inner = c_strides(rows.inner, rows.itemsize);
  rows.plain = Runs({s.picks.size()}, {element_count(rows.inner) * rows.itemsize});
  Shape shape = s.picks.shape();
  for (std::int64_t extent : rows.inner) shape.push_back(extent);
  const Array written = new_array_with_memory(shape, s.base.dtype());
  read_rows(s.picks, rows, from.data(), data_of(written));

  // Where each axis of `written` stands in the result.
  const std::size_t rank = s.picks.shape().size();
  Dims axes;
  for (std::int64_t axis : picks_order) axes.push_back(axis + static_cast<std::int64_t>(s.at));
  for (std::int64_t axis : inner_order) {
    const bool before = static_cast<std::size_t>(axis) < s.at;
    axes.push_back(before ? axis : axis + static_cast<std::int64_t>(rank));
  }
  return in_order(written, axes);
}

// --- Writing ----------------------------------------------------------------------------------------------------------

void write(Selection& s, const Operand& value, Site site) {
  const Reading from(value, s.base.dtype(), &s.base, site);
  const Rows rows = rows_of(s, from.view());
  s.picks.check();
  const Access to = access_for_write(s.base);
  write_rows(s.picks, rows, to.layout().data, from.data());
}

}  // namespace

Array read_at(const Array& a, std::span<const IndexPart> index) {
  Selection selection = select(a, index, nullptr);
  return read(selection);
}

void assign_at(const Array& a, std::span<const IndexPart> index, const Operand& value, Site site) {
  Selection selection = select(a, index, &a);
  write(selection, value, site);
}

Array read_masked(const Array& a, const Operand& mask) { return compress(a, Mask(mask)); }

void assign_masked(const Array& a, const Operand& mask, const Operand& value, Site site) {
  const Shape& shape = detail::shape_of(value);
  if (shape.rank() > 1) {
    throw TypeError("NumPy boolean array indexing assignment requires a 0 or 1-dimensional input, input has " +
                    std::to_string(shape.rank()) + " dimensions");
  }
  if (element_count(shape) == 1) return assign_where(a, value, mask, site);
  const Mask places(mask, &a);
  if (places.count() != shape[0]) {
    throw ValueError("NumPy boolean array indexing assignment cannot assign " + std::to_string(shape[0]) +
                     " input values to the " + std::to_string(places.count()) +
                     " output values where the mask is true");
  }
  expand(a, places, Reading(value, a.dtype(), &a, site), ValueOrder::by_count);
}

void fill_masked(const Array& a, const Operand& mask, const Operand& values, ValueOrder order, Site site) {
  const Mask places(mask, &a);
  if (places.count() > 0) expand(a, places, Reading(values, a.dtype(), &a, site), order);
}

// --- Functions --------------------------------------------------------------------------------------------------------

std::vector<Array> nonzero(const Array& a) {
  if (a.ndim() == 0) {
    throw ValueError("Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.");
  }
  if (a.dtype().kind == Kind::Bool) return true_positions(Mask(a));
  const Kind kinds[] = {a.dtype().kind, a.dtype().kind};
  const kernels::Kernel* not_equal = kernels::find(kernels::Op::not_equal, kinds);
  if (not_equal == nullptr) throw TypeError("nonzero has no form for " + a.dtype().name());
  const Operand operands[] = {a, detail::cast_scalar(Scalar::of(false), a.dtype().kind)};
  return true_positions(Mask(apply(*not_equal, operands)));
}

Array take(const Array& a, const Operand& indices, int axis_number, OutOfRange mode) {
  const auto axis = static_cast<std::size_t>(normalize_axis(axis_number, a.ndim()));
  const Array whole = in_one_storage(a);
  const View& view = view_of(whole);
  Picks picks(mode);
  picks.add(read_index(indices, nullptr), {view.shape[axis]}, {view.strides[axis]}, static_cast<int>(axis));
  picks.broadcast();
  if (view.shape[axis] == 0 && picks.size() != 0) throw IndexError("cannot do a non-empty take from an empty axes.");
  picks.check();

  Shape shape;
  for (std::size_t i = 0; i < axis; ++i) shape.push_back(view.shape[i]);
  for (std::int64_t extent : picks.shape()) shape.push_back(extent);
  for (std::size_t i = axis + 1; i < view.shape.size(); ++i) shape.push_back(view.shape[i]);
  const Array result = new_array_with_memory(shape, a.dtype());
  Rows rows;
  rows.itemsize = a.dtype().itemsize;
  Strides plain;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t stride = result.strides()[i];
    if (i < axis) {
      rows.outer.push_back(shape[i]);
      rows.picked_outer.push_back(view.strides[i]);
      rows.plain_outer.push_back(stride);
    } else if (i < axis + picks.shape().size()) {
      plain.push_back(stride);
    } else {
      rows.inner.push_back(shape[i]);
      rows.picked_inner.push_back(view.strides[i - picks.shape().size() + 1]);
      rows.plain_inner.push_back(stride);
    }
  }
  rows.plain = Runs(picks.shape(), plain);
  const Reading from(whole);
  read_rows(picks, rows, from.data(), data_of(result));
  return result;
}

void put(const Array& a, const Operand& indices, const Operand& values, OutOfRange mode, Site site) {
  Reading index = read_index(indices, &a);
  index.flatten();
  const std::int64_t n = index.view().size();
  Reading from(values, a.dtype(), &a, site);
  if (from.view().size() == 0 || n == 0) return;
  if (a.size() == 0) throw IndexError("cannot replace elements of an empty array");
  from.cycle(n);
  Picks picks(mode);
  picks.add(std::move(index), a.shape(), a.strides(), 0);
  picks.broadcast();
  picks.check();
  Rows rows;
  rows.itemsize = a.dtype().itemsize;
  rows.plain = Runs(from.shape(), from.view().strides);
  const Access to = access_for_write(a);
  write_rows(picks, rows, to.layout().data, from.data());
}

namespace {

// Where a diagonal begins, and its length.
struct Diagonal {
  std::size_t axis1, axis2;
  std::int64_t row, column, length;
};

Diagonal diagonal_of(const Shape& shape, std::int64_t offset, int axis1, int axis2) {
  if (shape.size() < 2) throw ValueError("diag requires an array of at least two dimensions");
  const auto one = static_cast<std::size_t>(normalize_axis(axis1, shape.rank()));
  const auto two = static_cast<std::size_t>(normalize_axis(axis2, shape.rank()));
  if (one == two) throw ValueError("axis1 and axis2 cannot be the same");
  Diagonal d{one, two, std::max<std::int64_t>(0, -offset), std::max<std::int64_t>(0, offset), 0};
  d.length = std::max<std::int64_t>(0, std::min(shape[one] - d.row, shape[two] - d.column));
  return d;
}

// The elements [first, first + n) of a diagonal as a view of elements that begin at `start` of the array.
View along(const Diagonal& d, const View& view, const Dims& start, std::int64_t first, std::int64_t n) {
  View result = view;
  if (n > 0) {
    result.offset += (d.row + first - start[d.axis1]) * view.strides[d.axis1] +
                     (d.column + first - start[d.axis2]) * view.strides[d.axis2];
  }
  const std::int64_t stride = view.strides[d.axis1] + view.strides[d.axis2];
  for (std::size_t axis : {std::max(d.axis1, d.axis2), std::min(d.axis1, d.axis2)}) {
    result.shape.erase(axis);
    result.strides.erase(axis);
  }
  result.shape.push_back(n);
  result.strides.push_back(stride);
  return result;
}

}  // namespace

Array diagonal(const Array& a, std::int64_t offset, int axis1, int axis2) {
  const Diagonal d = diagonal_of(a.shape(), offset, axis1, axis2);
  const View whole = along(d, view_of(a), Dims::filled(a.shape().size(), 0), 0, d.length);
  if (a.node()->single()) return make_array(storage_of(a), whole, {}, true);
  std::vector<detail::Piece> pieces;
  for (const detail::Piece& piece : a.node()->pieces) {
    const auto first_in = [&](std::size_t axis, std::int64_t begin) { return piece.start[axis] - begin; };
    const auto end_in = [&](std::size_t axis, std::int64_t begin) {
      return piece.start[axis] + piece.view.shape[axis] - begin;
    };
    const std::int64_t first = std::max({std::int64_t{0}, first_in(d.axis1, d.row), first_in(d.axis2, d.column)});
    const std::int64_t n = std::min({d.length, end_in(d.axis1, d.row), end_in(d.axis2, d.column)}) - first;
    if (n <= 0) continue;
    const View part = along(d, piece.view, piece.start, first, n);
    Dims start = piece.start;
    for (std::size_t axis : {std::max(d.axis1, d.axis2), std::min(d.axis1, d.axis2)}) start.erase(axis);
    start.push_back(first);
    pieces.push_back({piece.storage, part, start});
  }
  return detail::from_pieces(std::move(pieces), whole.shape, a.dtype(), {});
}

}  // namespace distob::array

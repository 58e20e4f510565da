// The order of elements in memory: NumPy's "C", "F", "A" and "K".
#include <algorithm>
#include <cstdlib>

#include "array/operands.h"
#include "array/structure.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::view_of;

Dims counting(int rank, bool backwards) {
  Dims axes;
  for (int i = 0; i < rank; ++i) axes.push_back(backwards ? rank - 1 - i : i);
  return axes;
}

bool is_c(const Array& a) { return !a.node()->single() || view_of(a).is_contiguous(); }
bool is_fortran(const Array& a) { return a.node()->single() && view_of(a).is_f_contiguous(); }

// `order` with what depends on the array decided where NumPy decides it beforehand.
Order decided(const Array& a, Order order) {
  if (order == Order::any) return is_fortran(a) && !is_c(a) ? Order::fortran : Order::c;
  if (order == Order::keep && (a.ndim() < 2 || is_c(a))) return Order::c;
  if (order == Order::keep && is_fortran(a)) return Order::fortran;
  return order;
}

Array in_axes(const Array& a, const Dims& axes) {
  if (axes.empty()) return a;
  const std::vector<int> order(axes.begin(), axes.end());
  return transpose(a, order);
}

}  // namespace

Dims detail::kept_order(const View& view) {
  const int rank = view.rank();
  if (rank < 2 || view.is_contiguous()) return counting(rank, false);
  if (view.is_f_contiguous()) return counting(rank, true);
  Dims axes = counting(rank, false);
  std::stable_sort(axes.begin(), axes.end(), [&](std::int64_t one, std::int64_t two) {
    return std::abs(view.strides[static_cast<std::size_t>(one)]) >
           std::abs(view.strides[static_cast<std::size_t>(two)]);
  });
  return axes;
}

Strides detail::strides_in(const Shape& shape, std::int64_t itemsize, const Dims& axes) {
  Strides strides = Dims::filled(shape.size(), itemsize);
  std::int64_t stride = itemsize;
  for (std::size_t i = axes.size(); i-- > 0;) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    strides[axis] = stride;
    stride *= std::max<std::int64_t>(1, shape[axis]);
  }
  return strides;
}

Strides kept_strides(const Array& a) {
  return detail::strides_in(a.shape(), a.dtype().itemsize, axes_in(a, Order::keep));
}

Dims axes_in(const Array& a, Order order) {
  order = decided(a, order);
  if (order != Order::keep) return counting(a.ndim(), order == Order::fortran);
  return detail::kept_order(view_of(a));
}

Array empty_like(const Array& like, const Shape& shape, DType dtype, Order order) {
  const bool same_rank = shape.rank() == like.ndim();
  detail::CutPtr cut = shape == like.shape() ? like.node()->cut : detail::CutPtr();
  if (same_rank) return detail::new_array(shape, dtype, axes_in(like, order), std::move(cut));
  return detail::new_array(shape, dtype, counting(shape.rank(), decided(like, order) == Order::fortran),
                           std::move(cut));
}

Array astype(const Array& a, DType dtype, Order order, Site site) {
  detail::check_castable(a.dtype(), dtype);
  const Array result = empty_like(a, a.shape(), dtype, order);
  assign(result, a, site);
  return result;
}

Array copy(const Array& a, Order order) { return astype(a, a.dtype(), order); }

Array ravel(const Array& a, Order order) {
  order = decided(a, order);
  const Array turned =
      in_axes(a, order == Order::keep ? axes_in(a, order) : counting(a.ndim(), order == Order::fortran));
  const bool follows = a.node()->single() ? view_of(turned).is_contiguous() : order == Order::c;
  if (follows) {
    if (Array flat = array::reshape_view(turned, {-1})) return flat;
  }
  return flatten(a, order);
}

Array flatten(const Array& a, Order order) {
  order = decided(a, order);
  const Array turned =
      in_axes(a, order == Order::keep ? memory_order(view_of(a)) : counting(a.ndim(), order == Order::fortran));
  const Array result = detail::new_array({a.size()}, a.dtype());
  assign(array::reshape(result, turned.shape()), turned);
  return result;
}

Array reshape_view(const Array& a, const Shape& shape, Order order) {
  if (order == Order::keep) throw ValueError("order 'K' is not permitted for reshaping");
  if (decided(a, order) == Order::c) return array::reshape_view(a, shape);
  Shape reversed = shape;
  std::reverse(reversed.begin(), reversed.end());
  const Array view = array::reshape_view(in_axes(a, counting(a.ndim(), true)), reversed);
  return view ? in_axes(view, counting(view.ndim(), true)) : view;
}

Array reshape(const Array& a, const Shape& shape, Order order) {
  if (Array view = reshape_view(a, shape, order)) return view;
  return reshape_view(copy(a, decided(a, order)), shape, order);
}

}  // namespace distob::array

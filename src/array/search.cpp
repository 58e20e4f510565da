#include "array/search.h"

#include <algorithm>
#include <atomic>

#include "array/lines.h"
#include "array/sort.h"
#include "array/workspace.h"
#include "distob/errors.h"
#include "kernels/search.h"

namespace distob::array {
namespace {

using detail::Fresh;
using detail::Lines;

void require_one_dtype(const Array& a, const Array& b, bool times) {
  if (!can_sort(a.dtype(), times)) throw TypeError("elements of type " + a.dtype().name() + " have no order");
  DType one = a.dtype(), two = b.dtype();
  one.swapped = two.swapped = false;
  if (!(one == two)) throw TypeError("values of type " + two.name() + " cannot be searched among " + one.name());
}

Lines flat_lines(const Array& a) { return detail::lines_of(reshape(a, {-1}), 0); }

void ranges(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) {
  if (n > 0) Workspace::instance().run_ranges(n, work);
}

void check_sorter(const Lines& order, std::int64_t length) {
  if (order.length != length) throw ValueError("sorter.size must equal a.size");
  std::atomic<bool> inside{true};
  const auto* const indices = reinterpret_cast<const std::int64_t*>(order.data);
  ranges(length, [&](std::int64_t first, std::int64_t last) {
    const bool good =
        std::all_of(indices + first, indices + last, [length](std::int64_t i) { return i >= 0 && i < length; });
    if (!good) inside.store(false, std::memory_order_relaxed);
  });
  if (!inside.load()) throw ValueError("Sorter index out of range.");
}

}  // namespace

Array searchsorted(const Array& sorted, const Array& values, const SearchOptions& options) {
  require_one_dtype(sorted, values, options.times);
  const Lines elements = flat_lines(sorted);
  const Lines wanted = flat_lines(values);
  Lines order;
  if (options.sorter != nullptr) {
    order = detail::flat_line(*options.sorter, Kind::Int64);
    check_sorter(order, elements.length);
  }
  Fresh result(values.shape(), Kind::Int64, values.node()->cut);
  const kernels::SortedSearch search = kernels::search_of(wanted.kind, options.times);
  ranges(values.size(), [&](std::int64_t first, std::int64_t last) {
    search(elements.data, elements.length, reinterpret_cast<const std::int64_t*>(order.data),
           wanted.data + first * wanted.itemsize, last - first, options.right, result.as<std::int64_t>() + first);
  });
  return std::move(result).finished();
}

Array isin(const Array& a, const Array& others, bool invert, bool times) {
  require_one_dtype(others, a, times);
  SortOptions options;
  options.times = times;
  const Lines elements = flat_lines(sort(reshape(others, {-1}), options));
  const Lines wanted = flat_lines(a);
  Fresh result(a.shape(), Kind::Bool, a.node()->cut);
  const kernels::Contains contains = kernels::contains_of(wanted.kind, times);
  ranges(a.size(), [&](std::int64_t first, std::int64_t last) {
    contains(elements.data, elements.length, wanted.data + first * wanted.itemsize, last - first, invert,
             result.as<bool>() + first);
  });
  return std::move(result).finished();
}

Array interp(const Array& x, const Array& xp, const Array& fp, double left, double right, bool part) {
  if (xp.ndim() != 1 || fp.ndim() != 1) throw ValueError("object too deep for desired array");
  if (xp.size() == 0) throw ValueError("array of sample points is empty");
  if (xp.size() != fp.size()) throw ValueError("fp and xp are not of the same length.");
  const Lines places = detail::flat_line(xp, Kind::Float64);
  const Lines heights = detail::flat_line(fp, Kind::Float64);
  const Lines at = detail::flat_line(x, Kind::Float64);
  const kernels::Interpolation f{reinterpret_cast<const double*>(places.data),
                                 reinterpret_cast<const double*>(heights.data),
                                 places.length,
                                 left,
                                 right,
                                 part};
  Fresh result(x.shape(), Kind::Float64, x.node()->cut);
  ranges(x.size(), [&](std::int64_t first, std::int64_t last) {
    kernels::interpolate(f, reinterpret_cast<const double*>(at.data) + first, last - first,
                         result.as<double>() + first);
  });
  return std::move(result).finished();
}

}  // namespace distob::array

// What include/distob/sorting.h declares.
#include <vector>

#include "array/correlate.h"
#include "array/handles.h"
#include "array/histogram.h"
#include "array/search.h"
#include "array/sort.h"
#include "distob/errors.h"
#include "distob/sorting.h"

namespace distob {
namespace detail {

AnyArray sorted(const AnyArray& a, int axis) { return outer(array::sort(inner(a), {.axis = axis})); }
AnyArray argsorted(const AnyArray& a, int axis) { return outer(array::argsort(inner(a), {.axis = axis})); }

AnyArray lexsorted(std::span<const AnyArray> keys, int axis) {
  std::vector<array::Array> all;
  for (const AnyArray& key : keys) all.push_back(inner(key));
  return outer(array::lexsort(all, axis));
}

AnyArray searched(const AnyArray& among, const AnyArray& values, bool right) {
  array::SearchOptions options;
  options.right = right;
  return outer(array::searchsorted(inner(among), inner(values), options));
}

AnyArray contained(const AnyArray& a, const AnyArray& others, bool invert) {
  return outer(array::isin(inner(a), inner(others), invert));
}

std::vector<AnyArray> distinct(const AnyArray& a, bool index, bool inverse, bool counts) {
  array::UniqueOptions options;
  options.index = index;
  options.inverse = inverse;
  options.counts = counts;
  const array::Unique found = array::unique(inner(a), options);
  std::vector<AnyArray> parts = {outer(found.values)};
  for (const array::Array& part : {found.index, found.inverse, found.counts}) {
    if (part) parts.push_back(outer(part));
  }
  return parts;
}

AnyArray middle_elements(const AnyArray& a) {
  const array::Array row = array::reshape(inner(a), {-1});
  const std::int64_t n = row.size();
  if (n == 0) throw ValueError("an array without elements has no median");
  const std::int64_t positions[] = {(n - 1) / 2, n / 2, n - 1};
  return outer(array::sorted_elements(row, positions));
}

AnyArray counted(const AnyArray& a, const AnyArray* weights, std::int64_t minlength) {
  if (weights == nullptr) return outer(array::bincount(inner(a), nullptr, minlength));
  const array::Array added = inner(*weights);
  return outer(array::bincount(inner(a), &added, minlength));
}

AnyArray binned(const AnyArray& a, const AnyArray& edges) { return outer(array::histogram(inner(a), inner(edges))); }

AnyArray interpolated(const AnyArray& x, const AnyArray& xp, const AnyArray& fp) {
  const array::Array heights = inner(fp);
  double ends[2] = {0, 0};
  if (heights.ndim() == 1 && heights.size() > 0) {
    for (const int i : {0, 1}) {
      const Index index[] = {Index(i == 0 ? std::int64_t{0} : heights.size() - 1)};
      array::item(array::view(heights, index), &ends[i]);
    }
  }
  return outer(array::interp(inner(x), inner(xp), heights, ends[0], ends[1]));
}

AnyArray convolved(const AnyArray& a, const AnyArray& v) {
  const bool swapped = a.node()->view.size() < v.node()->view.size();
  const array::Array longer = inner(swapped ? v : a), shorter = inner(swapped ? a : v);
  if (shorter.ndim() != 1 || longer.ndim() != 1) throw ValueError("convolve takes vectors");
  const Index backwards[] = {Index(Slice{{}, {}, -1})};
  return outer(array::correlate(longer, array::view(shorter, backwards), array::Overlap::full));
}

}  // namespace detail

DistArray<double> interp(const DistArray<double>& x, const DistArray<double>& xp, const DistArray<double>& fp) {
  return DistArray<double>(detail::interpolated(x.any(), xp.any(), fp.any()));
}

}  // namespace distob

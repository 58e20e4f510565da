#include "arrays/sorting.h"

#include <optional>
#include <vector>

#include "array/correlate.h"
#include "array/histogram.h"
#include "array/search.h"
#include "array/sort.h"
#include "arrays/arguments.h"
#include "arrays/dtypes.h"
#include "arrays/scalars.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

/// Runs `work` without Python's lock, if its `elements` are worth that, and wraps its result.
template <class Work>
nb::object computed(std::int64_t elements, PyTypeObject* face, Work&& work) {
  array::Array made;
  {
    const Unlocked unlocked(elements);
    made = work();
  }
  return wrapped(std::move(made), face);
}

/// Whether the elements are dates or durations, which the machine knows as opaque.
bool are_times(const array::Array& a) {
  if (a.dtype().kind != Kind::Opaque) return false;
  const Reference descriptor = descriptor_of(a.dtype());
  const auto* type = reinterpret_cast<PyArray_Descr*>(descriptor.get());
  return (type->type_num == NPY_DATETIME || type->type_num == NPY_TIMEDELTA) && PyArray_ISNBO(type->byteorder) != 0;
}

bool can_sort(nb::handle a) {
  const array::Array& array = array_in(a);
  return array::can_sort(array.dtype(), are_times(array));
}

nb::object sort(nb::handle a, int axis) {
  const array::Array& array = array_in(a);
  const array::SortOptions options{axis, are_times(array)};
  return computed(array.size(), Py_TYPE(a.ptr()), [&] { return array::sort(array, options); });
}

nb::object argsort(nb::handle a, int axis) {
  const array::Array& array = array_in(a);
  const array::SortOptions options{axis, are_times(array)};
  return computed(array.size(), Py_TYPE(a.ptr()), [&] { return array::argsort(array, options); });
}

nb::object lexsort(nb::handle keys, int axis) {
  const std::vector<array::Array> all = arrays_argument(keys);
  return computed(all.empty() ? 0 : all.front().size(), array_types.dist, [&] { return array::lexsort(all, axis); });
}

nb::object sorted_elements(nb::handle a, nb::handle positions, int axis) {
  const array::Array& array = array_in(a);
  const array::SortOptions options{axis, are_times(array)};
  const Dims wanted = dims_argument(positions);
  const std::vector<std::int64_t> list(wanted.begin(), wanted.end());
  return computed(array.size(), Py_TYPE(a.ptr()), [&] { return array::sorted_elements(array, list, options); });
}

nb::object unique(nb::handle a, bool index, bool inverse, bool counts, bool equal_nan) {
  const array::Array& array = array_in(a);
  const array::UniqueOptions options{index, inverse, counts, equal_nan, are_times(array)};
  array::Unique found;
  {
    const Unlocked unlocked(array.size());
    found = array::unique(array, options);
  }
  PyTypeObject* face = Py_TYPE(a.ptr());
  const auto part = [face](array::Array& made) -> nb::object {
    return made ? wrapped(std::move(made), face) : nb::none();
  };
  return nb::make_tuple(part(found.values), part(found.index), part(found.inverse), part(found.counts));
}

nb::object searchsorted(nb::handle sorted, nb::handle values, bool right, nb::handle sorter, nb::handle face) {
  const array::Array& elements = array_in(sorted);
  const array::Array& wanted = array_in(values);
  array::SearchOptions options{right, nullptr, are_times(elements)};
  if (!sorter.is_none()) options.sorter = &array_in(sorter);
  return computed(elements.size() + wanted.size(), face_argument(face),
                  [&] { return array::searchsorted(elements, wanted, options); });
}

nb::object isin(nb::handle a, nb::handle others, bool invert, nb::handle face) {
  const array::Array& elements = array_in(a);
  const array::Array& among = array_in(others);
  return computed(elements.size() + among.size(), face_argument(face),
                  [&] { return array::isin(elements, among, invert, are_times(elements)); });
}

nb::object interp(nb::handle x, nb::handle xp, nb::handle fp, double left, double right, bool part, nb::handle face) {
  const array::Array& at = array_in(x);
  const array::Array& places = array_in(xp);
  const array::Array& heights = array_in(fp);
  return computed(at.size() + places.size(), face_argument(face),
                  [&] { return array::interp(at, places, heights, left, right, part); });
}

nb::object correlate(nb::handle a, nb::handle v, int overlap, nb::handle face) {
  const array::Array& values = array_in(a);
  const array::Array& factors = array_in(v);
  return computed(values.size() * factors.size(), face_argument(face),
                  [&] { return array::correlate(values, factors, static_cast<array::Overlap>(overlap)); });
}

nb::object bincount(nb::handle a, nb::handle weights, std::int64_t minlength, nb::handle face) {
  const array::Array& array = array_in(a);
  const array::Array* added = weights.is_none() ? nullptr : &array_in(weights);
  return computed(array.size(), face_argument(face), [&] { return array::bincount(array, added, minlength); });
}

nb::object histogram(nb::handle a, nb::handle edges, nb::handle range, nb::handle weights, nb::handle face) {
  const array::Array& array = array_in(a);
  const array::Array& limits = array_in(edges);
  array::HistogramOptions options;
  array::Scalar distance;
  if (!range.is_none()) {
    distance.kind = limits.dtype().kind;
    scalar_bytes(range.ptr(), distance.kind, distance.bytes.data());
    options.range = &distance;
  }
  if (!weights.is_none()) options.weights = &array_in(weights);
  return computed(array.size(), face_argument(face), [&] { return array::histogram(array, limits, options); });
}

}  // namespace

void register_sorting(nb::module_& m) {
  m.def("can_sort", can_sort);
  m.def("sort", sort);
  m.def("argsort", argsort);
  m.def("lexsort", lexsort);
  m.def("sorted_elements", sorted_elements);
  m.def("unique", unique);
  m.def("searchsorted", searchsorted, nb::arg("sorted"), nb::arg("values"), nb::arg("right"), nb::arg("sorter").none(),
        nb::arg("face"));
  m.def("isin", isin);
  m.def("interp", interp);
  m.def("correlate", correlate);
  m.def("bincount", bincount, nb::arg("a"), nb::arg("weights").none(), nb::arg("minlength"), nb::arg("face"));
  m.def("histogram", histogram, nb::arg("a"), nb::arg("edges"), nb::arg("range").none(), nb::arg("weights").none(),
        nb::arg("face"));
}

}  // namespace distob::python

// Sorting, in NumPy's order: not a number and not a time last, complex numbers by real, then imaginary part.
//
// Every sort is stable, so results do not depend on threads. All threads sort; arrays along one axis, each line by itself.
// These functions wait for the arrays they read and return when the result is there.
#pragma once

#include <optional>
#include <span>

#include "array/array.h"

namespace distob::array {

struct SortOptions {
  int axis = -1;
  /// The elements are opaque counts of ticks in 8 bytes, the least of which is not a time.
  bool times = false;
};

/// Whether `sort` and the functions below take elements of `dtype`: all native kinds, and times.
[[nodiscard]] bool can_sort(DType dtype, bool times = false);

/// A sorted copy. Throws AxisError, and TypeError for elements that have no order here.
[[nodiscard]] Array sort(const Array& a, const SortOptions& options = {});
/// The indices (int64) along the axis that sort `a`, the first of equal elements first.
[[nodiscard]] Array argsort(const Array& a, const SortOptions& options = {});

/// The indices (int64) along `axis` that sort by the last of the keys, equal ones by the one before it, and so on; those
/// that are equal in all stay in order. The keys are of one shape. Throws ValueError if there are none or they are not.
[[nodiscard]] Array lexsort(std::span<const Array> keys, int axis);

/// The elements that stand at `positions` of each sorted line, in front: of shape (positions, other axes...). Cheaper than
/// a sort if they are few. Positions are in [0, length of the axis).
[[nodiscard]] Array sorted_elements(const Array& a, std::span<const std::int64_t> positions,
                                    const SortOptions& options = {});

/// The distinct elements of `a`, seen as one line, in order.
struct Unique {
  Array values;
  Array index;    ///< int64: where each stands first
  Array inverse;  ///< int64, of the shape (size of `a`): which of `values` each element is
  Array counts;   ///< int64: how often each stands there
};
struct UniqueOptions {
  bool index = false, inverse = false, counts = false;
  bool equal_nan = true;  ///< whether all that are not a number count as one
  bool times = false;
};
/// Members that were not asked for stay empty handles.
[[nodiscard]] Unique unique(const Array& a, const UniqueOptions& options = {});

}  // namespace distob::array

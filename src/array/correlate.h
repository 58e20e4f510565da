// Sliding sums of products of two vectors.
#pragma once

#include "array/array.h"

namespace distob::array {

/// Which of the sums are wanted: those of all overlaps, as many as `a` has elements, or those in which all of `v` takes part.
enum class Overlap : std::uint8_t { full, same, valid };

/// sum over j of a[k + j] * v[j] for each offset k, of two vectors of one kind, `a` not shorter than `v`, neither empty.
/// No conjugates. Waits for the arrays. Each sum is added up in order, so results do not depend on threads.
/// Throws ValueError for other shapes, TypeError for kinds that have no such sums.
[[nodiscard]] Array correlate(const Array& a, const Array& v, Overlap overlap);

}  // namespace distob::array

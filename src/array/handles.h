// Between the handles of include/distob/array.h and those of this room: both count the same node.
#pragma once

#include <algorithm>

#include "array/array.h"
#include "array/representation.h"
#include "distob/array.h"

namespace distob::detail {

[[nodiscard]] inline array::Array inner(const AnyArray& a) {
  a.node()->owners.fetch_add(1, std::memory_order_relaxed);
  return array::Array(a.node());
}
[[nodiscard]] inline AnyArray outer(const array::Array& a) {
  a.node()->owners.fetch_add(1, std::memory_order_relaxed);
  return AnyArray(a.node());
}

/// The element of an argument that is one.
[[nodiscard]] inline array::Scalar scalar_of(const Argument& argument) {
  array::Scalar scalar;
  scalar.kind = argument.kind;
  std::copy(std::begin(argument.bytes), std::end(argument.bytes), scalar.bytes.begin());
  return scalar;
}

}  // namespace distob::detail

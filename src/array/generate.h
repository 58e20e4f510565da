// Arrays whose elements are a function of their index.
#pragma once

#include <cstdint>
#include <functional>

#include "array/array.h"
#include "array/representation.h"

namespace distob::array::detail {

/// Writes elements [first, first + n) in C order to `out`.
using Generator = std::function<void(std::int64_t first, std::int64_t n, char* out)>;

/// A new array whose elements `generator` makes as `kind`; they are cast to `dtype`. Done, on all threads, when it returns.
[[nodiscard]] Array generate(const Shape& shape, Kind kind, DType dtype, CutPtr cut, const Generator& generator);

}  // namespace distob::array::detail

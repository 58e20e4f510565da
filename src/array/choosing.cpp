// Choices between whole arrays: instructions like any others, which the window makes one pass of.
#include <algorithm>
#include <cstdint>

#include "array/indexing.h"
#include "array/operands.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using kernels::Op;

Array compute(Op op, const Array& a, std::int64_t b) {
  const Kind kinds[] = {Kind::Int64, Kind::Int64};
  const Operand operands[] = {a, Scalar::of(b)};
  return apply(*kernels::find(op, kinds), operands);
}

std::int64_t extreme(kernels::ReduceOp op, const Array& a) {
  ReduceOptions options;
  options.kind = Kind::Int64;
  std::int64_t value = 0;
  item(reduce(op, a, options), &value);
  return value;
}

// Indices that name one of `count` choices each.
Array inside(const Array& indices, std::int64_t count, OutOfRange mode) {
  const Array a = indices.dtype() == DType(Kind::Int64) ? indices : astype(indices, Kind::Int64);
  if (mode == OutOfRange::wrap) return compute(Op::remainder, a, count);
  if (mode == OutOfRange::clip) return compute(Op::minimum, compute(Op::maximum, a, 0), count - 1);
  const bool outside =
      a.size() > 0 && (extreme(kernels::ReduceOp::min, a) < 0 || extreme(kernels::ReduceOp::max, a) >= count);
  if (outside) throw ValueError("invalid entry in choice array");
  return a;
}

}  // namespace

Array choose(const Array& indices, std::span<const Array> choices, OutOfRange mode) {
  if (choices.empty()) throw ValueError("0-length sequence.");
  std::vector<const Shape*> shapes = {&indices.shape()};
  for (const Array& choice : choices) shapes.push_back(&choice.shape());
  const Shape shape = broadcast_shapes(shapes);
  const auto count = static_cast<std::int64_t>(choices.size());
  const Array index = inside(indices, count, mode);
  const Array result = empty(shape, choices[0].dtype());
  assign(result, choices[0]);
  for (std::int64_t k = 1; k < count; ++k) {
    assign_where(result, choices[static_cast<std::size_t>(k)], compute(Op::equal, index, k));
  }
  return result;
}

}  // namespace distob::array

#include "array/statistics.h"

#include <algorithm>
#include <cmath>

#include "array/operands.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using kernels::Op;
using kernels::ReduceOp;

const kernels::Kernel& kernel(Op op, Kind kind, int inputs) {
  const Kind kinds[] = {kind, kind};
  const kernels::Kernel* found = kernels::find(op, std::span(kinds).first(static_cast<std::size_t>(inputs)));
  if (found == nullptr)
    throw TypeError("no function " + std::string(kernels::name_of(op)) + " of " + DType(kind).name());
  return *found;
}

Array unary(Op op, Kind kind, const Array& a, Stage stage) {
  const Operand operands[] = {a};
  return apply(kernel(op, kind, 1), operands, {.site = stage.site, .flags = stage.flags});
}
Array binary(Op op, Kind kind, const Operand& a, const Operand& b, Stage stage) {
  const Operand operands[] = {a, b};
  return apply(kernel(op, kind, 2), operands, {.site = stage.site, .flags = stage.flags});
}

Array sum(const Array& a, const MeanOptions& options, Kind kind, bool keepdims) {
  ReduceOptions reduction;
  reduction.axes = options.axes;
  reduction.keepdims = keepdims;
  reduction.where = options.where;
  reduction.kind = kind;
  reduction.site = options.sum.site;
  reduction.flags = options.sum.flags;
  return reduce(ReduceOp::sum, a, reduction);
}

// How many elements each result is made of: one number, or with a mask an array of the result's shape.
class Count {
 public:
  Count(const Array& a, const MeanOptions& options, bool keepdims) {
    if (options.where == nullptr) {
      number_ = 1;
      if (options.axes) {
        for (const std::int64_t axis : normalize_axes(*options.axes, a.ndim()))
          number_ *= a.shape()[static_cast<std::size_t>(axis)];
      } else {
        number_ = a.size();
      }
      return;
    }
    const Array ones = broadcast_to(full(Shape{}, Kind::Bool, Scalar::of(true)), a.shape());
    MeanOptions counting = options;
    counting.sum = {};
    numbers_ = sum(ones, counting, Kind::Int64, keepdims);
  }

  /// The divisor: the count less `ddof`, but not less than zero.
  [[nodiscard]] Array less(double ddof) const {
    if (!numbers_) {
      return full(
          Shape{}, Kind::Float64,
          Scalar::of(ddof == 0 ? static_cast<double>(number_) : std::max(static_cast<double>(number_) - ddof, 0.0)));
    }
    if (ddof == 0) return numbers_;
    const Array rest = binary(Op::subtract, Kind::Float64, numbers_, Scalar::of(ddof), {});
    return binary(Op::maximum, Kind::Float64, rest, Scalar::of(0.0), {});
  }

 private:
  std::int64_t number_ = 0;
  Array numbers_;
};

// The loop in which NumPy divides numbers of `kind` by a count.
Kind kind_of_division(Kind kind) {
  if (kind == Kind::LongDouble || kind == Kind::CLongDouble) return kind;
  return is_complex(kind) ? Kind::Complex128 : Kind::Float64;
}

Array divided(const Array& total, const Array& count, Stage stage) {
  const Operand operands[] = {total, count};
  const DType dtype = total.dtype();
  return apply(kernel(Op::divide, kind_of_division(dtype.kind), 2), operands,
               {.dtypes = std::span(&dtype, 1), .site = stage.site, .flags = stage.flags});
}

Kind real_kind(Kind kind) {
  switch (kind) {
    case Kind::Complex64: return Kind::Float32;
    case Kind::Complex128: return Kind::Float64;
    case Kind::CLongDouble: return Kind::LongDouble;
    default: return kind;
  }
}

Array squared(const Array& distance, Kind kind, Stage stage) {
  if (!is_complex(kind)) return kind == Kind::Bool ? distance : unary(Op::square, kind, distance, stage);
  const Kind real = real_kind(kind);
  const Array one = unary(Op::square, real, unary(Op::real, kind, distance, {}), stage);
  const Array other = unary(Op::square, real, unary(Op::imag, kind, distance, {}), stage);
  return binary(Op::add, real, one, other, stage);
}

}  // namespace

Array mean(const Array& a, const MeanOptions& options) {
  const Array total = sum(a, options, options.kind, options.keepdims);
  return divided(total, Count(a, options, options.keepdims).less(0), options.quotient);
}

Array variance(const Array& a, const VarianceOptions& options) {
  Array middle;
  if (options.mean != nullptr) {
    middle = *options.mean;
  } else {
    MeanOptions first = options;
    first.keepdims = true;
    first.kind = options.mean_kind;
    first.quotient = options.mean_quotient;
    middle = mean(a, first);
  }
  const Array distance = binary(Op::subtract, options.distance_kind, a, middle, options.distance);
  const Array total =
      sum(squared(distance, options.distance_kind, options.square), options, options.kind, options.keepdims);
  return divided(total, Count(a, options, options.keepdims).less(options.ddof), options.quotient);
}

Array count_nonzero(const Array& a, std::optional<std::span<const int>> axes, bool keepdims) {
  const Kind kind = a.dtype().kind;
  if (kind == Kind::Opaque) throw TypeError("distob cannot compute with " + a.dtype().name());
  MeanOptions options;
  options.axes = axes;
  const Array truth = kind == Kind::Bool ? a : binary(Op::not_equal, kind, a, Scalar::of(false), {});
  return sum(truth, options, Kind::Int64, keepdims);
}

}  // namespace distob::array

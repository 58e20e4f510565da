// The C++ face of arrays: from what include/distob/array.h declares to what this room offers.
#include <fmt/format.h>

#include <algorithm>
#include <complex>
#include <utility>

#include "array/handles.h"
#include "array/indexing.h"
#include "array/linalg.h"
#include "array/random.h"
#include "distob/array.h"
#include "distob/errors.h"

namespace distob {
namespace detail {
namespace {

Kind kind_of_argument(const Argument& argument) {
  return argument.array != nullptr ? argument.array->node()->view.dtype.kind : argument.kind;
}

const kernels::Kernel& kernel_for(std::string_view name, std::span<const Kind> kinds) {
  const auto op = kernels::op_named(name);
  const kernels::Kernel* kernel = op ? kernels::find(*op, kinds) : nullptr;
  if (kernel == nullptr && op &&
      std::all_of(kinds.begin(), kinds.end(), [](Kind k) { return is_integer(k) || k == Kind::Bool; })) {
    // NumPy's functions of real numbers take integers as doubles: divide is the one that the operators use.
    const std::vector<Kind> real(kinds.size(), Kind::Float64);
    kernel = kernels::find(*op, real);
  }
  if (kernel == nullptr) throw TypeError(fmt::format("no function {} of {}", name, DType(kinds[0]).name()));
  return *kernel;
}

kernels::ReduceOp reduction_named(std::string_view name) {
  using kernels::ReduceOp;
  if (name == "add") return ReduceOp::sum;
  if (name == "multiply") return ReduceOp::prod;
  if (name == "minimum") return ReduceOp::min;
  if (name == "maximum") return ReduceOp::max;
  if (name == "logical_or") return ReduceOp::any;
  return ReduceOp::all;
}

}  // namespace

AnyArray::AnyArray(const AnyArray& other) noexcept : node_(other.node_) {
  if (node_ != nullptr) node_->owners.fetch_add(1, std::memory_order_relaxed);
}
AnyArray::~AnyArray() {
  const array::Array last(node_);  // gives this count back
}

const Shape& AnyArray::shape() const { return node_->view.shape; }
const Partition& AnyArray::partition() const { return inner(*this).partition(); }
AnyArray AnyArray::slice(std::span<const Index> indices) const { return outer(array::view(inner(*this), indices)); }
AnyArray AnyArray::transpose(std::span<const int> axes) const { return outer(array::transpose(inner(*this), axes)); }
AnyArray AnyArray::reshape(const Shape& shape) const { return outer(array::reshape(inner(*this), shape)); }
AnyArray AnyArray::astype(Kind kind) const { return outer(array::astype(inner(*this), kind)); }
void AnyArray::gather(void* to, Kind kind) const {
  array::gather_into(inner(*this), to, kind, c_strides(shape(), itemsize_of(kind)));
}
void AnyArray::item(void* to) const { array::item(inner(*this), to); }

AnyArray apply(std::string_view name, std::initializer_list<Argument> arguments, const AnyArray* into) {
  std::vector<array::Array> arrays;
  arrays.reserve(arguments.size());
  std::vector<array::Operand> operands;
  std::vector<Kind> kinds;
  for (const Argument& a : arguments) {
    kinds.push_back(kind_of_argument(a));
    if (a.array != nullptr) {
      operands.emplace_back(arrays.emplace_back(inner(*a.array)));
    } else {
      operands.emplace_back(scalar_of(a));
    }
  }
  array::ApplyOptions options;
  array::Array out;
  if (into != nullptr) {
    out = inner(*into);
    options.out = std::span(&out, 1);
  }
  return outer(array::apply(kernel_for(name, kinds), operands, options));
}

AnyArray reduce(std::string_view name, const AnyArray& a, Kind kind, const std::vector<int>* axes, bool keepdims) {
  array::ReduceOptions options;
  if (axes != nullptr) options.axes = *axes;
  options.keepdims = keepdims;
  options.kind = kind;
  return outer(array::reduce(reduction_named(name), inner(a), options));
}

void assign(const AnyArray& target, const Argument& value) {
  if (value.array != nullptr) {
    const array::Array from = inner(*value.array);
    array::assign(inner(target), from);
  } else {
    array::assign(inner(target), scalar_of(value));
  }
}

AnyArray full(const Shape& shape, const Argument& value) {
  return outer(array::full(shape, value.kind, scalar_of(value)));
}

AnyArray counting(const Argument& start, const Argument& step, std::int64_t count, Kind kind) {
  return outer(array::arange(scalar_of(start), scalar_of(step), count, kind));
}

AnyArray scattered(const void* elements, std::size_t count, const Shape& shape, Kind kind, int axis) {
  if (static_cast<std::int64_t>(count) != element_count(shape)) {
    throw ValueError(fmt::format("cannot make an array of shape {} of {} elements", to_string(shape), count));
  }
  const array::Foreign foreign{elements, kind, shape, c_strides(shape, itemsize_of(kind))};
  if (shape.empty()) return outer(array::from_foreign(foreign));
  const Partition partition = Partition::along(shape, normalize_axis(axis, shape.rank()), array::planned_slots());
  return outer(array::from_foreign(foreign, &partition));
}

AnyArray concatenated(std::span<const AnyArray> parts, int axis, Kind kind) {
  std::vector<array::Array> arrays;
  for (const AnyArray& part : parts) arrays.push_back(inner(part));
  return outer(array::concatenate(arrays, axis, kind));
}

AnyArray uniform(const Shape& shape, Kind kind, std::uint64_t seed) {
  return outer(array::random_uniform(shape, kind, seed));
}

namespace {

kernels::PhiloxStream stream_of(std::uint64_t seed, std::uint32_t use) {
  return {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, 0, use};
}

}  // namespace

AnyArray random_numbers(std::string_view name, const Shape& shape, Kind kind, std::uint64_t seed, std::uint32_t use) {
  const array::Draw draw = name == "normal"        ? array::Draw::normal
                           : name == "exponential" ? array::Draw::exponential
                                                   : array::Draw::uniform;
  return outer(array::random_numbers(draw, shape, kind, stream_of(seed, use)));
}

AnyArray random_integers(const Shape& shape, Kind kind, std::int64_t low, std::int64_t high, bool some,
                         std::uint64_t seed, std::uint32_t use) {
  if (!some) throw ValueError("random integers: low >= high");
  const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) - 1;
  return outer(array::random_integers(low, range, shape, kind, stream_of(seed, use)));
}

AnyArray product(std::string_view name, const AnyArray& a, const AnyArray& b, Kind kind) {
  const auto function = name == "vecdot" ? array::vecdot : array::matmul;
  return outer(function(inner(a), inner(b), {.kind = kind}));
}

AnyArray tensordot(const AnyArray& a, const AnyArray& b, const std::vector<int>& a_axes, const std::vector<int>& b_axes,
                   Kind kind) {
  return outer(array::tensordot(inner(a), inner(b), a_axes, b_axes, {.kind = kind}));
}

AnyArray einsum(std::string_view subscripts, std::span<const AnyArray> operands, Kind kind) {
  std::vector<std::vector<int>> labels(1);
  const std::size_t arrow = subscripts.find("->");
  if (arrow == std::string_view::npos) throw ValueError("einsum: the subscripts must name the result: \"ij,jk->ik\"");
  for (char c : subscripts.substr(0, arrow)) {
    if (c == ',') {
      labels.emplace_back();
    } else if (c != ' ') {
      labels.back().push_back(c);
    }
  }
  std::vector<int> result;
  for (char c : subscripts.substr(arrow + 2)) {
    if (c == ' ') continue;
    if (std::find(result.begin(), result.end(), c) != result.end()) {
      throw ValueError(fmt::format("einsum: the result names '{}' twice", c));
    }
    result.push_back(c);
  }
  std::vector<array::Array> arrays;
  for (const AnyArray& operand : operands) arrays.push_back(inner(operand));
  return outer(array::einsum(arrays, labels, result, {.kind = kind}));
}

AnyArray eye(std::int64_t rows, std::int64_t columns, int offset, Kind kind) {
  const array::Array made = array::zeros({rows, columns}, kind);
  array::assign(array::diagonal(made, offset, 0, 1), array::Scalar::of(true));
  return outer(made);
}

AnyArray linspace(double start, double stop, std::int64_t count, Kind kind) {
  return outer(array::linspace(start, stop, count, true, kind));
}

std::int64_t count_along(const Shape& shape, const std::vector<int>& axes) {
  std::int64_t n = 1;
  for (std::int64_t axis : normalize_axes(axes, shape.rank())) n *= shape[static_cast<std::size_t>(axis)];
  return n;
}

namespace {

// Axes longer than this show their ends only, as in NumPy.
constexpr std::int64_t kShown = 1000;
constexpr std::int64_t kEdge = 3;

std::string element_text(Kind kind, const char* bytes) {
  const auto as = [&]<class T>(T value) {
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  };
  if (kind == Kind::Bool) return as(bool{}) ? "true" : "false";
  if (is_unsigned(kind)) return fmt::format("{}", as(std::uint64_t{}));
  if (is_integer(kind)) return fmt::format("{}", as(std::int64_t{}));
  if (is_complex(kind)) {
    const auto z = as(std::complex<double>{});
    return fmt::format("{:.8g}{:+.8g}j", z.real(), z.imag());
  }
  return fmt::format("{:.8g}", as(double{}));
}

// The kind that holds any value of `kind` for printing.
Kind printed_as(Kind kind) {
  if (kind == Kind::Bool) return kind;
  if (is_unsigned(kind)) return Kind::UInt64;
  if (is_integer(kind)) return Kind::Int64;
  return is_complex(kind) ? Kind::Complex128 : Kind::Float64;
}

void write_axis(std::string& out, const AnyArray& a, std::size_t depth, bool summary) {
  const Shape& shape = a.shape();
  if (shape.empty()) {
    const AnyArray wide = a.astype(printed_as(a.node()->view.dtype.kind));
    char bytes[32];
    wide.item(bytes);
    out += element_text(wide.node()->view.dtype.kind, bytes);
    return;
  }
  const std::int64_t n = shape[0];
  out += '[';
  for (std::int64_t i = 0; i < n; ++i) {
    if (i > 0) out += shape.size() == 1 ? ", " : ",\n" + std::string(depth + 1, ' ');
    if (summary && n > 2 * kEdge && i == kEdge) {
      out += "...";
      i = n - kEdge - 1;
      continue;
    }
    const Index row[] = {Index(i)};
    write_axis(out, a.slice(row), depth + 1, summary);
  }
  out += ']';
}

}  // namespace

std::string text(const AnyArray& a) {
  std::string out;
  write_axis(out, a, 0, element_count(a.shape()) > kShown);
  return out;
}

}  // namespace detail

void sync_arrays() { array::sync(); }
void set_threads(int n) { array::set_threads(n); }
int threads() { return array::threads(); }
std::string explain() { return array::explain(); }

}  // namespace distob

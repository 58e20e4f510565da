#include <algorithm>
#include <array>
#include <cstring>

#include "array/operands.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::derive_cut;
using detail::make_array;
using detail::shape_of;
using detail::storage_of;
using detail::view_of;

// `to` after it was broadcast with `shape`; the error names all operands, as NumPy's does.
void broadcast_into(Shape& to, const Shape& shape, std::span<const Shape* const> all) {
  while (to.size() < shape.size()) to.insert(0, 1);
  const std::size_t missing = to.size() - shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    std::int64_t& extent = to[missing + i];
    if (extent == shape[i] || shape[i] == 1) continue;
    if (extent != 1) {
      std::string text = "operands could not be broadcast together with shapes ";
      for (const Shape* s : all) text += to_string(*s) + " ";
      throw ValueError(text);
    }
    extent = shape[i];
  }
}

// What new results look like in memory: like the operands, if those agree on an order that is not C's.
Array new_result(const Shape& shape, DType dtype, std::span<const Source> sources, const detail::CutPtr& cut) {
  std::vector<View> views;
  bool plain = true;
  for (const Source& s : sources) {
    if (!s.storage || !(s.view.shape == shape)) continue;
    plain = plain && s.view.is_contiguous();
    views.push_back(s.view);
  }
  if (plain || shape.size() < 2) return detail::new_array(shape, dtype, cut);
  return detail::new_array(shape, dtype, memory_order(views), cut);
}

detail::CutPtr cut_of_result(const Shape& shape, std::span<const Operand> operands) {
  for (const Operand& o : operands) {
    if (o.array() != nullptr && o.array()->node()->cut && o.array()->shape() == shape) return o.array()->node()->cut;
  }
  for (const Operand& o : operands) {
    if (o.array() != nullptr && o.array()->node()->cut) {
      return derive_cut(*o.array(), [shape](const Partition& p) { return p.broadcast_to(shape); });
    }
  }
  return {};
}

void check_native(const Source& s) {
  if (s.storage && s.view.dtype.kind == Kind::Opaque)
    throw TypeError("distob cannot compute with " + s.view.dtype.name());
}

// An output whose elements lie in several storages is computed apart and then assigned to its pieces; so is one that
// shares elements with an output after it, which NumPy writes first.
bool needs_detour(std::span<const Array> out, std::size_t k) {
  return !out[k].node()->single() || std::any_of(out.begin() + static_cast<std::ptrdiff_t>(k) + 1, out.end(),
                                                 [&](const Array& o) { return o && o.may_share_memory(out[k]); });
}

}  // namespace

Shape broadcast_shapes(std::span<const Shape* const> shapes) {
  Shape result;
  for (const Shape* s : shapes) broadcast_into(result, *s, shapes);
  return result;
}

void check_exponents(const Operand& exponents, const Operand* where) {
  const char* const refusal = "Integers to negative integer powers are not allowed.";
  if (const Scalar* scalar = exponents.scalar()) {
    if (is_unsigned(scalar->kind)) return;
    std::int64_t value = 0;
    std::memcpy(&value, detail::cast_scalar(*scalar, Kind::Int64).bytes.data(), sizeof(value));
    if (value < 0) throw ValueError(refusal);
    return;
  }
  const Array a = exponents.array() != nullptr ? *exponents.array() : from_foreign(*exponents.foreign());
  if (a.dtype().kind == Kind::Bool || is_unsigned(a.dtype().kind)) return;
  std::vector<const Shape*> shapes = {&a.shape()};
  if (where != nullptr) shapes.push_back(&shape_of(*where));
  ReduceOptions options;
  options.kind = a.dtype().kind;
  options.initial = Scalar::of(std::int64_t{0});
  options.where = where;
  std::int64_t least = 0;
  item(astype(reduce(kernels::ReduceOp::min, broadcast_to(a, broadcast_shapes(shapes)), options), Kind::Int64), &least);
  if (least < 0) throw ValueError(refusal);
}

std::vector<Array> apply_all(const kernels::Kernel& kernel, std::span<const Operand> operands,
                             const ApplyOptions& options) {
  std::vector<const Shape*> shapes;
  for (const Operand& o : operands) shapes.push_back(&shape_of(o));
  for (const Array& out : options.out) {
    if (out) shapes.push_back(&out.shape());
  }
  if (options.where != nullptr) shapes.push_back(&shape_of(*options.where));
  const Shape shape = broadcast_shapes(shapes);
  for (const Array& out : options.out) {
    if (out && !(out.shape() == shape)) {
      throw ValueError("non-broadcastable output operand with shape " + to_string(out.shape()) +
                       " doesn't match the broadcast shape " + to_string(shape));
    }
  }

  Instruction i;
  i.kernel = kernel;
  i.shape = shape;
  i.site = options.site;
  for (std::size_t k = 0; k < operands.size(); ++k) {
    i.sources.push_back(detail::source_of(operands[k]));
    Source& s = i.sources.back();
    check_native(s);
    if (!s.storage) s.constant = detail::cast_scalar(s.constant, kernel.kinds[k]);
  }
  if (options.where != nullptr) i.mask = detail::source_of(*options.where);

  std::vector<Array> results;
  std::vector<std::size_t> detours;
  const detail::CutPtr cut = cut_of_result(shape, operands);
  for (std::size_t k = 0; k < kernel.outputs; ++k) {
    const Array given = k < options.out.size() ? options.out[k] : Array();
    if (given && !needs_detour(options.out, k)) {
      check_native({storage_of(given), view_of(given)});
      results.push_back(given);
    } else {
      const DType dtype = given                       ? given.dtype()
                          : k < options.dtypes.size() ? options.dtypes[k]
                                                      : DType(kernel.kinds[operands.size() + k]);
      results.push_back(new_result(shape, dtype, i.sources, cut));
      if (given) detours.push_back(k);
    }
    i.targets.push_back({storage_of(results.back()), view_of(results.back())});
  }
  detail::submit(std::move(i), options.flags);
  std::reverse(detours.begin(), detours.end());
  for (std::size_t k : detours) {
    if (options.where != nullptr) {
      assign_where(options.out[k], results[k], *options.where, options.site);
    } else {
      assign(options.out[k], results[k], options.site);
    }
    results[k] = options.out[k];
  }
  return results;
}

namespace {

// The way of most small operations: everything is contiguous, of one shape and of the kernel's kinds. An instruction is
// never built; what is left is a lock, an allocation and the loop. Returns an empty handle if it does not apply.
Array apply_straight(const kernels::Kernel& kernel, std::span<const Operand> operands, const ApplyOptions& options) {
  constexpr std::size_t kMost = 3;
  const bool plain = options.where == nullptr && options.dtypes.empty() && options.out.empty() && kernel.outputs == 1;
  if (!plain || operands.size() > kMost) return {};
  const detail::Node* first = nullptr;
  std::array<char*, kMost + 1> data{};
  std::array<std::ptrdiff_t, kMost + 1> steps{};
  for (std::size_t k = 0; k < operands.size(); ++k) {
    if (const Scalar* scalar = operands[k].scalar()) {
      if (scalar->kind != kernel.kinds[k]) return {};
      data[k] = const_cast<char*>(scalar->bytes.data());
      continue;
    }
    if (operands[k].array() == nullptr) return {};
    const detail::Node& node = *operands[k].array()->node();
    const bool fits = node.single() && node.view.dtype == DType(kernel.kinds[k]) && node.view.is_contiguous() &&
                      node.view.offset % static_cast<std::int64_t>(node.view.dtype.itemsize) == 0;
    if (!fits || (first != nullptr && !(node.view.shape == first->view.shape))) return {};
    if (first == nullptr) first = &node;
    steps[k] = node.view.dtype.itemsize;
  }
  if (first == nullptr) return {};
  const std::int64_t n = first->view.size();
  if (n == 0 || n >= small_limit()) return {};

  const Kind kind = kernel.kinds[operands.size()];
  Array result = detail::new_array(first->view.shape, kind, cut_of_result(first->view.shape, operands));
  steps[operands.size()] = itemsize_of(kind);
  unsigned raised = 0;
  const bool watched = kernel.sets_float_flags && (options.site != 0 || options.flags != nullptr);
  const bool ran = Workspace::instance().run_small(
      [&](const auto& readable) {
        for (const Operand& o : operands) {
          if (o.array() != nullptr && !readable(*storage_of(*o.array()), view_of(*o.array()))) return false;
        }
        return true;
      },
      [&] {
        for (std::size_t k = 0; k < operands.size(); ++k) {
          if (operands[k].array() != nullptr)
            data[k] = storage_of(*operands[k].array())->data() + view_of(*operands[k].array()).offset;
        }
        memory::Storage& storage = *storage_of(result);
        storage.set_memory(memory::Memory::allocate(static_cast<std::size_t>(storage.size())));
        data[operands.size()] = storage.data();
        if (watched) (void)program::take_float_flags();
        program::run_single(kernel, data.data(), n, steps.data());
        if (watched) raised = program::take_float_flags();
      });
  if (!ran) return {};
  if (options.flags != nullptr) {
    *options.flags = raised;
  } else if (raised != 0) {
    Workspace::instance().raised(raised, options.site);
  }
  return result;
}

}  // namespace

Array apply(const kernels::Kernel& kernel, std::span<const Operand> operands, const ApplyOptions& options) {
  if (Array result = apply_straight(kernel, operands, options)) return result;
  return std::move(apply_all(kernel, operands, options).front());
}

}  // namespace distob::array

#include <algorithm>

#include "array/operands.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::make_array;
using detail::derive_cut;
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
    plain = plain && (views.empty() || true) && s.view.is_contiguous();
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
  if (s.storage && s.view.dtype.kind == Kind::Opaque) throw TypeError("distob cannot compute with " + s.view.dtype.name());
}

// An output whose elements lie in several storages is computed apart and then assigned to its pieces.
bool needs_detour(const Array& out) { return out && !out.node()->single(); }

}  // namespace

Shape broadcast_shapes(std::span<const Shape* const> shapes) {
  Shape result;
  for (const Shape* s : shapes) broadcast_into(result, *s, shapes);
  return result;
}

std::vector<Array> apply_all(const kernels::Kernel& kernel, std::span<const Operand> operands, const ApplyOptions& options) {
  std::vector<const Shape*> shapes;
  for (const Operand& o : operands) shapes.push_back(&shape_of(o));
  if (options.where != nullptr) shapes.push_back(&shape_of(*options.where));
  for (const Array& out : options.out) {
    if (out) shapes.push_back(&out.shape());
  }
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
    if (given && !needs_detour(given)) {
      check_native({storage_of(given), view_of(given)});
      results.push_back(given);
    } else {
      const DType dtype = given                        ? given.dtype()
                          : k < options.dtypes.size() ? options.dtypes[k]
                                                       : DType(kernel.kinds[operands.size() + k]);
      results.push_back(new_result(shape, dtype, i.sources, cut));
      if (given) detours.push_back(k);
    }
    i.targets.push_back({storage_of(results.back()), view_of(results.back())});
  }
  detail::submit(std::move(i), options.flags);
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

Array apply(const kernels::Kernel& kernel, std::span<const Operand> operands, const ApplyOptions& options) {
  return std::move(apply_all(kernel, operands, options).front());
}

}  // namespace distob::array

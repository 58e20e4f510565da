#include <algorithm>
#include <cstring>

#include "array/operands.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::make_array;
using detail::storage_of;
using detail::view_of;
using kernels::Op;
using kernels::ReduceOp;

std::string_view name_of(ReduceOp op) {
  constexpr std::string_view names[] = {"add",        "multiply",    "minimum",     "maximum",
                                        "logical_or", "logical_and", "logical_xor", "bitwise_and",
                                        "bitwise_or", "bitwise_xor", "fmin",        "fmax"};
  return names[static_cast<std::size_t>(op)];
}

Op step_of(ReduceOp op) {
  constexpr Op ops[] = {Op::add,        Op::multiply,    Op::minimum,     Op::maximum,
                        Op::logical_or, Op::logical_and, Op::logical_xor, Op::bitwise_and,
                        Op::bitwise_or, Op::bitwise_xor, Op::fmin,        Op::fmax};
  return ops[static_cast<std::size_t>(op)];
}

Dims all_axes(int rank) {
  Dims axes;
  for (int i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

bool contains(const Dims& axes, std::int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

Shape reduced_shape(const Shape& shape, const Dims& axes, bool keepdims) {
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool gone = contains(axes, static_cast<std::int64_t>(i));
    if (!gone) result.push_back(shape[i]);
    if (gone && keepdims) result.push_back(1);
  }
  return result;
}

// `view`, which lacks the reduced axes or has them with extent 1, with all of them, extent 1.
View with_kept_axes(const View& view, const Dims& axes, int rank) {
  View kept = view;
  kept.shape.clear();
  kept.strides.clear();
  const bool has_them = view.rank() == rank;
  std::size_t from = 0;
  for (int i = 0; i < rank; ++i) {
    const bool gone = contains(axes, i);
    kept.shape.push_back(gone ? 1 : view.shape[from]);
    kept.strides.push_back(gone ? 0 : view.strides[from]);
    from += gone && !has_them ? 0 : 1;
  }
  return kept;
}

bool is_identity(const Dims& order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

// Follows memory: the axes of everything in the order in which `i.sources[0]` lies. The tree of additions is a function of
// that order, so it decides the last bits.
void follow_memory(Instruction& i) {
  const Dims order = memory_order(i.sources[0].view);
  if (is_identity(order)) return;
  Dims axes;
  for (std::size_t to = 0; to < order.size(); ++to) {
    if (contains(i.axes, order[to])) axes.push_back(static_cast<std::int64_t>(to));
  }
  i.axes = axes;
  i.sources[0].view = distob::transpose(i.sources[0].view, order);
  i.targets[0].view = distob::transpose(i.targets[0].view, order);
  if (i.mask && i.mask->storage) i.mask->view = distob::transpose(i.mask->view, order);
  i.shape = i.sources[0].view.shape;
}

// A full reduction of few consecutive elements, here and now.
bool reduce_small(const Instruction& i, bool full, unsigned* flags) {
  const Source& s = i.sources[0];
  const Target& t = i.targets[0];
  if (!full || i.mask || s.view.size() >= small_limit() || !s.view.is_contiguous()) return false;
  if (!(s.view.dtype == DType(i.reduction.kind)) || !(t.view.dtype == s.view.dtype)) return false;
  if (!s.view.is_aligned(std::min<std::int64_t>(s.view.dtype.itemsize, 16))) return false;
  const Source* sources[] = {&s};
  const Target* targets[] = {&t};
  unsigned raised = 0;
  Workspace& workspace = Workspace::instance();
  const bool ran = workspace.run_small(sources, targets, [&] {
    if (i.site != 0 || flags != nullptr) (void)program::take_float_flags();
    program::reduce_single(i.reduction, s.storage->data() + s.view.offset, s.view.dtype.itemsize, s.view.size(),
                           t.storage->data() + t.view.offset);
    if (i.site != 0 || flags != nullptr) raised = program::take_float_flags();
  });
  if (!ran) return false;
  if (flags != nullptr) {
    *flags |= raised;
  } else if (raised != 0) {
    workspace.raised(raised, i.site);
  }
  return true;
}

void check_identity(ReduceOp op, const kernels::Reduction& loop, const Array& a, const Dims& axes,
                    const ReduceOptions& options) {
  if ((loop.has_identity && !options.no_identity) || options.initial) return;
  if (options.where != nullptr) {
    throw ValueError("reduction operation '" + std::string(name_of(op)) +
                     "' does not have an identity, so to use a where mask one has to specify 'initial'");
  }
  // As NumPy, also where the result has no elements either: what is reduced decides.
  const auto is_empty = [&](std::int64_t axis) { return a.shape()[static_cast<std::size_t>(axis)] == 0; };
  if (std::any_of(axes.begin(), axes.end(), is_empty)) {
    throw ValueError("zero-size array to reduction operation " + std::string(name_of(op)) + " which has no identity");
  }
}

// result = result (op) initial.
void include_initial(ReduceOp op, const Array& result, const Scalar& initial, Site site, unsigned* flags) {
  const Kind kinds[] = {result.dtype().kind, result.dtype().kind};
  const kernels::Kernel* step = kernels::find(step_of(op), kinds);
  if (step == nullptr) throw TypeError("no loop for " + std::string(name_of(op)) + " of " + result.dtype().name());
  const Operand operands[] = {result, initial};
  unsigned raised = 0;
  apply(*step, operands, {.out = std::span(&result, 1), .site = site, .flags = flags != nullptr ? &raised : nullptr});
  if (flags != nullptr) *flags |= raised;
}

}  // namespace

Array reduce(ReduceOp op, const Array& given, const ReduceOptions& options) {
  const kernels::Reduction* loop = kernels::reduction(op, options.kind);
  if (loop == nullptr || given.dtype().kind == Kind::Opaque) {
    throw TypeError("no loop for the reduction " + std::string(name_of(op)) + " of " + given.dtype().name());
  }
  const int rank = given.ndim();
  const Dims axes = options.axes ? normalize_axes(*options.axes, rank) : all_axes(rank);
  const Shape shape = reduced_shape(given.shape(), axes, options.keepdims);
  if (options.out && !(options.out.shape() == shape)) {
    throw ValueError("output parameter for reduction operation " + std::string(name_of(op)) + " has shape " +
                     to_string(options.out.shape()) + " and not " + to_string(shape));
  }
  if (options.flags != nullptr) *options.flags = 0;
  const Array a = detail::in_one_storage(given);
  detail::CutPtr cut =
      detail::derive_cut(given, [axes, keep = options.keepdims](const Partition& p) { return p.reduce(axes, keep); });
  const Array result = detail::new_array(shape, options.kind, std::move(cut));
  check_identity(op, *loop, a, axes, options);
  std::optional<Scalar> initial;
  if (options.initial) initial = detail::cast_scalar(*options.initial, options.kind);
  const bool begins_with_identity = !initial && !options.no_identity;

  if (a.size() == 0) {
    Scalar identity{options.kind, loop->identity};
    assign(result, initial ? *initial : identity);
  } else if (axes.empty() && options.where == nullptr) {
    assign(result, a, options.site);
    if (loop->identity_counts && begins_with_identity)
      include_initial(op, result, Scalar{options.kind, loop->identity}, 0, nullptr);
  } else {
    Instruction i;
    i.what = Instruction::What::reduce;
    i.reduction = *loop;
    i.reduction.identity_counts &= begins_with_identity;
    i.axes = axes;
    i.shape = a.shape();
    i.site = options.site;
    i.sources.push_back({storage_of(a), view_of(a)});
    i.targets.push_back({storage_of(result), with_kept_axes(view_of(result), axes, rank)});
    if (options.where != nullptr) {
      i.mask = detail::source_of(*options.where);
      if (i.mask->storage) i.mask->view = distob::broadcast_to(i.mask->view, a.shape());
      if (!loop->has_identity) {  // what a mask leaves out counts as the initial value
        i.reduction.has_identity = true;
        i.reduction.identity = initial->bytes;
      }
    }
    if (!reduce_small(i, static_cast<int>(axes.size()) == rank, options.flags)) {
      follow_memory(i);
      if (options.flags != nullptr) {
        *options.flags |= Workspace::instance().append_and_wait(std::move(i));
      } else {
        Workspace::instance().append(std::move(i));
      }
    }
  }
  if (initial && a.size() > 0) include_initial(op, result, *initial, options.site, options.flags);
  if (!options.out) return result;
  assign(options.out, result, options.site);
  return options.out;
}

}  // namespace distob::array

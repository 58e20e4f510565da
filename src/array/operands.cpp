#include "array/operands.h"

#include <algorithm>
#include <cstring>

#include "array/workspace.h"
#include "distob/errors.h"
#include "kernels/float_flags.h"

namespace distob::array::detail {
namespace {

const Shape kScalarShape{};

constexpr int kMaxOperands = 6;

// One operand of a small run: where it starts, and how it moves along each axis.
struct Walk {
  char* data;
  std::int64_t strides[Dims::kMaxRank];
};

// Axes of a small run, slowest first; neighbours that every operand walks as one are one.
struct Nest {
  int rank = 0;
  std::int64_t extents[Dims::kMaxRank];
};

Nest coalesce(const Shape& shape, std::span<Walk> walks) {
  Nest nest;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    const int last = nest.rank - 1;
    const bool one_with_last = last >= 0 && std::all_of(walks.begin(), walks.end(), [&](const Walk& w) {
                                 return w.strides[last] == w.strides[axis] * shape[axis];
                               });
    const int to = one_with_last ? last : nest.rank++;
    nest.extents[to] = one_with_last ? nest.extents[to] * shape[axis] : shape[axis];
    for (Walk& w : walks) w.strides[to] = w.strides[axis];
  }
  return nest;
}

Walk walk(char* base, const View& view, const Shape& shape) {
  Walk w;
  w.data = base + view.offset;
  const std::size_t missing = shape.size() - view.shape.size();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const bool stays = axis < missing || view.shape[axis - missing] == 1;
    w.strides[axis] = stays ? 0 : view.strides[axis - missing];
  }
  return w;
}

// The kernel over one row: straight if the operands allow it, which is then known for all rows.
class RowCall {
 public:
  RowCall(const kernels::Kernel& kernel, const std::ptrdiff_t* steps, std::ptrdiff_t n)
      : kernel_(kernel), steps_(steps), n_(n), straight_(kernels::straight(kernel)) {
    const unsigned inputs = kernel.inputs, operands = inputs + kernel.outputs;
    bool direct = straight_.block != nullptr && n > 1;
    for (unsigned k = 0; k < operands; ++k) {
      if (steps[k] == static_cast<std::ptrdiff_t>(itemsize_of(kernel.kinds[k]))) continue;
      if (steps[k] == 0 && k < inputs && straight_.scalars) {
        scalars_ |= 1U << k;
      } else {
        direct = false;
      }
    }
    if (!direct || scalars_ == (1U << inputs) - 1) straight_.block = nullptr;
  }

  void operator()(char* const* data) const {
    if (straight_.block == nullptr) {
      program::run_single(kernel_, data, n_, steps_);
      return;
    }
    const int inputs = kernel_.inputs;
    const void* const in[] = {data[0], inputs > 1 ? data[1] : nullptr, inputs > 2 ? data[2] : nullptr};
    void* const out[] = {data[inputs], kernel_.outputs > 1 ? data[inputs + 1] : nullptr};
    if (straight_.quiet) {
      const kernels::KeepFloatFlags keep;
      straight_.block(in, out, n_, scalars_);
    } else {
      straight_.block(in, out, n_, scalars_);
    }
  }

 private:
  const kernels::Kernel& kernel_;
  const std::ptrdiff_t* steps_;
  std::ptrdiff_t n_;
  kernels::Straight straight_;
  unsigned scalars_ = 0;
};

// The kernel over every row of the nest.
void run_rows(const kernels::Kernel& kernel, const Nest& nest, std::span<Walk> walks) {
  char* data[kMaxOperands];
  std::ptrdiff_t steps[kMaxOperands];
  const int inner = nest.rank - 1;
  for (std::size_t k = 0; k < walks.size(); ++k) {
    data[k] = walks[k].data;
    steps[k] = inner < 0 ? 0 : walks[k].strides[inner];
  }
  const std::ptrdiff_t row = inner < 0 ? 1 : nest.extents[inner];
  const RowCall call(kernel, steps, row);
  std::int64_t index[Dims::kMaxRank] = {};
  while (true) {
    call(data);
    int axis = inner - 1;
    for (; axis >= 0; --axis) {
      for (std::size_t k = 0; k < walks.size(); ++k) data[k] += walks[k].strides[axis];
      if (++index[axis] < nest.extents[axis]) break;
      for (std::size_t k = 0; k < walks.size(); ++k) data[k] -= walks[k].strides[axis] * nest.extents[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

// The kernel a small run may use, or nullptr.
const kernels::Kernel* plain_kernel(const Instruction& i) {
  if (i.mask || i.what == Instruction::What::reduce || i.sources.size() + i.targets.size() > kMaxOperands)
    return nullptr;
  if (i.what == Instruction::What::copy) {
    const DType from = i.sources[0].storage ? i.sources[0].view.dtype : DType(i.sources[0].constant.kind);
    if (!from.native() || !i.targets[0].view.dtype.native()) return nullptr;
    return kernels::cast(from.kind, i.targets[0].view.dtype.kind);
  }
  for (std::size_t k = 0; k < i.sources.size(); ++k) {
    const Source& s = i.sources[k];
    const bool fits = s.storage ? s.view.dtype == DType(i.kernel.kinds[k]) : s.constant.kind == i.kernel.kinds[k];
    if (!fits) return nullptr;
  }
  for (std::size_t k = 0; k < i.targets.size(); ++k) {
    if (!(i.targets[k].view.dtype == DType(i.kernel.kinds[i.sources.size() + k]))) return nullptr;
  }
  return &i.kernel;
}

bool aligned(const Instruction& i) {
  const auto fits = [](const View& v) { return v.is_aligned(std::min<std::int64_t>(v.dtype.itemsize, 16)); };
  return std::all_of(i.sources.begin(), i.sources.end(), [&](const Source& s) { return !s.storage || fits(s.view); }) &&
         std::all_of(i.targets.begin(), i.targets.end(), [&](const Target& t) { return fits(t.view); });
}

bool crosses(const Source& s, const Target& t) {
  return s.storage && s.storage == t.storage &&
         overlap(broadcast_to(s.view, t.view.shape), t.view) == Overlap::crossing;
}

}  // namespace

const Shape& shape_of(const Operand& operand) {
  if (operand.array() != nullptr) return operand.array()->shape();
  return operand.foreign() != nullptr ? operand.foreign()->shape : kScalarShape;
}

Source source_of(const Operand& operand) {
  if (const Scalar* scalar = operand.scalar()) return {{}, {}, *scalar};
  if (const Foreign* foreign = operand.foreign()) {
    const Array copy = from_foreign(*foreign);
    return {storage_of(copy), view_of(copy), {}, copy};
  }
  const Array& a = *operand.array();
  if (a.node()->single()) return {storage_of(a), view_of(a)};
  const Array whole = in_one_storage(a);
  return {storage_of(whole), view_of(whole), {}, whole};
}

Scalar cast_scalar(const Scalar& scalar, Kind kind) {
  if (scalar.kind == kind) return scalar;
  const kernels::Kernel* cast = kernels::cast(scalar.kind, kind);
  if (cast == nullptr) throw TypeError("cannot cast " + DType(scalar.kind).name() + " to " + DType(kind).name());
  Scalar from = scalar;
  Scalar to;
  to.kind = kind;
  char* data[] = {from.bytes.data(), to.bytes.data()};
  const std::ptrdiff_t strides[] = {0, 0};
  program::run_single(*cast, data, 1, strides);
  return to;
}

void check_castable(DType from, DType to) {
  if (from == to) return;
  const bool known =
      from.kind != Kind::Opaque && to.kind != Kind::Opaque && kernels::cast(from.kind, to.kind) != nullptr;
  if (!known) throw TypeError("distob cannot cast " + from.name() + " to " + to.name());
}

Source copied(const Source& source) {
  const Array a = copy(make_array(source.storage, source.view, {}, true));
  return {storage_of(a), view_of(a), {}, a};
}

bool run_small(const Instruction& i, unsigned* flags) {
  const kernels::Kernel* kernel = plain_kernel(i);
  if (kernel == nullptr || element_count(i.shape) >= small_limit() || !aligned(i)) return false;
  Workspace& workspace = Workspace::instance();
  const Source* sources[kMaxOperands];
  const Target* targets[kMaxOperands];
  for (std::size_t k = 0; k < i.sources.size(); ++k) sources[k] = &i.sources[k];
  for (std::size_t k = 0; k < i.targets.size(); ++k) targets[k] = &i.targets[k];
  unsigned raised = 0;
  const bool ran = workspace.run_small(std::span(sources, i.sources.size()), std::span(targets, i.targets.size()), [&] {
    Walk walks[kMaxOperands];
    std::size_t n = 0;
    for (const Source& s : i.sources) {
      const View constant{};
      walks[n++] = s.storage ? walk(s.storage->data(), s.view, i.shape)
                             : walk(const_cast<char*>(s.constant.bytes.data()), constant, i.shape);
    }
    for (const Target& t : i.targets) walks[n++] = walk(t.storage->data(), t.view, i.shape);
    const Nest nest = coalesce(i.shape, std::span(walks, n));
    const bool watched = kernel->sets_float_flags && (i.site != 0 || flags != nullptr);
    if (watched) (void)program::take_float_flags();
    run_rows(*kernel, nest, std::span(walks, n));
    if (watched) raised = program::take_float_flags();
  });
  if (!ran) return false;
  if (flags != nullptr) {
    *flags = raised;
  } else if (raised != 0) {
    workspace.raised(raised, i.site);
  }
  return true;
}

void submit(Instruction i, unsigned* flags) {
  if (flags != nullptr) *flags = 0;
  if (element_count(i.shape) == 0) return;
  const bool big = element_count(i.shape) >= small_limit();
  for (Source& s : i.sources) {
    for (const Target& t : i.targets) {
      if (crosses(s, t) && !(big && !i.mask && i.targets.size() == 1 && may_repoint(t))) s = copied(s);
    }
  }
  if (i.mask) {
    for (const Target& t : i.targets) {
      if (crosses(*i.mask, t)) i.mask = copied(*i.mask);
    }
  }
  if (run_small(i, flags)) return;
  if (flags != nullptr) {
    *flags = Workspace::instance().append_and_wait(std::move(i));
  } else {
    Workspace::instance().append(std::move(i));
  }
}

}  // namespace distob::array::detail

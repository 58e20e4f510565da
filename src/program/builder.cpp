#include <algorithm>
#include <cstring>

#include "distob/errors.h"
#include "program/code.h"
#include "program/program.h"

namespace distob::program {
namespace {

const kernels::Kernel* cast_or_throw(DType from, DType to) {
  if (from.kind == to.kind &&
      (from.kind != Kind::Opaque || (from.itemsize == to.itemsize && from.descriptor == to.descriptor))) {
    return nullptr;
  }
  const kernels::Kernel* cast =
      from.kind == Kind::Opaque || to.kind == Kind::Opaque ? nullptr : kernels::cast(from.kind, to.kind);
  if (cast == nullptr) throw TypeError("cannot convert " + from.name() + " to " + to.name());
  return cast;
}

/// The type of a value that was loaded from `memory`: the same elements in native order.
DType value_type(DType memory) {
  // The bytes of an opaque type mean nothing here, so its order stays what it is.
  if (memory.kind != Kind::Opaque) memory.swapped = false;
  return memory;
}

}  // namespace

Builder::Builder(Shape iteration_shape) : source_(std::make_unique<Source>()) {
  source_->shape = std::move(iteration_shape);
}
Builder::~Builder() = default;
Builder::Builder(Builder&&) noexcept = default;
Builder& Builder::operator=(Builder&&) noexcept = default;

const Shape& Builder::shape() const { return source_->shape; }
DType Builder::dtype(Value value) const { return source_->values[static_cast<std::size_t>(value.id)].dtype; }
int Builder::instructions() const { return static_cast<int>(source_->code.size()); }

namespace {

/// Appends to a Source.
class Recorder {
 public:
  explicit Recorder(Source& source) : source_(source) {}

  std::int32_t position() const { return static_cast<std::int32_t>(source_.code.size()); }

  std::int32_t value(DType dtype) {
    source_.values.push_back({.dtype = dtype, .definition = position()});
    return static_cast<std::int32_t>(source_.values.size()) - 1;
  }

  std::int32_t bytes(const void* bytes, std::size_t count) {
    const std::size_t offset = (source_.constants.size() + 63) / 64 * 64;
    source_.constants.resize(offset + count);
    std::memcpy(source_.constants.data() + offset, bytes, count);
    return static_cast<std::int32_t>(offset);
  }

  std::int32_t operand(int slot, View view, const kernels::Kernel* cast) {
    if (slot < 0) throw ValueError("a slot is a number from 0");
    source_.slots = std::max(source_.slots, slot + 1);
    const bool plain = cast == nullptr && view.dtype.native();
    source_.operands.push_back({slot, std::move(view), cast, plain});
    return static_cast<std::int32_t>(source_.operands.size()) - 1;
  }

  std::int32_t kernel(const kernels::Kernel& kernel) {
    source_.kernels.push_back(kernel);
    return static_cast<std::int32_t>(source_.kernels.size()) - 1;
  }

  void check(Value value) const {
    if (value.id < 0 || value.id >= static_cast<std::int32_t>(source_.values.size()))
      throw ValueError("no value of this program");
  }
  void check_mask(Value mask) const {
    check(mask);
    if (source_.values[static_cast<std::size_t>(mask.id)].dtype.kind != Kind::Bool)
      throw TypeError("a mask must be bool");
  }

 private:
  Source& source_;
};

/// An earlier load of the same elements as the same type that no store came after, or -1.
std::int32_t repeated_load(const Source& source, int slot, const View& view, DType to) {
  for (std::size_t i = source.code.size(); i-- > 0;) {
    const Instruction& earlier = source.code[i];
    if (earlier.operand < 0) continue;
    const Operand& operand = source.operands[static_cast<std::size_t>(earlier.operand)];
    if (operand.slot != slot) continue;
    if (earlier.action == Action::store) {
      if (overlap(operand.view, view) != Overlap::disjoint) return -1;
    } else if (operand.view == view && source.values[static_cast<std::size_t>(earlier.output)].dtype == to) {
      return earlier.output;
    }
  }
  return -1;
}

}  // namespace

Value Builder::load(int slot, const View& view, Kind to) {
  if (to == Kind::Opaque) return load(slot, view);
  const kernels::Kernel* cast = cast_or_throw(view.dtype, to);
  View whole = broadcast_to(view, source_->shape);
  if (const std::int32_t same = repeated_load(*source_, slot, whole, to); same >= 0) return {same};
  Recorder record(*source_);
  const std::int32_t operand = record.operand(slot, std::move(whole), cast);
  const std::int32_t output = record.value(to);
  source_->code.push_back({.action = Action::load, .outputs = 1, .output = output, .operand = operand});
  return {output};
}

Value Builder::load(int slot, const View& view) {
  if (view.dtype.kind != Kind::Opaque) return load(slot, view, view.dtype.kind);
  View whole = broadcast_to(view, source_->shape);
  const DType type = value_type(view.dtype);
  if (const std::int32_t same = repeated_load(*source_, slot, whole, type); same >= 0) return {same};
  Recorder record(*source_);
  const std::int32_t operand = record.operand(slot, std::move(whole), nullptr);
  source_->operands.back().plain = true;  // nobody computes with them, so any bytes will do
  const std::int32_t output = record.value(type);
  source_->code.push_back({.action = Action::load, .outputs = 1, .output = output, .operand = operand});
  return {output};
}

Value Builder::constant(DType dtype, const void* bytes) {
  Recorder record(*source_);
  const std::int32_t offset = record.bytes(bytes, dtype.itemsize);
  const std::int32_t output = record.value(value_type(dtype));
  source_->code.push_back({.action = Action::constant, .outputs = 1, .output = output, .offset = offset});
  return {output};
}

Values Builder::apply(const kernels::Kernel& kernel, std::span<const Value> inputs, Tag tag,
                      std::optional<Value> mask) {
  if (inputs.size() != kernel.inputs) {
    throw TypeError("a kernel of " + std::to_string(kernel.inputs) + " operands was given " +
                    std::to_string(inputs.size()));
  }
  Recorder record(*source_);
  Instruction instruction{.action = Action::kernel, .inputs = kernel.inputs, .outputs = kernel.outputs, .tag = tag};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    record.check(inputs[i]);
    if (dtype(inputs[i]) != DType(kernel.kinds[i])) {
      throw TypeError("operand " + std::to_string(i) + " of a kernel is " + dtype(inputs[i]).name() + " instead of " +
                      DType(kernel.kinds[i]).name());
    }
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Value input = inputs[i];
    if (mask) {
      char one[32];
      const std::int8_t small_one = 1;
      const std::ptrdiff_t count = 1, strides[2] = {1, static_cast<std::ptrdiff_t>(dtype(input).itemsize)};
      char* const data[2] = {reinterpret_cast<char*>(const_cast<std::int8_t*>(&small_one)), one};
      const kernels::Kernel* to = kernels::cast(Kind::Int8, kernel.kinds[i]);
      if (to != nullptr) {
        to->loop(to->context, data, &count, strides, to->auxdata);
      } else {
        one[0] = 1;  // int8 itself
      }
      input = select(*mask, input, one);
    }
    instruction.input[i] = input.id;
  }
  instruction.kernel = record.kernel(kernel);
  instruction.output = record.value(kernel.kinds[kernel.inputs]);
  for (int i = 1; i < kernel.outputs; ++i) record.value(kernel.kinds[static_cast<std::size_t>(kernel.inputs + i)]);
  source_->code.push_back(instruction);
  return {instruction.output, kernel.outputs};
}

Value Builder::cast(Value value, Kind to, Tag tag) {
  Recorder(*source_).check(value);
  const kernels::Kernel* cast = cast_or_throw(dtype(value), to);
  return cast == nullptr ? value : apply(*cast, {value}, tag)[0];
}

Value Builder::select(Value mask, Value value, const void* otherwise) {
  Recorder record(*source_);
  record.check_mask(mask);
  record.check(value);
  const std::int32_t offset = record.bytes(otherwise, dtype(value).itemsize);
  const std::int32_t output = record.value(dtype(value));
  source_->code.push_back({.action = Action::select,
                           .inputs = 2,
                           .outputs = 1,
                           .input = {mask.id, value.id, -1, -1},
                           .output = output,
                           .offset = offset});
  return {output};
}

void Builder::store(Value value, int slot, const View& view, std::optional<Value> mask, Tag tag) {
  Recorder record(*source_);
  record.check(value);
  if (mask) record.check_mask(*mask);
  if (view.shape != source_->shape) {
    throw ValueError("cannot store shape " + distob::to_string(source_->shape) + " to shape " +
                     distob::to_string(view.shape));
  }
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    if (view.shape[axis] > 1 && view.strides[axis] == 0) throw ValueError("cannot store to a broadcast array");
  }
  const kernels::Kernel* cast = cast_or_throw(dtype(value), view.dtype);
  const std::int32_t operand = record.operand(slot, view, cast);
  if (view.dtype.kind == Kind::Opaque) source_->operands.back().plain = true;
  Instruction store{
      .action = Action::store, .inputs = 1, .input = {value.id, -1, -1, -1}, .operand = operand, .tag = tag};
  if (mask) {
    store.inputs = 2;
    store.input[1] = mask->id;
  }
  source_->code.push_back(store);
}

void Builder::reduce(Value value, const kernels::Reduction& reduction, const Dims& axes, int slot, const View& result,
                     Tag tag) {
  Recorder record(*source_);
  record.check(value);
  if (dtype(value) != DType(reduction.kind)) {
    throw TypeError("a reduction of " + DType(reduction.kind).name() + " was given " + dtype(value).name());
  }
  if (!source_->reductions.empty() && source_->reduced_axes != axes) {
    throw ValueError("the reductions of a program must have the same axes");
  }
  // The result without the reduced axes, whichever way the caller keeps them.
  View squeezed{result.offset, {}, {}, result.dtype};
  const bool keepdims = result.shape.size() == source_->shape.size() && !axes.empty();
  std::size_t at = 0;
  bool fits = true, empty = false;
  for (std::size_t axis = 0; axis < source_->shape.size(); ++axis) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) != axes.end();
    if (reduced) empty = empty || source_->shape[axis] == 0;
    if (reduced && !keepdims) continue;
    fits = fits && at < result.shape.size() && result.shape[at] == (reduced ? 1 : source_->shape[axis]);
    if (fits && !reduced) {
      squeezed.shape.push_back(result.shape[at]);
      squeezed.strides.push_back(result.strides[at]);
    }
    ++at;
  }
  if (!fits || at != result.shape.size()) {
    throw ValueError("a reduction of shape " + distob::to_string(source_->shape) + " over axes " +
                     distob::to_string(axes) + " does not have shape " + distob::to_string(result.shape));
  }
  if (empty && !reduction.has_identity)
    throw ValueError("zero-size array to reduction operation which has no identity");
  source_->reduced_axes = axes;
  source_->slots = std::max(source_->slots, slot + 1);
  source_->reductions.push_back({reduction, slot, std::move(squeezed), DType(reduction.kind),
                                 cast_or_throw(DType(reduction.kind), result.dtype), tag});
  source_->code.push_back({.action = Action::reduce,
                           .inputs = 1,
                           .input = {value.id, -1, -1, -1},
                           .offset = static_cast<std::int32_t>(source_->reductions.size()) - 1,
                           .tag = tag});
}

Program Builder::build() && {
  auto source = std::move(source_);
  return Program(std::make_shared<const Code>(compile(std::move(*source))));
}

}  // namespace distob::program

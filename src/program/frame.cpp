#include "program/frame.h"

#include <algorithm>
#include <cstring>

#include "kernels/float_flags.h"
#include "program/copy.h"

namespace distob::program {
namespace {

/// What kernels ask of the address of an element.
std::uintptr_t alignment_of(Kind kind) {
  const std::uint32_t size = itemsize_of(kind);
  return is_complex(kind) ? size / 2 : std::max<std::uint32_t>(size, 1);
}

/// Strides of a contiguous tile, or zeros for one element that stands for all.
Strides tile_strides(const Dims& extents, std::int64_t stride) {
  return stride == 0 ? Dims::filled(extents.size(), 0) : c_strides(extents, stride);
}

}  // namespace

Frame::Frame(const Code& code, std::span<char* const> bases, Scratch& scratch)
    : code_(code), bases_(bases), scratch_(scratch.reserve(static_cast<std::size_t>(code.scratch_bytes))) {
  locations_ = reinterpret_cast<Location*>(scratch_ + code.locations_offset);
  targets_ = reinterpret_cast<char**>(scratch_ + code.targets_offset);
  flags_ = reinterpret_cast<std::uint8_t*>(scratch_ + code.flags_offset);
  std::fill_n(targets_, code.values.size(), nullptr);
  std::memset(flags_, 0, code.code.size());
  // Constants stand where they are for the whole run.
  for (const Instruction& instruction : code.code) {
    if (instruction.action != Action::constant) continue;
    locations_[instruction.output] = {const_cast<char*>(code.constants.data()) + instruction.offset, 0};
  }
  (void)take_float_flags();
}

char* Frame::temporary(int which) const {
  return scratch_ + code_.temporary_offset + which * ((code_.capacity * code_.widest + 63) / 64 * 64);
}

int Frame::run(const Tile& tile) {
  tile_ = &tile;
  for (std::size_t at = 0; at < code_.code.size(); ++at) {
    const Instruction& instruction = code_.code[at];
    switch (instruction.action) {
      case Action::load: load(instruction); break;
      case Action::kernel:
        if (const int status = call(instruction, at); status != 0) return status;
        break;
      case Action::select: select(instruction); break;
      case Action::store: store(instruction, at); break;
      case Action::constant:
      case Action::reduce: break;
    }
  }
  return 0;
}

Frame::Resolved Frame::resolve(const Operand& operand) const {
  const View& view = operand.view;
  const std::int64_t* strides = view.strides.data();
  const std::int64_t* extents = tile_->extents.data();
  std::int64_t offset = view.offset, expected = view.dtype.itemsize;
  bool contiguous = true, scalar = true;
  for (std::size_t axis = tile_->extents.size(); axis-- > 0;) {
    offset += tile_->start[axis] * strides[axis];
    if (extents[axis] == 1) continue;
    contiguous = contiguous && strides[axis] == expected;
    scalar = scalar && strides[axis] == 0;
    expected *= extents[axis];
  }
  char* data = bases_[static_cast<std::size_t>(operand.slot)] + offset;
  bool aligned = true;
  if (view.dtype.kind != Kind::Opaque)
    aligned = reinterpret_cast<std::uintptr_t>(data) % alignment_of(view.dtype.kind) == 0;
  return {data, contiguous, scalar, aligned};
}

void Frame::load(const Instruction& instruction) {
  const Operand& operand = code_.operands[static_cast<std::size_t>(instruction.operand)];
  const ValueRecord& record = code_.values[static_cast<std::size_t>(instruction.output)];
  const Resolved from = resolve(operand);
  const std::int64_t size = operand.view.dtype.itemsize;
  const bool scalar = from.scalar && tile_->elements > 1;
  Location& location = locations_[instruction.output];
  location.stride = scalar ? 0 : static_cast<std::ptrdiff_t>(record.dtype.itemsize);
  if (operand.plain && !record.snapshot && from.aligned && (from.contiguous || scalar)) {
    location.data = from.data;
    return;
  }
  location.data = register_of(instruction.output);
  const std::int64_t n = scalar ? 1 : tile_->elements;
  const bool swapped = operand.view.dtype.swapped && operand.view.dtype.kind != Kind::Opaque;
  char* bytes = from.data;
  if (swapped || !from.aligned || !(from.contiguous || scalar) || operand.cast == nullptr) {
    bytes = swapped || operand.cast != nullptr ? temporary(0) : location.data;
    if (n == 1) {
      std::memcpy(bytes, from.data, static_cast<std::size_t>(size));
    } else {
      copy(tile_->extents, bytes, c_strides(tile_->extents, size).data(), from.data, operand.view.strides.data(), size);
    }
  }
  if (swapped) {
    char* native = operand.cast != nullptr ? temporary(1) : location.data;
    kernels::swap_bytes(operand.view.dtype.kind, bytes, size, native, size, n);
    bytes = native;
  }
  if (operand.cast != nullptr) {
    const auto at = static_cast<std::size_t>(&instruction - code_.code.data());
    convert(*operand.cast, bytes, size, location.data, record.dtype.itemsize, n, at);
  }
}

int Frame::call(const Instruction& instruction, std::size_t at) {
  const void* in[4];
  void* out[4];
  unsigned scalars = 0;
  for (int k = 0; k < instruction.inputs; ++k) {
    const Location& from = locations_[instruction.input[static_cast<std::size_t>(k)]];
    in[k] = from.data;
    scalars |= static_cast<unsigned>(from.stride == 0) << k;
  }
  for (int j = 0; j < instruction.outputs; ++j) out[j] = place(instruction.output + j);
  const kernels::Straight& straight = code_.straight[static_cast<std::size_t>(instruction.kernel)];
  const unsigned all = (1U << instruction.inputs) - 1;
  if (straight.block != nullptr && (scalars == 0 || (straight.scalars && scalars != all))) {
    if (straight.quiet) {
      const kernels::KeepFloatFlags keep;
      straight.block(in, out, tile_->elements, scalars);
    } else {
      straight.block(in, out, tile_->elements, scalars);
    }
  } else {
    status_ = loop(instruction);
    if (status_ != 0) failed_ = instruction.tag;
  }
  if (instruction.takes_flags || status_ != 0) take_flags(at);
  return status_;
}

char* Frame::place(std::int32_t output) {
  const ValueRecord& record = code_.values[static_cast<std::size_t>(output)];
  Location& location = locations_[output];
  location = {targets_[output] != nullptr ? targets_[output] : register_of(output),
              static_cast<std::ptrdiff_t>(record.dtype.itemsize)};
  if (record.direct_store >= 0) {
    const Instruction& store = code_.code[static_cast<std::size_t>(record.direct_store)];
    const Resolved to = resolve(code_.operands[static_cast<std::size_t>(store.operand)]);
    if (to.contiguous && to.aligned) location.data = to.data;
  }
  return location.data;
}

int Frame::loop(const Instruction& instruction) {
  const kernels::Kernel& kernel = code_.kernels[static_cast<std::size_t>(instruction.kernel)];
  char* data[8];
  std::ptrdiff_t strides[8];
  int count = 0;
  const auto add = [&](const Location& location) {
    data[count] = location.data;
    strides[count++] = location.stride;
  };
  for (int k = 0; k < instruction.inputs; ++k) add(locations_[instruction.input[static_cast<std::size_t>(k)]]);
  for (int j = 0; j < instruction.outputs; ++j) add(locations_[instruction.output + j]);
  const std::ptrdiff_t n = tile_->elements;
  return kernel.loop(kernel.context, data, &n, strides, kernel.auxdata);
}

void Frame::select(const Instruction& instruction) {
  const Location mask = locations_[instruction.input[0]], from = locations_[instruction.input[1]];
  const auto size =
      static_cast<std::int64_t>(code_.values[static_cast<std::size_t>(instruction.output)].dtype.itemsize);
  char* to = register_of(instruction.output);
  locations_[instruction.output] = {to, static_cast<std::ptrdiff_t>(size)};
  const Dims line{tile_->elements};
  const std::int64_t to_stride = size, from_stride = from.stride, mask_stride = mask.stride, none = 0;
  copy(line, to, &to_stride, code_.constants.data() + instruction.offset, &none, size);
  copy_where(line, to, &to_stride, from.data, &from_stride, mask.data, &mask_stride, size);
}

void Frame::store(const Instruction& instruction, std::size_t at) {
  const Operand& operand = code_.operands[static_cast<std::size_t>(instruction.operand)];
  const Resolved to = resolve(operand);
  Location from = locations_[instruction.input[0]];
  const std::int64_t size = operand.view.dtype.itemsize;
  if (instruction.inputs == 1 && operand.plain && to.contiguous && from.data == to.data)
    return;  // the kernel left it there

  const std::int64_t n = from.stride == 0 ? 1 : tile_->elements;
  const bool swapped = operand.view.dtype.swapped && operand.view.dtype.kind != Kind::Opaque;
  if (operand.cast != nullptr) {
    const bool in_place =
        instruction.inputs == 1 && to.contiguous && to.aligned && !swapped && !operand.streamed && n == tile_->elements;
    char* converted = in_place ? to.data : temporary(0);
    convert(*operand.cast, from.data, from.stride, converted, size, n, at);
    if (in_place) return;
    from = {converted, n == 1 ? 0 : static_cast<std::ptrdiff_t>(size)};
  }
  if (swapped) {
    kernels::swap_bytes(operand.view.dtype.kind, from.data, size, temporary(1), size, n);
    from.data = temporary(1);
  }
  write(instruction, to, from, size);
}

void Frame::write(const Instruction& instruction, const Resolved& to, Location from, std::int64_t itemsize) {
  const Operand& operand = code_.operands[static_cast<std::size_t>(instruction.operand)];
  const View& view = operand.view;
  const bool masked = instruction.inputs == 2;
  if (!masked && to.contiguous && from.stride != 0) {
    if (operand.streamed) return stream(to.data, from.data, tile_->elements * itemsize);
    std::memcpy(to.data, from.data, static_cast<std::size_t>(tile_->elements * itemsize));
    return;
  }
  const Strides strides = tile_strides(tile_->extents, from.stride == 0 ? 0 : itemsize);
  if (!masked) {
    copy(tile_->extents, to.data, view.strides.data(), from.data, strides.data(), itemsize);
    return;
  }
  const Location mask = locations_[instruction.input[1]];
  copy_where(tile_->extents, to.data, view.strides.data(), from.data, strides.data(), mask.data,
             tile_strides(tile_->extents, mask.stride).data(), itemsize);
}

void Frame::convert(const kernels::Kernel& cast, char* from, std::ptrdiff_t from_stride, char* to,
                    std::ptrdiff_t to_stride, std::int64_t n, std::size_t at) {
  char* const data[2] = {from, to};
  const std::ptrdiff_t count = n, strides[2] = {from_stride, to_stride};
  cast.loop(cast.context, data, &count, strides, cast.auxdata);
  if (code_.code[at].takes_flags) take_flags(at);
}

void Frame::take_flags(std::size_t at) { flags_[at] |= take_float_flags(); }

Outcome Frame::outcome() const {
  Outcome outcome;
  outcome.status = status_;
  outcome.failed = failed_;
  for (std::size_t at = 0; at < code_.code.size(); ++at) {
    if (flags_[at] == 0) continue;
    Outcome one;
    one.flags = flags_[at];
    one.raised.push_back({code_.code[at].tag, flags_[at]});
    outcome.merge(one);
  }
  return outcome;
}

}  // namespace distob::program

// The one loop behind every native kernel: contiguous operands go to the block as they are, all others through small
// buffers that stay in the first-level cache.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/float_flags.h"
#include "kernels/strided.h"
#include "kernels/table.h"

namespace distob::kernels {
namespace {

template <std::size_t kItemsize>
void gather_items(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, char* out) {
  for (std::ptrdiff_t i = 0; i < n; ++i) std::memcpy(out + i * kItemsize, in + i * stride, kItemsize);
}

template <std::size_t kItemsize>
void scatter_items(const char* in, std::ptrdiff_t n, char* out, std::ptrdiff_t stride) {
  for (std::ptrdiff_t i = 0; i < n; ++i) std::memcpy(out + i * stride, in + i * kItemsize, kItemsize);
}

constexpr std::ptrdiff_t kPieceBytes = 4096;

/// Where one operand's elements are while a piece of them is worked on.
struct Piece {
  alignas(64) char bytes[kPieceBytes];
};

/// Runs a slot over operands of any stride, a piece at a time.
class BufferedRun {
 public:
  BufferedRun(const Slot& slot, char* const* data, const std::ptrdiff_t* strides)
      : slot_(slot),
        data_(data),
        strides_(strides),
        inputs_(slot.kernel.inputs),
        operands_(inputs_ + slot.kernel.outputs) {}

  void run(std::ptrdiff_t n) {
    const std::ptrdiff_t piece = piece_length();
    for (std::ptrdiff_t start = 0; start < n; start += piece) run_piece(start, std::min(piece, n - start));
  }

 private:
  std::ptrdiff_t piece_length() const {
    const auto widest = *std::max_element(slot_.itemsize.begin(), slot_.itemsize.begin() + operands_);
    return kPieceBytes / std::max<std::ptrdiff_t>(widest, 4);  // at least 4: halves widen to that
  }

  bool half(int operand) const { return slot_.through != nullptr && slot_.kernel.kinds[operand] == Kind::Float16; }
  bool contiguous(int operand) const { return strides_[operand] == slot_.itemsize[operand]; }

  const char* load(int operand, std::ptrdiff_t start, std::ptrdiff_t n) {
    const char* from = data_[operand] + start * strides_[operand];
    char* buffer = pieces_[operand].bytes;
    if (half(operand)) {
      alignas(64) std::uint16_t halves[kPieceBytes / 4];
      gather(from, strides_[operand], 2, n, reinterpret_cast<char*>(halves));
      half_conversion.widen(halves, reinterpret_cast<float*>(buffer), n);
      return buffer;
    }
    if (contiguous(operand)) return from;
    gather(from, strides_[operand], slot_.itemsize[operand], n, buffer);
    return buffer;
  }

  void store(int operand, std::ptrdiff_t start, std::ptrdiff_t n) {
    char* to = data_[operand] + start * strides_[operand];
    const char* buffer = pieces_[operand].bytes;
    if (half(operand)) {
      alignas(64) std::uint16_t halves[kPieceBytes / 4];
      half_conversion.narrow(reinterpret_cast<const float*>(buffer), halves, n);
      scatter(reinterpret_cast<const char*>(halves), 2, n, to, strides_[operand]);
    } else if (!contiguous(operand)) {
      scatter(buffer, slot_.itemsize[operand], n, to, strides_[operand]);
    }
  }

  void run_piece(std::ptrdiff_t start, std::ptrdiff_t n) {
    std::array<const void*, Slot::kOperands> in{};
    std::array<void*, Slot::kOperands> out{};
    for (int i = 0; i < inputs_; ++i)
      in[i] = strides_[i] == 0 && start > 0 ? scalar_[i] : scalar_[i] = load(i, start, n);
    for (int i = inputs_; i < operands_; ++i) {
      const bool direct = contiguous(i) && !half(i);
      out[i - inputs_] = direct ? data_[i] + start * strides_[i] : pieces_[i].bytes;
    }
    if (slot_.traits.quiet) {
      const KeepFloatFlags keep;
      compute(in.data(), out.data(), start, n);
    } else {
      compute(in.data(), out.data(), start, n);
    }
  }

  void compute(const void* const* in, void* const* out, std::ptrdiff_t start, std::ptrdiff_t n) {
    slot_.block(in, out, n, 0);
    for (int i = inputs_; i < operands_; ++i) store(i, start, n);
  }

  const Slot& slot_;
  char* const* data_;
  const std::ptrdiff_t* strides_;
  int inputs_;
  int operands_;
  std::array<const char*, Slot::kOperands> scalar_{};
  std::array<Piece, Slot::kOperands> pieces_;
};

void call_block(const Slot& slot, const void* const* in, void* const* out, std::ptrdiff_t n, unsigned scalars) {
  if (slot.traits.quiet) {
    const KeepFloatFlags keep;
    slot.block(in, out, n, scalars);
  } else {
    slot.block(in, out, n, scalars);
  }
}

}  // namespace

void gather(const char* in, std::ptrdiff_t stride, std::size_t itemsize, std::ptrdiff_t n, char* out) {
  if (stride == static_cast<std::ptrdiff_t>(itemsize)) {
    std::memcpy(out, in, static_cast<std::size_t>(n) * itemsize);
    return;
  }
  switch (itemsize) {
    case 1: return gather_items<1>(in, stride, n, out);
    case 2: return gather_items<2>(in, stride, n, out);
    case 4: return gather_items<4>(in, stride, n, out);
    case 8: return gather_items<8>(in, stride, n, out);
    case 16: return gather_items<16>(in, stride, n, out);
    default: return gather_items<32>(in, stride, n, out);
  }
}

void scatter(const char* in, std::size_t itemsize, std::ptrdiff_t n, char* out, std::ptrdiff_t stride) {
  if (stride == static_cast<std::ptrdiff_t>(itemsize)) {
    std::memcpy(out, in, static_cast<std::size_t>(n) * itemsize);
    return;
  }
  switch (itemsize) {
    case 1: return scatter_items<1>(in, n, out, stride);
    case 2: return scatter_items<2>(in, n, out, stride);
    case 4: return scatter_items<4>(in, n, out, stride);
    case 8: return scatter_items<8>(in, n, out, stride);
    case 16: return scatter_items<16>(in, n, out, stride);
    default: return scatter_items<32>(in, n, out, stride);
  }
}

Straight straight(const Kernel& kernel) {
  if (kernel.loop != &run_slot) return {};
  const Slot& slot = *static_cast<const Slot*>(kernel.context);
  if (slot.through != nullptr) return {};
  return {slot.block, slot.traits.scalars, slot.traits.quiet};
}

int run_slot(const void* context, char* const* data, const std::ptrdiff_t* dims, const std::ptrdiff_t* strides, void*) {
  const Slot& slot = *static_cast<const Slot*>(context);
  const std::ptrdiff_t n = dims[0];
  if (n <= 0) return 0;
  const unsigned inputs = slot.kernel.inputs;
  const unsigned operands = inputs + slot.kernel.outputs;
  // Written out: compilers make a loop a string instruction, which takes longer than a short row's arithmetic.
  const void* const in[] = {data[0], inputs > 1 ? data[1] : nullptr, inputs > 2 ? data[2] : nullptr};
  void* const out[] = {data[inputs], operands > inputs + 1 ? data[inputs + 1] : nullptr};
  unsigned scalars = 0;
  bool direct = slot.through == nullptr;
  for (unsigned i = 0; i < inputs; ++i) {
    if (strides[i] == slot.itemsize[i] || n == 1) continue;
    if (strides[i] == 0 && slot.traits.scalars) {
      scalars |= 1U << i;
    } else {
      direct = false;
    }
  }
  for (unsigned i = inputs; i < operands; ++i) {
    direct = direct && (strides[i] == slot.itemsize[i] || n == 1);
  }
  if (direct && (scalars == 0 || scalars != (1U << inputs) - 1)) {
    call_block(slot, in, out, n, scalars);
  } else {
    BufferedRun(slot, data, strides).run(n);
  }
  return 0;
}

}  // namespace distob::kernels

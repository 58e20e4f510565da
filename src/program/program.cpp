#include "program/program.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "distob/errors.h"
#include "kernels/listing.h"
#include "program/code.h"
#include "program/copy.h"
#include "program/frame.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace distob::program {
namespace {

constexpr std::align_val_t kAlignment{64};

/// The tile of unit `unit`.
void locate(const Code& code, std::int64_t unit, Tile& tile) {
  tile.elements = 1;
  for (std::size_t axis = code.extents.size(); axis-- > 0;) {
    const std::int64_t at = unit % code.grid[axis];
    unit /= code.grid[axis];
    tile.start[axis] = at * code.tile[axis];
    tile.extents[axis] = std::min(code.tile[axis], code.extents[axis] - tile.start[axis]);
    tile.elements *= tile.extents[axis];
  }
}

void run_tiles(const Code& code, Frame& frame, std::int64_t first, std::int64_t last) {
  Tile tile;
  tile.extents = code.tile;
  for (std::int64_t unit = first; unit < last; ++unit) {
    locate(code, unit, tile);
    if (frame.run(tile) != 0) return;
  }
}

void check_bases(const Code& code, std::span<char* const> bases) {
  if (bases.size() < static_cast<std::size_t>(code.slots)) {
    throw ValueError("a program of " + std::to_string(code.slots) + " slots was given " + std::to_string(bases.size()));
  }
}

}  // namespace

std::int64_t Program::units() const { return code_->units; }
std::int64_t Program::elements() const { return code_->elements; }
std::int64_t Program::unit_elements() const { return code_->unit_elements; }
int Program::cost() const { return code_->cost; }
int Program::slots() const { return code_->slots; }
bool Program::reduces() const { return code_->reduces; }
std::int64_t Program::partials_bytes() const { return code_->partials_bytes; }

Program::Traffic Program::traffic() const {
  Traffic traffic;
  const auto bytes = [](const View& view) {
    std::int64_t size = view.dtype.itemsize;
    for (std::size_t axis = 0; axis < view.shape.size(); ++axis) size *= view.strides[axis] == 0 ? 1 : view.shape[axis];
    return size;
  };
  for (const Instruction& instruction : code_->code) {
    if (instruction.operand < 0) continue;
    const View& view = code_->operands[static_cast<std::size_t>(instruction.operand)].view;
    (instruction.action == Action::store ? traffic.written : traffic.read) += bytes(view);
  }
  for (const ReductionRecord& reduction : code_->reductions) traffic.written += bytes(reduction.result);
  return traffic;
}

int Program::operations() const {
  return static_cast<int>(std::count_if(code_->code.begin(), code_->code.end(), [](const Instruction& i) {
    return i.action == Action::kernel || i.action == Action::select || i.action == Action::reduce;
  }));
}

namespace {

std::string name_of(const Code& code, const Instruction& instruction) {
  switch (instruction.action) {
    case Action::load: return "load";
    case Action::constant: return "constant";
    case Action::kernel:
      return std::string(kernels::name_of(code.kernels[static_cast<std::size_t>(instruction.kernel)]));
    case Action::select: return "select";
    case Action::store: return "store";
    case Action::reduce: return "reduce";
  }
  return "?";
}

}  // namespace

std::string Program::to_string() const {
  std::string text = "shape " + distob::to_string(code_->iteration) + " as " + distob::to_string(code_->extents) +
                     ", " + std::to_string(code_->units) + " units of " + std::to_string(code_->unit_elements) + ", " +
                     std::to_string(code_->registers) + " registers of " + std::to_string(code_->capacity) + "\n";
  for (const Instruction& instruction : code_->code) {
    text += "  ";
    for (int j = 0; j < instruction.outputs; ++j) {
      const std::int32_t id = instruction.output + j;
      text.append("v").append(std::to_string(id)).append(":");
      text.append(code_->values[static_cast<std::size_t>(id)].dtype.name()).append(" ");
    }
    if (instruction.outputs > 0) text += "= ";
    text += name_of(*code_, instruction);
    for (int j = 0; j < instruction.inputs; ++j) {
      text.append(" v").append(std::to_string(instruction.input[static_cast<std::size_t>(j)]));
    }
    if (instruction.operand >= 0) {
      const Operand& operand = code_->operands[static_cast<std::size_t>(instruction.operand)];
      text += " slot " + std::to_string(operand.slot) + " " + operand.view.dtype.name() + " at " +
              std::to_string(operand.view.offset) + " strides " + distob::to_string(operand.view.strides);
    }
    text += "\n";
  }
  return text;
}

Partials::Partials(const Program& program)
    : data_(static_cast<char*>(
          ::operator new(static_cast<std::size_t>(std::max<std::int64_t>(program.partials_bytes(), 1)), kAlignment))) {}
void Partials::Free::operator()(char* data) const { ::operator delete(data, kAlignment); }

Scratch::~Scratch() { ::operator delete(data_, kAlignment); }

char* Scratch::grow(std::size_t bytes) {
  ::operator delete(data_, kAlignment);
  data_ = nullptr;
  size_ = 0;
  data_ = static_cast<char*>(::operator new(bytes, kAlignment));
  size_ = bytes;
  return data_;
}

void Outcome::merge(const Outcome& other) {
  if (status == 0) {
    status = other.status;
    failed = other.failed;
  }
  flags |= other.flags;
  for (const Raised& one : other.raised) {
    const auto same = std::find_if(raised.begin(), raised.end(), [&](const Raised& r) { return r.tag == one.tag; });
    if (same == raised.end()) {
      raised.push_back(one);
    } else {
      same->flags |= one.flags;
    }
  }
}

Outcome run(const Program& program, std::span<char* const> bases, std::int64_t first, std::int64_t last,
            Scratch& scratch, Partials* partials) {
  const Code& code = program.code();
  check_bases(code, bases);
  if (first >= last) return {};
  Frame frame(code, bases, scratch);
  if (code.reduces) {
    (void)run_reduction_units(code, frame, first, last, partials->data());
  } else {
    run_tiles(code, frame, first, last);
  }
  if (code.streams) finish_streaming();
  return frame.outcome();
}

Outcome run_whole(const Program& program, std::span<char* const> bases, Scratch& scratch) {
  if (!program.reduces()) return run(program, bases, 0, program.units(), scratch);
  Partials partials(program);
  Outcome outcome = run(program, bases, 0, program.units(), scratch, &partials);
  if (outcome.status == 0) outcome.merge(finish(program, bases, scratch, partials));
  return outcome;
}

std::uint8_t take_float_flags() {
#if defined(__x86_64__)
  // The flags of both units, at the same places: invalid 1, divide 4, overflow 8, underflow 16.
  constexpr unsigned asked = 1 | 4 | 8 | 16;
  const unsigned sse = _mm_getcsr();
  unsigned short x87 = 0;
  __asm__ volatile("fnstsw %0" : "=am"(x87));
  const unsigned up = (sse | x87) & asked;
  if (up == 0) return kNoFlags;
  if (sse & asked) _mm_setcsr(sse & ~asked);
  if (x87 & asked) __asm__ volatile("fnclex");
  return static_cast<std::uint8_t>((up & 4 ? kDivide : 0) | (up & 8 ? kOverflow : 0) | (up & 16 ? kUnderflow : 0) |
                                   (up & 1 ? kInvalid : 0));
#else
  const int up = std::fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID);
  if (up == 0) return kNoFlags;
  std::feclearexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID);
  return static_cast<std::uint8_t>((up & FE_DIVBYZERO ? kDivide : 0) | (up & FE_OVERFLOW ? kOverflow : 0) |
                                   (up & FE_UNDERFLOW ? kUnderflow : 0) | (up & FE_INVALID ? kInvalid : 0));
#endif
}

}  // namespace distob::program

// What a Builder records and what the machine runs: inside of src/program.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/kernel.h"
#include "program/program.h"
#include "tensor/view.h"

namespace distob::program {

enum class Action : std::uint8_t {
  load,      ///< results[0] = elements of operand `operand`
  constant,  ///< results[0] = bytes at `offset` of the constants, everywhere
  kernel,    ///< results = kernel(inputs)
  select,    ///< results[0] = inputs[1] where inputs[0], the constant at `offset` elsewhere
  store,     ///< operand = inputs[0] (where inputs[1])
  reduce,    ///< reduction number `offset` takes inputs[0]
};

struct Instruction {
  Action action{};
  std::uint8_t inputs = 0;
  std::uint8_t outputs = 0;
  std::array<std::int32_t, 4> input{-1, -1, -1, -1};
  std::int32_t output = -1;  ///< the first result; the others follow
  std::int32_t operand = -1;
  std::int32_t offset = 0;
  std::int32_t kernel = -1;
  Tag tag = 0;
  bool takes_flags = false;  ///< what this and those before it of the same tag raised is counted after it
};

/// A view of a slot, broadcast to the iteration shape; later in the machine's axes.
struct Operand {
  int slot = 0;
  View view;
  const kernels::Kernel* cast = nullptr;  ///< between memory and values, or null
  bool plain = true;                      ///< native, no cast: may be used in place
  bool streamed = false;                  ///< stored past the caches
};

struct ReductionRecord {
  kernels::Reduction reduction;
  int slot = 0;
  View result;  ///< without the reduced axes
  DType element;
  const kernels::Kernel* cast = nullptr;
  Tag tag = 0;
};

/// What is known of one value.
struct ValueRecord {
  DType dtype;
  std::int32_t definition = -1;  ///< the instruction that makes it
  std::int32_t last_use = -1;
  std::int32_t reg = -1;           ///< its register, -1 for constants and dead values
  std::int32_t direct_store = -1;  ///< the store instruction in whose memory a kernel may leave it
  bool snapshot = false;           ///< a load that must be copied, because its memory is written before the last use
};

/// The instructions as appended: the whole state of a Builder.
struct Source {
  Shape shape;
  std::vector<Instruction> code;
  std::vector<Operand> operands;
  std::vector<kernels::Kernel> kernels;
  std::vector<ReductionRecord> reductions;
  std::vector<ValueRecord> values;
  std::vector<char> constants;  ///< each aligned to 64
  Dims reduced_axes;
  int slots = 0;
};

/// How units of a reducing program are cut, and how their parts meet. All of it follows from the shape and the axes.
///
/// The iteration space is seen as m rows of n elements (n: the innermost reduced axes), or, where the innermost axes are
/// kept ones of width w, as m stacks of n rows of width w. Leaves are kLeaf elements, or 16 rows.
struct ReductionPlan {
  enum class Form : std::uint8_t {
    flat,     ///< w == 1: leaves of consecutive elements
    narrow,   ///< w == 1 and n <= kNarrow: one row's elements are combined in order, many rows at a time
    stacked,  ///< rows of width w are added to each other
  };
  Form form = Form::flat;
  std::int64_t m = 1, n = 1, w = 1;
  std::int64_t leaves = 1;           ///< of one row or stack
  std::int64_t leaves_per_unit = 1;  ///< a power of two
  std::int64_t parts = 1;            ///< units along one row or stack: ceil(leaves / leaves_per_unit)
  std::int64_t rows_per_unit = 1;    ///< flat with short rows, and narrow: rows of one unit
  std::int64_t columns = 1;          ///< stacked: columns of one unit
  /// What remains after the pass: groups of axes, outermost first, alternating between kept and reduced.
  struct Group {
    std::int64_t extent;
    bool reduced;
  };
  std::vector<Group> outer;  ///< the m rows
  std::int64_t results = 1;  ///< elements of each result
};

/// A row this long pays for its own calls, in place; shorter ones are packed, many to a register. Measured with a five
/// point stencil: packed rows of 98 take 0.8 of the time in place, rows of 148 the same, rows of 198 1.3 of it.
inline constexpr std::int64_t kLongRow = 128;
inline constexpr std::int64_t kNarrow = 16;      ///< see ReductionPlan::Form::narrow
inline constexpr std::int64_t kRowsOfLeaf = 16;  ///< see ReductionPlan::Form::stacked

struct Code {
  Shape iteration;
  Dims extents;              ///< the machine's axes, slowest first; never empty
  std::vector<char> joined;  ///< axis i follows axis i - 1 in memory for every operand (kept apart by a reduction)
  std::vector<Instruction> code;
  std::vector<Operand> operands;  ///< strides in the machine's axes
  std::vector<kernels::Kernel> kernels;
  std::vector<kernels::Straight> straight;  ///< of each kernel
  std::vector<ReductionRecord> reductions;
  std::vector<ValueRecord> values;
  std::vector<char> constants;
  Dims tile;  ///< extents of a tile
  Dims grid;  ///< tiles on each axis
  std::int64_t elements = 0;
  std::int64_t units = 0;
  std::int64_t unit_elements = 1;
  std::int64_t capacity = 1;  ///< elements of a register
  int registers = 0;
  // Where things lie in the scratch of a thread, in bytes.
  std::vector<std::int64_t> register_offsets;
  std::int64_t locations_offset = 0;  ///< a Location for each value
  std::int64_t targets_offset = 0;    ///< a pointer for each value
  std::int64_t flags_offset = 0;      ///< a byte for each instruction
  std::int64_t temporary_offset = 0;  ///< two temporaries of one tile
  std::int64_t gathered_offset = 0;   ///< for each reduction, where pieces of a leaf meet
  std::int64_t gathered_bytes = 0;    ///< of one of them
  std::int64_t stack_offset = 0;      ///< for each reduction, the values (stacked: columns) of unfinished subtrees
  std::int64_t stack_bytes = 0;       ///< of one of them
  std::int64_t scratch_bytes = 0;
  std::int64_t widest = 1;  ///< bytes of the widest element
  int cost = 0;
  int slots = 0;
  bool reduces = false;
  bool streams = false;  ///< some store does
  ReductionPlan plan;
  std::vector<std::int64_t> part_offsets;  ///< of each reduction's parts in the Partials
  std::int64_t partials_bytes = 0;
};

/// Where the elements of a value are at the moment.
struct Location {
  char* data;
  std::ptrdiff_t stride;  ///< the element size, or 0: one element stands for all
};

/// Checks nothing, changes nothing in memory: from instructions to tiles and registers.
[[nodiscard]] Code compile(Source source);

/// The cut of a reduction over `axes` of `shape`: a function of these alone.
[[nodiscard]] ReductionPlan plan_reduction(const Shape& shape, const Dims& axes);

}  // namespace distob::program

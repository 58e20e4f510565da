// From the instructions as appended to axes, tiles and registers.
#include <algorithm>
#include <bit>
#include <cstdlib>

#include "program/code.h"

namespace distob::program {
namespace {

// Registers that are live together should stay in the first cache (32-48 KB). The count below takes an input and the
// result that replaces it as two, which leaves room for what streams through.
constexpr std::int64_t kRegisterBytes = 64 * 1024;
constexpr std::int64_t kSmallestTile = 256;  ///< below that, the calls cost as much as the work
constexpr std::int64_t kLargestTile = 4096;
// Results of this many bytes are written past the caches: the processor need not read their lines first, which is a quarter
// of the traffic of a + 3 b. Measured at 80 MB on one thread, medians against STREAM's triad: 0.82-0.93 of its time, and
// 1.16-1.26 with ordinary stores. A result that fits the last cache is better found there by whoever reads it next.
constexpr std::int64_t kStreamedBytes = std::int64_t{32} << 20;
// Elements that stand further apart than this are in different cache lines.
constexpr std::int64_t kCacheLine = 64;

bool full(const Instruction& instruction) {
  return instruction.action == Action::kernel || instruction.action == Action::select;
}

class Compiler {
 public:
  explicit Compiler(Source source) : source_(std::move(source)) {}

  Code run() {
    out_.iteration = source_.shape;
    out_.elements = element_count(source_.shape);
    out_.slots = source_.slots;
    out_.reduces = !source_.reductions.empty();
    drop_dead();
    find_uses();
    lay_axes();
    find_snapshots();
    find_streamed_stores();
    find_direct_stores();
    choose_capacity();
    assign_registers();
    place_flag_checks();
    if (out_.reduces) {
      cut_reduction();
    } else {
      cut_tiles();
    }
    lay_scratch();
    move_rest();
    return std::move(out_);
  }

 private:
  ValueRecord& value(std::int32_t id) { return source_.values[static_cast<std::size_t>(id)]; }
  Operand& operand(const Instruction& instruction) {
    return source_.operands[static_cast<std::size_t>(instruction.operand)];
  }
  const kernels::Kernel& kernel(const Instruction& i) const {
    return source_.kernels[static_cast<std::size_t>(i.kernel)];
  }

  /// Keeps what a store, a reduction or a warning needs.
  void drop_dead() {
    std::vector<char> needed(source_.values.size(), 0);
    std::vector<Instruction> kept;
    for (std::size_t i = source_.code.size(); i-- > 0;) {
      const Instruction& instruction = source_.code[i];
      bool live = instruction.outputs == 0;
      for (int j = 0; j < instruction.outputs; ++j)
        live = live || needed[static_cast<std::size_t>(instruction.output + j)];
      if (instruction.action == Action::kernel)
        live = live || (instruction.tag != 0 && kernel(instruction).sets_float_flags);
      if (!live) continue;
      for (int j = 0; j < instruction.inputs; ++j)
        needed[static_cast<std::size_t>(instruction.input[static_cast<std::size_t>(j)])] = 1;
      kept.push_back(instruction);
    }
    std::reverse(kept.begin(), kept.end());
    out_.code = std::move(kept);
  }

  void find_uses() {
    for (ValueRecord& record : source_.values) record.definition = record.last_use = -1;
    for (std::size_t i = 0; i < out_.code.size(); ++i) {
      const Instruction& instruction = out_.code[i];
      const auto at = static_cast<std::int32_t>(i);
      for (int j = 0; j < instruction.outputs; ++j) value(instruction.output + j).definition = at;
      // Leaves are reduced after the whole program has run over them: what is reduced has to stay until then.
      const std::int32_t use = instruction.action == Action::reduce ? static_cast<std::int32_t>(out_.code.size()) : at;
      for (int j = 0; j < instruction.inputs; ++j) {
        std::int32_t& last = value(instruction.input[static_cast<std::size_t>(j)]).last_use;
        last = std::max(last, use);
      }
      if (instruction.action == Action::kernel) out_.cost += kernel(instruction).cost;
      out_.cost += 1;
    }
  }

  /// Operands in one order of axes, the fastest last, with neighbours merged where every operand allows it.
  void lay_axes() {
    std::vector<View> views;
    for (const Action action : {Action::store, Action::load}) {
      for (const Instruction& instruction : out_.code) {
        if (instruction.action == action) views.push_back(operand(instruction).view);
      }
    }
    const std::size_t rank = source_.shape.size();
    Dims order;
    if (out_.reduces || views.empty()) {
      for (std::size_t axis = 0; axis < rank; ++axis) order.push_back(static_cast<std::int64_t>(axis));
    } else {
      order = memory_order(views);
    }
    std::vector<std::size_t> axes;  // the innermost original axis of each merged one
    bool outer_reduced = false;
    for (std::int64_t next : order) {
      const auto axis = static_cast<std::size_t>(next);
      const std::int64_t extent = source_.shape[axis];
      if (extent == 1) continue;
      const bool reduced =
          std::find(source_.reduced_axes.begin(), source_.reduced_axes.end(), next) != source_.reduced_axes.end();
      bool joined = !axes.empty();
      for (std::size_t i = 0; joined && i < views.size(); ++i) {
        joined = views[i].strides[axes.back()] == views[i].strides[axis] * extent;
      }
      if (joined && reduced == outer_reduced) {
        out_.extents.back() *= extent;
        axes.back() = axis;
      } else {
        out_.joined.push_back(joined);
        out_.extents.push_back(extent);
        axes.push_back(axis);
      }
      outer_reduced = reduced;
    }
    for (Operand& each : source_.operands) {
      Strides strides;
      for (std::size_t axis : axes) strides.push_back(each.view.strides[axis]);
      if (axes.empty()) strides.push_back(0);
      each.view.strides = std::move(strides);
    }
    if (axes.empty()) {
      out_.extents.push_back(1);
      out_.joined.push_back(0);
    }
    for (Operand& each : source_.operands) each.view.shape = out_.extents;
  }

  bool touches(const Instruction& a, const Instruction& b) {
    return operand(a).slot == operand(b).slot && overlap(operand(a).view, operand(b).view) != Overlap::disjoint;
  }

  /// A load whose memory is written before its last use must be copied when it is loaded.
  void find_snapshots() {
    for (std::size_t i = 0; i < out_.code.size(); ++i) {
      if (out_.code[i].action != Action::load) continue;
      ValueRecord& loaded = value(out_.code[i].output);
      for (std::int32_t j = loaded.definition + 1; j < loaded.last_use && !loaded.snapshot; ++j) {
        const Instruction& other = out_.code[static_cast<std::size_t>(j)];
        loaded.snapshot = other.action == Action::store && touches(out_.code[i], other);
      }
    }
  }

  /// Large results whose memory this program does not read.
  void find_streamed_stores() {
    for (const Instruction& store : out_.code) {
      if (store.action != Action::store || store.inputs != 1) continue;
      Operand& to = operand(store);
      const std::int64_t size = to.view.dtype.itemsize;
      if (out_.elements * size < kStreamedBytes || to.view.strides.back() != size || out_.extents.back() < kLongRow)
        continue;
      to.streamed = std::none_of(out_.code.begin(), out_.code.end(), [&](const Instruction& other) {
        return other.action == Action::load && touches(store, other);
      });
      out_.streams = out_.streams || to.streamed;
    }
  }

  /// A kernel may leave its result in the memory it is stored to, if nobody looks there in between.
  void find_direct_stores() {
    for (std::size_t p = 0; p < out_.code.size(); ++p) {
      const Instruction& store = out_.code[p];
      if (store.action != Action::store || store.inputs != 1 || !operand(store).plain || operand(store).streamed)
        continue;
      ValueRecord& stored = value(store.input[0]);
      if (stored.direct_store >= 0 || stored.dtype.kind == Kind::Opaque) continue;
      if (out_.code[static_cast<std::size_t>(stored.definition)].action != Action::kernel) continue;
      if (nobody_looks(store, stored, static_cast<std::int32_t>(p))) stored.direct_store = static_cast<std::int32_t>(p);
    }
  }

  bool nobody_looks(const Instruction& store, const ValueRecord& stored, std::int32_t p) {
    const std::int32_t made = stored.definition;
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(out_.code.size()); ++i) {
      const Instruction& other = out_.code[static_cast<std::size_t>(i)];
      if (other.operand < 0 || i == p || !touches(store, other)) continue;
      if (other.action == Action::store) {
        // Another result of the same memory, before ours is there or while ours is still read from there.
        if (i > made && i < std::max(p, stored.last_use)) return false;
        // An earlier result that is still read from there after our kernel has written.
        const ValueRecord& theirs = value(other.input[0]);
        if (theirs.direct_store == i && theirs.definition < made && theirs.last_use > made) return false;
      } else {
        // A load that is made, or used in place, after the kernel and before the store should happen.
        const ValueRecord& loaded = value(other.output);
        if (i < p && (i > made || (!loaded.snapshot && loaded.last_use > made))) return false;
      }
    }
    return true;
  }

  /// Values that probably sit in a register: not loads in place, not results that go straight to memory.
  bool probably_in_register(const Instruction& instruction) {
    if (full(instruction)) return value(instruction.output).direct_store < 0;
    if (instruction.action != Action::load) return false;
    const std::int64_t stride = operand(instruction).view.strides.back();
    return value(instruction.output).snapshot || !operand(instruction).plain ||
           (stride != 0 && stride != static_cast<std::int64_t>(operand(instruction).view.dtype.itemsize));
  }

  void choose_capacity() {
    std::int64_t most = 0;
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(out_.code.size()); ++i) {
      std::int64_t live = 0;
      for (const Instruction& instruction : out_.code) {
        if (instruction.outputs == 0 || !probably_in_register(instruction)) continue;
        const ValueRecord& record = value(instruction.output);
        if (record.definition <= i && record.last_use >= i) live += record.dtype.itemsize;
      }
      most = std::max(most, live);
    }
    for (const Instruction& instruction : out_.code) {
      if (instruction.outputs != 0)
        out_.widest = std::max<std::int64_t>(out_.widest, value(instruction.output).dtype.itemsize);
      if (instruction.operand >= 0)
        out_.widest = std::max<std::int64_t>(out_.widest, operand(instruction).view.dtype.itemsize);
    }
    const std::int64_t fit = kRegisterBytes / std::max<std::int64_t>(most, 1);
    out_.capacity = std::clamp(
        static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(fit, 1)))),
        kSmallestTile, kLargestTile);
    if (out_.widest > 32) out_.capacity = std::max<std::int64_t>(kRegisterBytes / out_.widest, 1);
    out_.capacity = std::min(out_.capacity, std::max<std::int64_t>(out_.elements, 1));
  }

  /// Linear scan: a register is free again after the last use of what it held.
  void assign_registers() {
    std::vector<std::int64_t> widths;  // bytes of one element
    std::vector<std::int32_t> free;
    const auto give_back = [&](const Instruction& instruction, std::int32_t at) {
      for (int j = 0; j < instruction.inputs; ++j) {
        ValueRecord& input = value(instruction.input[static_cast<std::size_t>(j)]);
        if (input.last_use == at && input.reg >= 0 && std::find(free.begin(), free.end(), input.reg) == free.end()) {
          free.push_back(input.reg);
        }
      }
    };
    for (std::int32_t at = 0; at < static_cast<std::int32_t>(out_.code.size()); ++at) {
      const Instruction& instruction = out_.code[static_cast<std::size_t>(at)];
      if (instruction.action == Action::constant) continue;
      std::int32_t reused = -1;
      if (instruction.action == Action::kernel && instruction.outputs == 1) {
        // In place over an input that ends here: kernels allow it for equal pointers and strides.
        for (int j = 0; j < instruction.inputs && reused < 0; ++j) {
          const ValueRecord& input = value(instruction.input[static_cast<std::size_t>(j)]);
          const bool ends = input.last_use == at && input.reg >= 0 &&
                            input.dtype.itemsize == value(instruction.output).dtype.itemsize;
          if (ends && full(out_.code[static_cast<std::size_t>(input.definition)])) reused = input.reg;
        }
      }
      for (int j = 0; j < instruction.outputs; ++j) {
        ValueRecord& output = value(instruction.output + j);
        if (reused >= 0) {
          output.reg = reused;
        } else if (!free.empty()) {
          output.reg = free.back();
          free.pop_back();
        } else {
          output.reg = static_cast<std::int32_t>(widths.size());
          widths.push_back(0);
        }
        std::int64_t& width = widths[static_cast<std::size_t>(output.reg)];
        width = std::max<std::int64_t>(width, output.dtype.itemsize);
      }
      give_back(instruction, at);
      if (reused >= 0) std::erase(free, reused);
      for (int j = 0; j < instruction.outputs; ++j) {
        const ValueRecord& output = value(instruction.output + j);
        if (output.last_use < 0) free.push_back(output.reg);  // made for its warning, or a result nobody takes
      }
    }
    std::int64_t offset = 0;
    for (std::int64_t width : widths) {
      out_.register_offsets.push_back(offset);
      offset += (width * out_.capacity + 63) / 64 * 64;
    }
    out_.registers = static_cast<int>(widths.size());
    out_.scratch_bytes = offset;
  }

  bool may_raise(const Instruction& instruction) {
    if (instruction.action == Action::kernel) return kernel(instruction).sets_float_flags;
    return instruction.operand >= 0 && operand(instruction).cast != nullptr &&
           operand(instruction).cast->sets_float_flags;
  }

  /// Flags are read where a run of instructions of one tag ends: reading them waits for all arithmetic before it.
  void place_flag_checks() {
    Instruction* last = nullptr;
    for (Instruction& instruction : out_.code) {
      if (!may_raise(instruction)) continue;
      if (last != nullptr) last->takes_flags = last->tag != instruction.tag;
      last = &instruction;
    }
    if (last != nullptr) last->takes_flags = true;
  }

  /// The axis that another operand than the leading one runs along, if tiles must be square for its sake.
  std::optional<std::size_t> crossing_axis() {
    const std::size_t inner = out_.extents.size() - 1;
    if (out_.extents[inner] < 8) return std::nullopt;
    for (const Instruction& instruction : out_.code) {
      if (instruction.operand < 0) continue;
      const View& view = operand(instruction).view;
      if (std::abs(view.strides[inner]) < kCacheLine) continue;
      for (std::size_t axis = 0; axis < inner; ++axis) {
        const std::int64_t stride = std::abs(view.strides[axis]);
        if (out_.extents[axis] >= 8 && stride > 0 && stride < kCacheLine) return axis;
      }
    }
    return std::nullopt;
  }

  void cut_tiles() {
    const std::size_t inner = out_.extents.size() - 1;
    out_.tile = Dims::filled(out_.extents.size(), 1);
    if (const auto crossing = crossing_axis()) {
      // 16 rows are two cache lines of the operand that runs down them; the other one keeps long runs for its prefetcher
      // (copying a transposed 4000^2: 16 x 128 took 0.75 of 32 x 64's time, and half of 128 x 16's).
      const std::int64_t columns = std::max<std::int64_t>(out_.capacity / 16, 1);
      out_.tile[inner] = std::min(out_.extents[inner], columns);
      out_.tile[*crossing] =
          std::min(out_.extents[*crossing], std::max<std::int64_t>(out_.capacity / out_.tile[inner], 1));
    } else if (out_.extents[inner] >= kLongRow || inner == 0) {
      const std::int64_t extent = std::max<std::int64_t>(out_.extents[inner], 1);
      const std::int64_t pieces = (extent + out_.capacity - 1) / out_.capacity;
      const std::int64_t even = ((extent + pieces - 1) / pieces + 63) / 64 * 64;
      out_.tile[inner] = std::min({extent, out_.capacity, even});
    } else {
      std::int64_t room = out_.capacity;
      for (std::size_t axis = inner + 1; axis-- > 0;) {
        out_.tile[axis] = std::max<std::int64_t>(std::min(out_.extents[axis], room), 1);
        room /= out_.tile[axis];
        if (out_.tile[axis] < out_.extents[axis]) break;
      }
    }
    out_.units = out_.elements == 0 ? 0 : 1;
    for (std::size_t axis = 0; axis <= inner; ++axis) {
      out_.grid.push_back((out_.extents[axis] + out_.tile[axis] - 1) / out_.tile[axis]);
      out_.units *= out_.grid[axis];
      out_.unit_elements *= out_.tile[axis];
    }
  }

  void cut_reduction() {
    ReductionPlan& plan = out_.plan;
    plan = plan_reduction(source_.shape, source_.reduced_axes);
    const auto ceil = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
    switch (plan.form) {
      case ReductionPlan::Form::stacked:
        out_.units = plan.m * plan.parts * ceil(plan.w, plan.columns);
        out_.unit_elements = kRowsOfLeaf * plan.leaves_per_unit * plan.columns;
        break;
      default:
        out_.units = plan.leaves == 1 ? ceil(plan.m, plan.rows_per_unit) : plan.m * plan.parts;
        out_.unit_elements = plan.leaves == 1 ? plan.rows_per_unit * plan.n : kernels::kLeaf * plan.leaves_per_unit;
    }
    if (out_.elements == 0) out_.units = 0;
    for (ReductionRecord& reduction : source_.reductions) {
      out_.part_offsets.push_back(out_.partials_bytes);
      const std::int64_t parts = out_.elements == 0 ? plan.results : plan.m * plan.parts * plan.w;
      out_.partials_bytes += (parts * reduction.element.itemsize + 63) / 64 * 64;
    }
  }

  void lay_scratch() {
    const auto take = [&](std::int64_t bytes) {
      const std::int64_t offset = out_.scratch_bytes;
      out_.scratch_bytes += (bytes + 63) / 64 * 64;
      return offset;
    };
    const auto values = static_cast<std::int64_t>(source_.values.size());
    out_.locations_offset = take(values * static_cast<std::int64_t>(sizeof(Location)));
    out_.targets_offset = take(values * static_cast<std::int64_t>(sizeof(char*)));
    out_.flags_offset = take(static_cast<std::int64_t>(out_.code.size()));
    out_.temporary_offset = take(2 * ((out_.capacity * out_.widest + 63) / 64 * 64));
    if (!out_.reduces) return;
    const auto reductions = static_cast<std::int64_t>(source_.reductions.size());
    const std::int64_t wide = 32;
    out_.gathered_bytes = kernels::kLeaf * wide;
    out_.gathered_offset = take(reductions * out_.gathered_bytes);
    const std::int64_t levels = std::bit_width(static_cast<std::uint64_t>(out_.plan.leaves_per_unit)) + 1;
    out_.stack_bytes = levels * out_.plan.columns * wide;
    out_.stack_offset = take(reductions * out_.stack_bytes);
  }

  void move_rest() {
    out_.operands = std::move(source_.operands);
    out_.kernels = std::move(source_.kernels);
    for (const kernels::Kernel& each : out_.kernels) out_.straight.push_back(kernels::straight(each));
    out_.reductions = std::move(source_.reductions);
    out_.values = std::move(source_.values);
    out_.constants = std::move(source_.constants);
  }

  Source source_;
  Code out_;
};

}  // namespace

Code compile(Source source) { return Compiler(std::move(source)).run(); }

ReductionPlan plan_reduction(const Shape& shape, const Dims& axes) {
  ReductionPlan plan;
  std::vector<ReductionPlan::Group> groups;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) != axes.end();
    if (!reduced) plan.results *= shape[axis];
    if (shape[axis] == 1) continue;
    if (!groups.empty() && groups.back().reduced == reduced) {
      groups.back().extent *= shape[axis];
    } else {
      groups.push_back({shape[axis], reduced});
    }
  }
  const bool any = std::any_of(groups.begin(), groups.end(), [](const auto& group) { return group.reduced; });
  if (any && !groups.back().reduced) {
    plan.form = ReductionPlan::Form::stacked;
    plan.w = groups.back().extent;
    groups.pop_back();
  }
  if (any) {
    plan.n = groups.back().extent;
    groups.pop_back();
  }
  for (const ReductionPlan::Group& group : groups) plan.m *= group.extent;
  plan.outer = std::move(groups);

  // How much of a tree one unit does is free: the tree is the same. Units of some 64 K elements, if that leaves enough of
  // them for many threads.
  constexpr std::int64_t enough = 64, large = 1 << 16;
  const auto ceil = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  if (plan.form == ReductionPlan::Form::stacked) {
    const std::int64_t chunks = std::max<std::int64_t>(ceil(plan.w, 1024), 1);
    plan.columns = std::max<std::int64_t>(ceil(plan.w, chunks), 1);
    plan.leaves = std::max<std::int64_t>(ceil(plan.n, kRowsOfLeaf), 1);
    while (plan.leaves_per_unit < plan.leaves && kRowsOfLeaf * plan.leaves_per_unit * plan.columns < large &&
           (chunks * plan.m * ceil(plan.leaves, plan.leaves_per_unit * 2) >= enough ||
            kRowsOfLeaf * plan.leaves_per_unit * plan.columns < large / 8)) {
      plan.leaves_per_unit *= 2;
    }
  } else if (plan.n <= kNarrow) {
    plan.form = ReductionPlan::Form::narrow;
    plan.rows_per_unit = large / 2 / std::max<std::int64_t>(plan.n, 1);
  } else {
    plan.leaves = ceil(plan.n, kernels::kLeaf);
    if (plan.leaves == 1) {
      plan.rows_per_unit = std::max<std::int64_t>(large / 4 / plan.n, 1);
    } else {
      while (plan.leaves_per_unit < 16 && plan.leaves_per_unit < plan.leaves &&
             plan.m * ceil(plan.leaves, plan.leaves_per_unit * 2) >= enough) {
        plan.leaves_per_unit *= 2;
      }
    }
  }
  plan.parts = ceil(plan.leaves, plan.leaves_per_unit);
  return plan;
}

}  // namespace distob::program

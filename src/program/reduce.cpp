// Reductions: leaves, the tree above them, and how units share it.
//
// The tree over k leaves splits at the largest power of two below k. So a run of 2^j leaves that starts at a multiple of
// 2^j is a subtree, whoever computes it, and the carries of a binary counter build it: that is all that makes results the
// same for any number of threads.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "program/code.h"
#include "program/copy.h"
#include "program/frame.h"

namespace distob::program {
namespace {

/// Subtrees not yet joined: `width` neighbouring results each, the largest first.
class Tree {
 public:
  Tree(const kernels::Reduction& reduction, std::int64_t width, std::int64_t itemsize, char* stack)
      : reduction_(reduction), width_(width), itemsize_(itemsize), stack_(stack) {}

  /// Where the next leaf is to be put; then call push().
  [[nodiscard]] char* next() const { return stack_ + height_ * width_ * itemsize_; }

  /// The leaf at next() is complete.
  void push() {
    ++height_;
    for (std::uint64_t carry = pushed_++; (carry & 1) != 0; carry >>= 1) join();
  }

  /// Joins what is left; the result is at the bottom of the stack.
  char* finish() {
    while (height_ > 1) join();
    return stack_;
  }

 private:
  void join() {
    --height_;
    char* right = stack_ + height_ * width_ * itemsize_;
    reduction_.combine(right - width_ * itemsize_, itemsize_, right, itemsize_, width_);
  }

  const kernels::Reduction& reduction_;
  std::int64_t width_, itemsize_;
  char* stack_;
  std::int64_t height_ = 0;
  std::uint64_t pushed_ = 0;
};

/// Runs the units of one program and one thread.
class Pass {
 public:
  Pass(const Code& code, Frame& frame, char* partials)
      : code_(code), plan_(code.plan), frame_(frame), partials_(partials) {
    inputs_.resize(code.reductions.size());
    for (std::size_t at = 0; at < code.code.size(); ++at) {
      const Instruction& instruction = code.code[at];
      if (instruction.action == Action::reduce)
        inputs_[static_cast<std::size_t>(instruction.offset)] = {instruction.input[0], at, {}};
    }
    tile_.extents = Dims::filled(code.extents.size(), 1);
  }

  int run(std::int64_t first, std::int64_t last) {
    for (std::int64_t unit = first; unit < last && status_ == 0; ++unit) {
      if (plan_.form == ReductionPlan::Form::stacked) {
        stacked(unit);
      } else if (plan_.leaves == 1) {
        rows(unit);
      } else {
        leaves(unit);
      }
    }
    return status_;
  }

 private:
  struct Input {
    std::int32_t value;
    std::size_t at;     ///< its instruction
    Location elements;  ///< after produce()
  };

  const ReductionRecord& reduction(std::size_t j) const { return code_.reductions[j]; }
  std::int64_t size(std::size_t j) const { return static_cast<std::int64_t>(reduction(j).element.itemsize); }
  char* part(std::size_t j, std::int64_t number) const { return partials_ + code_.part_offsets[j] + number * size(j); }
  char* stack(std::size_t j) const {
    return frame_.scratch() + code_.stack_offset + static_cast<std::int64_t>(j) * code_.stack_bytes;
  }
  char* gathered(std::size_t j) const {
    return frame_.scratch() + code_.gathered_offset + static_cast<std::int64_t>(j) * code_.gathered_bytes;
  }

  /// The largest tile that begins at element `first` (in C order) and is at most `count` of them: long rows one by one, in
  /// place; short ones together.
  void cut(std::int64_t first, std::int64_t count) {
    std::int64_t index = first;
    for (std::size_t axis = code_.extents.size(); axis-- > 0;) {
      tile_.start[axis] = index % code_.extents[axis];
      index /= code_.extents[axis];
      tile_.extents[axis] = 1;
    }
    tile_.elements = 1;
    const std::int64_t most = std::min(count, code_.capacity);
    for (std::size_t axis = code_.extents.size(); axis-- > 0;) {
      const std::int64_t extent = code_.extents[axis];
      tile_.extents[axis] = std::min(extent - tile_.start[axis], most / tile_.elements);
      tile_.elements *= tile_.extents[axis];
      if (tile_.extents[axis] < extent || (extent >= kLongRow && !code_.joined[axis])) break;
    }
  }

  /// Computes the values to be reduced at `count` <= kLeaf consecutive elements. False if a loop failed.
  bool produce(std::int64_t first, std::int64_t count) {
    for (std::int64_t done = 0; done < count; done += tile_.elements) {
      cut(first + done, count - done);
      const bool whole = tile_.elements == count;
      if (!whole) {
        for (std::size_t j = 0; j < inputs_.size(); ++j)
          frame_.set_target(inputs_[j].value, gathered(j) + done * size(j));
      }
      status_ = frame_.run(tile_);
      if (status_ != 0) return false;
      for (std::size_t j = 0; j < inputs_.size(); ++j) {
        inputs_[j].elements = frame_.location(inputs_[j].value);
        if (!whole) gather(j, done);
      }
    }
    for (const Input& input : inputs_) frame_.set_target(input.value, nullptr);
    return true;
  }

  /// Appends what the last tile made to the pieces before it.
  void gather(std::size_t j, std::int64_t done) {
    char* to = gathered(j) + done * size(j);
    const Location from = inputs_[j].elements;
    const std::int64_t to_stride = size(j), from_stride = from.stride;
    if (from.data != to) copy(Dims{tile_.elements}, to, &to_stride, from.data, &from_stride, size(j));
    inputs_[j].elements = {gathered(j), static_cast<std::ptrdiff_t>(size(j))};
  }

  void take_flags(std::size_t j) { frame_.take_flags(inputs_[j].at); }

  /// Some leaves of one long row.
  void leaves(std::int64_t unit) {
    const std::int64_t row = unit / plan_.parts, part_number = unit % plan_.parts;
    const std::int64_t begin = part_number * plan_.leaves_per_unit,
                       end = std::min(begin + plan_.leaves_per_unit, plan_.leaves);
    std::vector<Tree> trees;
    for (std::size_t j = 0; j < inputs_.size(); ++j) trees.emplace_back(reduction(j).reduction, 1, size(j), stack(j));
    for (std::int64_t leaf = begin; leaf < end; ++leaf) {
      const std::int64_t at = leaf * kernels::kLeaf, count = std::min(kernels::kLeaf, plan_.n - at);
      if (!produce(row * plan_.n + at, count)) return;
      for (std::size_t j = 0; j < inputs_.size(); ++j) {
        const Location from = inputs_[j].elements;
        reduction(j).reduction.leaf(from.data, from.stride, count, trees[j].next());
        trees[j].push();
        take_flags(j);
      }
    }
    for (std::size_t j = 0; j < inputs_.size(); ++j) {
      std::memcpy(part(j, unit), trees[j].finish(), static_cast<std::size_t>(size(j)));
      take_flags(j);
    }
  }

  /// Many rows of one leaf, or of at most kNarrow elements.
  void rows(std::int64_t unit) {
    const std::int64_t n = plan_.n, at_once = std::max<std::int64_t>(kernels::kLeaf / n, 1);
    const std::int64_t end = std::min((unit + 1) * plan_.rows_per_unit, plan_.m);
    for (std::int64_t row = unit * plan_.rows_per_unit; row < end; row += at_once) {
      const std::int64_t count = std::min(at_once, end - row);
      if (!produce(row * n, count * n)) return;
      for (std::size_t j = 0; j < inputs_.size(); ++j) {
        const Location from = inputs_[j].elements;
        if (plan_.form == ReductionPlan::Form::narrow) {
          fold(j, part(j, row), from, count);
        } else {
          for (std::int64_t i = 0; i < count; ++i) {
            reduction(j).reduction.leaf(from.data + i * n * from.stride, from.stride, n, part(j, row + i));
          }
        }
        take_flags(j);
      }
    }
  }

  /// The elements of each of `count` rows in order: ((x0 + x1) + x2) ...
  void fold(std::size_t j, char* to, Location from, std::int64_t count) {
    const std::int64_t to_stride = size(j), row_stride = plan_.n * from.stride;
    copy(Dims{count}, to, &to_stride, from.data, &row_stride, size(j));
    for (std::int64_t k = 1; k < plan_.n; ++k) {
      reduction(j).reduction.combine(to, size(j), from.data + k * from.stride, row_stride, count);
    }
  }

  /// Some blocks of 16 rows, some columns wide.
  void stacked(std::int64_t unit) {
    const std::int64_t chunks = (plan_.w + plan_.columns - 1) / plan_.columns;
    const std::int64_t chunk = unit % chunks, part_number = unit / chunks % plan_.parts,
                       stack_number = unit / chunks / plan_.parts;
    const std::int64_t column = chunk * plan_.columns, columns = std::min(plan_.columns, plan_.w - column);
    const std::int64_t begin = part_number * plan_.leaves_per_unit,
                       end = std::min(begin + plan_.leaves_per_unit, plan_.leaves);
    if (plan_.w <= kNarrow)
      return narrow_stack(stack_number, begin, end, (stack_number * plan_.parts + part_number) * plan_.w);
    // Whole rows follow each other, so several short ones are one run of elements.
    const std::int64_t at_once =
        columns == plan_.w ? std::clamp<std::int64_t>(kernels::kLeaf / columns, 1, kRowsOfLeaf) : 1;
    std::vector<Tree> trees;
    for (std::size_t j = 0; j < inputs_.size(); ++j)
      trees.emplace_back(reduction(j).reduction, columns, size(j), stack(j));
    for (std::int64_t leaf = begin; leaf < end; ++leaf) {
      const std::int64_t top = leaf * kRowsOfLeaf, bottom = std::min(top + kRowsOfLeaf, plan_.n);
      for (std::int64_t row = top; row < bottom; row += at_once) {
        const std::int64_t count = std::min(at_once, bottom - row);
        if (!produce((stack_number * plan_.n + row) * plan_.w + column, count * columns)) return;
        for (std::size_t j = 0; j < inputs_.size(); ++j) {
          for (std::int64_t i = 0; i < count; ++i) add_row(j, trees[j].next(), i, columns, row + i == top);
        }
      }
      for (std::size_t j = 0; j < inputs_.size(); ++j) {
        trees[j].push();
        take_flags(j);
      }
    }
    const std::int64_t to = (stack_number * plan_.parts + part_number) * plan_.w + column;
    for (std::size_t j = 0; j < inputs_.size(); ++j) {
      std::memcpy(part(j, to), trees[j].finish(), static_cast<std::size_t>(columns * size(j)));
      take_flags(j);
    }
  }

  /// The same tree for rows of a few elements: many leaves at a time, one column of each row number after the other, because
  /// a call for each row would cost more than its elements.
  void narrow_stack(std::int64_t stack_number, std::int64_t begin, std::int64_t end, std::int64_t to) {
    const std::int64_t w = plan_.w, leaf_elements = kRowsOfLeaf * w;
    std::vector<Tree> trees;
    for (std::size_t j = 0; j < inputs_.size(); ++j) trees.emplace_back(reduction(j).reduction, w, size(j), stack(j));
    for (std::int64_t leaf = begin; leaf < end;) {
      const std::int64_t rows = std::min(plan_.n, end * kRowsOfLeaf) - leaf * kRowsOfLeaf;
      const std::int64_t whole = std::min(rows / kRowsOfLeaf, kernels::kLeaf / leaf_elements);
      const std::int64_t count = std::max<std::int64_t>(whole, 1), height = whole == 0 ? rows : kRowsOfLeaf;
      if (!produce((stack_number * plan_.n + leaf * kRowsOfLeaf) * w, whole == 0 ? rows * w : count * leaf_elements))
        return;
      for (std::size_t j = 0; j < inputs_.size(); ++j) {
        char* sums = sums_.data();
        add_columns(j, sums, count, height);
        for (std::int64_t i = 0; i < count; ++i) {
          std::memcpy(trees[j].next(), sums + i * w * size(j), static_cast<std::size_t>(w * size(j)));
          trees[j].push();
        }
        take_flags(j);
      }
      leaf += count;
    }
    for (std::size_t j = 0; j < inputs_.size(); ++j) {
      std::memcpy(part(j, to), trees[j].finish(), static_cast<std::size_t>(plan_.w * size(j)));
      take_flags(j);
    }
  }

  /// sums[leaf][column] = the rows of each of `count` leaves, `height` rows apiece, in order.
  void add_columns(std::size_t j, char* sums, std::int64_t count, std::int64_t height) {
    const Location from = inputs_[j].elements;
    const std::int64_t w = plan_.w, to_stride = w * size(j), from_stride = kRowsOfLeaf * w * from.stride;
    for (std::int64_t column = 0; column < w; ++column) {
      char* to = sums + column * size(j);
      copy(Dims{count}, to, &to_stride, from.data + column * from.stride, &from_stride, size(j));
      for (std::int64_t row = 1; row < height; ++row) {
        reduction(j).reduction.combine(to, to_stride, from.data + (row * w + column) * from.stride, from_stride, count);
      }
    }
  }

  void add_row(std::size_t j, char* to, std::int64_t row, std::int64_t columns, bool first) {
    const Location from = inputs_[j].elements;
    const char* elements = from.data + row * columns * from.stride;
    if (first) {
      const std::int64_t to_stride = size(j), from_stride = from.stride;
      copy(Dims{columns}, to, &to_stride, elements, &from_stride, size(j));
    } else {
      reduction(j).reduction.combine(to, size(j), elements, from.stride, columns);
    }
  }

  const Code& code_;
  const ReductionPlan& plan_;
  Frame& frame_;
  char* partials_;
  std::vector<Input> inputs_;
  Tile tile_;
  alignas(64) std::array<char, kernels::kLeaf / kRowsOfLeaf * 32> sums_;  ///< of narrow_stack: one row of each leaf
  int status_ = 0;
};

/// `stacks` times: joins `count` neighbouring results of `width` elements, which are subtrees of `data`, to one at the front.
void join_parts(const kernels::Reduction& reduction, char* data, std::int64_t stacks, std::int64_t count,
                std::int64_t width, std::int64_t itemsize) {
  if (count == 1) return;
  std::vector<char> room(
      static_cast<std::size_t>((std::bit_width(static_cast<std::uint64_t>(count)) + 1) * width * itemsize));
  const auto bytes = static_cast<std::size_t>(width * itemsize);
  for (std::int64_t i = 0; i < stacks; ++i) {
    Tree tree(reduction, width, itemsize, room.data());
    for (std::int64_t k = 0; k < count; ++k) {
      std::memcpy(tree.next(), data + (i * count + k) * width * itemsize, bytes);
      tree.push();
    }
    std::memmove(data + i * width * itemsize, tree.finish(), bytes);
  }
}

/// The same for rows that are not subtrees yet: 16 in order, pairwise above.
void join_rows(const kernels::Reduction& reduction, char* data, std::int64_t stacks, std::int64_t n, std::int64_t width,
               std::int64_t itemsize) {
  const std::int64_t leaves = (n + kRowsOfLeaf - 1) / kRowsOfLeaf;
  std::vector<char> room(
      static_cast<std::size_t>((std::bit_width(static_cast<std::uint64_t>(leaves)) + 1) * width * itemsize));
  const auto bytes = static_cast<std::size_t>(width * itemsize);
  for (std::int64_t i = 0; i < stacks; ++i) {
    Tree tree(reduction, width, itemsize, room.data());
    for (std::int64_t row = 0; row < n; ++row) {
      const char* from = data + (i * n + row) * width * itemsize;
      if (row % kRowsOfLeaf == 0) {
        std::memcpy(tree.next(), from, bytes);
      } else {
        reduction.combine(tree.next(), itemsize, from, itemsize, width);
      }
      if (row % kRowsOfLeaf == kRowsOfLeaf - 1 || row == n - 1) tree.push();
    }
    std::memmove(data + i * width * itemsize, tree.finish(), bytes);
  }
}

/// From the parts of all units to one value for each result, at the front.
void join_all(const ReductionPlan& plan, const ReductionRecord& record, char* data) {
  const auto size = static_cast<std::int64_t>(record.element.itemsize);
  join_parts(record.reduction, data, plan.m, plan.parts, plan.w, size);
  std::int64_t stacks = plan.m, width = plan.w;
  for (std::size_t group = plan.outer.size(); group-- > 0;) {
    const std::int64_t extent = plan.outer[group].extent;
    stacks /= extent;
    if (plan.outer[group].reduced) {
      join_rows(record.reduction, data, stacks, extent, width, size);
    } else {
      width *= extent;
    }
  }
}

/// Only now, so that the elements need not wait for it: x + 0 is x, but for the sign of a sum of negative zeros.
void begin_with_identity(const kernels::Reduction& reduction, char* values, std::int64_t count) {
  const auto size = static_cast<std::int64_t>(itemsize_of(reduction.kind));
  if (reduction.identity_counts) reduction.combine(values, size, reduction.identity.data(), 0, count);
}

/// Writes `plan.results` values to the result's view.
void write_result(const ReductionRecord& record, char* values, std::int64_t count, char* base) {
  const View& view = record.result;
  const auto size = static_cast<std::int64_t>(view.dtype.itemsize);
  std::vector<char> converted, swapped;
  if (record.cast != nullptr) {
    converted.resize(static_cast<std::size_t>(count * size));
    char* const data[2] = {values, converted.data()};
    const std::ptrdiff_t n = count, strides[2] = {static_cast<std::ptrdiff_t>(record.element.itemsize), size};
    record.cast->loop(record.cast->context, data, &n, strides, record.cast->auxdata);
    values = converted.data();
  }
  if (view.dtype.swapped) {
    swapped.resize(static_cast<std::size_t>(count * size));
    kernels::swap_bytes(view.dtype.kind, values, size, swapped.data(), size, count);
    values = swapped.data();
  }
  copy(view.shape, base + view.offset, view.strides.data(), values, c_strides(view.shape, size).data(), size);
}

}  // namespace

int run_reduction_units(const Code& code, Frame& frame, std::int64_t first, std::int64_t last, char* partials) {
  return Pass(code, frame, partials).run(first, last);
}

Outcome finish(const Program& program, std::span<char* const> bases, Scratch& scratch, Partials& partials) {
  (void)scratch;
  const Code& code = program.code();
  Outcome outcome;
  if (code.plan.results == 0) return outcome;
  (void)take_float_flags();
  for (std::size_t j = 0; j < code.reductions.size(); ++j) {
    const ReductionRecord& record = code.reductions[j];
    char* data = partials.data() + code.part_offsets[j];
    if (code.elements == 0) {
      const std::int64_t size = record.element.itemsize, none = 0;
      copy(Dims{code.plan.results}, data, &size, record.reduction.identity.data(), &none, size);
    } else {
      join_all(code.plan, record, data);
      begin_with_identity(record.reduction, data, code.plan.results);
    }
    write_result(record, data, code.plan.results, bases[static_cast<std::size_t>(record.slot)]);
    if (const std::uint8_t flags = take_float_flags(); flags != 0) {
      Outcome one;
      one.flags = flags;
      one.raised.push_back({record.tag, flags});
      outcome.merge(one);
    }
  }
  return outcome;
}

namespace {
void reduce_elements(const kernels::Reduction& reduction, const char* in, std::ptrdiff_t stride, std::ptrdiff_t n,
                     char* out) {
  const auto size = static_cast<std::int64_t>(itemsize_of(reduction.kind));
  if (n <= kNarrow) {
    std::memcpy(out, in, static_cast<std::size_t>(size));
    for (std::ptrdiff_t i = 1; i < n; ++i) reduction.combine(out, size, in + i * stride, stride, 1);
    return;
  }
  if (n <= kernels::kLeaf) {
    reduction.leaf(in, stride, n, out);
    return;
  }
  alignas(64) char room[64 * 32];
  Tree tree(reduction, 1, size, room);
  for (std::ptrdiff_t at = 0; at < n; at += kernels::kLeaf) {
    reduction.leaf(in + at * stride, stride, std::min(kernels::kLeaf, n - at), tree.next());
    tree.push();
  }
  std::memcpy(out, tree.finish(), static_cast<std::size_t>(size));
}

}  // namespace

void reduce_single(const kernels::Reduction& reduction, const char* in, std::ptrdiff_t stride, std::ptrdiff_t n,
                   char* out) {
  reduce_elements(reduction, in, stride, n, out);
  begin_with_identity(reduction, out, 1);
}

}  // namespace distob::program

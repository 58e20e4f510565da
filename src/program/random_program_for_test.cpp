#include "program/random_program_for_test.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "program/interpreter_for_test.h"

namespace distob::program::testing {

std::uint64_t Choices::next() {
  state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
  return state_;
}

std::int64_t Choices::below(std::int64_t count) {
  if (count <= 1) return 0;
  if (size_ == 0) return static_cast<std::int64_t>(next() >> 11) % count;
  std::uint64_t value = *data_;
  ++data_, --size_;
  if (count > 256 && size_ > 0) {
    value = value << 8 | *data_;
    ++data_, --size_;
  }
  return static_cast<std::int64_t>(value) % count;
}

namespace {

using kernels::Op;

constexpr Kind kComputed[] = {Kind::Float64, Kind::Float32, Kind::Int64,     Kind::Int32,
                              Kind::UInt8,   Kind::Bool,    Kind::Complex128};
// Long doubles have padding, whose bytes mean nothing.
constexpr Kind kStored[] = {Kind::Bool,    Kind::Int8,    Kind::UInt16,  Kind::Int32,     Kind::UInt64,
                            Kind::Float16, Kind::Float32, Kind::Float64, Kind::Complex64, Kind::Complex128};
constexpr Op kOps[] = {Op::add,  Op::subtract, Op::multiply, Op::maximum,     Op::minimum, Op::less,       Op::equal,
                       Op::sqrt, Op::negative, Op::absolute, Op::logical_and, Op::divide,  Op::logical_not};
constexpr std::int64_t kExtents[] = {1, 2, 3, 5, 7, 8, 16, 17, 31, 64, 70, 130, 600, 5000};

/// Types that this build has loops for.
bool available(Kind kind) { return kind == Kind::Int8 || kernels::cast(Kind::Int8, kind) != nullptr; }

class Trial {
 public:
  explicit Trial(Choices& choices) : choices_(choices), shape_(choose_shape()), builder_(shape_) {}

  std::string run() {
    plan_loads();
    mirror_.emplace(shape_, expected_);
    for (std::size_t i = 0; i < loads_.size(); ++i) load(i);
    const auto steps = choices_.below(10);
    for (std::int64_t i = 0; i < steps; ++i) step();
    const bool reduces = choices_.one_in(2);
    if (!reduces || choices_.one_in(3)) store_somewhere();
    if (choices_.one_in(3)) store_somewhere();
    if (reduces) reduce();
    return compare();
  }

 private:
  Shape choose_shape() {
    Shape shape;
    const std::int64_t rank = choices_.below(5);
    std::int64_t room = choices_.one_in(8) ? 40000 : 3000;
    for (std::int64_t i = 0; i < rank; ++i) {
      std::int64_t extent = kExtents[choices_.below(std::size(kExtents))];
      if (choices_.one_in(60)) extent = 0;
      if (extent > room) extent = 1 + extent % room;
      shape.push_back(extent);
      room = std::max<std::int64_t>(room / std::max<std::int64_t>(extent, 1), 1);
    }
    return shape;
  }

  /// A view that fits the iteration shape, in a new slot of its own. `whole`: no axis is broadcast.
  View new_view(DType dtype, bool whole) {
    Shape extents = shape_;
    if (!whole) {
      for (auto& extent : extents) {
        if (choices_.one_in(4)) extent = 1;
      }
      while (!extents.empty() && choices_.one_in(5)) extents.erase(0);
    }
    // Memory order: a random permutation, usually C; steps: usually 1.
    Dims order;
    for (std::size_t i = 0; i < extents.size(); ++i) order.push_back(static_cast<std::int64_t>(i));
    if (choices_.one_in(3)) {
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<std::size_t>(choices_.below(static_cast<std::int64_t>(i)))]);
    }
    View view{choices_.one_in(6) ? choices_.below(9) : 0, extents, Dims::filled(extents.size(), 0), dtype};
    std::int64_t stride = dtype.itemsize;
    for (std::size_t i = order.size(); i-- > 0;) {
      const auto axis = static_cast<std::size_t>(order[i]);
      const std::int64_t step = choices_.one_in(5) ? 2 : 1;
      const std::int64_t extent = std::max<std::int64_t>(extents[axis], 1);
      view.strides[axis] = stride * step;
      stride *= step * extent;
      if (choices_.one_in(6)) {  // backwards
        view.offset += view.strides[axis] * (extent - 1);
        view.strides[axis] = -view.strides[axis];
      }
      if (choices_.one_in(5)) stride += dtype.itemsize * choices_.below(3);
    }
    std::vector<char> memory(static_cast<std::size_t>(std::max<std::int64_t>(view.byte_bounds().stop, 1) + 64));
    fill(memory, view);
    memories_.push_back(memory);
    expected_.push_back(std::move(memory));
    return view;
  }

  /// Small numbers of the view's type, so that nothing overflows into what the language leaves open.
  void fill(std::vector<char>& memory, const View& view) {
    const kernels::Kernel* from_small = kernels::cast(Kind::Int8, view.dtype.kind);
    for (std::int64_t i = 0; i < view.size(); ++i) {
      alignas(64) char number[64] = {}, native[64] = {};
      number[0] = static_cast<char>(
          view.dtype.kind == Kind::Bool || is_unsigned(view.dtype.kind) ? (i * 7) % 5 % 2 : (i * 7 + i / 3) % 23 - 9);
      char* const data[2] = {number, native};
      const std::ptrdiff_t n = 1, strides[2] = {0, 0};
      if (view.dtype.kind == Kind::Int8) {
        native[0] = number[0];
      } else {
        from_small->loop(from_small->context, data, &n, strides, from_small->auxdata);
      }
      char* to = memory.data() + offset_of(view, i);
      if (view.dtype.swapped) {
        kernels::swap_bytes(view.dtype.kind, native, 0, to, 0, 1);
      } else {
        std::memcpy(to, native, view.dtype.itemsize);
      }
    }
  }

  template <std::size_t N>
  Kind choose_kind(const Kind (&kinds)[N]) {
    const Kind kind = kinds[choices_.below(N)];
    return available(kind) ? kind : Kind::Float64;
  }
  template <std::size_t N>
  DType choose_type(const Kind (&kinds)[N]) {
    DType type = choose_kind(kinds);
    type.swapped = type.itemsize > 1 && choices_.one_in(5);
    return type;
  }

  void plan_loads() {
    const std::int64_t count = 1 + choices_.below(4);
    const Kind favourite = choose_kind(kComputed);
    for (std::int64_t i = 0; i < count; ++i) {
      const Kind to = choices_.one_in(4) ? choose_kind(kComputed) : favourite;
      const DType type = choices_.one_in(3) ? choose_type(kStored) : DType(to);
      loads_.push_back({new_view(type, choices_.one_in(2)), to});
    }
  }

  void load(std::size_t i) {
    values_.push_back(builder_.load(static_cast<int>(i), loads_[i].view, loads_[i].to));
    mirrored_.push_back(mirror_->load(static_cast<int>(i), loads_[i].view, loads_[i].to));
  }

  std::size_t any_value() {
    return static_cast<std::size_t>(choices_.below(static_cast<std::int64_t>(values_.size())));
  }
  Kind kind(std::size_t i) { return builder_.dtype(values_[i]).kind; }
  void add(Value value, int mirrored) {
    values_.push_back(value);
    mirrored_.push_back(mirrored);
  }
  /// A value of `wanted`, cast if there is none.
  std::size_t value_of(Kind wanted) {
    const std::size_t i = any_value();
    if (kind(i) == wanted) return i;
    const kernels::Kernel& cast = *kernels::cast(kind(i), wanted);
    const int input = mirrored_[i];
    add(builder_.cast(values_[i], wanted), mirror_->apply(cast, {&input, 1}));
    return values_.size() - 1;
  }

  void step() {
    switch (choices_.below(8)) {
      case 0: {
        const char bytes[64] = {static_cast<char>(choices_.below(2))};
        const Kind kind = choose_kind(kComputed);
        add(builder_.constant(DType(kind), bytes), mirror_->constant(kind, bytes));
        return;
      }
      case 1: {
        const std::size_t mask = value_of(Kind::Bool), value = any_value();
        const char otherwise[64] = {1};
        add(builder_.select(values_[mask], values_[value], otherwise),
            mirror_->select(mirrored_[mask], mirrored_[value], otherwise));
        return;
      }
      case 2: return write_back();
      default: {
        const Op op = kOps[choices_.below(std::size(kOps))];
        const std::size_t x = any_value(), y = value_of(kind(x));
        const std::array<Kind, 2> kinds{kind(x), kind(x)};
        const std::array<Value, 2> inputs{values_[x], values_[y]};
        const std::array<int, 2> mirrored{mirrored_[x], mirrored_[y]};
        for (std::size_t arity = 1; arity <= 2; ++arity) {
          const kernels::Kernel* kernel = kernels::find(op, std::span(kinds).first(arity));
          if (kernel == nullptr || kernel->inputs != arity) continue;
          const Values results = builder_.apply(*kernel, std::span<const Value>(inputs).first(arity), 7);
          for (int j = 0; j < results.size(); ++j)
            add(results[j], mirror_->apply(*kernel, std::span<const int>(mirrored).first(arity), j));
          return;
        }
      }
    }
  }

  std::optional<std::size_t> any_mask() {
    if (!choices_.one_in(3)) return std::nullopt;
    return value_of(Kind::Bool);
  }

  void store(std::size_t value, int slot, const View& view) {
    const std::optional<std::size_t> mask = any_mask();
    builder_.store(values_[value], slot, view, mask ? std::optional(values_[*mask]) : std::nullopt);
    mirror_->store(mirrored_[value], slot, view, mask ? mirrored_[*mask] : -1);
  }

  /// In place, over something that was loaded; sometimes loaded again.
  void write_back() {
    const auto i = static_cast<std::size_t>(choices_.below(static_cast<std::int64_t>(loads_.size())));
    if (loads_[i].view.shape != shape_) return;
    store(any_value(), static_cast<int>(i), loads_[i].view);
    if (choices_.one_in(2)) load(i);
  }

  void store_somewhere() {
    const DType type = choices_.one_in(2) ? choose_type(kStored) : builder_.dtype(values_.back());
    const View view = new_view(type, true);
    store(choices_.one_in(2) ? values_.size() - 1 : any_value(), static_cast<int>(memories_.size()) - 1, view);
  }

  void reduce() {
    Dims axes;
    Shape kept;
    for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
      if (choices_.one_in(2)) {
        axes.push_back(static_cast<std::int64_t>(axis));
      } else {
        kept.push_back(shape_[axis]);
      }
    }
    const std::int64_t count = 1 + choices_.below(2);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto op =
          static_cast<kernels::ReduceOp>(choices_.below(static_cast<std::int64_t>(kernels::ReduceOp::count_)));
      const std::size_t value = any_value();
      const kernels::Reduction* reduction = kernels::reduction(op, kind(value));
      if (reduction == nullptr || (!reduction->has_identity && element_count(shape_) == 0)) continue;
      const Kind to = choices_.one_in(4) ? Kind::Float64 : reduction->kind;
      const View result = View::contiguous(to, kept, choices_.below(2) * 8);
      memories_.emplace_back(static_cast<std::size_t>(result.byte_bounds().stop + 64));
      expected_.push_back(memories_.back());
      const int slot = static_cast<int>(memories_.size()) - 1;
      builder_.reduce(values_[value], *reduction, axes, slot, result);
      mirror_->reduce(mirrored_[value], *reduction, axes, slot, result);
    }
  }

  std::string compare() {
    const Program program = std::move(builder_).build();
    std::vector<char*> bases;
    for (auto& memory : memories_) bases.push_back(memory.data());
    // Two threads' worth of scratch, units dealt to them backwards: order and cuts must not matter.
    Scratch scratch[2];
    Partials partials(program);
    const std::int64_t step = 1 + choices_.below(3);
    for (std::int64_t last = program.units(), turn = 0; last > 0; last -= step, ++turn) {
      const Outcome outcome =
          program::run(program, bases, std::max<std::int64_t>(last - step, 0), last, scratch[turn % 2], &partials);
      if (outcome.status != 0) return "a loop failed";
    }
    if (program.reduces()) (void)finish(program, bases, scratch[0], partials);
    for (std::size_t slot = 0; slot < memories_.size(); ++slot) {
      const auto [mine, theirs] =
          std::mismatch(memories_[slot].begin(), memories_[slot].end(), expected_[slot].begin());
      if (mine == memories_[slot].end()) continue;
      std::string text = "slot " + std::to_string(slot);
      text.append(" differs at byte ").append(std::to_string(mine - memories_[slot].begin()));
      return text.append("\n").append(program.to_string());
    }
    return {};
  }

  struct Load {
    View view;
    Kind to;
  };
  Choices& choices_;
  Shape shape_;
  Builder builder_;
  std::optional<Interpreter> mirror_;
  std::vector<Load> loads_;
  std::vector<Value> values_;
  std::vector<int> mirrored_;
  std::vector<std::vector<char>> memories_, expected_;
};

}  // namespace

std::string check_random_program(Choices& choices) { return Trial(choices).run(); }

}  // namespace distob::program::testing

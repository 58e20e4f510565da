// A straight line of array instructions over one iteration shape, as a value that can be cached, re-bound and run.
//
//   Builder builder(shape);
//   Value a = builder.load(0, view_a, Kind::Float64), b = builder.load(1, view_b, Kind::Float64);
//   Value sum = builder.apply(*kernels::find(Op::add, kinds), {a, b})[0];
//   builder.store(sum, 2, view_c);
//   Program program = std::move(builder).build();
//   Scratch scratch;
//   run(program, {base_a, base_b, base_c}, 0, program.units(), scratch);
//
// A slot is an index into the array of base pointers that is bound at run time: one slot for each storage.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "distob/dtype.h"
#include "distob/shape.h"
#include "kernels/kernel.h"
#include "tensor/view.h"

namespace distob::program {

/// A value inside a program: one element for each index of the iteration shape.
struct Value {
  std::int32_t id = -1;
  friend bool operator==(Value, Value) = default;
};
/// Results of one kernel, first to last.
class Values {
 public:
  Values(std::int32_t first, int count) : first_(first), count_(count) {}
  [[nodiscard]] int size() const { return count_; }
  Value operator[](int i) const { return {first_ + i}; }

 private:
  std::int32_t first_;
  int count_;
};

/// A number the front door chose for an instruction (the interned place of a source line); comes back with its flags.
using Tag = std::uint32_t;

/// Floating point errors, as bits.
enum Flags : std::uint8_t { kNoFlags = 0, kDivide = 1, kOverflow = 2, kUnderflow = 4, kInvalid = 8 };

class Program;
struct Source;  // the instructions as appended
struct Code;    // the compiled program

/// Builds one program. Not thread-safe.
///
/// Instructions take effect in the order they were appended. Views of one slot must be the same as, or disjoint from, every
/// view that is stored to on that slot (tensor/view.h, overlap()); the caller copies a crossing operand first. Different
/// slots are different memories.
class Builder {
 public:
  /// Every view broadcasts to `iteration_shape`. Reductions follow the order of its axes: see reduce().
  explicit Builder(Shape iteration_shape);
  ~Builder();
  Builder(Builder&&) noexcept;
  Builder& operator=(Builder&&) noexcept;

  [[nodiscard]] const Shape& shape() const;
  /// The type of a value.
  [[nodiscard]] DType dtype(Value value) const;
  [[nodiscard]] int instructions() const;

  /// The elements of `view` (any strides, byte order, alignment) as values of `to`. A repeated load is the same value.
  /// Throws ValueError if the view does not broadcast to the iteration shape, TypeError if there is no cast.
  Value load(int slot, const View& view, Kind to);
  /// The elements as they are, in native byte order; opaque types too, which can only be stored to the same type.
  Value load(int slot, const View& view);
  /// `bytes` (one element of `dtype`, native) everywhere.
  Value constant(DType dtype, const void* bytes);
  template <class T>
  Value constant(T value) {
    return constant(kind_of<T>, &value);
  }

  /// The kernel's results. Inputs must have the kernel's kinds (TypeError): cast first. With `mask` (bool), lanes where it
  /// is false compute on 1 and their results mean nothing: no warning and no failure comes from them.
  Values apply(const kernels::Kernel& kernel, std::span<const Value> inputs, Tag tag = 0,
               std::optional<Value> mask = std::nullopt);
  Values apply(const kernels::Kernel& kernel, std::initializer_list<Value> inputs, Tag tag = 0,
               std::optional<Value> mask = std::nullopt) {
    return apply(kernel, std::span<const Value>(inputs.begin(), inputs.size()), tag, mask);
  }
  /// Converts as NumPy's casting="unsafe"; `value` itself if it has that kind.
  Value cast(Value value, Kind to, Tag tag = 0);
  /// `value` where `mask` (bool) is true, `otherwise` (one native element of its type) elsewhere.
  Value select(Value mask, Value value, const void* otherwise);

  /// Writes `value` to `view`, cast and swapped to its dtype, everywhere or where `mask` (bool) is true.
  /// The view has the iteration shape after broadcasting, and no byte twice (ValueError where that is easy to see).
  void store(Value value, int slot, const View& view, std::optional<Value> mask = std::nullopt, Tag tag = 0);

  /// Reduces `value`, which has the reduction's kind, over `axes` (from the front, sorted) into `result`, whose shape is
  /// the iteration shape without those axes, or with extent 1 there. All reductions of a program have the same axes.
  ///
  /// The tree, and so every bit of the result, is a function of the iteration shape and the axes alone: elements in C order
  /// of the iteration shape. To follow memory, permute the axes of all views first (tensor/view.h, memory_order()).
  /// Throws ValueError for an empty reduction without identity.
  void reduce(Value value, const kernels::Reduction& reduction, const Dims& axes, int slot, const View& result,
              Tag tag = 0);

  /// Checks, drops what nothing needs, and compiles. The builder is spent.
  [[nodiscard]] Program build() &&;

 private:
  std::unique_ptr<Source> source_;
};

/// A compiled program: immutable, cheap to copy, shared by any number of threads.
class Program {
 public:
  Program() = default;

  /// Pieces of the iteration space that may run in any order, on any threads, once each. Neighbouring units touch
  /// neighbouring memory. Zero for an empty iteration space (finish() may still be needed).
  [[nodiscard]] std::int64_t units() const;
  /// Elements of the iteration space, and of one unit (the last of a row may be smaller).
  [[nodiscard]] std::int64_t elements() const;
  [[nodiscard]] std::int64_t unit_elements() const;
  /// The work for one element in units of one addition.
  [[nodiscard]] int cost() const;
  [[nodiscard]] int slots() const;
  /// True if finish() must be called after all units have run.
  [[nodiscard]] bool reduces() const;
  /// Bytes of partial results that a Partials for this program holds.
  [[nodiscard]] std::int64_t partials_bytes() const;
  /// Bytes of memory that a run reads and writes, each element of an operand once: what it costs if nothing is in a cache.
  struct Traffic {
    std::int64_t read = 0, written = 0;
  };
  [[nodiscard]] Traffic traffic() const;
  /// Instructions that compute: loads, stores and constants apart.
  [[nodiscard]] int operations() const;
  /// A listing for people and tests.
  [[nodiscard]] std::string to_string() const;
  explicit operator bool() const { return code_ != nullptr; }

  [[nodiscard]] const Code& code() const { return *code_; }

 private:
  friend class Builder;
  explicit Program(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

/// Where units of a reducing program leave their parts until finish(). Units write to disjoint places.
class Partials {
 public:
  explicit Partials(const Program& program);
  [[nodiscard]] char* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(char* data) const;
  };
  std::unique_ptr<char, Free> data_;
};

/// Registers of one thread, kept between runs. Not thread-safe.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(Scratch&& other) noexcept : data_(other.data_), size_(other.size_) { other.data_ = nullptr, other.size_ = 0; }
  Scratch& operator=(Scratch&&) = delete;
  /// At least `bytes`, aligned to 64. Contents are lost when it grows.
  char* reserve(std::size_t bytes) { return bytes <= size_ ? data_ : grow(bytes); }

 private:
  char* grow(std::size_t bytes);
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Flags that an instruction raised.
struct Raised {
  Tag tag;
  std::uint8_t flags;
  friend bool operator==(const Raised&, const Raised&) = default;
};

/// What running some units came to.
struct Outcome {
  int status = 0;                ///< what a failing loop returned; the rest of those units was not run
  Tag failed = 0;                ///< the tag of that loop
  std::uint8_t flags = 0;        ///< all of them together
  std::vector<Raised> raised{};  ///< by tag, for instructions that raised any (no entry twice)

  /// Takes in what other units of the same program came to.
  void merge(const Outcome& other);
};

/// Runs units [first, last) with `bases[slot]` as the memory of each slot. `partials` is needed if program.reduces().
[[nodiscard]] Outcome run(const Program& program, std::span<char* const> bases, std::int64_t first, std::int64_t last,
                          Scratch& scratch, Partials* partials = nullptr);

/// Combines the parts and writes the results of the reductions. Call once, after all units have run.
[[nodiscard]] Outcome finish(const Program& program, std::span<char* const> bases, Scratch& scratch,
                             Partials& partials);

/// All of it in this thread: run() of all units and finish().
[[nodiscard]] Outcome run_whole(const Program& program, std::span<char* const> bases, Scratch& scratch);

/// One kernel over `n` contiguous native elements, straight: the path of small arrays. `data`: a pointer for each operand,
/// inputs first; `strides`: bytes, 0 for a scalar. Returns the loop's status; flags are left in the thread's register.
inline int run_single(const kernels::Kernel& kernel, char* const* data, std::ptrdiff_t n,
                      const std::ptrdiff_t* strides) {
  return kernel.loop(kernel.context, data, &n, strides, kernel.auxdata);
}

/// The thread's floating point flags, read and cleared in a few cycles where none is up.
[[nodiscard]] std::uint8_t take_float_flags();

/// Reduces `n` >= 1 consecutive elements by the same tree as a program does: the path of small full reductions.
/// `out` has room for one element.
void reduce_single(const kernels::Reduction& reduction, const char* in, std::ptrdiff_t stride, std::ptrdiff_t n,
                   char* out);

}  // namespace distob::program

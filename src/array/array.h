// Arrays as the front doors see them: cheap handles, NumPy's semantics, work that runs behind the caller.
//
// Every function here may be called from any thread and never needs Python's lock. Errors of shape, index and memory are
// thrown at the call, before anything changed. Work on large arrays is queued in one sequence and runs when somebody
// reads, when the window is full or after a moment of silence; work on small arrays runs at once. What a reader
// sees never depends on which of these happened. No callback of the caller's runs inside the library's lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "distob/dtype.h"
#include "distob/index.h"
#include "distob/partition.h"
#include "distob/shape.h"
#include "kernels/kernel.h"
#include "memory/segment.h"

namespace distob::array {

/// The caller's number for a line of the user's program; float warnings name it. 0: nobody asks.
using Site = std::uint32_t;

/// Floating point flags, as a set of bits.
enum FloatFlag : unsigned { kDivideByZero = 1, kOverflow = 2, kUnderflow = 4, kInvalid = 8 };

namespace detail {
struct Node;    // one representation: shape, dtype, partition, pieces
struct Export;  // an open snapshot or access
}  // namespace detail

/// A counted handle of one array, or of nothing. Copying costs an atomic increment.
///
/// What it names never changes shape or dtype; its elements may. Views of one array are handles of their own that see
/// each other's writes. Destruction never waits and may happen on any thread, inside a garbage collection, and after
/// the end of main.
class Array {
 public:
  Array() = default;
  Array(const Array& other) noexcept;
  Array(Array&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Array& operator=(Array other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Array();

  explicit operator bool() const { return node_ != nullptr; }
  [[nodiscard]] const Shape& shape() const;
  /// Bytes between elements along each axis. Meaningful as NumPy's `strides` if `pieces()` is 1, else those of a copy.
  [[nodiscard]] const Strides& strides() const;
  [[nodiscard]] int ndim() const;
  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] DType dtype() const;
  /// How the array is cut into blocks, and the slot that runs user functions on each block.
  [[nodiscard]] const Partition& partition() const;
  /// How many storages the elements lie in; more than one only for arrays joined from others.
  [[nodiscard]] std::size_t pieces() const;
  /// Whether some element of both may lie in the same storage (byte bounds, as np.may_share_memory).
  [[nodiscard]] bool may_share_memory(const Array& other) const;
  /// Whether this is a view of a part of some other array's storage, or of one that others view.
  [[nodiscard]] bool is_view() const;

  /// For the inside of this room.
  explicit Array(detail::Node* adopted) noexcept : node_(adopted) {}
  [[nodiscard]] detail::Node* node() const { return node_; }

 private:
  detail::Node* node_ = nullptr;
};

/// One element of a native kind, in native byte order.
struct Scalar {
  Kind kind = Kind::Float64;
  alignas(16) std::array<char, 32> bytes{};

  template <class T>
  static Scalar of(T value) {
    Scalar s;
    s.kind = kind_of<T>;
    static_assert(sizeof(T) <= sizeof(s.bytes));
    __builtin_memcpy(s.bytes.data(), &value, sizeof(T));
    return s;
  }
};

/// Elements in memory of the caller's. Only read during the call that gets it, unless that call says otherwise.
struct Foreign {
  const void* data = nullptr;
  DType dtype;
  Shape shape;
  Strides strides;  ///< bytes; may be 0 or negative
};

/// What an operation reads: an array, a constant, or foreign elements, which are copied during the call.
///
/// Refers to the array or the foreign elements it was made from, which must outlive it; a scalar it copies.
class Operand {
 public:
  Operand(const Array& a) : array_(&a) {}                     // NOLINT(google-explicit-constructor): made at every call
  Operand(const Scalar& s) : scalar_(s), is_scalar_(true) {}  // NOLINT(google-explicit-constructor)
  Operand(const Foreign& f) : foreign_(&f) {}                 // NOLINT(google-explicit-constructor)

  [[nodiscard]] const Array* array() const { return array_; }
  [[nodiscard]] const Scalar* scalar() const { return is_scalar_ ? &scalar_ : nullptr; }
  [[nodiscard]] const Foreign* foreign() const { return foreign_; }

 private:
  const Array* array_ = nullptr;
  const Foreign* foreign_ = nullptr;
  Scalar scalar_;
  bool is_scalar_ = false;
};

// --- Making arrays --------------------------------------------------------------------------------------------------

/// A new array with elements nobody wrote yet. `partition` nullptr: cut along the last axis over the planned slots.
/// Throws ValueError for a negative length, MemoryError if the budget has no room.
[[nodiscard]] Array empty(const Shape& shape, DType dtype, const Partition* partition = nullptr);
/// A new array with `value` everywhere, cast as by astype.
[[nodiscard]] Array full(const Shape& shape, DType dtype, const Scalar& value, const Partition* partition = nullptr);
[[nodiscard]] Array zeros(const Shape& shape, DType dtype, const Partition* partition = nullptr);
/// start, start + step, ...: `count` values as NumPy computes them (start + i * step).
[[nodiscard]] Array arange(const Scalar& start, const Scalar& step, std::int64_t count, DType dtype);
/// `count` numbers from `start` towards `stop`, to the bit as NumPy's linspace has them: i * step + start, and `stop` itself
/// last if it is included. Computed in float64, then cast to `dtype`. Throws ValueError for a negative count.
[[nodiscard]] Array linspace(double start, double stop, std::int64_t count, bool with_stop, DType dtype);
/// Uniform values in [0, 1) of Float64 or Float32: counter-based (Philox 4x32-10) by seed and index in C order, so the
/// same numbers for any number of threads.
[[nodiscard]] Array random_uniform(const Shape& shape, DType dtype, std::uint64_t seed,
                                   const Partition* partition = nullptr);
/// A copy of foreign elements, in the order they have in memory, made by all threads before this returns. Any dtype.
[[nodiscard]] Array from_foreign(const Foreign& elements, const Partition* partition = nullptr);
/// An array on foreign memory, without a copy. Nobody else may write it until `release` was called, which happens once,
/// on any thread and outside of every lock, when the last array and snapshot on it are gone. `release` must not call
/// back into this header. Writes to the array never reach the foreign memory: they move the array to memory of its own.
[[nodiscard]] Array adopt(const Foreign& elements, std::function<void()> release, const Partition* partition = nullptr);
/// An array on a part of a shared segment, without a copy: results that user code made in an engine.
[[nodiscard]] Array from_segment(std::shared_ptr<memory::SharedSegment> segment, std::size_t offset, const Shape& shape,
                                 const Strides& strides, DType dtype, const Partition* partition = nullptr);

// --- Elementwise ------------------------------------------------------------------------------------------------------

struct ApplyOptions {
  /// Where results go: nothing, or a handle for each output; an empty handle asks for a new array.
  std::span<const Array> out{};
  /// A boolean operand: elements where it is false are not written (new arrays have any value there).
  const Operand* where = nullptr;
  /// dtypes of new arrays; nothing: the kernel's. Results are cast on their way out.
  std::span<const DType> dtypes{};
  Site site = 0;
  /// If given, the work runs before the call returns and the float flags it raised are stored here, and nowhere else.
  unsigned* flags = nullptr;
};

/// The result of the elementwise function `kernel` with one output. Operands broadcast and are cast to the kernel's kinds
/// when their dtype differs (no promotion here). Operands that overlap an output are read as they were before.
/// Throws ValueError with NumPy's words if shapes do not broadcast, TypeError for an opaque dtype.
Array apply(const kernels::Kernel& kernel, std::span<const Operand> operands, const ApplyOptions& options = {});
/// The same for kernels with any number of outputs.
std::vector<Array> apply_all(const kernels::Kernel& kernel, std::span<const Operand> operands,
                             const ApplyOptions& options = {});

/// What power of integers demands of its exponents, where `where` is true: throws ValueError with NumPy's words if one is
/// negative, which waits for them if they are an array.
void check_exponents(const Operand& exponents, const Operand* where = nullptr);

/// The broadcast shape; throws ValueError("operands could not be broadcast together with shapes (3,) (4,) ").
[[nodiscard]] Shape broadcast_shapes(std::span<const Shape* const> shapes);

// --- Reductions -------------------------------------------------------------------------------------------------------

struct ReduceOptions {
  std::optional<std::span<const int>> axes{};  ///< none: all axes; negative ones count from the end
  bool keepdims = false;
  std::optional<Scalar> initial{};
  bool no_identity = false;  ///< begin with the first element, as if the reduction had no identity
  const Operand* where = nullptr;
  /// The kind of the accumulation: elements are cast to it first. Throws TypeError if `op` has no loop for it.
  Kind kind = Kind::Float64;
  Array out{};  ///< where the result goes; empty: a new array of `kind`
  Site site = 0;
  unsigned* flags = nullptr;  ///< as in ApplyOptions
};

/// Reduces `a` over axes. The order of additions is a function of shape, axes and kind alone, so the bits are the same
/// on any number of threads, and however the array is cut. Throws ValueError for an empty reduction without identity,
/// AxisError for a bad axis, ValueError for one named twice.
Array reduce(kernels::ReduceOp op, const Array& a, const ReduceOptions& options);

// --- Views and copies -------------------------------------------------------------------------------------------------

/// The part of `a` that a basic index names: always a view. Throws IndexError with NumPy's words, ValueError for step 0.
[[nodiscard]] Array view(const Array& a, std::span<const Index> index);
/// Writes `value`, broadcast and cast, to `target` (usually a view): target[...] = value.
void assign(const Array& target, const Operand& value, Site site = 0);
/// The same with a mask: np.copyto(target, value, where=where).
void assign_where(const Array& target, const Operand& value, const Operand& where, Site site = 0);
/// A view whose axis i is axis `axes[i]` of `a`; nothing: all axes reversed. Throws ValueError if not a permutation.
[[nodiscard]] Array transpose(const Array& a, std::span<const int> axes = {});
/// The elements in C order under another shape (one length may be -1): a view where NumPy gives one, else a copy.
[[nodiscard]] Array reshape(const Array& a, const Shape& shape);
/// The view that reshape gives, or an empty handle where NumPy has to copy. Throws ValueError as reshape.
[[nodiscard]] Array reshape_view(const Array& a, const Shape& shape);
/// A view with axes repeated; writing through it is a bug of the caller's.
[[nodiscard]] Array broadcast_to(const Array& a, const Shape& shape);
/// A new array of another dtype, cast as NumPy's casting="unsafe".
[[nodiscard]] Array astype(const Array& a, DType dtype, Site site = 0);
[[nodiscard]] Array copy(const Array& a);
/// A view of the same elements cut another way. Throws ValueError if the partition is of another shape.
[[nodiscard]] Array with_partition(const Array& a, const Partition& partition);
/// The arrays end to end along `axis`, as views where the elements lie now: writes reach the parts. All of one dtype.
/// The blocks of the result are the blocks of the parts.
[[nodiscard]] Array join(std::span<const Array> parts, int axis);
/// A new array with the parts end to end along `axis`, cast to `dtype`.
[[nodiscard]] Array concatenate(std::span<const Array> parts, int axis, DType dtype);

// --- Reading ----------------------------------------------------------------------------------------------

/// Where elements lie, for as long as the thing that says so lives.
struct Layout {
  char* data = nullptr;
  DType dtype;
  Shape shape;
  Strides strides;
};

/// The elements of an array as they are now, read-only, for as long as this lives; later writes to the array go elsewhere.
/// Movable. Destruction never waits and may happen on any thread.
class Snapshot {
 public:
  Snapshot() = default;
  explicit Snapshot(std::shared_ptr<detail::Export> e) : export_(std::move(e)) {}
  [[nodiscard]] const Layout& layout() const;

 private:
  std::shared_ptr<detail::Export> export_;
};

/// Pins the elements of `a`: no copy, unless they lie in several pieces. Waits for earlier work on `a`.
[[nodiscard]] Snapshot snapshot(const Array& a);
/// Copies the elements of `a`, cast, to memory of the caller's, with all threads, before it returns.
void gather_into(const Array& a, void* data, DType dtype, const Strides& strides);
/// A copy of the elements of `a`, its axes in memory in the order they have now, that nobody else has: the caller may write
/// what `layout()` shows for as long as the result lives. Its memory comes from the pool, so that a copy like one that went before finds warm pages.
[[nodiscard]] Snapshot gather(const Array& a);
/// The one element of `a` (ValueError if size is not 1), in native byte order, to `bytes`, itemsize of them.
void item(const Array& a, void* bytes);
/// The element that an index of integers names, one for each axis, if it is written already and all elements lie in one
/// storage; else returns false, at once. Throws IndexError.
[[nodiscard]] bool read_if_written(const Array& a, std::span<const Index> index, void* bytes);

/// The elements of an array in the caller's hands, for code that runs NumPy itself on them.
///
/// While it lives, later work on these elements by others waits (work on elements read only may still read). The thread
/// that holds it must not itself wait for such work. Close it on the thread that opened it or any other.
class Access {
 public:
  Access() = default;
  explicit Access(std::shared_ptr<detail::Export> e) : export_(std::move(e)) {}
  [[nodiscard]] const Layout& layout() const;
  void close() { export_.reset(); }

 private:
  std::shared_ptr<detail::Export> export_;
};

/// Waits for earlier work on `a`. The elements of several pieces are shown in one memory, and are written back to theirs
/// when the access is closed.
[[nodiscard]] Access access_for_read(const Array& a);
[[nodiscard]] Access access_for_write(const Array& a);

// --- The machine as a whole -------------------------------------------------------------------------------------------

/// Waits until all work appended before is done.
void sync();
/// Called every 50 ms, with no lock held, by threads that wait for an array that somebody else has (on loan, or in the order
/// of work); may throw, which ends the wait.
void set_interrupt_check(void (*check)());
/// How many threads compute. At first: DISTOB_THREADS, else the cores this process may use. Throws ValueError below 1.
void set_threads(int n);
[[nodiscard]] int threads();
/// How many blocks `empty` and others cut arrays into by default. At first: DISTOB_ENGINES, else cores.
void set_planned_slots(int n);
[[nodiscard]] int planned_slots();
/// From now on all work of this process runs in the calling thread: engines, and the end of a process.
void run_inline();

/// Float flags that work appended with a site raised since the last call. Does not wait for work that still runs.
struct FloatWarning {
  unsigned flags = 0;
  Site site = 0;
};
[[nodiscard]] std::vector<FloatWarning> take_float_warnings();
/// Whether take_float_warnings has something; one relaxed load.
[[nodiscard]] bool float_warnings_pending() noexcept;

/// As text for people: the instructions that wait in the window; the passes that ran last, with the bytes they read and
/// wrote; the bytes that were copied to move arrays and lent to engines since the start.
[[nodiscard]] std::string explain();
/// What `a` is, where its elements lie and how much work they wait for, then explain().
[[nodiscard]] std::string explain(const Array& a);

/// Counters since the start of the process, for tests and benchmarks.
struct Statistics {
  std::uint64_t instructions = 0;  ///< appended to the window
  std::uint64_t inline_runs = 0;   ///< small operations that ran at once
  std::uint64_t programs = 0;      ///< programs that ran
  std::uint64_t repoints = 0;      ///< storages that got new memory because the old was still needed
  std::uint64_t bytes_copied = 0;  ///< by re-pointing, consolidation, gather and moves to shared memory
  std::uint64_t bytes_live = 0;    ///< in storages that somebody holds, after dead handles were collected
  std::uint64_t storages_live = 0;
};
[[nodiscard]] Statistics statistics();

}  // namespace distob::array

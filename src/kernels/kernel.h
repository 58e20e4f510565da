// The inner loops of array work, found by operation and element kinds.
//
// Every loop has the five-argument form of NumPy's strided loops, so a native loop and one of NumPy's own fill the same
// slot. A loop sees one dimension; it knows nothing of shapes, storages or threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "distob/dtype.h"

namespace distob::kernels {

/// Operations by NumPy's names. Each is one elementwise function; `where` is np.where(condition, x, y).
enum class Op : std::uint16_t {
  // clang-format off
  // unary
  positive, negative, absolute, fabs, sign, signbit, invert, logical_not, conjugate, real, imag,
  square, sqrt, cbrt, reciprocal, exp, exp2, expm1, log, log2, log10, log1p,
  sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh, arcsinh, arccosh, arctanh, deg2rad, rad2deg,
  floor, ceil, trunc, rint, isnan, isinf, isfinite, spacing, bitwise_count,
  // binary
  add, subtract, multiply, divide, floor_divide, remainder, fmod, power, float_power, arctan2, hypot, copysign,
  nextafter, ldexp, heaviside, maximum, minimum, fmax, fmin, logaddexp, logaddexp2, gcd, lcm,
  equal, not_equal, less, less_equal, greater, greater_equal, logical_and, logical_or, logical_xor,
  bitwise_and, bitwise_or, bitwise_xor, left_shift, right_shift,
  // three operands, several results
  where, clip, divmod, modf, frexp,
  // clang-format on
  count_  ///< how many there are
};
inline constexpr int kOps = static_cast<int>(Op::count_);

/// NumPy's name of `op`, and back; nullopt for a name that is none of them.
[[nodiscard]] std::string_view name_of(Op op);
[[nodiscard]] std::optional<Op> op_named(std::string_view name);

/// One strided loop. `data`: a pointer for each operand, inputs first; `dims[0]`: elements; `strides`: bytes for each
/// operand, 0 for a broadcast scalar. Returns 0, or -1 for a loop of the front door's that failed.
/// Native loops accept any stride and alignment of elements to their own size; results may be the very memory of an input
/// (same pointer, same stride) but may not overlap one otherwise.
using Loop = int (*)(const void* context, char* const* data, const std::ptrdiff_t* dims, const std::ptrdiff_t* strides,
                     void* auxdata);

/// A loop with what it needs to be called and planned. A value; what `context` and `auxdata` point to lives for ever.
struct Kernel {
  Loop loop = nullptr;
  const void* context = nullptr;
  void* auxdata = nullptr;
  std::uint8_t inputs = 0;
  std::uint8_t outputs = 0;
  std::array<Kind, 4> kinds{};    ///< operand kinds, inputs first
  bool sets_float_flags = false;  ///< may raise divide, over, under or invalid
  std::uint8_t cost = 1;          ///< in units of one addition, to choose how small a chunk still pays
};

/// A native kernel over `n` >= 1 contiguous elements. Bit i of `scalars` says that in[i] points to one element that stands for
/// all n; never for all inputs together. An output may be the very memory of an input that is not a scalar. No alignment
/// is promised.
using Block = void (*)(const void* const* in, void* const* out, std::ptrdiff_t n, unsigned scalars);

/// What is left of a kernel where its operands are known to be contiguous: no strides to look at.
struct Straight {
  Block block = nullptr;  ///< null if the kernel has only its loop
  bool scalars = false;   ///< the block takes scalar inputs as they are
  bool quiet = false;     ///< flags that it raises mean nothing and have to be put back (float_flags.h)
};
[[nodiscard]] Straight straight(const Kernel& kernel);

// What results are, beside NumPy's:
// - An element's result depends on its operands alone, not on where it stands, strides, alignment or n, nor does what it
//   raises. Kernels read and write the given elements only.
// - Real + - * / sqrt, comparisons, integers, casts and everything that only selects or rounds have the same bits on
//   every instruction set. Exponentials, logarithms, powers, trigonometric and hyperbolic functions of float32 and
//   float64 have an error below 1.0 ulp (1.5 for exp, sinh and cosh in the last stretch before they overflow, for arcsinh
//   and arccosh above half the greatest number; a few ulp for logaddexp and logaddexp2). They have the same bits on all
//   machines with FMA (AVX2, AVX-512, NEON), and may differ in the last bit from the baseline, which has none.
// - Half precision is computed in single precision and rounded once.
// - Flags are raised as NumPy raises them, except that underflow is reported for exp, exp2 and power only, and that not a
//   number as an argument never counts as invalid.
// - Conversions of values that the target type cannot hold are those of x86-64's scalar instructions.
// - Integer powers wrap round; a negative exponent, an error that a loop cannot report, gives 0: the caller looks first.

/// The native kernel of `op` for exactly these input kinds (no promotion here), or nullptr if there is none.
/// The pointer lives for ever. Cost: two array look-ups.
[[nodiscard]] const Kernel* find(Op op, std::span<const Kind> inputs);

/// The loop that converts `from` to `to` as NumPy's casting="unsafe" does. Exists for every pair of native kinds.
[[nodiscard]] const Kernel* cast(Kind from, Kind to);

/// Reverses the bytes of each element of `itemsize` bytes (complex kinds: of each half).
void swap_bytes(Kind kind, const char* in, std::ptrdiff_t in_stride, char* out, std::ptrdiff_t out_stride,
                std::ptrdiff_t n);

// --- Reductions ---------------------------------------------------------------------------------------------------

enum class ReduceOp : std::uint8_t {
  sum,
  prod,
  min,
  max,
  any,
  all,
  logical_xor,
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  fmin,
  fmax,
  count_
};

/// Elements of a leaf: a reduction is a tree whose leaves are kLeaf consecutive elements (the last may be shorter).
/// Its shape is a function of the number of elements alone, so results have the same bits on any number of threads.
inline constexpr std::ptrdiff_t kLeaf = 4096;

/// The reduction of one kind: accumulators and elements have the same kind (cast first).
///
/// A leaf is reduced over 32 virtual lanes (lane j takes elements j, j + 32, ...), 16 additions at the most in sequence and
/// pairwise above, and the lanes are combined pairwise. Leaves are combined pairwise in order by `combine`.
struct Reduction {
  Kind kind{};
  /// Reduces n <= kLeaf elements, n >= 1, to one. Same bits for every stride and instruction set.
  void (*leaf)(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, char* out) = nullptr;
  /// accumulator[i] = accumulator[i] (op) in[i] for i < n: the vertical step of a reduction over an outer axis, and the
  /// way partial results meet (n = 1). Elements never fold into one another: an accumulator_stride of 0 needs n == 1.
  /// in_stride may be 0. `in` may be the very memory of the accumulator (same stride), but may not overlap it otherwise.
  void (*combine)(char* accumulator, std::ptrdiff_t accumulator_stride, const char* in, std::ptrdiff_t in_stride,
                  std::ptrdiff_t n) = nullptr;
  bool has_identity = false;
  /// The identity is the first operand, also where there are elements: it may change the sign of a zero.
  bool identity_counts = false;
  std::array<char, 32> identity{};  ///< the value of an empty reduction, if it has one
};

/// The reduction `op` over elements of `kind`, or nullptr if there is none.
[[nodiscard]] const Reduction* reduction(ReduceOp op, Kind kind);

// --- Along an axis ----------------------------------------------------------------------------------------------------

/// Running results of one kind: each element is the one before it (op) the next input, strictly in order.
struct Scan {
  /// out[i] = out[i - 1] (op) in[i] for i < n, where out[-1] is `carry`; without one (null) out[0] = in[0].
  /// `out` may be the very memory of `in` (same stride), but may not overlap it otherwise.
  void (*run)(const char* in, std::ptrdiff_t in_stride, char* out, std::ptrdiff_t out_stride, std::ptrdiff_t n,
              const char* carry) = nullptr;
  /// The same for `blocks` neighbouring runs of n contiguous elements, each with a carry of its own (`carries`, one
  /// element apart; the first block has none if `first_is_fresh`). Faster than one after the other.
  void (*run_blocks)(const char* in, char* out, std::ptrdiff_t n, std::ptrdiff_t blocks, const char* carries,
                     bool first_is_fresh) = nullptr;
};

/// The scan of a binary operation over elements of `kind`, or nullptr: then its kernel has to be called for each element.
[[nodiscard]] const Scan* scan(Op op, Kind kind);
/// The reduction that `op` repeats, or nothing.
[[nodiscard]] std::optional<ReduceOp> reduction_by(Op op);

/// Looking for the greatest or the least element of one kind: the first of equal ones, or the first that is not a number.
struct Search {
  /// Looks at in[i] for i < n, whose positions are first, first + 1, ...; `best` (one element) and `position` say what was
  /// found before, unless `fresh`, and what is found. Elements must come in the order of their positions.
  void (*along)(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, std::int64_t first, char* best,
                std::int64_t* position, bool fresh) = nullptr;
  /// The same for n neighbouring searches at once, which all look at one element of position `at`.
  void (*across)(const char* in, std::ptrdiff_t n, std::int64_t at, char* best, std::int64_t* positions,
                 bool fresh) = nullptr;
};

/// What is looked for: of `kind`, or of dates and durations (int64 whose least value is not a time) if `times`.
[[nodiscard]] const Search* search(bool greatest, Kind kind, bool times = false);

// ----------------------------------------------------------------------------------------------------------------------

/// The instruction sets this machine can run, best first ("AVX3", "AVX2", ...), and a way for tests to choose one.
[[nodiscard]] std::span<const std::string_view> targets();
void use_target_for_testing(std::string_view target);

}  // namespace distob::kernels

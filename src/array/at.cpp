// ufunc.at: elements updated position by position, so that equal indices add up.
//
// Threads share the target, not the positions: each goes through all positions in order and updates what is its own. So
// the order of updates of an element, and with it the bits, is the same on any number of threads.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "array/instruction.h"
#include "array/operands.h"
#include "array/rows.h"
#include "array/selection.h"
#include "array/workspace.h"
#include "distob/errors.h"
#include "program/program.h"

namespace distob::array {
namespace {

using kernels::Op;

constexpr std::int64_t kChunk = Picks::kChunk;

/// Updates single elements: target = function(target, value) for n pairs of offsets in order.
using Update = void (*)(char* to, const std::int64_t* to_offsets, const char* from, const std::int64_t* from_offsets,
                        std::int64_t n);

/// Whether `a` stays when the greater of two is wanted (or, the other way round, the smaller): not a number stays always.
/// Raises no flags for it.
template <class T>
bool stays(T a, bool not_beaten) {
  if constexpr (std::is_integral_v<T>) {
    return not_beaten;
  } else {
    return not_beaten || std::isnan(a);
  }
}
template <class T>
bool at_most(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return a <= b;
  } else {
    return std::islessequal(a, b);
  }
}

template <class T, Op op>
void update(char* to, const std::int64_t* to_offsets, const char* from, const std::int64_t* from_offsets,
            std::int64_t n) {
  // Integers wrap around, which only those without a sign are allowed to.
  using Number = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;
  for (std::int64_t i = 0; i < n; ++i) {
    Number a, b;
    std::memcpy(&a, to + to_offsets[i], sizeof a);
    std::memcpy(&b, from + from_offsets[i], sizeof b);
    if constexpr (op == Op::add) a = static_cast<Number>(a + b);
    if constexpr (op == Op::subtract) a = static_cast<Number>(a - b);
    if constexpr (op == Op::maximum)
      a = stays<T>(static_cast<T>(a), at_most<T>(static_cast<T>(b), static_cast<T>(a))) ? a : b;
    if constexpr (op == Op::minimum)
      a = stays<T>(static_cast<T>(a), at_most<T>(static_cast<T>(a), static_cast<T>(b))) ? a : b;
    if constexpr (op == Op::multiply) a = static_cast<Number>(std::is_integral_v<T> ? std::uint64_t{1} * a * b : a * b);
    std::memcpy(to + to_offsets[i], &a, sizeof a);
  }
}

template <class T>
Update update_of(Op op) {
  if (op == Op::add) return update<T, Op::add>;
  if (op == Op::subtract) return update<T, Op::subtract>;
  if (op == Op::maximum) return update<T, Op::maximum>;
  if (op == Op::minimum) return update<T, Op::minimum>;
  return op == Op::multiply ? update<T, Op::multiply> : nullptr;
}

/// The loop for the sums, products and extremes that programs mostly ask for; null for all else, which a call of the kernel for each
/// element does.
Update update_for(Op op, Kind kind) {
  switch (kind) {
    case Kind::Int8: return update_of<std::int8_t>(op);
    case Kind::UInt8: return update_of<std::uint8_t>(op);
    case Kind::Int16: return update_of<std::int16_t>(op);
    case Kind::UInt16: return update_of<std::uint16_t>(op);
    case Kind::Int32: return update_of<std::int32_t>(op);
    case Kind::UInt32: return update_of<std::uint32_t>(op);
    case Kind::Int64: return update_of<std::int64_t>(op);
    case Kind::UInt64: return update_of<std::uint64_t>(op);
    case Kind::Float32: return update_of<float>(op);
    case Kind::Float64: return update_of<double>(op);
    default: return nullptr;
  }
}

/// What all writers know. Rows are as in write_rows.
struct Updates {
  const kernels::Kernel& kernel;
  Update single = nullptr;
  const kernels::Kernel* cast_in = nullptr;  ///< from the target's kind to the kernel's, if they differ, and back
  const kernels::Kernel* cast_out = nullptr;
  const Picks& picks;
  const Rows& rows;
  char* to;
  const char* from;
};

/// The kernel on n elements of the target, which are cast to its kind and back if they have another.
void run(const Updates& u, char* to, std::ptrdiff_t to_step, char* from, std::ptrdiff_t from_step, std::ptrdiff_t n) {
  const bool binary = u.kernel.inputs == 2;
  const auto on = [&](char* target, std::ptrdiff_t step, char* value, std::ptrdiff_t count) {
    char* const data[] = {target, binary ? value : target, target};
    const std::ptrdiff_t steps[] = {step, binary ? from_step : step, step};
    program::run_single(u.kernel, data, count, steps);
  };
  if (u.cast_in == nullptr) return on(to, to_step, from, n);
  constexpr std::ptrdiff_t kPiece = 64, kWidest = 32;
  alignas(16) char piece[kPiece * kWidest];
  const std::ptrdiff_t size = itemsize_of(u.kernel.kinds[0]);
  for (; n > 0; to += kPiece * to_step, from += kPiece * from_step, n -= kPiece) {
    const std::ptrdiff_t count = std::min(kPiece, n);
    char* const in[] = {to, piece};
    const std::ptrdiff_t in_steps[] = {to_step, size};
    program::run_single(*u.cast_in, in, count, in_steps);
    on(piece, size, from, count);
    char* const out[] = {piece, to};
    const std::ptrdiff_t out_steps[] = {size, to_step};
    program::run_single(*u.cast_out, out, count, out_steps);
  }
}

/// The kernel on one row: on each run of its last axis.
void update_row(const Updates& u, char* to, const char* from) {
  const Shape& shape = u.rows.inner;
  auto* value = const_cast<char*>(from);  // which kernels only read
  if (shape.empty()) return run(u, to, 0, value, 0, 1);
  const std::size_t last = shape.size() - 1;
  Shape outer = shape;
  Strides to_strides = u.rows.picked_inner, from_strides = u.rows.plain_inner;
  outer.pop_back(), to_strides.pop_back(), from_strides.pop_back();
  const Runs to_walk(outer, to_strides), from_walk(outer, from_strides);
  for (std::int64_t i = 0; i < element_count(outer); ++i) {
    run(u, to + to_walk.offset(i), u.rows.picked_inner[last], value + from_walk.offset(i), u.rows.plain_inner[last],
        shape[last]);
  }
}

/// One writer's updates; the flags they raised.
unsigned update_part(const Updates& u, const Shares& shares, int part) {
  std::int64_t to_offsets[kChunk], from_offsets[kChunk];
  const std::int64_t positions = u.picks.size();
  (void)program::take_float_flags();
  for (std::int64_t first = 0; first < positions; first += kChunk) {
    std::int64_t n = std::min(kChunk, positions - first);
    if (!u.picks.offsets(first, n, to_offsets)) break;  // not after the check
    std::int64_t* next = from_offsets;
    u.rows.plain.over(first, n, [&](std::int64_t offset, std::int64_t run) {
      for (std::int64_t i = 0; i < run; ++i) *next++ = offset + i * u.rows.plain.step();
    });
    if (shares.count() > 1) n = shares.keep(part, to_offsets, from_offsets, n);
    if (u.single != nullptr && u.rows.inner.empty()) {
      u.single(u.to, to_offsets, u.from, from_offsets, n);
    } else {
      for (std::int64_t i = 0; i < n; ++i) update_row(u, u.to + to_offsets[i], u.from + from_offsets[i]);
    }
  }
  return program::take_float_flags();
}

}  // namespace

void apply_at(Op op, const kernels::Kernel& kernel, const Array& a, std::span<const IndexPart> index,
              const Operand* value, Site site, unsigned* flags) {
  Selection s = select(a, index, &a);
  const Scalar nothing{kernel.kinds[0], {}};
  const Reading from(value != nullptr ? *value : nothing, DType(kernel.kinds[value != nullptr ? 1 : 0]), &a, site);
  s.picks.check();
  Rows rows;
  try {
    rows = rows_of(s, from.view());
  } catch (const ValueError&) {
    throw ValueError("array is not broadcastable to correct shape");
  }
  if (s.picks.size() == 0 || element_count(s.inner) == 0) return;

  const Access to = access_for_write(s.base);
  const Kind own = a.dtype().kind, computed = kernel.kinds[0];
  const bool casts = own != computed;
  const bool plain = !casts && kernel.inputs == 2 && kernel.kinds[1] == computed;
  const Updates updates{kernel,
                        plain ? update_for(op, computed) : nullptr,
                        casts ? kernels::cast(own, computed) : nullptr,
                        casts ? kernels::cast(kernel.kinds[kernel.inputs], own) : nullptr,
                        s.picks,
                        rows,
                        to.layout().data,
                        from.data()};
  const bool alone = threads() == 1 || s.picks.size() * element_count(s.inner) < small_limit();
  const Shares shares(alone ? 1 : threads());
  std::atomic<unsigned> raised{0};
  if (alone) {
    raised = update_part(updates, shares, 0);
  } else {
    run_parts(shares.count(), [&](int part) { raised |= update_part(updates, shares, part); });
  }
  if (flags != nullptr) {
    *flags = raised;
  } else if (raised != 0 && kernel.sets_float_flags) {
    Workspace::instance().raised(raised, site);
  }
}

}  // namespace distob::array

// Scans: one dependent step after the other, so a single scan takes the latency of its operation for each element. Several
// that are independent of each other overlap.
#include <array>
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/steps.h"

namespace distob::kernels {
namespace {

using namespace steps;

template <class F, class T>
void run(const char* in, std::ptrdiff_t in_stride, char* out, std::ptrdiff_t out_stride, std::ptrdiff_t n,
         const char* carry) {
  if (n == 0) return;
  T total;
  std::memcpy(&total, carry != nullptr ? carry : in, sizeof(T));
  if (carry == nullptr) {
    std::memcpy(out, &total, sizeof(T));
    in += in_stride;
    out += out_stride;
    --n;
  }
  for (; n > 0; --n, in += in_stride, out += out_stride) {
    T next;
    std::memcpy(&next, in, sizeof(T));
    total = F()(total, next);
    std::memcpy(out, &total, sizeof(T));
  }
}

/// Four scans side by side.
template <class F, class T>
void run_four(const char* in, char* out, std::ptrdiff_t n, const char* carries) {
  constexpr std::ptrdiff_t kSize = sizeof(T);
  std::array<T, 4> totals;
  std::memcpy(totals.data(), carries, sizeof(totals));
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < totals.size(); ++k) {
      const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(k) * n + i) * kSize;
      T next;
      std::memcpy(&next, in + at, sizeof(T));
      totals[k] = F()(totals[k], next);
      std::memcpy(out + at, &totals[k], sizeof(T));
    }
  }
}

template <class F, class T>
void run_blocks(const char* in, char* out, std::ptrdiff_t n, std::ptrdiff_t blocks, const char* carries,
                bool first_is_fresh) {
  constexpr std::ptrdiff_t kSize = sizeof(T);
  std::ptrdiff_t block = 0;
  if (first_is_fresh && blocks > 0) {
    run<F, T>(in, kSize, out, kSize, n, nullptr);
    block = 1;
  }
  for (; block + 4 <= blocks; block += 4) {
    run_four<F, T>(in + block * n * kSize, out + block * n * kSize, n, carries + block * kSize);
  }
  for (; block < blocks; ++block) {
    run<F, T>(in + block * n * kSize, kSize, out + block * n * kSize, kSize, n, carries + block * kSize);
  }
}

template <class F, class T>
const Scan* one() {
  static constexpr Scan scan{run<F, T>, run_blocks<F, T>};
  return &scan;
}

template <class F>
const Scan* of_integers(Kind kind) {
  switch (kind) {
    case Kind::Int8: return one<F, std::int8_t>();
    case Kind::UInt8: return one<F, std::uint8_t>();
    case Kind::Int16: return one<F, std::int16_t>();
    case Kind::UInt16: return one<F, std::uint16_t>();
    case Kind::Int32: return one<F, std::int32_t>();
    case Kind::UInt32: return one<F, std::uint32_t>();
    case Kind::Int64: return one<F, std::int64_t>();
    case Kind::UInt64: return one<F, std::uint64_t>();
    default: return nullptr;
  }
}

template <class F>
const Scan* of_numbers(Kind kind) {
  switch (kind) {
    case Kind::Float16: return one<OnHalves<F>, Half>();
    case Kind::Float32: return one<F, float>();
    case Kind::Float64: return one<F, double>();
    case Kind::LongDouble: return one<F, long double>();
    case Kind::Complex64: return one<F, Complex<float>>();
    case Kind::Complex128: return one<F, Complex<double>>();
    case Kind::CLongDouble: return one<F, Complex<long double>>();
    default: return of_integers<F>(kind);
  }
}

/// For bools `OfBools`, for numbers `F`.
template <class F, class OfBools>
const Scan* of_all(Kind kind) {
  return kind == Kind::Bool ? one<OfBools, std::uint8_t>() : of_numbers<F>(kind);
}
template <class F>
const Scan* of_bits(Kind kind) {
  return kind == Kind::Bool ? one<F, std::uint8_t>() : of_integers<F>(kind);
}
template <class F>
const Scan* of_bools(Kind kind) {
  return kind == Kind::Bool ? one<F, std::uint8_t>() : nullptr;
}

}  // namespace

const Scan* scan(Op op, Kind kind) {
  switch (op) {
    case Op::add: return of_all<Add, Or>(kind);
    case Op::multiply: return of_all<Multiply, And>(kind);
    case Op::subtract: return of_numbers<Subtract>(kind);
    case Op::maximum: return of_all<Maximum, Or>(kind);
    case Op::minimum: return of_all<Minimum, And>(kind);
    case Op::fmax: return of_all<FMax, Or>(kind);
    case Op::fmin: return of_all<FMin, And>(kind);
    case Op::bitwise_and: return of_bits<And>(kind);
    case Op::bitwise_or: return of_bits<Or>(kind);
    case Op::bitwise_xor: return of_bits<Xor>(kind);
    case Op::logical_and: return of_bools<And>(kind);
    case Op::logical_or: return of_bools<Or>(kind);
    case Op::logical_xor: return of_bools<Xor>(kind);
    default: return nullptr;
  }
}

std::optional<ReduceOp> reduction_by(Op op) {
  switch (op) {
    case Op::add: return ReduceOp::sum;
    case Op::multiply: return ReduceOp::prod;
    case Op::minimum: return ReduceOp::min;
    case Op::maximum: return ReduceOp::max;
    case Op::logical_or: return ReduceOp::any;
    case Op::logical_and: return ReduceOp::all;
    case Op::logical_xor: return ReduceOp::logical_xor;
    case Op::bitwise_and: return ReduceOp::bitwise_and;
    case Op::bitwise_or: return ReduceOp::bitwise_or;
    case Op::bitwise_xor: return ReduceOp::bitwise_xor;
    case Op::fmin: return ReduceOp::fmin;
    case Op::fmax: return ReduceOp::fmax;
    default: return std::nullopt;
  }
}

}  // namespace distob::kernels

#include "array/random.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

#include "array/generate.h"
#include "distob/errors.h"
#include "program/program.h"

namespace distob::array {
namespace {

using kernels::Op;
using kernels::PhiloxStream;

constexpr std::int64_t kBlocks = 256;  // made at once: the words and what is computed of them stay in the first cache

template <class T>
constexpr std::int64_t kPerBlock = 16 / static_cast<std::int64_t>(sizeof(T));

// out = op(in), or out = op(a, b), of n elements.
template <class T>
void compute(Op op, const T* in, T* out, std::int64_t n) {
  const Kind kinds[] = {kind_of<T>};
  char* data[] = {reinterpret_cast<char*>(const_cast<T*>(in)), reinterpret_cast<char*>(out)};
  const std::ptrdiff_t strides[] = {sizeof(T), sizeof(T)};
  program::run_single(*kernels::find(op, kinds), data, n, strides);
}

// In [0, 1), every multiple of 2**-53 or 2**-24.
double unit(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1.0p-53; }
float unit(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1.0p-24F; }
// In (0, 1]: what a logarithm may be taken of.
double positive_unit(std::uint64_t word) { return static_cast<double>((word >> 11) + 1) * 0x1.0p-53; }
float positive_unit(std::uint32_t word) { return (static_cast<float>(word) + 1) * 0x1.0p-32F; }

template <class T>
using Word = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

// -log(u) of n words.
template <class T>
void negative_logarithms(const Word<T>* words, std::int64_t n, std::int64_t step, T* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = positive_unit(words[i * step]);
  compute(Op::log, out, out, n);
  for (std::int64_t i = 0; i < n; ++i) out[i] = T(0) - out[i];
}

template <class T>
void make(Draw draw, const Word<T>* words, std::int64_t n, T* out) {
  switch (draw) {
    case Draw::uniform:
      for (std::int64_t i = 0; i < n; ++i) out[i] = unit(words[i]);
      return;
    case Draw::exponential: negative_logarithms<T>(words, n, 1, out); return;
    case Draw::normal: break;
  }
  // Pairs of words to pairs of numbers: a radius and an angle.
  constexpr std::int64_t kPairs = kBlocks * kPerBlock<T> / 2;
  const std::int64_t pairs = n / 2;
  T radius[kPairs], angle[kPairs], sine[kPairs], cosine[kPairs];
  negative_logarithms<T>(words, pairs, 2, radius);
  for (std::int64_t i = 0; i < pairs; ++i) {
    radius[i] = std::sqrt(2 * radius[i]);
    angle[i] = (2 * std::numbers::pi_v<T>)*unit(words[2 * i + 1]);
  }
  compute(Op::cos, angle, cosine, pairs);
  compute(Op::sin, angle, sine, pairs);
  for (std::int64_t i = 0; i < pairs; ++i) {
    out[2 * i] = radius[i] * cosine[i];
    out[2 * i + 1] = radius[i] * sine[i];
  }
}

// Elements [first, first + n) of what `make(words, count, out)` makes of whole blocks.
template <class T, class Make>
void in_blocks(const PhiloxStream& stream, std::int64_t first, std::int64_t n, T* out, const Make& make) {
  constexpr std::int64_t kAtOnce = kBlocks * kPerBlock<T>;
  alignas(64) Word<T> words[kAtOnce];
  alignas(64) T edge[kAtOnce];
  for (std::int64_t at = first; at < first + n;) {
    const std::int64_t block = at / kPerBlock<T>, skipped = at % kPerBlock<T>;
    const std::int64_t count = std::min(first + n - at, kAtOnce - skipped);
    const std::int64_t blocks = (skipped + count + kPerBlock<T> - 1) / kPerBlock<T>;
    kernels::philox_blocks(stream, static_cast<std::uint64_t>(block), blocks, reinterpret_cast<std::uint32_t*>(words));
    T* to = out + (at - first);
    if (skipped == 0 && count == blocks * kPerBlock<T>) {
      make(words, count, to, at);
    } else {
      make(words, blocks * kPerBlock<T>, edge, at - skipped);
      std::memcpy(to, edge + skipped, static_cast<std::size_t>(count) * sizeof(T));
    }
    at += count;
  }
}

template <class T>
Array numbers_of(Draw draw, const Shape& shape, const PhiloxStream& stream, detail::CutPtr cut) {
  return detail::generate(
      shape, kind_of<T>, kind_of<T>, std::move(cut), [=](std::int64_t first, std::int64_t n, char* out) {
        in_blocks(
            stream, first, n, reinterpret_cast<T*>(out),
            [draw](const Word<T>* words, std::int64_t count, T* to, std::int64_t) { make(draw, words, count, to); });
      });
}

// One of range + 1 numbers for element `index`. Words that would make some numbers likelier than others are drawn again,
// from blocks that no element has as its own: their numbers carry the attempt in the upper bits.
class Interval {
 public:
  Interval(const PhiloxStream& stream, std::uint64_t range)
      : stream_(stream), count_(range + 1), unlikely_(count_ == 0 ? 0 : (0 - count_) % count_) {}

  [[nodiscard]] std::uint64_t number(std::uint64_t word, std::uint64_t index) const {
    if (count_ == 0) return word;
    for (std::uint64_t attempt = 1;; ++attempt) {
      __extension__ using Wide = unsigned __int128;
      const Wide product = Wide{word} * count_;
      if (static_cast<std::uint64_t>(product) >= unlikely_) return static_cast<std::uint64_t>(product >> 64);
      const kernels::PhiloxBlock block = kernels::philox_block(stream_, attempt << 56 | index);
      word = block[0] | std::uint64_t{block[1]} << 32;
    }
  }

 private:
  PhiloxStream stream_;
  std::uint64_t count_;     // 0: all 2**64
  std::uint64_t unlikely_;  // lower halves of products below it
};

}  // namespace

Array random_numbers(Draw draw, const Shape& shape, DType dtype, const PhiloxStream& stream,
                     const Partition* partition) {
  detail::CutPtr cut = detail::cut_for(partition, shape);
  if (dtype == DType(Kind::Float64)) return numbers_of<double>(draw, shape, stream, std::move(cut));
  if (dtype == DType(Kind::Float32)) return numbers_of<float>(draw, shape, stream, std::move(cut));
  throw TypeError("random numbers are float32 or float64, not " + dtype.name());
}

Array random_integers(std::int64_t low, std::uint64_t range, const Shape& shape, DType dtype,
                      const PhiloxStream& stream, const Partition* partition) {
  if (!is_integer(dtype.kind) && dtype.kind != Kind::Bool) {
    throw TypeError("random whole numbers are of a kind of integer, not " + dtype.name());
  }
  const Interval interval(stream, range);
  return detail::generate(
      shape, Kind::Int64, dtype, detail::cut_for(partition, shape), [=](std::int64_t first, std::int64_t n, char* out) {
        const auto make = [&](const std::uint64_t* words, std::int64_t count, std::int64_t* to, std::int64_t at) {
          for (std::int64_t i = 0; i < count; ++i) {
            to[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(low) +
                                              interval.number(words[i], static_cast<std::uint64_t>(at + i)));
          }
        };
        in_blocks(stream, first, n, reinterpret_cast<std::int64_t*>(out), make);
      });
}

Array random_uniform(const Shape& shape, DType dtype, std::uint64_t seed, const Partition* partition) {
  const PhiloxStream stream{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, 0, 0};
  return random_numbers(Draw::uniform, shape, dtype, stream, partition);
}

}  // namespace distob::array

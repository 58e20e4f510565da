#include "kernels/philox.h"

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/philox.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef DISTOB_PHILOX_CONSTANTS
#define DISTOB_PHILOX_CONSTANTS
namespace distob::kernels {
namespace {
constexpr std::uint32_t kFactor0 = 0xD2511F53U;
constexpr std::uint32_t kFactor1 = 0xCD9E8D57U;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;  // the golden ratio
constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;  // sqrt(3) - 1
constexpr int kRounds = 10;
}  // namespace
}  // namespace distob::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
void blocks(const PhiloxStream& stream, std::uint64_t first, std::ptrdiff_t n, std::uint32_t* words) {
  for (std::ptrdiff_t i = 0; i < n; ++i, words += 4) {
    const PhiloxBlock block = philox_block(stream, first + static_cast<std::uint64_t>(i));
    for (std::size_t j = 0; j < 4; ++j) words[j] = block[j];
  }
}
#else
// A word of each of several blocks, in the lower halves of 64-bit lanes, whose upper halves are anything: products read the
// lower halves alone.
void blocks(const PhiloxStream& stream, std::uint64_t first, std::ptrdiff_t n, std::uint32_t* words) {
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> halves;
  const auto lanes = static_cast<std::ptrdiff_t>(hn::Lanes(d));
  const auto product = [&](auto a, auto b)
                           HWY_ATTR { return hn::MulEven(hn::BitCast(halves, a), hn::BitCast(halves, b)); };
  const auto factor0 = hn::Set(d, kFactor0), factor1 = hn::Set(d, kFactor1);
  const auto low = hn::Set(d, 0xFFFFFFFFU);
  std::ptrdiff_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto number = hn::Iota(d, first + static_cast<std::uint64_t>(i));
    auto c0 = number, c1 = hn::ShiftRight<32>(number);
    auto c2 = hn::Set(d, std::uint64_t{stream.use}), c3 = hn::Set(d, std::uint64_t{stream.more_key});
    std::uint32_t key0 = stream.key[0], key1 = stream.key[1];
    for (int round = 0; round < kRounds; ++round) {
      const auto a = product(c0, factor0), b = product(c2, factor1);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(b), c1), hn::Set(d, std::uint64_t{key0}));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(a), c3), hn::Set(d, std::uint64_t{key1}));
      c1 = b;
      c3 = a;
      key0 += kWeyl0;
      key1 += kWeyl1;
    }
    const auto front = hn::Or(hn::And(c0, low), hn::ShiftLeft<32>(c1));
    const auto back = hn::Or(hn::And(c2, low), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(front, back, d, reinterpret_cast<std::uint64_t*>(words + 4 * i));
  }
  for (; i < n; ++i) {
    const PhiloxBlock block = philox_block(stream, first + static_cast<std::uint64_t>(i));
    for (std::size_t j = 0; j < 4; ++j) words[4 * i + static_cast<std::ptrdiff_t>(j)] = block[j];
  }
}
#endif

}  // namespace
}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
HWY_EXPORT(blocks);

PhiloxBlock philox(PhiloxBlock c, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t a = std::uint64_t{kFactor0} * c[0];
    const std::uint64_t b = std::uint64_t{kFactor1} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return c;
}

void philox_blocks(const PhiloxStream& stream, std::uint64_t first, std::ptrdiff_t n, std::uint32_t* words) {
  HWY_DYNAMIC_DISPATCH(blocks)(stream, first, n, words);
}

}  // namespace distob::kernels
#endif

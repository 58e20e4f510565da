// Moves for each instruction set: compilers make vectors of some of the loops, Highway of those that close gaps.
#include "kernels/moving.h"

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/moving.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <bit>
#include <cstring>

#include "kernels/table.h"

#ifndef DISTOB_KERNELS_MOVING_MOVES
#define DISTOB_KERNELS_MOVING_MOVES
namespace distob::kernels {
namespace {
/// The functions that differ between instruction sets; by log2 of the element's size where there are several.
struct Moves {
  bool (*add_offsets)(const std::int64_t*, std::ptrdiff_t, std::int64_t, std::int64_t, std::int64_t*);
  std::ptrdiff_t (*keep_part)(std::int64_t*, std::int64_t*, std::ptrdiff_t, int, std::int64_t, std::int64_t);
  std::int64_t (*count_true)(const std::uint8_t*, std::ptrdiff_t);
  void (*true_positions)(const std::uint8_t*, std::int64_t, std::int64_t, std::int64_t*);
  void (*compress[4])(const std::uint8_t* mask, const char* from, std::int64_t count, char* to);
  void (*blend[4])(const std::uint8_t* mask, const char* from, std::ptrdiff_t from_step, std::ptrdiff_t n, char* to);
};
}  // namespace
}  // namespace distob::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using std::ptrdiff_t;

bool add_offsets(const std::int64_t* indices, ptrdiff_t n, std::int64_t extent, std::int64_t step, std::int64_t* sums) {
  std::int64_t outside = 0;  // negative where an index is
  for (ptrdiff_t i = 0; i < n; ++i) {
    const std::int64_t index = indices[i] + (indices[i] < 0 ? extent : 0);
    outside |= index | (extent - 1 - index);
    // Without a sign nothing overflows where an index lies outside.
    sums[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[i]) +
                                        static_cast<std::uint64_t>(index) * static_cast<std::uint64_t>(step));
  }
  return outside >= 0;
}

ptrdiff_t keep_part(std::int64_t* to, std::int64_t* from, ptrdiff_t n, int shift, std::int64_t mask,
                    std::int64_t part) {
  ptrdiff_t kept = 0, i = 0;
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  const hn::ScalableTag<std::int64_t> d;
  const auto lanes = static_cast<ptrdiff_t>(hn::Lanes(d));
  const auto bits = hn::Set(d, mask), mine = hn::Set(d, part);
  // Vectors are stored whole, but never beyond what was read.
  for (; i + lanes <= n; i += lanes) {
    const auto targets = hn::LoadU(d, to + i), sources = hn::LoadU(d, from + i);
    const auto keep = hn::Eq(hn::And(hn::ShiftRightSame(targets, shift), bits), mine);
    hn::CompressStore(targets, keep, d, to + kept);
    kept += static_cast<ptrdiff_t>(hn::CompressStore(sources, keep, d, from + kept));
  }
#endif
  for (; i < n; ++i) {
    const std::int64_t target = to[i], source = from[i];
    to[kept] = target;
    from[kept] = source;
    kept += ((target >> shift) & mask) == part ? 1 : 0;
  }
  return kept;
}

std::int64_t count_true(const std::uint8_t* mask, ptrdiff_t n) {
  constexpr ptrdiff_t kLanes = 64, kMost = 255;  // what a byte can count to: sums of bytes are the widest vectors
  std::int64_t count = 0;
  while (n >= kLanes) {
    const ptrdiff_t rows = n / kLanes < kMost ? n / kLanes : kMost;
    std::uint8_t sums[kLanes] = {};
    for (ptrdiff_t row = 0; row < rows; ++row) {
      for (ptrdiff_t i = 0; i < kLanes; ++i)
        sums[i] = static_cast<std::uint8_t>(sums[i] + (mask[row * kLanes + i] != 0));
    }
    for (const std::uint8_t sum : sums) count += sum;
    mask += rows * kLanes;
    n -= rows * kLanes;
  }
  for (ptrdiff_t i = 0; i < n; ++i) count += mask[i] != 0;
  return count;
}

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
// The lanes whose byte is not zero.
template <class D>
auto mask_of(D d, const std::uint8_t* mask) {
  const hn::Rebind<std::uint8_t, D> d8;
  const auto bytes = hn::LoadU(d8, mask);
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    const hn::Rebind<std::uint32_t, D> d32;
    return hn::Ne(hn::PromoteTo(d, hn::PromoteTo(d32, bytes)), hn::Zero(d));
  } else {
    return hn::Ne(hn::PromoteTo(d, bytes), hn::Zero(d));
  }
}
#endif

// Whether an element counts is not predictable, so it is always stored, and the next one over it if it did not. Vectors are
// stored whole while that many elements are still to come.
template <class T>
void compress(const std::uint8_t* mask, const char* from, std::int64_t count, char* to) {
  std::int64_t kept = 0, i = 0;
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  if constexpr (sizeof(T) >= 4) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    for (; kept + lanes <= count; i += lanes) {
      const auto items = hn::LoadU(d, reinterpret_cast<const T*>(from) + i);
      kept +=
          static_cast<std::int64_t>(hn::CompressStore(items, mask_of(d, mask + i), d, reinterpret_cast<T*>(to) + kept));
    }
  }
#endif
  for (; kept < count; ++i) {
    std::memcpy(to + kept * static_cast<std::int64_t>(sizeof(T)), from + i * static_cast<std::int64_t>(sizeof(T)),
                sizeof(T));
    kept += mask[i] != 0;
  }
}

void true_positions(const std::uint8_t* mask, std::int64_t first, std::int64_t count, std::int64_t* out) {
  std::int64_t kept = 0, i = 0;
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  const hn::ScalableTag<std::uint64_t> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto positions = hn::Iota(d, static_cast<std::uint64_t>(first));
  const auto step = hn::Set(d, static_cast<std::uint64_t>(lanes));
  for (; kept + lanes <= count; i += lanes) {
    kept += static_cast<std::int64_t>(
        hn::CompressStore(positions, mask_of(d, mask + i), d, reinterpret_cast<std::uint64_t*>(out) + kept));
    positions = hn::Add(positions, step);
  }
#endif
  for (; kept < count; ++i) {
    out[kept] = first + i;
    kept += mask[i] != 0;
  }
}

template <class T>
void blend(const std::uint8_t* mask, const char* from, ptrdiff_t from_step, ptrdiff_t n, char* to) {
  const auto one = [](const char* p) {
    T value;
    std::memcpy(&value, p, sizeof(T));
    return value;
  };
  const auto size = static_cast<ptrdiff_t>(sizeof(T));
  if (from_step == 0) {
    const T value = one(from);
    for (ptrdiff_t i = 0; i < n; ++i) {
      const T result = mask[i] != 0 ? value : one(to + i * size);
      std::memcpy(to + i * size, &result, sizeof(T));
    }
    return;
  }
  for (ptrdiff_t i = 0; i < n; ++i) {
    const T value = one(from + i * size), old = one(to + i * size);
    const T result = mask[i] != 0 ? value : old;
    std::memcpy(to + i * size, &result, sizeof(T));
  }
}

Moves moves_here() {
  using std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t;
  return {add_offsets,
          keep_part,
          count_true,
          true_positions,
          {compress<uint8_t>, compress<uint16_t>, compress<uint32_t>, compress<uint64_t>},
          {blend<uint8_t>, blend<uint16_t>, blend<uint32_t>, blend<uint64_t>}};
}

}  // namespace
}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace distob::kernels {
namespace {

HWY_EXPORT(moves_here);

Moves& moves() {
  static Moves chosen = HWY_DYNAMIC_DISPATCH(moves_here)();
  return chosen;
}

/// How many scattered writes are asked for before they are made: a processor waits for few of its stores at a time, and for
/// many more of its prefetches.
constexpr std::ptrdiff_t kAhead = 64;

/// An element of a size known when this is compiled: the compiler makes one or two moves of its copies.
template <std::size_t kItemsize>
struct Item {
  static constexpr std::size_t size = kItemsize;
  static void copy(char* to, const char* from) { std::memcpy(to, from, kItemsize); }
};
/// Any other.
struct AnyItem {
  std::size_t size;
  void copy(char* to, const char* from) const { std::memcpy(to, from, size); }
};

/// Calls `body` with the kind of element that `itemsize` is.
template <class Body>
void for_item(std::size_t itemsize, Body&& body) {
  switch (itemsize) {
    case 1: return body(Item<1>());
    case 2: return body(Item<2>());
    case 4: return body(Item<4>());
    case 8: return body(Item<8>());
    case 16: return body(Item<16>());
    case 32: return body(Item<32>());
    default: return body(AnyItem{itemsize});
  }
}

}  // namespace

void fill_moving(Table&) { moves() = HWY_DYNAMIC_DISPATCH(moves_here)(); }

bool add_offsets(const std::int64_t* indices, std::ptrdiff_t n, std::int64_t extent, std::int64_t step,
                 std::int64_t* sums) {
  return moves().add_offsets(indices, n, extent, step, sums);
}

std::ptrdiff_t keep_part(std::int64_t* to, std::int64_t* from, std::ptrdiff_t n, int shift, std::int64_t mask,
                         std::int64_t part) {
  return moves().keep_part(to, from, n, shift, mask, part);
}

std::int64_t count_true(const std::uint8_t* mask, std::ptrdiff_t n) { return moves().count_true(mask, n); }

void true_positions(const std::uint8_t* mask, std::int64_t first, std::int64_t count, std::int64_t* out) {
  moves().true_positions(mask, first, count, out);
}

void take_items(const char* from, const std::int64_t* offsets, std::ptrdiff_t n, char* to, std::ptrdiff_t step,
                std::size_t itemsize) {
  for_item(itemsize, [&](auto item) {
    for (std::ptrdiff_t i = 0; i < n; ++i) item.copy(to + i * step, from + offsets[i]);
  });
}

void move_items(char* to, const std::int64_t* to_offsets, const char* from, const std::int64_t* from_offsets,
                std::ptrdiff_t n, std::size_t itemsize) {
  for_item(itemsize, [&](auto item) {
    std::ptrdiff_t i = 0;
    for (; i + kAhead < n; ++i) {
      __builtin_prefetch(to + to_offsets[i + kAhead], 1);
      item.copy(to + to_offsets[i], from + from_offsets[i]);
    }
    for (; i < n; ++i) item.copy(to + to_offsets[i], from + from_offsets[i]);
  });
}

void copy_items(const char* from, std::ptrdiff_t from_step, std::ptrdiff_t n, char* to, std::ptrdiff_t to_step,
                std::size_t itemsize) {
  const auto size = static_cast<std::ptrdiff_t>(itemsize);
  if (from_step == size && to_step == size) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * itemsize);
    return;
  }
  for_item(itemsize, [&](auto item) {
    for (std::ptrdiff_t i = 0; i < n; ++i) item.copy(to + i * to_step, from + i * from_step);
  });
}

void copy_items_where(const char* mask, std::ptrdiff_t mask_step, const char* from, std::ptrdiff_t from_step,
                      std::ptrdiff_t n, char* to, std::ptrdiff_t to_step, std::size_t itemsize) {
  const auto size = static_cast<std::ptrdiff_t>(itemsize);
  if (mask_step == 1 && to_step == size && (from_step == size || from_step == 0)) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(mask);
    if (itemsize == 1 || itemsize == 2 || itemsize == 4 || itemsize == 8)
      return moves().blend[std::countr_zero(itemsize)](bytes, from, from_step, n, to);
  }
  for_item(itemsize, [&](auto item) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      if (mask[i * mask_step] != 0) item.copy(to + i * to_step, from + i * from_step);
    }
  });
}

void compress_items(const std::uint8_t* mask, const char* from, std::int64_t count, char* to, std::size_t itemsize) {
  if (itemsize == 1 || itemsize == 2 || itemsize == 4 || itemsize == 8)
    return moves().compress[std::countr_zero(itemsize)](mask, from, count, to);
  for_item(itemsize, [&](auto item) {
    const auto size = static_cast<std::int64_t>(item.size);
    std::int64_t kept = 0;
    for (std::int64_t i = 0; kept < count; ++i) {
      item.copy(to + kept * size, from + i * size);
      kept += mask[i] != 0;
    }
  });
}

}  // namespace distob::kernels
#endif

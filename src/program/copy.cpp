#include "program/copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "kernels/moving.h"

namespace distob::program {
namespace {

using Row = void (*)(char* to, std::int64_t to_stride, const char* from, std::int64_t from_stride, std::int64_t n,
                     std::int64_t itemsize);

template <std::size_t Size>
void copy_row(char* to, std::int64_t to_stride, const char* from, std::int64_t from_stride, std::int64_t n,
              std::int64_t) {
  constexpr auto size = static_cast<std::int64_t>(Size);
  struct Element {
    char bytes[Size];
  } element;
  if (from_stride == size && to_stride == size) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * Size);
  } else if (to_stride == size) {
    // A constant stride on one side lets the compiler gather four loads into one store.
    for (std::int64_t i = 0; i < n; ++i) {
      std::memcpy(&element, from + i * from_stride, Size);
      std::memcpy(to + i * size, &element, Size);
    }
  } else if (from_stride == size) {
    for (std::int64_t i = 0; i < n; ++i) {
      std::memcpy(&element, from + i * size, Size);
      std::memcpy(to + i * to_stride, &element, Size);
    }
  } else {
    for (std::int64_t i = 0; i < n; ++i) {
      std::memcpy(&element, from + i * from_stride, Size);
      std::memcpy(to + i * to_stride, &element, Size);
    }
  }
}

void copy_row_of_any(char* to, std::int64_t to_stride, const char* from, std::int64_t from_stride, std::int64_t n,
                     std::int64_t itemsize) {
  for (std::int64_t i = 0; i < n; ++i) {
    std::memcpy(to + i * to_stride, from + i * from_stride, static_cast<std::size_t>(itemsize));
  }
}

Row row_for(std::int64_t itemsize) {
  switch (itemsize) {
    case 1: return copy_row<1>;
    case 2: return copy_row<2>;
    case 4: return copy_row<4>;
    case 8: return copy_row<8>;
    case 16: return copy_row<16>;
    case 32: return copy_row<32>;
    default: return copy_row_of_any;
  }
}

/// One axis of a copy.
struct Axis {
  std::int64_t extent, to, from, mask;
};

/// The axes that move, the fastest last, neighbours merged where both sides allow it. Returns their number.
std::size_t plan(const Dims& extents, const std::int64_t* to, const std::int64_t* from, const std::int64_t* mask,
                 Axis* axes) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 1) continue;
    const Axis axis{extents[i], to[i], from[i], mask != nullptr ? mask[i] : 0};
    if (count > 0) {
      Axis& outer = axes[count - 1];
      if (outer.to == axis.to * axis.extent && outer.from == axis.from * axis.extent &&
          outer.mask == axis.mask * axis.extent) {
        outer = {outer.extent * axis.extent, axis.to, axis.from, axis.mask};
        continue;
      }
    }
    axes[count++] = axis;
  }
  if (count == 0) axes[count++] = {1, 0, 0, 0};
  // The innermost loop follows the side whose memory is larger and colder; the other one is a register in the first cache.
  // Both candidates are the axis where that side is contiguous: the one with the least sum of strides, if it is long.
  std::size_t fastest = count - 1;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const auto reach = [&](std::size_t axis) { return std::abs(axes[axis].to) + std::abs(axes[axis].from); };
    if (axes[i].extent >= 8 && reach(i) < reach(fastest)) fastest = i;
  }
  std::swap(axes[fastest], axes[count - 1]);
  return count;
}

bool nothing(const Dims& extents) { return std::find(extents.begin(), extents.end(), 0) != extents.end(); }

template <class InnerRow>
void walk(const Axis* axes, std::size_t count, char* to, const char* from, const char* mask, InnerRow&& row) {
  std::int64_t at[Dims::kMaxRank] = {};
  while (true) {
    row(to, from, mask);
    std::size_t i = count - 1;
    while (true) {
      if (i == 0) return;
      --i;
      to += axes[i].to, from += axes[i].from, mask += axes[i].mask;
      if (++at[i] < axes[i].extent) break;
      to -= axes[i].to * axes[i].extent, from -= axes[i].from * axes[i].extent, mask -= axes[i].mask * axes[i].extent;
      at[i] = 0;
    }
  }
}

}  // namespace

void copy(const Dims& extents, char* to, const std::int64_t* to_strides, const char* from,
          const std::int64_t* from_strides, std::int64_t itemsize) {
  if (nothing(extents)) return;
  Axis axes[Dims::kMaxRank];
  const std::size_t count = plan(extents, to_strides, from_strides, nullptr, axes);
  const Axis inner = axes[count - 1];
  const Row row = row_for(itemsize);
  walk(axes, count, to, from, nullptr,
       [&](char* t, const char* f, const char*) { row(t, inner.to, f, inner.from, inner.extent, itemsize); });
}

void copy_where(const Dims& extents, char* to, const std::int64_t* to_strides, const char* from,
                const std::int64_t* from_strides, const char* mask, const std::int64_t* mask_strides,
                std::int64_t itemsize) {
  if (nothing(extents)) return;
  Axis axes[Dims::kMaxRank];
  const std::size_t count = plan(extents, to_strides, from_strides, mask_strides, axes);
  const Axis inner = axes[count - 1];
  walk(axes, count, to, from, mask, [&](char* t, const char* f, const char* m) {
    kernels::copy_items_where(m, inner.mask, f, inner.from, inner.extent, t, inner.to,
                              static_cast<std::size_t>(itemsize));
  });
}

#if defined(__x86_64__)

void stream(char* to, const char* from, std::int64_t bytes) {
  constexpr std::int64_t line = 64;
  const std::int64_t head =
      std::min(bytes, (line - static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(to) % line)) % line);
  std::memcpy(to, from, static_cast<std::size_t>(head));
  std::int64_t at = head;
  for (; at + line <= bytes; at += line) {
    for (std::int64_t part = at; part < at + line; part += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + part),
                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + part)));
    }
  }
  std::memcpy(to + at, from + at, static_cast<std::size_t>(bytes - at));
}

void finish_streaming() { _mm_sfence(); }

#else

void stream(char* to, const char* from, std::int64_t bytes) { std::memcpy(to, from, static_cast<std::size_t>(bytes)); }
void finish_streaming() {}

#endif

}  // namespace distob::program

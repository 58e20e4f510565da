#include "kernels/sort.h"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/ordered.h"

namespace distob::kernels {
namespace {

/// A pair of 64-bit key and index, laid out as Highway sorts it: by the upper half first.
struct WidePair {
  std::uint64_t index;
  std::uint64_t key;
  friend bool operator<(const WidePair& a, const WidePair& b) {
    return a.key != b.key ? a.key < b.key : a.index < b.index;
  }
};
static_assert(sizeof(WidePair) == sizeof(hwy::uint128_t));

template <class T>
T* as(char* p) {
  return reinterpret_cast<T*>(p);
}
template <class T>
const T* as(const char* p) {
  return reinterpret_cast<const T*>(p);
}

// --- Merging --------------------------------------------------------------------------------------------------------

/// How many of the first `k` items of the merged sequence come from `a`: the merge path of Odeh, Green, Mwassi, Shmueli and
/// Birk, "Merge Path - Parallel Merging Made Simple" (2012).
template <class T, class Less>
std::ptrdiff_t taken_from_first(const T* a, std::ptrdiff_t a_count, const T* b, std::ptrdiff_t b_count,
                                std::ptrdiff_t k, Less less) {
  std::ptrdiff_t low = std::max<std::ptrdiff_t>(0, k - b_count);
  std::ptrdiff_t high = std::min(k, a_count);
  while (low < high) {
    const std::ptrdiff_t middle = (low + high) / 2;
    if (less(b[k - middle - 1], a[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// Two sorted runs on their way to one.
template <class T>
struct Merging {
  const T *a, *a_end, *b, *b_end;
  T* out;

  [[nodiscard]] std::ptrdiff_t safe_steps() const { return std::min(a_end - a, b_end - b); }
  template <class Less>
  void step(Less less) {
    // Arithmetic, because compilers make a branch of a condition here, which is guessed wrong half of the time.
    const std::ptrdiff_t second = less(*b, *a) ? 1 : 0;
    const T* const from = second != 0 ? b : a;
    *out++ = *from;
    a += 1 - second;
    b += second;
  }
  template <class Less>
  void finish(Less less) {
    while (a < a_end && b < b_end) step(less);
    out = std::copy(a, a_end, out);
    std::copy(b, b_end, out);
  }
};

// A step waits for the one before it, so four sequences are merged side by side.
constexpr std::ptrdiff_t kSideBySide = 4;

template <class T, class Less>
void merge_part(const T* a, std::ptrdiff_t a_count, const T* b, std::ptrdiff_t b_count, std::ptrdiff_t first,
                std::ptrdiff_t last, T* out, Less less) {
  std::array<Merging<T>, kSideBySide> lanes;
  std::ptrdiff_t k = first;
  std::ptrdiff_t i = taken_from_first(a, a_count, b, b_count, k, less);
  for (std::ptrdiff_t lane = 0; lane < kSideBySide; ++lane) {
    const std::ptrdiff_t k_end = first + (last - first) * (lane + 1) / kSideBySide;
    const std::ptrdiff_t i_end = taken_from_first(a, a_count, b, b_count, k_end, less);
    lanes[static_cast<std::size_t>(lane)] = {a + i, a + i_end, b + (k - i), b + (k_end - i_end), out + (k - first)};
    k = k_end;
    i = i_end;
  }
  auto [one, two, three, four] = lanes;
  for (;;) {
    const std::ptrdiff_t steps = std::min({one.safe_steps(), two.safe_steps(), three.safe_steps(), four.safe_steps()});
    if (steps == 0) break;
    for (std::ptrdiff_t step = 0; step < steps; ++step) {
      one.step(less);
      two.step(less);
      three.step(less);
      four.step(less);
    }
  }
  one.finish(less);
  two.finish(less);
  three.finish(less);
  four.finish(less);
}

// --- Items ----------------------------------------------------------------------------------------------------------

template <class T>
struct ByValue {
  static void sort(const void*, char* items, std::ptrdiff_t n) {
    if (n == 0) return;  // `items` may be null then
    if constexpr (sizeof(T) == 1) {
      std::array<std::ptrdiff_t, 256> counts{};
      for (std::ptrdiff_t i = 0; i < n; ++i) ++counts[static_cast<unsigned char>(items[i])];
      for (std::size_t value = 0; value < counts.size(); ++value) {
        std::memset(items, static_cast<int>(value), static_cast<std::size_t>(counts[value]));
        items += counts[value];
      }
    } else {
      thread_local const hwy::Sorter sorter;
      using Item = std::conditional_t<sizeof(T) == 16, hwy::uint128_t, T>;
      sorter(as<Item>(items), static_cast<std::size_t>(n), hwy::SortAscending());
    }
  }
  static void merge(const void*, const char* a, std::ptrdiff_t a_count, const char* b, std::ptrdiff_t b_count,
                    std::ptrdiff_t first, std::ptrdiff_t last, char* out) {
    merge_part(as<T>(a), a_count, as<T>(b), b_count, first, last, as<T>(out), [](T x, T y) { return x < y; });
  }
  static Sorter sorter() { return {sizeof(T), sort, merge}; }
};

template <class T>
struct ByOrder {
  static void sort(const void*, char* items, std::ptrdiff_t n) {
    std::stable_sort(as<T>(items), as<T>(items) + n, Before{});
  }
  static void merge(const void*, const char* a, std::ptrdiff_t a_count, const char* b, std::ptrdiff_t b_count,
                    std::ptrdiff_t first, std::ptrdiff_t last, char* out) {
    merge_part(as<T>(a), a_count, as<T>(b), b_count, first, last, as<T>(out), Before{});
  }
  static Sorter sorter() { return {sizeof(T), sort, merge}; }
};

template <class T>
struct ByElement {
  struct Less {
    const T* elements;
    bool operator()(std::int64_t i, std::int64_t j) const { return comes_before(elements[i], elements[j]); }
  };
  static void sort(const void* elements, char* items, std::ptrdiff_t n) {
    auto* indices = as<std::int64_t>(items);
    std::stable_sort(indices, indices + n, Less{static_cast<const T*>(elements)});
  }
  static void merge(const void* elements, const char* a, std::ptrdiff_t a_count, const char* b, std::ptrdiff_t b_count,
                    std::ptrdiff_t first, std::ptrdiff_t last, char* out) {
    merge_part(as<std::int64_t>(a), a_count, as<std::int64_t>(b), b_count, first, last, as<std::int64_t>(out),
               Less{static_cast<const T*>(elements)});
  }
  static Sorter sorter(const void* elements) { return {sizeof(std::int64_t), sort, merge, elements}; }
};

// --- Keys -----------------------------------------------------------------------------------------------------------

template <class T>
struct KeysOf {
  using Key = typename KeyTraits<T>::Key;
  using Bits = FloatBits<T>;
  static constexpr std::ptrdiff_t kBlock = 256;

  static std::ptrdiff_t load(const char* in, std::ptrdiff_t n, char* keys) {
    std::ptrdiff_t irregular = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const T element = as<T>(in)[i];
      const Key key = key_of(element);
      as<Key>(keys)[i] = key;
      if constexpr (KeyTraits<T>::is_float) {
        irregular += std::bit_cast<Key>(element_of<T>(key)) != std::bit_cast<Key>(element) ? 1 : 0;
      }
    }
    return irregular;
  }
  static void restore(char* keys, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      char* const at = keys + i * static_cast<std::ptrdiff_t>(sizeof(T));
      Key key;
      std::memcpy(&key, at, sizeof key);
      const T element = element_of<T>(key);
      std::memcpy(at, &element, sizeof element);
    }
  }
  static void restore_equals(const char* in, char* sorted, std::ptrdiff_t n) {
    if constexpr (KeyTraits<T>::is_float) {
      T* const elements = as<T>(sorted);
      const auto first_from = [&](Key key) {
        return std::partition_point(elements, elements + n, [key](T e) { return key_of(e) < key; });
      };
      T* zero = first_from(KeyTraits<T>::kSign);
      T* nan = first_from(static_cast<Key>(~Key{0}));
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        const T element = as<T>(in)[i];
        const auto bits = std::bit_cast<Key>(element);
        if (Bits::is_zero(bits)) *zero++ = element;
        if (Bits::is_nan(bits)) *nan++ = element;
      }
    }
  }
  static void bounds(const char* in, std::ptrdiff_t n, std::uint64_t* lowest, std::uint64_t* highest) {
    Key low = ~Key{0}, high = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const Key key = key_of(as<T>(in)[i]);
      low = std::min(low, key);
      high = std::max(high, key);
    }
    *lowest = low;
    *highest = high;
  }
  static void pair(const char* in, std::ptrdiff_t n, std::int64_t index, std::uint64_t lowest, int shift,
                   std::uint64_t* pairs) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      pairs[i] = (key_of(as<T>(in)[i]) - lowest) << shift | static_cast<std::uint64_t>(index + i);
    }
  }
  static void wide_pair(const char* in, std::ptrdiff_t n, std::int64_t index, char* pairs) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      as<WidePair>(pairs)[i] = {static_cast<std::uint64_t>(index + i), key_of(as<T>(in)[i])};
    }
  }
  static std::ptrdiff_t collect(const char* in, std::ptrdiff_t n, const KeyRanges& ranges, char* out,
                                std::int64_t* below, std::int64_t* inside) {
    T* to = as<T>(out);
    for (std::ptrdiff_t start = 0; start < n; start += kBlock) {
      const std::ptrdiff_t some = std::min(kBlock, n - start);
      const T* const elements = as<T>(in) + start;
      std::array<Key, kBlock> keys;
      std::array<bool, kBlock> wanted{};
      for (std::ptrdiff_t i = 0; i < some; ++i) keys[static_cast<std::size_t>(i)] = key_of(elements[i]);
      for (std::ptrdiff_t r = 0; r < ranges.count; ++r) {
        const auto low = static_cast<Key>(ranges.low[r]);
        const auto width = static_cast<Key>(ranges.high[r] - ranges.low[r]);
        std::int64_t less = 0, within = 0;
        for (std::size_t i = 0; i < static_cast<std::size_t>(some); ++i) {
          const bool is_within = static_cast<Key>(keys[i] - low) <= width;
          less += keys[i] < low ? 1 : 0;
          within += is_within ? 1 : 0;
          wanted[i] |= is_within;
        }
        below[r] += less;
        inside[r] += within;
      }
      for (std::ptrdiff_t i = 0; i < some; ++i) {  // written in any case, kept if wanted: no branch to guess
        *to = elements[i];
        to += wanted[static_cast<std::size_t>(i)] ? 1 : 0;
      }
    }
    return to - as<T>(out);
  }
  static std::uint64_t key(const char* element) { return key_of(*as<T>(element)); }
  static const Keys* table() {
    static constexpr Keys keys{sizeof(T), load, restore, restore_equals, bounds, pair, wide_pair, collect, key};
    return &keys;
  }
};

// --- Classes of equal elements --------------------------------------------------------------------------------------

template <class T>
bool not_a_number(T value) {
  if constexpr (std::is_same_v<T, Ticks>) {
    return value.count == std::numeric_limits<std::int64_t>::min();
  } else if constexpr (std::is_same_v<T, HalfBits>) {
    return FloatBits<T>::is_nan(value.bits);
  } else if constexpr (std::is_integral_v<T>) {
    return false;
  } else {
    return value != value;
  }
}

template <class T>
std::ptrdiff_t mark_starts(const char* sorted, std::ptrdiff_t first, std::ptrdiff_t last, bool equal_nan,
                           bool* starts) {
  const T* const elements = as<T>(sorted);
  std::ptrdiff_t count = 0;
  for (std::ptrdiff_t i = first; i < last; ++i) {
    bool differs = i == 0;
    if (i > 0) {
      const T one = elements[i - 1], two = elements[i];
      const bool numbers = !not_a_number(one) && !not_a_number(two);
      // Sorted: what does not come before the other is equal, or one of them is not a number.
      differs = numbers ? comes_before(one, two) : !(equal_nan && not_a_number(one) && not_a_number(two));
    }
    starts[i - first] = differs;
    count += differs ? 1 : 0;
  }
  return count;
}

template <std::size_t width>
void take_items(const char* elements, const std::int64_t* indices, std::ptrdiff_t n, char* out) {
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    std::memcpy(out + i * static_cast<std::ptrdiff_t>(width),
                elements + indices[i] * static_cast<std::ptrdiff_t>(width), width);
  }
}

}  // namespace

Starts starts_of(Kind kind, bool times) {
  return with_type(kind, times, []<class T>() -> Starts { return mark_starts<T>; });
}

void take(const char* elements, std::size_t itemsize, const std::int64_t* indices, std::ptrdiff_t n, char* out) {
  switch (itemsize) {
    case 1: return take_items<1>(elements, indices, n, out);
    case 2: return take_items<2>(elements, indices, n, out);
    case 4: return take_items<4>(elements, indices, n, out);
    case 8: return take_items<8>(elements, indices, n, out);
    case 16: return take_items<16>(elements, indices, n, out);
    default: return take_items<32>(elements, indices, n, out);
  }
}

Sorter sorter_of_keys(std::size_t width) {
  switch (width) {
    case 1: return ByValue<std::uint8_t>::sorter();
    case 2: return ByValue<std::uint16_t>::sorter();
    case 4: return ByValue<std::uint32_t>::sorter();
    case 8: return ByValue<std::uint64_t>::sorter();
    default: return ByValue<WidePair>::sorter();
  }
}

Sorter sorter_of_elements(Kind kind) {
  return with_type(kind, false, []<class T>() { return ByOrder<T>::sorter(); });
}

Sorter sorter_of_indices(Kind kind, const void* elements) {
  return with_type(kind, false, [elements]<class T>() { return ByElement<T>::sorter(elements); });
}

const Keys* keys_of(Kind kind, bool times) {
  return with_type(kind, times, []<class T>() -> const Keys* {
    if constexpr (has_keys<T>) {
      return KeysOf<T>::table();
    } else {
      return nullptr;
    }
  });
}

void indices_of_pairs(const char* pairs, std::ptrdiff_t n, std::int64_t* indices) {
  for (std::ptrdiff_t i = 0; i < n; ++i) indices[i] = static_cast<std::int64_t>(as<WidePair>(pairs)[i].index);
}

}  // namespace distob::kernels

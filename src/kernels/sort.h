// Sorting runs of elements and merging sorted runs: what a sort on many threads is made of.
//
// The order is NumPy's: not a number and not a time last, complex numbers by their real parts, then by the imaginary ones.
// Elements of up to 64 bits are sorted by *keys*, unsigned integers in the same order, with Highway's vectorized
// quicksort; other elements are compared.
#pragma once

#include <cstddef>
#include <cstdint>

#include "distob/dtype.h"

namespace distob::kernels {

/// How items of one type are sorted. All of it is stable: of items that compare equal the earlier one comes first.
struct Sorter {
  std::size_t itemsize = 0;
  /// Sorts `n` items in place.
  void (*sort)(const void* context, char* items, std::ptrdiff_t n) = nullptr;
  /// Writes the items [first, last) of the merged sequence of two sorted ones to `out`, where the first of them goes.
  void (*merge)(const void* context, const char* a, std::ptrdiff_t a_count, const char* b, std::ptrdiff_t b_count,
                std::ptrdiff_t first, std::ptrdiff_t last, char* out) = nullptr;
  const void* context = nullptr;  ///< what `sort` and `merge` are given
};

/// Unsigned integers as items. `width`: bytes, 1, 2, 4, 8 or 16.
[[nodiscard]] Sorter sorter_of_keys(std::size_t width);
/// Elements of a kind without keys: long double and the complex kinds. They stand contiguous, aligned and native.
[[nodiscard]] Sorter sorter_of_elements(Kind kind);
/// Indices (int64) of elements of such a kind, in the order of the elements at `elements`.
[[nodiscard]] Sorter sorter_of_indices(Kind kind, const void* elements);

/// Disjoint ranges of keys, ascending: range i is [low[i], high[i]].
struct KeyRanges {
  std::ptrdiff_t count = 0;
  const std::uint64_t* low = nullptr;
  const std::uint64_t* high = nullptr;
};

/// How elements of one kind become keys. Elements stand contiguous, aligned and native.
struct Keys {
  std::size_t width = 0;  ///< bytes of an element and of a key
  /// The keys of `n` elements. Elements that compare equal get equal keys. Returns how many of them differ from what
  /// `restore` makes of their keys: negative zeros, and what is not a number but not the usual one.
  std::ptrdiff_t (*load)(const char* in, std::ptrdiff_t n, char* keys) = nullptr;
  /// Elements in place of their keys.
  void (*restore)(char* keys, std::ptrdiff_t n) = nullptr;
  /// Puts back, in the order in which they stand in `in`, the elements that keys cannot tell apart.
  void (*restore_equals)(const char* in, char* sorted, std::ptrdiff_t n) = nullptr;
  /// The lowest and the highest key of `n` > 0 elements.
  void (*bounds)(const char* in, std::ptrdiff_t n, std::uint64_t* lowest, std::uint64_t* highest) = nullptr;
  /// Pairs of key and index in one integer, which sort by key and then by index: (key - lowest) << shift | index, in 8
  /// bytes, the indices from `index` on.
  void (*pair)(const char* in, std::ptrdiff_t n, std::int64_t index, std::uint64_t lowest, int shift,
               std::uint64_t* pairs) = nullptr;
  /// The same in 16 bytes: the key above the index.
  void (*wide_pair)(const char* in, std::ptrdiff_t n, std::int64_t index, char* pairs) = nullptr;
  /// Copies the elements of the ranges to `out`, in order, and counts for each range the elements below it and those in
  /// it. Returns how many were copied.
  std::ptrdiff_t (*collect)(const char* in, std::ptrdiff_t n, const KeyRanges& ranges, char* out, std::int64_t* below,
                            std::int64_t* inside) = nullptr;
  /// The key of one element.
  std::uint64_t (*key)(const char* element) = nullptr;
};

/// The keys of `kind`, or nullptr if it has none. `times`: int64 counts ticks, and the least of them is not a time.
[[nodiscard]] const Keys* keys_of(Kind kind, bool times = false);

/// For each of the sorted elements [first, last): whether it differs from the one before it (the first of all does).
/// `equal_nan`: all that are not a number are one. Returns how many do.
using Starts = std::ptrdiff_t (*)(const char* sorted, std::ptrdiff_t first, std::ptrdiff_t last, bool equal_nan,
                                  bool* starts);
[[nodiscard]] Starts starts_of(Kind kind, bool times = false);

/// out[i] = elements[indices[i]], of 1, 2, 4, 8, 16 or 32 bytes.
void take(const char* elements, std::size_t itemsize, const std::int64_t* indices, std::ptrdiff_t n, char* out);

/// The index in each 16 byte pair.
void indices_of_pairs(const char* pairs, std::ptrdiff_t n, std::int64_t* indices);

}  // namespace distob::kernels

// Elements that are moved and never looked at: by lists of offsets, by masks, by distance. And such lists themselves.
//
// Elements have any size; the sizes of numbers have loops of their own. No alignment is asked for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace distob::kernels {

// --- By offsets in bytes --------------------------------------------------------------------------------------------

/// to[i] = from[offsets[i]] for i < n. Results stand `step` bytes apart.
void take_items(const char* from, const std::int64_t* offsets, std::ptrdiff_t n, char* to, std::ptrdiff_t step,
                std::size_t itemsize);

/// to[to_offsets[i]] = from[from_offsets[i]] in the order of i, so of equal targets the last one stays. The two sides may
/// not overlap.
void move_items(char* to, const std::int64_t* to_offsets, const char* from, const std::int64_t* from_offsets,
                std::ptrdiff_t n, std::size_t itemsize);

/// Turns n indices into an axis of `extent` elements, negative ones from its end, into offsets: sums[i] += index * step.
/// Returns false, and leaves any sums, if one lies outside.
[[nodiscard]] bool add_offsets(const std::int64_t* indices, std::ptrdiff_t n, std::int64_t extent, std::int64_t step,
                               std::int64_t* sums);

/// Keeps of n pairs those whose `to` has the bits of `part` under `mask`, shifted right by `shift` first, in their order.
/// Returns how many.
[[nodiscard]] std::ptrdiff_t keep_part(std::int64_t* to, std::int64_t* from, std::ptrdiff_t n, int shift,
                                       std::int64_t mask, std::int64_t part);

// --- By distance ------------------------------------------------------------------------------------------------------

/// to[i] = from[i] for i < n, with a distance in bytes for each.
void copy_items(const char* from, std::ptrdiff_t from_step, std::ptrdiff_t n, char* to, std::ptrdiff_t to_step,
                std::size_t itemsize);

/// The same where the byte of the mask is not zero. Other elements may be written as well, with what they hold.
void copy_items_where(const char* mask, std::ptrdiff_t mask_step, const char* from, std::ptrdiff_t from_step,
                      std::ptrdiff_t n, char* to, std::ptrdiff_t to_step, std::size_t itemsize);

// --- By masks: bytes that are zero or not -----------------------------------------------------------------------------

/// How many of n bytes are not zero.
[[nodiscard]] std::int64_t count_true(const std::uint8_t* mask, std::ptrdiff_t n);

/// The contiguous elements whose byte in `mask` is not zero, one after the other: the first `count` of them, as many as
/// there are at least. Nothing is written beyond.
void compress_items(const std::uint8_t* mask, const char* from, std::int64_t count, char* to, std::size_t itemsize);

/// The numbers first + i for which mask[i] is not zero: the first `count` of them, as many as there are at least.
void true_positions(const std::uint8_t* mask, std::int64_t first, std::int64_t count, std::int64_t* out);

}  // namespace distob::kernels

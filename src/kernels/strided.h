// Copies between strided and contiguous elements, for any alignment.
#pragma once

#include <cstddef>

namespace distob::kernels {

/// Copies n elements of `itemsize` bytes (1, 2, 4, 8, 16 or 32) that stand `stride` bytes apart to contiguous `out`.
void gather(const char* in, std::ptrdiff_t stride, std::size_t itemsize, std::ptrdiff_t n, char* out);

/// The other way round.
void scatter(const char* in, std::size_t itemsize, std::ptrdiff_t n, char* out, std::ptrdiff_t stride);

}  // namespace distob::kernels

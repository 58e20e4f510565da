// Copies between strided memory of any rank: what load and store are made of.
#pragma once

#include <cstdint>

#include "distob/shape.h"

namespace distob::program {

/// Copies elements of `itemsize` bytes, index by index. Strides in bytes, of any sign, 0 included for `from`; no alignment.
void copy(const Dims& extents, char* to, const std::int64_t* to_strides, const char* from,
          const std::int64_t* from_strides, std::int64_t itemsize);

/// The same where the byte at `mask` (with strides of its own) is not 0.
void copy_where(const Dims& extents, char* to, const std::int64_t* to_strides, const char* from,
                const std::int64_t* from_strides, const char* mask, const std::int64_t* mask_strides,
                std::int64_t itemsize);

/// memcpy past the caches, for results larger than these. Call finish_streaming() before another thread may read them.
void stream(char* to, const char* from, std::int64_t bytes);
void finish_streaming();

}  // namespace distob::program

// The instruction sets this room is compiled for. Include before any header of Highway.
//
// On x86-64 three are enough: what every machine has (plain loops over 128 bits, which compilers turn into SSE2), AVX2
// with FMA, and AVX-512 as servers have had it since 2017. The ones between would cost compile time and
// little else. On arm64 it is NEON: reductions keep arrays of vectors, which SVE's sizeless types cannot be in.
#pragma once

#ifdef HWY_DISABLED_TARGETS
#error "include kernels/targets.h before Highway"
#endif
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

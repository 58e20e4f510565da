// The floating point flags of this thread, cheaply.
#pragma once

#include <cfenv>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace distob::kernels {

/// While it lives, arithmetic may raise flags; afterwards they are what they were before.
/// On x86-64 this concerns the flags of SSE and AVX alone, which is where all arithmetic but long double happens.
class KeepFloatFlags {
 public:
  KeepFloatFlags(const KeepFloatFlags&) = delete;
  KeepFloatFlags& operator=(const KeepFloatFlags&) = delete;
#if defined(__x86_64__)
  KeepFloatFlags() : before_(_mm_getcsr()) {}
  ~KeepFloatFlags() {
    if (_mm_getcsr() != before_) _mm_setcsr(before_);
  }

 private:
  unsigned before_;
#else
  KeepFloatFlags() { std::fegetexceptflag(&before_, FE_ALL_EXCEPT); }
  ~KeepFloatFlags() { std::fesetexceptflag(&before_, FE_ALL_EXCEPT); }

 private:
  std::fexcept_t before_;
#endif
};

}  // namespace distob::kernels

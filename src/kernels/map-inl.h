// How a function of one element, or of one vector, becomes a block. Included once for each instruction set.
//
// `map1` and `map2` take a function of elements and leave the vectors to the compiler; `vector1` and `vector2` take a
// function of Highway's vectors. Ends that do not fill a vector run in a padded one, the pad being copies of the last
// element, so an element has the same bits and raises the same flags wherever it stands.

// The guard toggles: Highway includes this file again for each instruction set.
#if defined(DISTOB_KERNELS_MAP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DISTOB_KERNELS_MAP_INL_H_
#undef DISTOB_KERNELS_MAP_INL_H_
#else
#define DISTOB_KERNELS_MAP_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/elements.h"

HWY_BEFORE_NAMESPACE();
namespace distob::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using std::ptrdiff_t;

// --- Functions of elements ----------------------------------------------------------------------------------------

/// out[i] = F()(a[i])
template <class F, class A, class R = A>
void map1(const void* const* in, void* const* out, ptrdiff_t n, unsigned) {
  const Packed<A>* a = static_cast<const Packed<A>*>(in[0]);
  Packed<R>* r = static_cast<Packed<R>*>(out[0]);
  DISTOB_INDEPENDENT_ITERATIONS
  for (ptrdiff_t i = 0; i < n; ++i) r[i] = static_cast<R>(F()(static_cast<A>(a[i])));
}

/// out[i] = F()(a[i], b[i]); either input may be a scalar.
template <class F, class A, class R = A, class B = A>
void map2(const void* const* in, void* const* out, ptrdiff_t n, unsigned scalars) {
  const Packed<A>* a = static_cast<const Packed<A>*>(in[0]);
  const Packed<B>* b = static_cast<const Packed<B>*>(in[1]);
  Packed<R>* r = static_cast<Packed<R>*>(out[0]);
  if (scalars == 0) {
    DISTOB_INDEPENDENT_ITERATIONS
    for (ptrdiff_t i = 0; i < n; ++i) r[i] = static_cast<R>(F()(static_cast<A>(a[i]), static_cast<B>(b[i])));
  } else if (scalars == 1) {
    const A x = a[0];
    DISTOB_INDEPENDENT_ITERATIONS
    for (ptrdiff_t i = 0; i < n; ++i) r[i] = static_cast<R>(F()(x, static_cast<B>(b[i])));
  } else {
    const B y = b[0];
    DISTOB_INDEPENDENT_ITERATIONS
    for (ptrdiff_t i = 0; i < n; ++i) r[i] = static_cast<R>(F()(static_cast<A>(a[i]), y));
  }
}

// --- Ends of arrays -----------------------------------------------------------------------------------------------

/// True where a masked load or store of T leaves the memory of masked lanes alone.
template <class T>
inline constexpr bool kMasksMemory = HWY_TARGET == HWY_AVX3 || (HWY_TARGET == HWY_AVX2 && sizeof(T) >= 4);

/// The element at p, of any alignment.
template <class T>
T element(const T* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

/// 1 <= count < Lanes(d) elements, then copies of the last.
template <class D, class T = hn::TFromD<D>>
hn::Vec<D> load_end(D d, const T* p, std::size_t count) {
  const T last = element(p + count - 1);
  if constexpr (hn::MaxLanes(d) == 1) {
    return hn::Set(d, last);
  } else if constexpr (kMasksMemory<T>) {
    const auto valid = hn::FirstN(d, count);
    return hn::IfThenElse(valid, hn::MaskedLoad(valid, d, p), hn::Set(d, last));
  } else {
    HWY_ALIGN T buffer[hn::MaxLanes(d)];
    hn::Store(hn::Set(d, last), d, buffer);
    std::memcpy(buffer, p, count * sizeof(T));
    return hn::Load(d, buffer);
  }
}

/// Stores the first `count` < Lanes(d) elements.
template <class D, class T = hn::TFromD<D>>
void store_end(hn::Vec<D> v, D d, T* p, std::size_t count) {
  if constexpr (hn::MaxLanes(d) == 1) {
    hn::StoreU(v, d, p);
  } else if constexpr (kMasksMemory<T>) {
    hn::BlendedStore(v, hn::FirstN(d, count), d, p);
  } else {
    HWY_ALIGN T buffer[hn::MaxLanes(d)];
    hn::Store(v, d, buffer);
    std::memcpy(p, buffer, count * sizeof(T));
  }
}

/// The first `count` <= Lanes(d) lanes of a mask as bytes 0 and 1.
template <class D>
void store_mask(D d, hn::Mask<D> mask, std::uint8_t* p, std::size_t count) {
  using T = hn::TFromD<D>;
  constexpr std::size_t kLanes = hn::MaxLanes(d);
  if constexpr (sizeof(T) == 1) {
    const hn::RebindToUnsigned<D> du;
    const auto bytes = hn::And(hn::BitCast(du, hn::VecFromMask(d, mask)), hn::Set(du, 1));
    if (count == kLanes) {
      hn::StoreU(bytes, du, p);
    } else {
      store_end(bytes, du, p, count);
    }
  } else {
    std::uint8_t bits[kLanes < 64 ? 8 : kLanes / 8] = {};
    hn::StoreMaskBits(d, mask, bits);
    if (kLanes >= 8 && count == kLanes) {
      for (std::size_t i = 0; i < kLanes / 8; ++i) std::memcpy(p + 8 * i, &kBytesOfBits[bits[i]], 8);
    } else if (kLanes < 8 && count == kLanes) {
      std::memcpy(p, &kBytesOfBits[bits[0]], kLanes);
    } else {
      for (std::size_t i = 0; i < count; ++i) p[i] = bits[i / 8] >> (i % 8) & 1;
    }
  }
}

/// What a function of vectors gives is stored: a vector as elements, a mask as bools.
template <class D, class V>
void store_result(D d, V value, void* out, std::size_t at, std::size_t count) {
  if constexpr (std::is_same_v<V, hn::Vec<D>>) {
    auto* p = static_cast<hn::TFromD<D>*>(out) + at;
    if (count == hn::Lanes(d)) {
      hn::StoreU(value, d, p);
    } else {
      store_end(value, d, p, count);
    }
  } else {
    store_mask(d, value, static_cast<std::uint8_t*>(out) + at, count);
  }
}

// --- Functions of vectors -----------------------------------------------------------------------------------------

/// Stores compute(i) for whole vectors at i = 0, lanes, ... and returns where the end begins. Four at a time: a pass over
/// the first cache is otherwise limited by the loop's own instructions.
template <class D, class Compute>
HWY_INLINE std::size_t for_vectors(D d, void* out, std::size_t count, const Compute& compute) {
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    store_result(d, compute(i), out, i, lanes);
    store_result(d, compute(i + lanes), out, i + lanes, lanes);
    store_result(d, compute(i + 2 * lanes), out, i + 2 * lanes, lanes);
    store_result(d, compute(i + 3 * lanes), out, i + 3 * lanes, lanes);
  }
  for (; i + lanes <= count; i += lanes) store_result(d, compute(i), out, i, lanes);
  return i;
}

/// out[i] = F()(d, a[i])
template <class F, class T>
void vector1(const void* const* in, void* const* out, ptrdiff_t n, unsigned) {
  const hn::ScalableTag<T> d;
  const T* a = static_cast<const T*>(in[0]);
  const std::size_t count = static_cast<std::size_t>(n);
  const std::size_t i =
      for_vectors(d, out[0], count, [=](std::size_t at) HWY_ATTR { return F()(d, hn::LoadU(d, a + at)); });
  if (i < count) store_result(d, F()(d, load_end(d, a + i, count - i)), out[0], i, count - i);
}

/// out[i] = F()(d, a[i], b[i]); either input may be a scalar.
template <class F, class T>
void vector2(const void* const* in, void* const* out, ptrdiff_t n, unsigned scalars) {
  const hn::ScalableTag<T> d;
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  const std::size_t count = static_cast<std::size_t>(n);
  if (scalars == 0) {
    const std::size_t i = for_vectors(
        d, out[0], count, [=](std::size_t at) HWY_ATTR { return F()(d, hn::LoadU(d, a + at), hn::LoadU(d, b + at)); });
    if (i < count)
      store_result(d, F()(d, load_end(d, a + i, count - i), load_end(d, b + i, count - i)), out[0], i, count - i);
  } else if (scalars == 1) {
    const auto x = hn::Set(d, element(a));
    const std::size_t i =
        for_vectors(d, out[0], count, [=](std::size_t at) HWY_ATTR { return F()(d, x, hn::LoadU(d, b + at)); });
    if (i < count) store_result(d, F()(d, x, load_end(d, b + i, count - i)), out[0], i, count - i);
  } else {
    const auto y = hn::Set(d, element(b));
    const std::size_t i =
        for_vectors(d, out[0], count, [=](std::size_t at) HWY_ATTR { return F()(d, hn::LoadU(d, a + at), y); });
    if (i < count) store_result(d, F()(d, load_end(d, a + i, count - i), y), out[0], i, count - i);
  }
}

}  // namespace distob::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

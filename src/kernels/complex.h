// Complex numbers as the kernels compute with them: NumPy's formulas, not those of the C++ library, which tries harder
// to save infinities.
#pragma once

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

#include "kernels/elements.h"

namespace distob::kernels {

template <class T>
struct Complex {
  using Real = T;
  T re{};
  T im{};

  friend Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  friend Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
  friend Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
  /// R. L. Smith, Algorithm 116: Complex division (1962).
  friend Complex operator/(Complex a, Complex b) {
    const T re = std::fabs(b.re);
    const T im = std::fabs(b.im);
    if (re >= im) {
      if (re == 0 && im == 0) return {a.re / re, a.im / re};
      const T ratio = b.im / b.re;
      const T scale = 1 / (b.re + b.im * ratio);
      return {(a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale};
    }
    const T ratio = b.re / b.im;
    const T scale = 1 / (b.im + b.re * ratio);
    return {(a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale};
  }
  friend bool operator==(Complex a, Complex b) { return a.re == b.re && a.im == b.im; }
};

template <class T>
bool is_nan(Complex<T> a) {
  return std::isnan(a.re) || std::isnan(a.im);
}

// NumPy orders complex numbers by their real parts, then by the imaginary ones; not a number in either is unordered.
template <class T>
bool less(Complex<T> a, Complex<T> b) {
  return (std::isless(a.re, b.re) && !std::isnan(a.im) && !std::isnan(b.im)) ||
         (a.re == b.re && std::isless(a.im, b.im));
}
template <class T>
bool less_equal(Complex<T> a, Complex<T> b) {
  return (std::isless(a.re, b.re) && !std::isnan(a.im) && !std::isnan(b.im)) ||
         (a.re == b.re && std::islessequal(a.im, b.im));
}
template <class T>
Complex<T> maximum(Complex<T> a, Complex<T> b) {
  return less_equal(b, a) || is_nan(a) ? a : b;
}
template <class T>
Complex<T> minimum(Complex<T> a, Complex<T> b) {
  return less_equal(a, b) || is_nan(a) ? a : b;
}
template <class T>
Complex<T> fmax(Complex<T> a, Complex<T> b) {
  return less_equal(b, a) || is_nan(b) ? a : b;
}
template <class T>
Complex<T> fmin(Complex<T> a, Complex<T> b) {
  return less_equal(a, b) || is_nan(b) ? a : b;
}

template <class T>
std::complex<T> to_std(Complex<T> a) {
  return {a.re, a.im};
}
template <class T>
Complex<T> from_std(std::complex<T> a) {
  return {a.real(), a.imag()};
}

/// An element of any type at any address.
template <class T>
T load_element(const void* base, std::ptrdiff_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(base) + i * static_cast<std::ptrdiff_t>(sizeof(T)), sizeof(T));
  return value;
}
template <class T>
void store_element(void* base, std::ptrdiff_t i, const T& value) {
  std::memcpy(static_cast<char*>(base) + i * static_cast<std::ptrdiff_t>(sizeof(T)), &value, sizeof(T));
}

/// out[i] = F()(a[i]) for types that are no numbers of C++.
template <class F, class A, class R = A>
void map1_wide(const void* const* in, void* const* out, std::ptrdiff_t n, unsigned) {
  DISTOB_INDEPENDENT_ITERATIONS
  for (std::ptrdiff_t i = 0; i < n; ++i) store_element<R>(out[0], i, F()(load_element<A>(in[0], i)));
}

/// out[i] = F()(a[i], b[i]); either input may be a scalar.
template <class F, class A, class R = A>
void map2_wide(const void* const* in, void* const* out, std::ptrdiff_t n, unsigned scalars) {
  if (scalars == 0) {
    DISTOB_INDEPENDENT_ITERATIONS
    for (std::ptrdiff_t i = 0; i < n; ++i)
      store_element<R>(out[0], i, F()(load_element<A>(in[0], i), load_element<A>(in[1], i)));
    return;
  }
  const A scalar = load_element<A>(in[scalars == 1 ? 0 : 1], 0);
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const A element = load_element<A>(in[scalars == 1 ? 1 : 0], i);
    store_element<R>(out[0], i, scalars == 1 ? F()(scalar, element) : F()(element, scalar));
  }
}

}  // namespace distob::kernels

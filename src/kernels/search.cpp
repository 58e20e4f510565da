#include "kernels/search.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/bisect.h"
#include "kernels/ordered.h"

namespace distob::kernels {
namespace {

// How many of the elements are numbers: those that are not come last.
template <class T, class Element>
std::ptrdiff_t numbers_of([[maybe_unused]] Element element, std::ptrdiff_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    std::int64_t numbers = 0;
    const T none{};
    bisect(element, count, &none, 1, &numbers, [](T e, T) { return e == e; });
    return numbers;
  }
  return count;
}

template <class T, bool right, class Element>
void search_among(Element element, std::ptrdiff_t count, const T* values, std::ptrdiff_t n, std::int64_t* out) {
  const std::ptrdiff_t numbers = numbers_of<T>(element, count);
  for (std::ptrdiff_t i = 0; i < n; i += kSearchedTogether) {
    const std::ptrdiff_t some = std::min(kSearchedTogether, n - i);
    if constexpr (std::is_arithmetic_v<T>) {
      bisect(element, numbers, values + i, some, out + i, [](T e, T v) { return right ? e <= v : e < v; });
    } else {
      bisect(element, numbers, values + i, some, out + i,
             [](T e, T v) { return right ? !comes_before(v, e) : comes_before(e, v); });
    }
    if constexpr (std::is_floating_point_v<T>) {
      for (std::ptrdiff_t k = i; k < i + some; ++k) {
        if (values[k] != values[k]) out[k] = right ? count : numbers;
      }
    }
  }
}

template <class T, bool right>
void search(const T* sorted, std::ptrdiff_t count, const std::int64_t* order, const T* values, std::ptrdiff_t n,
            std::int64_t* out) {
  if (order != nullptr) {
    search_among<T, right>([=](std::int64_t i) { return sorted[order[i]]; }, count, values, n, out);
  } else {
    search_among<T, right>([=](std::int64_t i) { return sorted[i]; }, count, values, n, out);
  }
}

template <class T>
struct Among {
  static void search(const char* sorted, std::ptrdiff_t count, const std::int64_t* order, const char* values,
                     std::ptrdiff_t n, bool right, std::int64_t* out) {
    const T* const elements = reinterpret_cast<const T*>(sorted);
    const T* const wanted = reinterpret_cast<const T*>(values);
    if (right) {
      kernels::search<T, true>(elements, count, order, wanted, n, out);
    } else {
      kernels::search<T, false>(elements, count, order, wanted, n, out);
    }
  }
  static void contains(const char* sorted, std::ptrdiff_t count, const char* values, std::ptrdiff_t n, bool invert,
                       bool* out) {
    const T* const elements = reinterpret_cast<const T*>(sorted);
    const T* const wanted = reinterpret_cast<const T*>(values);
    std::array<std::int64_t, kSearchedTogether> places;
    for (std::ptrdiff_t i = 0; i < n; i += kSearchedTogether) {
      const std::ptrdiff_t some = std::min(kSearchedTogether, n - i);
      kernels::search<T, false>(elements, count, nullptr, wanted + i, some, places.data());
      for (std::ptrdiff_t k = 0; k < some; ++k) {
        const std::int64_t place = places[static_cast<std::size_t>(k)];
        const bool found = place < count && equal(elements[place], wanted[i + k]);
        out[i + k] = found != invert;
      }
    }
  }
  static bool equal(T a, T b) {
    if constexpr (std::is_same_v<T, HalfBits>) {
      return key_of(a) == key_of(b) && !FloatBits<T>::is_nan(a.bits);
    } else if constexpr (std::is_same_v<T, Ticks>) {
      return a.count == b.count && a.count != std::numeric_limits<std::int64_t>::min();
    } else {
      return a == b;
    }
  }
};

/// The value at `x` between the points j and j + 1, which it lies between.
double between(const Interpolation& f, std::ptrdiff_t j, double x) {
  const double rise = f.y[j + 1] - f.y[j], run = f.x[j + 1] - f.x[j];
  const double slope = f.by_inverse ? rise * (1.0 / run) : rise / run;
  double result = slope * (x - f.x[j]) + f.y[j];
  if (std::isnan(result)) {  // from the other side there may be no infinity in the way
    result = slope * (x - f.x[j + 1]) + f.y[j + 1];
    if (std::isnan(result) && f.y[j] == f.y[j + 1]) result = f.y[j];
  }
  return result;
}

}  // namespace

SortedSearch search_of(Kind kind, bool times) {
  return with_type(kind, times, []<class T>() -> SortedSearch { return Among<T>::search; });
}

Contains contains_of(Kind kind, bool times) {
  return with_type(kind, times, []<class T>() -> Contains { return Among<T>::contains; });
}

void interpolate(const Interpolation& f, const double* at, std::ptrdiff_t n, double* out) {
  std::array<std::int64_t, kSearchedTogether> places;
  for (std::ptrdiff_t i = 0; i < n; i += kSearchedTogether) {
    const std::ptrdiff_t some = std::min(kSearchedTogether, n - i);
    search<double, true>(f.x, f.count, nullptr, at + i, some, places.data());
    for (std::ptrdiff_t k = 0; k < some; ++k) {
      const double x = at[i + k];
      double& result = out[i + k];
      if (std::isnan(x)) {
        result = f.count == 1 ? f.y[0] : x;
      } else if (x < f.x[0]) {
        result = f.left;
      } else if (x > f.x[f.count - 1]) {
        result = f.right;
      } else {
        // The last point that is not above x. The search puts points that are NaN above all others.
        const std::ptrdiff_t j = std::max<std::ptrdiff_t>(places[static_cast<std::size_t>(k)] - 1, 0);
        const bool at_point = j == f.count - 1 || f.x[j] == x;  // where there is no arithmetic with infinities
        result = at_point ? f.y[j] : between(f, j, x);
      }
    }
  }
}

}  // namespace distob::kernels

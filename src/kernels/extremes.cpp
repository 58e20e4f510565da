// Where the greatest and the least elements are.
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/steps.h"

namespace distob::kernels {
namespace {

using steps::Half;

/// What an element is compared as.
template <class T>
auto comparable(T a) {
  if constexpr (std::is_same_v<T, Half>)
    return half_to_float(a.bits);
  else
    return a;
}

template <class T>
bool is_less(T a, T b) {
  if constexpr (steps::IsComplex<T>::value)
    return less(a, b);
  else if constexpr (std::is_floating_point_v<T>)
    return std::isless(a, b);
  else
    return a < b;
}

/// Whether `a`, which comes after `best`, is better: what is not a number is better than every number.
template <bool greatest>
struct Numbers {
  template <class T>
  static bool better(T a, T best) {
    if (greatest ? is_less(best, a) : is_less(a, best)) return true;
    return steps::not_a_number(a) && !steps::not_a_number(best);
  }
};
template <bool greatest>
struct Times {
  static constexpr std::int64_t kNotATime = std::numeric_limits<std::int64_t>::min();
  static bool better(std::int64_t a, std::int64_t best) {
    if (best == kNotATime) return false;
    return a == kNotATime || (greatest ? best < a : a < best);
  }
};

template <class Order, class T>
void along(const char* in, std::ptrdiff_t stride, std::ptrdiff_t n, std::int64_t first, char* best,
           std::int64_t* position, bool fresh) {
  if (n == 0) return;
  T found = load_element<T>(fresh ? in : best, 0);
  std::int64_t at = fresh ? first : *position;
  for (std::ptrdiff_t i = fresh ? 1 : 0; i < n; ++i) {
    const T a = load_element<T>(in + i * stride, 0);
    if (Order::better(comparable(a), comparable(found))) {
      found = a;
      at = first + i;
    }
  }
  store_element<T>(best, 0, found);
  *position = at;
}

template <class Order, class T>
void across(const char* in, std::ptrdiff_t n, std::int64_t at, char* best, std::int64_t* positions, bool fresh) {
  if (fresh) {
    std::memcpy(best, in, static_cast<std::size_t>(n) * sizeof(T));
    for (std::ptrdiff_t i = 0; i < n; ++i) positions[i] = at;
    return;
  }
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const T a = load_element<T>(in, i);
    const T found = load_element<T>(best, i);
    const bool is_better = Order::better(comparable(a), comparable(found));
    store_element<T>(best, i, is_better ? a : found);
    positions[i] = is_better ? at : positions[i];
  }
}

template <class Order, class T>
const Search* one() {
  static constexpr Search search{along<Order, T>, across<Order, T>};
  return &search;
}

template <bool greatest>
const Search* of(Kind kind) {
  using Order = Numbers<greatest>;
  switch (kind) {
    case Kind::Bool:
    case Kind::UInt8: return one<Order, std::uint8_t>();
    case Kind::Int8: return one<Order, std::int8_t>();
    case Kind::Int16: return one<Order, std::int16_t>();
    case Kind::UInt16: return one<Order, std::uint16_t>();
    case Kind::Int32: return one<Order, std::int32_t>();
    case Kind::UInt32: return one<Order, std::uint32_t>();
    case Kind::Int64: return one<Order, std::int64_t>();
    case Kind::UInt64: return one<Order, std::uint64_t>();
    case Kind::Float16: return one<Order, Half>();
    case Kind::Float32: return one<Order, float>();
    case Kind::Float64: return one<Order, double>();
    case Kind::LongDouble: return one<Order, long double>();
    case Kind::Complex64: return one<Order, Complex<float>>();
    case Kind::Complex128: return one<Order, Complex<double>>();
    case Kind::CLongDouble: return one<Order, Complex<long double>>();
    case Kind::Opaque: return nullptr;
  }
  return nullptr;
}

}  // namespace

const Search* search(bool greatest, Kind kind, bool times) {
  if (times) return greatest ? one<Times<true>, std::int64_t>() : one<Times<false>, std::int64_t>();
  return greatest ? of<true>(kind) : of<false>(kind);
}

}  // namespace distob::kernels

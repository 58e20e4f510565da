// Arrays that behave like local ones and are computed by all cores: the C++ face of distributed arrays.
//
//   auto a = distob::random::uniform<double>({10'000, 10'000}, /*seed=*/1);
//   auto b = distob::sqrt(a.slice(distob::from(1)) + a.slice(distob::until(-1)));
//   a.slice(0) = 0.0;                                   // writes to a
//   double s = distob::sum(b);
//
// A DistArray is a handle, as in NumPy: copies name the same elements, slices are views that see each other's writes, and
// assigning to a named handle makes it name something else, while assigning to a slice writes elements. Work on large
// arrays runs behind the caller until somebody reads. Everything here may be called from any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "distob/dtype.h"
#include "distob/index.h"
#include "distob/partition.h"
#include "distob/shape.h"

namespace distob {

namespace array::detail {
struct Node;
}

template <class T>
class DistArray;

/// The types arrays can have: bool, the integers, the floating point types and complex numbers of them.
template <class T>
concept Element = requires {
  KindOf<T>::value;
};

namespace detail {

/// An array of any element type. Handles are counted; dropping one never waits.
class AnyArray {
 public:
  AnyArray() = default;
  AnyArray(const AnyArray& other) noexcept;
  AnyArray(AnyArray&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  AnyArray& operator=(AnyArray other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~AnyArray();

  explicit AnyArray(array::detail::Node* adopted) noexcept : node_(adopted) {}
  [[nodiscard]] array::detail::Node* node() const { return node_; }

  [[nodiscard]] const Shape& shape() const;
  [[nodiscard]] const Partition& partition() const;
  [[nodiscard]] AnyArray slice(std::span<const Index> indices) const;
  [[nodiscard]] AnyArray transpose(std::span<const int> axes) const;
  [[nodiscard]] AnyArray reshape(const Shape& shape) const;
  [[nodiscard]] AnyArray astype(Kind kind) const;
  void gather(void* to, Kind kind) const;
  void item(void* to) const;

 private:
  array::detail::Node* node_ = nullptr;
};

/// An array or one element, as an argument of an operation.
struct Argument {
  const AnyArray* array = nullptr;
  Kind kind = Kind::Float64;
  alignas(16) char bytes[32] = {};

  Argument(const AnyArray& a) : array(&a) {}  // NOLINT(google-explicit-constructor)
  template <Element T>
  static Argument element(T value) {
    Argument argument(kind_of<T>);
    std::memcpy(argument.bytes, &value, sizeof(T));
    return argument;
  }

 private:
  explicit Argument(Kind k) : kind(k) {}
};

/// NumPy's function `name` on arguments of one kind; `into`: the array that gets the result, or null for a new one.
AnyArray apply(std::string_view name, std::initializer_list<Argument> arguments, const AnyArray* into = nullptr);
/// NumPy's reduction `name` ("add", "minimum", ...) accumulated in `kind`. `axes` null: all of them.
AnyArray reduce(std::string_view name, const AnyArray& a, Kind kind, const std::vector<int>* axes, bool keepdims);
void assign(const AnyArray& target, const Argument& value);
AnyArray full(const Shape& shape, const Argument& value);
AnyArray counting(const Argument& start, const Argument& step, std::int64_t count, Kind kind);
AnyArray scattered(const void* elements, std::size_t count, const Shape& shape, Kind kind, int axis);
AnyArray concatenated(std::span<const AnyArray> parts, int axis, Kind kind);
AnyArray uniform(const Shape& shape, Kind kind, std::uint64_t seed);
AnyArray random_numbers(std::string_view name, const Shape& shape, Kind kind, std::uint64_t seed, std::uint32_t use);
AnyArray random_integers(const Shape& shape, Kind kind, std::int64_t low, std::int64_t high, bool some,
                         std::uint64_t seed, std::uint32_t use);
AnyArray product(std::string_view name, const AnyArray& a, const AnyArray& b, Kind kind);
AnyArray tensordot(const AnyArray& a, const AnyArray& b, const std::vector<int>& a_axes, const std::vector<int>& b_axes,
                   Kind kind);
AnyArray einsum(std::string_view subscripts, std::span<const AnyArray> operands, Kind kind);
AnyArray eye(std::int64_t rows, std::int64_t columns, int offset, Kind kind);
AnyArray linspace(double start, double stop, std::int64_t count, Kind kind);
std::string text(const AnyArray& a);

/// What a sum of T is accumulated in: NumPy's choice.
template <class T>
using Sum = std::conditional_t<std::is_same_v<T, bool> || (std::is_integral_v<T> && std::is_signed_v<T>), std::int64_t,
                               std::conditional_t<std::is_integral_v<T>, std::uint64_t, T>>;
/// What a quotient or a mean of T is.
template <class T>
using Quotient = std::conditional_t<std::is_integral_v<T>, double, T>;

}  // namespace detail

/// A distributed array of T.
template <class T>
class DistArray {
  static_assert(Element<T>, "DistArray<T>: T must be bool, an integer, a floating point type or std::complex of one");

 public:
  using value_type = T;

  /// Names nothing; anything but assignment and operator bool is undefined.
  DistArray() = default;
  DistArray(const DistArray&) = default;
  DistArray(DistArray&&) noexcept = default;
  ~DistArray() = default;

  /// A named handle names another array from now on.
  DistArray& operator=(const DistArray&) & = default;
  DistArray& operator=(DistArray&&) & noexcept = default;
  /// A slice gets new elements: a.slice(from(1)) = b; a.slice(0) = 1.0;
  /// Throws ValueError if the value does not broadcast to the slice.
  const DistArray& operator=(const DistArray& value) && { return assign(value); }
  const DistArray& operator=(T value) && { return assign(value); }
  /// Writes elements, named handle or not.
  const DistArray& assign(const DistArray& value) const {
    detail::assign(any_, value.any_);
    return *this;
  }
  const DistArray& assign(T value) const {
    detail::assign(any_, detail::Argument::element(value));
    return *this;
  }

  explicit operator bool() const { return any_.node() != nullptr; }
  [[nodiscard]] const Shape& shape() const { return any_.shape(); }
  [[nodiscard]] int ndim() const { return shape().rank(); }
  [[nodiscard]] std::int64_t size() const { return element_count(shape()); }
  /// How the array is cut into the blocks that user functions see.
  [[nodiscard]] const Partition& partition() const { return any_.partition(); }

  /// A view: a.slice(2), a.slice(from(1), until(-1)), a.slice(ellipsis, newaxis). Throws IndexError.
  template <class... I>
  [[nodiscard]] DistArray slice(const I&... indices) const {
    const Index list[] = {as_index(indices)..., Index(ellipsis)};
    constexpr bool has_ellipsis = (std::is_same_v<I, Ellipsis> || ...);
    return DistArray(any_.slice(std::span(list, sizeof...(I) + (has_ellipsis ? 0 : 1))));
  }
  /// One element. Waits for the work that makes it. Throws IndexError.
  template <std::integral... I>
  [[nodiscard]] T at(I... indices) const {
    const Index list[] = {Index(static_cast<std::int64_t>(indices))..., Index(ellipsis)};
    return DistArray(any_.slice(list)).item();
  }
  /// The only element. Throws ValueError if there are more or fewer.
  [[nodiscard]] T item() const {
    T value;
    any_.item(&value);
    return value;
  }
  /// Views with axes reversed, or in the order of `axes`.
  [[nodiscard]] DistArray transpose(std::initializer_list<int> axes = {}) const {
    return DistArray(any_.transpose(std::span(axes.begin(), axes.size())));
  }
  /// The elements in C order under another shape (one extent may be -1): a view where possible.
  [[nodiscard]] DistArray reshape(const Shape& shape) const { return DistArray(any_.reshape(shape)); }
  template <Element U>
  [[nodiscard]] DistArray<U> astype() const {
    return DistArray<U>(any_.astype(kind_of<U>));
  }
  [[nodiscard]] DistArray copy() const { return DistArray(any_.astype(kind_of<T>)); }

  /// All elements in C order, copied by all threads. std::vector<bool> has no elements to copy to: use gather for bool.
  [[nodiscard]] std::vector<T> to_vector() const requires(!std::is_same_v<T, bool>) {
    std::vector<T> values(static_cast<std::size_t>(size()));
    any_.gather(values.data(), kind_of<T>);
    return values;
  }
  /// The same into memory of the caller's, size() elements.
  void gather(T* to) const { any_.gather(to, kind_of<T>); }

  /// An array of this type or one element, as an operand of the operators below.
  class Operand {
   public:
    Operand(const DistArray& a) : argument_(a.any()) {}  // NOLINT(google-explicit-constructor)
    // clang-format off
    template <class U>
      requires(std::is_arithmetic_v<U> && std::is_convertible_v<U, T>) || std::is_same_v<U, T>
    Operand(U value)  // NOLINT(google-explicit-constructor)
        : argument_(detail::Argument::element(static_cast<T>(value))) {}
    // clang-format on
    operator const detail::Argument&() const { return argument_; }  // NOLINT(google-explicit-constructor)

   private:
    detail::Argument argument_;
  };

  // Elementwise, with NumPy's broadcasting. Throw ValueError if shapes do not fit. Integers divide to double.
  friend DistArray operator+(const Operand& a, const Operand& b) { return DistArray(detail::apply("add", {a, b})); }
  friend DistArray operator-(const Operand& a, const Operand& b) {
    return DistArray(detail::apply("subtract", {a, b}));
  }
  friend DistArray operator*(const Operand& a, const Operand& b) {
    return DistArray(detail::apply("multiply", {a, b}));
  }
  friend DistArray<detail::Quotient<T>> operator/(const Operand& a, const Operand& b) {
    return DistArray<detail::Quotient<T>>(detail::apply("divide", {a, b}));
  }
  friend DistArray operator%(const Operand& a, const Operand& b) {
    return DistArray(detail::apply("remainder", {a, b}));
  }
  friend DistArray operator-(const DistArray& a) { return DistArray(detail::apply("negative", {a.any_})); }
  friend DistArray operator&(const Operand& a, const Operand& b) {
    return DistArray(detail::apply("bitwise_and", {a, b}));
  }
  friend DistArray operator|(const Operand& a, const Operand& b) {
    return DistArray(detail::apply("bitwise_or", {a, b}));
  }
  friend DistArray operator^(const Operand& a, const Operand& b) {
    return DistArray(detail::apply("bitwise_xor", {a, b}));
  }
  friend DistArray operator~(const DistArray& a) { return DistArray(detail::apply("invert", {a.any_})); }
  friend DistArray<bool> operator==(const Operand& a, const Operand& b) { return compare("equal", a, b); }
  friend DistArray<bool> operator!=(const Operand& a, const Operand& b) { return compare("not_equal", a, b); }
  friend DistArray<bool> operator<(const Operand& a, const Operand& b) { return compare("less", a, b); }
  friend DistArray<bool> operator<=(const Operand& a, const Operand& b) { return compare("less_equal", a, b); }
  friend DistArray<bool> operator>(const Operand& a, const Operand& b) { return compare("greater", a, b); }
  friend DistArray<bool> operator>=(const Operand& a, const Operand& b) { return compare("greater_equal", a, b); }

  // In place: they write the elements that this handle names.
  const DistArray& operator+=(const Operand& b) const { return update("add", b); }
  const DistArray& operator-=(const Operand& b) const { return update("subtract", b); }
  const DistArray& operator*=(const Operand& b) const { return update("multiply", b); }
  const DistArray& operator/=(const Operand& b) const requires(!std::is_integral_v<T>) { return update("divide", b); }

  /// As NumPy prints it; large arrays by their corners.
  friend std::ostream& operator<<(std::ostream& out, const DistArray& a) { return print(out, a); }

  explicit DistArray(detail::AnyArray any) : any_(std::move(any)) {}
  [[nodiscard]] const detail::AnyArray& any() const { return any_; }

 private:
  static Index as_index(const Index& i) { return i; }
  template <class I>
  requires std::integral<I>
  static Index as_index(I i) { return Index(static_cast<std::int64_t>(i)); }
  static DistArray<bool> compare(std::string_view name, const Operand& a, const Operand& b) {
    return DistArray<bool>(detail::apply(name, {a, b}));
  }
  const DistArray& update(std::string_view name, const Operand& b) const {
    detail::apply(name, {any_, b}, &any_);
    return *this;
  }
  template <class Stream>
  static Stream& print(Stream& out, const DistArray& a) {
    out << detail::text(a.any_);
    return out;
  }

  detail::AnyArray any_;
};

// --- Making arrays --------------------------------------------------------------------------------------------------

/// A copy of `elements`, in C order of `shape`, cut along `axis`. Throws ValueError if their number is another,
/// MemoryError if the budget has no room.
template <Element T>
[[nodiscard]] DistArray<T> scatter(std::span<const T> elements, const Shape& shape, int axis = -1) {
  return DistArray<T>(detail::scattered(elements.data(), elements.size(), shape, kind_of<T>, axis));
}
template <Element T>
[[nodiscard]] DistArray<T> scatter(const std::vector<T>& elements, const Shape& shape, int axis = -1) {
  return scatter(std::span<const T>(elements), shape, axis);
}
template <Element T>
[[nodiscard]] DistArray<T> full(const Shape& shape, T value) {
  return DistArray<T>(detail::full(shape, detail::Argument::element(value)));
}
template <Element T>
[[nodiscard]] DistArray<T> zeros(const Shape& shape) {
  return full<T>(shape, T(0));
}
template <Element T>
[[nodiscard]] DistArray<T> ones(const Shape& shape) {
  return full<T>(shape, T(1));
}
/// start, start + step, ...: `count` values.
template <Element T>
[[nodiscard]] DistArray<T> arange(std::int64_t count, std::type_identity_t<T> start = T(0),
                                  std::type_identity_t<T> step = T(1)) {
  return DistArray<T>(
      detail::counting(detail::Argument::element<T>(start), detail::Argument::element<T>(step), count, kind_of<T>));
}
/// The parts end to end along `axis`, in a new array. Throws ValueError if their other extents differ.
template <Element T>
[[nodiscard]] DistArray<T> concatenate(const std::vector<DistArray<T>>& parts, int axis = 0) {
  std::vector<detail::AnyArray> any;
  for (const DistArray<T>& part : parts) any.push_back(part.any());
  return DistArray<T>(detail::concatenated(any, axis, kind_of<T>));
}

// --- Functions of each element --------------------------------------------------------------------------------------

// clang-format off
template <std::floating_point T> [[nodiscard]] DistArray<T> sqrt(const DistArray<T>& a) { return DistArray<T>(detail::apply("sqrt", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> exp(const DistArray<T>& a) { return DistArray<T>(detail::apply("exp", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> log(const DistArray<T>& a) { return DistArray<T>(detail::apply("log", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> sin(const DistArray<T>& a) { return DistArray<T>(detail::apply("sin", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> cos(const DistArray<T>& a) { return DistArray<T>(detail::apply("cos", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> tan(const DistArray<T>& a) { return DistArray<T>(detail::apply("tan", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> tanh(const DistArray<T>& a) { return DistArray<T>(detail::apply("tanh", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> arctan(const DistArray<T>& a) { return DistArray<T>(detail::apply("arctan", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> floor(const DistArray<T>& a) { return DistArray<T>(detail::apply("floor", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> ceil(const DistArray<T>& a) { return DistArray<T>(detail::apply("ceil", {a.any()})); }
template <class T> [[nodiscard]] DistArray<T> abs(const DistArray<T>& a) { return DistArray<T>(detail::apply("absolute", {a.any()})); }
template <class T> [[nodiscard]] DistArray<T> square(const DistArray<T>& a) { return DistArray<T>(detail::apply("square", {a.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> pow(const DistArray<T>& a, const typename DistArray<T>::Operand& b) { return DistArray<T>(detail::apply("power", {a.any(), b})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> hypot(const DistArray<T>& a, const DistArray<T>& b) { return DistArray<T>(detail::apply("hypot", {a.any(), b.any()})); }
template <std::floating_point T> [[nodiscard]] DistArray<T> arctan2(const DistArray<T>& y, const DistArray<T>& x) { return DistArray<T>(detail::apply("arctan2", {y.any(), x.any()})); }
template <class T> [[nodiscard]] DistArray<T> minimum(const DistArray<T>& a, const typename DistArray<T>::Operand& b) { return DistArray<T>(detail::apply("minimum", {a.any(), b})); }
template <class T> [[nodiscard]] DistArray<T> maximum(const DistArray<T>& a, const typename DistArray<T>::Operand& b) { return DistArray<T>(detail::apply("maximum", {a.any(), b})); }
template <std::floating_point T> [[nodiscard]] DistArray<bool> isnan(const DistArray<T>& a) { return DistArray<bool>(detail::apply("isnan", {a.any()})); }
// clang-format on

/// yes[i] where condition[i], else no[i].
template <class T>
[[nodiscard]] DistArray<T> where(const DistArray<bool>& condition, const DistArray<T>& yes,
                                 const typename DistArray<T>::Operand& no) {
  return DistArray<T>(detail::apply("where", {condition.any(), yes.any(), no}));
}

// --- Reductions -----------------------------------------------------------------------------------------------------
// The same bits on any number of threads. Without axes: one value, which waits. Throw AxisError, and ValueError where an
// empty array has no answer.

namespace detail {
template <class R, class T>
DistArray<R> reduced(std::string_view name, const DistArray<T>& a, const std::vector<int>& axes, bool keepdims) {
  return DistArray<R>(reduce(name, a.any(), kind_of<R>, &axes, keepdims));
}
template <class R, class T>
R reduced(std::string_view name, const DistArray<T>& a) {
  return DistArray<R>(reduce(name, a.any(), kind_of<R>, nullptr, false)).item();
}
/// Elements that one element of a reduction over `axes` is made of.
[[nodiscard]] std::int64_t count_along(const Shape& shape, const std::vector<int>& axes);
}  // namespace detail

// clang-format off
template <class T> [[nodiscard]] detail::Sum<T> sum(const DistArray<T>& a) { return detail::reduced<detail::Sum<T>>("add", a); }
template <class T> [[nodiscard]] detail::Sum<T> prod(const DistArray<T>& a) { return detail::reduced<detail::Sum<T>>("multiply", a); }
template <class T> [[nodiscard]] T min(const DistArray<T>& a) { return detail::reduced<T>("minimum", a); }
template <class T> [[nodiscard]] T max(const DistArray<T>& a) { return detail::reduced<T>("maximum", a); }
template <class T> [[nodiscard]] bool any(const DistArray<T>& a) { return detail::reduced<bool>("logical_or", a); }
template <class T> [[nodiscard]] bool all_of(const DistArray<T>& a) { return detail::reduced<bool>("logical_and", a); }
template <class T> [[nodiscard]] detail::Quotient<T> mean(const DistArray<T>& a) { return detail::reduced<detail::Quotient<T>>("add", a) / static_cast<detail::Quotient<T>>(a.size()); }
template <class T> [[nodiscard]] DistArray<detail::Sum<T>> sum(const DistArray<T>& a, const std::vector<int>& axes, bool keepdims = false) { return detail::reduced<detail::Sum<T>>("add", a, axes, keepdims); }
template <class T> [[nodiscard]] DistArray<T> min(const DistArray<T>& a, const std::vector<int>& axes, bool keepdims = false) { return detail::reduced<T>("minimum", a, axes, keepdims); }
template <class T> [[nodiscard]] DistArray<T> max(const DistArray<T>& a, const std::vector<int>& axes, bool keepdims = false) { return detail::reduced<T>("maximum", a, axes, keepdims); }
template <class T> [[nodiscard]] DistArray<detail::Quotient<T>> mean(const DistArray<T>& a, const std::vector<int>& axes, bool keepdims = false) {
  return detail::reduced<detail::Quotient<T>>("add", a, axes, keepdims) / static_cast<detail::Quotient<T>>(detail::count_along(a.shape(), axes));
}
// clang-format on

// --- The machine ----------------------------------------------------------------------------------------------------

/// Waits until all array work asked for before is done.
void sync_arrays();
/// How many threads compute: at first DISTOB_THREADS, else the cores. Throws ValueError below 1.
void set_threads(int n);
[[nodiscard]] int threads();
/// What waits and what ran last, as text for people.
[[nodiscard]] std::string explain();

}  // namespace distob

// How C++ values travel: arithmetic types, enums, strings, the standard containers and aggregates of all of these.
//
// A type of your own travels without any code if it is an aggregate (a struct without constructors, base classes or
// private members) of at most 24 fields that travel. Any other type says how, in one of two ways:
//
//     struct Point {                                             // as members ...
//       void distob_encode(distob::Writer& out) const { distob::encode(out, x_); }
//       static Point distob_decode(distob::Reader& in) { return Point(distob::decode<double>(in)); }
//     };
//     template <> struct distob::Codec<other::Point> {           // ... or from outside
//       static void encode(distob::Writer& out, const other::Point& p);
//       static other::Point decode(distob::Reader& in);
//     };
//
// Decoding trusts nothing: a length is compared with the bytes that are left before anything is allocated, and bytes that
// are no value of the type throw ProtocolError.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "distob/detail/reflect.h"
#include "distob/errors.h"
#include "distob/ref.h"

namespace distob {

/// Collects the bytes of encoded values, and the references among them.
class Writer {
 public:
  /// Appends raw bytes.
  void put(const void* data, std::size_t size) {
    if (size > capacity_ - size_) grow(size);
    if (size) std::memcpy(data_.get() + size_, data, size);
    size_ += size;
  }
  /// Appends a count or an index, 7 bits a byte, low ones first.
  void put_number(std::uint64_t number) {
    unsigned char bytes[10];
    std::size_t size = 0;
    for (; number >= 0x80; number >>= 7) bytes[size++] = static_cast<unsigned char>(number | 0x80);
    bytes[size++] = static_cast<unsigned char>(number);
    put(bytes, size);
  }
  /// Appends a reference: the object does not travel, whoever decodes it refers to the same object (or to nothing).
  void put_reference(const Ref& ref) {
    if (ref) references_.push_back(ref);
    put_number(ref ? references_.size() : 0);
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_.get(), size_}; }
  /// The references that were put, in order; they stay counted as long as the Writer lives.
  [[nodiscard]] const std::vector<Ref>& references() const { return references_; }

 private:
  void grow(std::size_t size);  ///< makes room for `size` more bytes

  struct Free {
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::vector<Ref> references_;
};

/// Reads encoded values from bytes that it does not own. Every member throws ProtocolError if the bytes run out.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes, std::span<const Ref> references = {})
      : bytes_(bytes), references_(references) {}

  /// Copies `size` raw bytes to `data`.
  void get(void* data, std::size_t size) {
    if (size > bytes_.size()) fail("the bytes of a value end too early");
    if (size) std::memcpy(data, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
  }
  /// What put_number() wrote.
  std::uint64_t get_number() {
    std::uint64_t number = 0;
    for (int shift = 0;; shift += 7) {
      std::uint8_t byte = 0;
      get(&byte, 1);
      if (shift == 63 && byte > 1) fail("a number does not fit 64 bits");
      number |= std::uint64_t{byte & 0x7Fu} << shift;
      if (!(byte & 0x80)) return number;
    }
  }
  /// A count of elements that take at least `element_size` bytes each. Throws if that many are not left.
  std::size_t get_count(std::size_t element_size = 1) {
    const std::uint64_t count = get_number();
    if (count > bytes_.size() / element_size) fail("a length is larger than the bytes that follow");
    return count;
  }
  /// The next `size` bytes themselves, without a copy.
  std::span<const std::byte> view(std::size_t size) {
    if (size > bytes_.size()) fail("the bytes of a value end too early");
    auto head = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return head;
  }
  /// The reference that was put here.
  Ref get_reference();

  [[nodiscard]] std::size_t remaining() const { return bytes_.size(); }
  /// Throws ProtocolError saying `what`.
  [[noreturn]] static void fail(const char* what);

  /// Counts how deep values are nested, so that bytes cannot exhaust the stack through a type that contains itself.
  class Nesting {
   public:
    explicit Nesting(Reader& reader) : reader_(reader) {
      if (++reader_.depth_ > kMaxDepth) fail("values are nested too deeply");
    }
    ~Nesting() { --reader_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Reader& reader_;
  };

 private:
  static constexpr int kMaxDepth = 500;
  std::span<const std::byte> bytes_;
  std::span<const Ref> references_;
  int depth_ = 0;
};

/// How a T travels. Specialise it for types of your own that are no aggregates; see the top of this file.
template <class T>
struct Codec;

template <class T>
void encode(Writer& out, const T& value);
template <class T>
[[nodiscard]] T decode(Reader& in);

namespace detail {

template <class T>
concept HasCodec = requires(Writer& out, Reader& in, const T& value) {
  Codec<T>::encode(out, value);
};
template <class T>
concept HasMemberCodec = requires(Writer& out, Reader& in, const T& value) {
  value.distob_encode(out);
  { T::distob_decode(in) } -> std::same_as<T>;
};
template <class T>
concept Plain = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;
template <class T>
concept VisibleAggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !has_base<T> &&
                           (field_count<T>() > 0 || std::is_empty_v<T>)&&field_count<T>() <= kMaxFields;

/// Instantiated for a type that cannot travel, so that the compiler names it: see T in its message.
template <class T>
struct CannotTravel {
  static constexpr bool never = sizeof(T*) == 0;
  static_assert(never || !std::is_pointer_v<T>,
                "distob: a pointer cannot travel, because it means nothing in another process. Pass the value itself "
                "(std::string for text, std::vector for arrays), or a distob::Remote<T> to the object");
  static_assert(
      never || std::is_pointer_v<T> || !(std::is_class_v<T> && std::is_aggregate_v<T>),
      "distob: this aggregate (the T of CannotTravel<T>) cannot travel by itself: it has a base class, more than "
      "24 fields, or a field that cannot be default-constructed. Give it members distob_encode and distob_decode, "
      "or specialise distob::Codec<T>");
  static_assert(
      never || std::is_pointer_v<T> || (std::is_class_v<T> && std::is_aggregate_v<T>),
      "distob: values of this type (the T of CannotTravel<T>) cannot travel. Give it members distob_encode and "
      "distob_decode, specialise distob::Codec<T>, or make it an aggregate of types that travel");
};

inline void swap_if_big_endian(void* data, std::size_t size) {
  if constexpr (std::endian::native == std::endian::big) {
    auto* bytes = static_cast<unsigned char*>(data);
    for (std::size_t i = 0; i < size / 2; ++i) std::swap(bytes[i], bytes[size - 1 - i]);
  } else {
    static_cast<void>(data);
    static_cast<void>(size);
  }
}

/// A field of an aggregate: like a value, or an array member.
template <class Field>
void encode_field(Writer& out, const Field& field) {
  if constexpr (std::is_array_v<Field>) {
    for (const auto& element : field) encode_field(out, element);
  } else {
    distob::encode(out, field);
  }
}
template <class Field>
void decode_field(Reader& in, Field& field) {
  if constexpr (std::is_array_v<Field>) {
    for (auto& element : field) decode_field(in, element);
  } else {
    field = distob::decode<Field>(in);
  }
}

template <class Tuple>
inline constexpr bool any_array = false;
template <class... Fields>
inline constexpr bool any_array<std::tuple<Fields...>> = (std::is_array_v<Fields> || ...);

template <class T, class... Fields>
T decode_aggregate(Reader& in, std::type_identity<std::tuple<Fields...>>) {
  if constexpr (any_array<std::tuple<Fields...>>) {
    T value{};
    visit_fields(value, [&](auto&... fields) { (decode_field(in, fields), ...); });
    return value;
  } else {
    return T{distob::decode<Fields>(in)...};  // braces: decoded in this order
  }
}

// An empty aggregate still takes a byte, so that a count of elements never exceeds the bytes that are left.
template <class T>
void encode_aggregate(Writer& out, const T& value) {
  if constexpr (std::is_empty_v<T>) {
    out.put("", 1);
  } else {
    visit_fields(value, [&](const auto&... fields) { (encode_field(out, fields), ...); });
  }
}

}  // namespace detail

/// Appends `value` to `out`.
template <class T>
void encode(Writer& out, const T& value) {
  if constexpr (detail::HasMemberCodec<T>) {
    value.distob_encode(out);
  } else if constexpr (detail::HasCodec<T>) {
    Codec<T>::encode(out, value);
  } else if constexpr (detail::VisibleAggregate<T>) {
    detail::encode_aggregate(out, value);
  } else {
    static_cast<void>(sizeof(detail::CannotTravel<T>));
  }
}

/// Reads a T from `in`. Throws ProtocolError if the bytes are no T.
template <class T>
T decode(Reader& in) {
  if constexpr (detail::HasMemberCodec<T>) {
    Reader::Nesting nesting(in);
    return T::distob_decode(in);
  } else if constexpr (requires { Codec<T>::decode(in); }) {
    return Codec<T>::decode(in);
  } else if constexpr (detail::VisibleAggregate<T>) {
    Reader::Nesting nesting(in);
    if constexpr (std::is_empty_v<T>) {
      in.view(1);
      return T{};
    } else {
      return detail::decode_aggregate<T>(in, std::type_identity<detail::fields_of<T>>{});
    }
  } else {
    static_cast<void>(sizeof(detail::CannotTravel<T>));
  }
}

// --- Numbers ------------------------------------------------------------------------------------------------------

template <detail::Plain T>
struct Codec<T> {
  static void encode(Writer& out, T value) {
    detail::swap_if_big_endian(&value, sizeof value);
    out.put(&value, sizeof value);
  }
  static T decode(Reader& in) {
    T value;
    in.get(&value, sizeof value);
    detail::swap_if_big_endian(&value, sizeof value);
    return value;
  }
};

template <>
struct Codec<bool> {
  static void encode(Writer& out, bool value) { Codec<std::uint8_t>::encode(out, value); }
  static bool decode(Reader& in) {
    const auto byte = Codec<std::uint8_t>::decode(in);
    if (byte > 1) Reader::fail("a bool is neither 0 nor 1");
    return byte == 1;
  }
};

/// The ten bytes that mean something on x86, all sixteen elsewhere: both ends are one build.
template <>
struct Codec<long double> {
  static constexpr std::size_t kBytes = std::numeric_limits<long double>::digits == 64 ? 10 : sizeof(long double);
  static void encode(Writer& out, long double value) { out.put(&value, kBytes); }
  static long double decode(Reader& in) {
    long double value = 0;
    in.get(&value, kBytes);
    return value;
  }
};

template <class T>
requires std::is_enum_v<T>
struct Codec<T> {
  using Number = std::underlying_type_t<T>;
  static void encode(Writer& out, T value) { Codec<Number>::encode(out, static_cast<Number>(value)); }
  static T decode(Reader& in) { return static_cast<T>(Codec<Number>::decode(in)); }
};

template <class T>
struct Codec<std::complex<T>> {
  static void encode(Writer& out, const std::complex<T>& value) {
    Codec<T>::encode(out, value.real());
    Codec<T>::encode(out, value.imag());
  }
  static std::complex<T> decode(Reader& in) {
    const T real = Codec<T>::decode(in);
    return {real, Codec<T>::decode(in)};
  }
};

template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static void encode(Writer& out, Duration value) { distob::encode(out, value.count()); }
  static Duration decode(Reader& in) { return Duration(distob::decode<Rep>(in)); }
};

/// Points of a clock whose epoch all machines share; steady_clock's mean nothing in another process.
template <class Duration>
struct Codec<std::chrono::time_point<std::chrono::system_clock, Duration>> {
  using Point = std::chrono::time_point<std::chrono::system_clock, Duration>;
  static void encode(Writer& out, Point value) { distob::encode(out, value.time_since_epoch()); }
  static Point decode(Reader& in) { return Point(distob::decode<Duration>(in)); }
};

// --- Text ---------------------------------------------------------------------------------------------------------

template <>
struct Codec<std::string_view> {
  static void encode(Writer& out, std::string_view value) {
    out.put_number(value.size());
    out.put(value.data(), value.size());
  }  // no decode: a view would dangle; the text arrives as a std::string
};

template <>
struct Codec<std::string> {
  static void encode(Writer& out, const std::string& value) { Codec<std::string_view>::encode(out, value); }
  static std::string decode(Reader& in) {
    const auto bytes = in.view(in.get_count());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

template <>
struct Codec<std::filesystem::path> {
  static void encode(Writer& out, const std::filesystem::path& value) {
    Codec<std::string>::encode(out, value.string());
  }
  static std::filesystem::path decode(Reader& in) { return Codec<std::string>::decode(in); }
};

// --- Containers ---------------------------------------------------------------------------------------------------

namespace detail {

/// Elements whose bytes can be copied as they are.
template <class T>
concept Bulk = std::endian::native == std::endian::little && (Plain<T> || std::is_same_v<T, std::byte>);
/// The least bytes that one encoded T takes.
template <class T>
inline constexpr std::size_t least_size = Plain<T> ? sizeof(T) : 1;

/// Room for `count` elements, but never more than 64 KiB before the first of them was really read.
template <class Container>
void reserve_cautiously(Container& container, std::size_t count) {
  if constexpr (requires { container.reserve(count); }) {
    const std::size_t most = std::size_t{65536} / sizeof(typename Container::value_type) + 1;
    container.reserve(count < most ? count : most);
  }
}

/// What sequences share: a count, then the elements; plain ones in one piece.
template <class Container>
struct SequenceCodec {
  using Element = typename Container::value_type;
  static constexpr bool kInOnePiece = Bulk<Element> && requires(Container c) {
    c.data();
    c.resize(1);
  };

  static void encode(Writer& out, const Container& value) {
    out.put_number(value.size());
    if constexpr (kInOnePiece) {
      out.put(value.data(), value.size() * sizeof(Element));
    } else {
      for (auto&& element : value) distob::encode<Element>(out, element);
    }
  }
  static Container decode(Reader& in) {
    Reader::Nesting nesting(in);
    const std::size_t count = in.get_count(least_size<Element>);
    Container value;
    if constexpr (kInOnePiece) {
      value.resize(count);
      in.get(value.data(), count * sizeof(Element));
    } else {
      reserve_cautiously(value, count);
      for (std::size_t i = 0; i < count; ++i) {
        if constexpr (requires { value.push_back(distob::decode<Element>(in)); }) {
          value.push_back(distob::decode<Element>(in));
        } else {
          value.insert(value.end(), distob::decode<Element>(in));
        }
      }
    }
    return value;
  }
};

template <class Map>
struct MapCodec {
  using Key = typename Map::key_type;
  using Value = typename Map::mapped_type;
  static void encode(Writer& out, const Map& map) {
    out.put_number(map.size());
    for (const auto& [key, value] : map) {
      distob::encode(out, key);
      distob::encode(out, value);
    }
  }
  static Map decode(Reader& in) {
    Reader::Nesting nesting(in);
    const std::size_t count = in.get_count(least_size<Key> + least_size<Value>);
    Map map;
    for (std::size_t i = 0; i < count; ++i) {
      auto key = distob::decode<Key>(in);
      map.emplace_hint(map.end(), std::move(key), distob::decode<Value>(in));
    }
    return map;
  }
};

/// What may be absent: a flag, then the value.
template <class Holder, class T>
void encode_optional(Writer& out, const Holder& value) {
  distob::encode(out, static_cast<bool>(value));
  if (value) distob::encode<T>(out, *value);
}

}  // namespace detail

// clang-format off
template <class T, class A> struct Codec<std::vector<T, A>> : detail::SequenceCodec<std::vector<T, A>> {};
template <class T, class A> struct Codec<std::deque<T, A>> : detail::SequenceCodec<std::deque<T, A>> {};
template <class T, class A> struct Codec<std::list<T, A>> : detail::SequenceCodec<std::list<T, A>> {};
template <class... P> struct Codec<std::set<P...>> : detail::SequenceCodec<std::set<P...>> {};
template <class... P> struct Codec<std::multiset<P...>> : detail::SequenceCodec<std::multiset<P...>> {};
template <class... P> struct Codec<std::unordered_set<P...>> : detail::SequenceCodec<std::unordered_set<P...>> {};
template <class... P> struct Codec<std::unordered_multiset<P...>> : detail::SequenceCodec<std::unordered_multiset<P...>> {};
template <class... P> struct Codec<std::map<P...>> : detail::MapCodec<std::map<P...>> {};
template <class... P> struct Codec<std::multimap<P...>> : detail::MapCodec<std::multimap<P...>> {};
template <class... P> struct Codec<std::unordered_map<P...>> : detail::MapCodec<std::unordered_map<P...>> {};
template <class... P> struct Codec<std::unordered_multimap<P...>> : detail::MapCodec<std::unordered_multimap<P...>> {};
// clang-format on

/// A span travels as its elements do and arrives as a std::vector.
template <class T, std::size_t N>
struct Codec<std::span<T, N>> {
  static void encode(Writer& out, std::span<T, N> value) {
    out.put_number(value.size());
    if constexpr (detail::Bulk<std::remove_cv_t<T>>) {
      out.put(value.data(), value.size_bytes());
    } else {
      for (const auto& element : value) distob::encode<std::remove_cv_t<T>>(out, element);
    }
  }
};

template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  static void encode(Writer& out, const std::array<T, N>& value) {
    if constexpr (N == 0) out.put("", 1);
    for (const T& element : value) distob::encode(out, element);
  }
  static std::array<T, N> decode(Reader& in) {
    if constexpr (N == 0) in.view(1);
    if constexpr (std::is_default_constructible_v<T> && std::is_move_assignable_v<T>) {
      std::array<T, N> value{};
      for (T& element : value) element = distob::decode<T>(in);
      return value;
    } else {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<T, N>{{(static_cast<void>(I), distob::decode<T>(in))...}};
      }
      (std::make_index_sequence<N>{});
    }
  }
};

template <class A, class B>
struct Codec<std::pair<A, B>> {
  static void encode(Writer& out, const std::pair<A, B>& value) {
    distob::encode(out, value.first);
    distob::encode(out, value.second);
  }
  static std::pair<A, B> decode(Reader& in) {
    auto first = distob::decode<A>(in);
    return {std::move(first), distob::decode<B>(in)};
  }
};

template <class... T>
struct Codec<std::tuple<T...>> {
  static void encode(Writer& out, const std::tuple<T...>& value) {
    if constexpr (sizeof...(T) == 0) out.put("", 1);
    std::apply([&](const auto&... element) { (distob::encode(out, element), ...); }, value);
  }
  static std::tuple<T...> decode(Reader& in) {
    if constexpr (sizeof...(T) == 0) in.view(1);
    return std::tuple<T...>{distob::decode<T>(in)...};
  }
};

template <class T>
struct Codec<std::optional<T>> {
  static void encode(Writer& out, const std::optional<T>& value) {
    detail::encode_optional<std::optional<T>, T>(out, value);
  }
  static std::optional<T> decode(Reader& in) {
    Reader::Nesting nesting(in);
    if (!distob::decode<bool>(in)) return std::nullopt;
    return distob::decode<T>(in);
  }
};

/// A unique_ptr travels as what it owns; an empty one stays empty.
template <class T>
struct Codec<std::unique_ptr<T>> {
  static void encode(Writer& out, const std::unique_ptr<T>& value) {
    static_assert(!std::is_polymorphic_v<T> || std::is_final_v<T>,
                  "distob: a unique_ptr to a base class cannot travel, because the object may be of a derived class");
    detail::encode_optional<std::unique_ptr<T>, T>(out, value);
  }
  static std::unique_ptr<T> decode(Reader& in) {
    Reader::Nesting nesting(in);
    if (!distob::decode<bool>(in)) return nullptr;
    return std::make_unique<T>(distob::decode<T>(in));
  }
};

template <>
struct Codec<std::monostate> {
  static void encode(Writer& out, std::monostate) { out.put("", 1); }
  static std::monostate decode(Reader& in) {
    in.view(1);
    return {};
  }
};

template <class... T>
struct Codec<std::variant<T...>> {
  using Variant = std::variant<T...>;
  static void encode(Writer& out, const Variant& value) {
    if (value.valueless_by_exception()) throw EncodeError("a variant that lost its value cannot travel");
    out.put_number(value.index());
    std::visit([&](const auto& alternative) { distob::encode(out, alternative); }, value);
  }
  static Variant decode(Reader& in) {
    Reader::Nesting nesting(in);
    const std::uint64_t index = in.get_number();
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      std::optional<Variant> value;
      ((I == index ? static_cast<void>(value.emplace(std::in_place_index<I>, distob::decode<T>(in))) : void()), ...);
      if (!value) Reader::fail("a variant names an alternative that it does not have");
      return std::move(*value);
    }
    (std::index_sequence_for<T...>{});
  }
};

/// A reference travels as itself: whoever receives it refers to the same object.
template <>
struct Codec<Ref> {
  static void encode(Writer& out, const Ref& ref) { out.put_reference(ref); }
  static Ref decode(Reader& in) { return in.get_reference(); }
};

}  // namespace distob

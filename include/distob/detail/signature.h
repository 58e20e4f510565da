// What a function takes and gives, seen from the other side of a call.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace distob::detail {

template <class... T>
struct Types {};

/// The owning form of a parameter or argument type: what the engine decodes and then passes on.
template <class T>
struct HeldType {
  using type = T;
};
template <>
struct HeldType<std::string_view> {
  using type = std::string;
};
template <>
struct HeldType<const char*> {
  using type = std::string;
};
template <>
struct HeldType<char*> {
  using type = std::string;
};
template <class T, std::size_t N>
struct HeldType<std::span<T, N>> {
  using type = std::vector<std::remove_const_t<T>>;
};
template <class T>
using Held = typename HeldType<std::decay_t<T>>::type;

template <class F>
struct Signature;  // of functions, function pointers and pointers to member functions

template <class R, class... A>
struct Signature<R (*)(A...)> {
  using Result = R;
  using Parameters = Types<A...>;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};

#define DISTOB_METHOD_SIGNATURE(QUALIFIERS)     \
  template <class R, class C, class... A>       \
  struct Signature<R (C::*)(A...) QUALIFIERS> { \
    using Result = R;                           \
    using Class = C;                            \
    using Parameters = Types<A...>;             \
  };
DISTOB_METHOD_SIGNATURE()
DISTOB_METHOD_SIGNATURE(const)
DISTOB_METHOD_SIGNATURE(&)
DISTOB_METHOD_SIGNATURE(const&)
DISTOB_METHOD_SIGNATURE(noexcept)
DISTOB_METHOD_SIGNATURE(const noexcept)
DISTOB_METHOD_SIGNATURE(&noexcept)
DISTOB_METHOD_SIGNATURE(const& noexcept)
#undef DISTOB_METHOD_SIGNATURE

template <class M>
struct FieldOf;  // of pointers to data members
template <class V, class C>
struct FieldOf<V C::*> {
  using Value = V;
  using Class = C;
};

}  // namespace distob::detail

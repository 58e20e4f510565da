// The tasks that calls are made of: each has a label and runs in the engine on an Invocation.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "distob/detail/operation.h"
#include "distob/detail/signature.h"

namespace distob {
template <class T>
class Remote;
}

namespace distob::detail {

/// What the caller gets for a function that returns R: a reference to something that can be changed arrives as a Remote,
/// so that changes reach the original; everything else arrives as a value.
template <class R>
struct ResultType {
  using type = Held<R>;
};
template <>
struct ResultType<void> {
  using type = void;
};
template <class T>
requires(!std::is_const_v<T>) struct ResultType<T&> {
  using type = Remote<T>;
};
template <class T>
struct ResultType<Remote<T>&> {
  using type = Remote<T>;
};
template <class R>
using Result = typename ResultType<R>::type;

/// Appends what a function returned. `owner` keeps alive what a returned reference refers to.
template <class R, class Call>
void answer_with(Invocation& invocation, const std::shared_ptr<void>& owner, Call&& call) {
  static_assert(
      !std::is_pointer_v<R> || std::is_convertible_v<R, std::string_view>,
      "distob: a pointer cannot be the result of a remote call. Return the value, a reference (the caller gets a "
      "Remote to it), or a std::optional");
  if constexpr (std::is_void_v<R>) {
    call();
  } else if constexpr (std::is_same_v<Result<R>, Remote<std::remove_reference_t<R>>> && std::is_lvalue_reference_v<R>) {
    std::remove_reference_t<R>& referred = call();
    // Shares ownership with the object it is part of.
    invocation.result.put_reference(
        invocation.refer_to(std::shared_ptr<std::remove_reference_t<R>>(owner, std::addressof(referred))));
  } else {
    distob::encode<Result<R>>(invocation.result, call());
  }
}

template <class H, class Argument>
concept SpanOf = requires(Writer& out, const Argument& argument) {
  requires std::is_same_v<H, std::vector<typename H::value_type>>;
  Codec<std::span<const typename H::value_type>>::encode(out, argument);
};

/// Appends an argument in the form that a parameter of type Parameter is decoded from.
template <class Parameter, class Argument>
void encode_argument(Writer& out, const Argument& argument) {
  static_assert(!std::is_lvalue_reference_v<Parameter> || std::is_const_v<std::remove_reference_t<Parameter>>,
                "distob: a parameter that is a reference to non-const cannot be passed to a remote call, because the "
                "engine changes a copy. Return the new value, or take a distob::Remote<T>");
  using H = Held<Parameter>;
  if constexpr (std::is_same_v<H, Argument>) {
    distob::encode(out, argument);
  } else if constexpr (std::is_same_v<H, std::string> && std::is_convertible_v<const Argument&, std::string_view>) {
    distob::encode<std::string_view>(out, argument);
  } else if constexpr (SpanOf<H, Argument>) {
    Codec<std::span<const typename H::value_type>>::encode(out, argument);
  } else {
    static_assert(
        std::is_convertible_v<const Argument&, H>,
        "distob: this argument (see Argument and Parameter of encode_argument) does not convert to the parameter");
    distob::encode<H>(out, static_cast<H>(argument));
  }
}

template <class... P, class... A>
void encode_arguments(Writer& out, Types<P...>, const A&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A),
                "distob: a remote call needs an argument for each parameter; default arguments do not travel");
  (encode_argument<P>(out, arguments), ...);
}

/// Decodes all arguments in order, then calls `f` with them.
template <class... P, class F>
decltype(auto) call_with_arguments(Reader& in, Types<P...>, F&& f) {
  std::tuple<Held<P>...> held{distob::decode<Held<P>>(in)...};
  return std::apply([&](auto&... values) -> decltype(auto) { return f(static_cast<Held<P>&&>(values)...); }, held);
}

/// Calls a method of a T.
template <class T, auto Method>
struct MethodTask {
  using Traits = Signature<decltype(Method)>;
  static constexpr std::string_view label() { return name_of_value<Method>(); }
  static void run(Invocation& invocation) {
    const auto object = invocation.target<T>();
    call_with_arguments(invocation.arguments, typename Traits::Parameters{}, [&](auto&&... arguments) {
      answer_with<typename Traits::Result>(invocation, object, [&]() -> decltype(auto) {
        return (object.get()->*Method)(std::forward<decltype(arguments)>(arguments)...);
      });
    });
  }
};

/// Reads a data member of a T.
template <class T, auto Field>
struct GetTask {
  static constexpr std::string_view label() { return name_of_value<Field>(); }
  static void run(Invocation& invocation) {
    distob::encode(invocation.result, std::as_const(*invocation.target<T>()).*Field);
  }
};

/// Writes a data member of a T.
template <class T, auto Field>
struct SetTask {
  using Value = typename FieldOf<decltype(Field)>::Value;
  static constexpr std::string_view label() { return name_of_value<Field>(); }
  static void run(Invocation& invocation) {
    *invocation.target<T>().*Field = distob::decode<Value>(invocation.arguments);
  }
};

/// Calls a function.
template <auto Function>
struct FunctionTask {
  using Traits = Signature<decltype(Function)>;
  static constexpr std::string_view label() { return name_of_value<Function>(); }
  static void run(Invocation& invocation) {
    call_with_arguments(invocation.arguments, typename Traits::Parameters{}, [&](auto&&... arguments) {
      answer_with<typename Traits::Result>(invocation, nullptr, [&]() -> decltype(auto) {
        return Function(std::forward<decltype(arguments)>(arguments)...);
      });
    });
  }
};

/// A function object that travels as its type: a lambda without captures, std::plus<>.
template <class F>
concept Stateless = std::is_empty_v<F> && std::is_default_constructible_v<F>;

template <class F>
constexpr void check_function() {
  static_assert(!std::is_pointer_v<F>,
                "distob: a pointer to a function cannot travel, because addresses differ between processes. Name the "
                "function as a template argument: cluster.call<function>(arguments...)");
  static_assert(std::is_pointer_v<F> || Stateless<F>,
                "distob: a function object with state (a lambda with captures) cannot travel. Pass what it captures as "
                "arguments");
}

/// Calls a stateless function object with arguments of the types A.
template <class F, class... A>
struct LambdaTask {
  static_assert(std::is_invocable_v<F, A&&...>,
                "distob: this function cannot be called with these arguments (see F and A "
                "of LambdaTask); references to non-const are no parameters of remote calls");
  using R = std::invoke_result_t<F, A&&...>;
  static constexpr std::string_view label() { return name_of_type<F>(); }
  static void run(Invocation& invocation) {
    call_with_arguments(invocation.arguments, Types<A...>{}, [&](A&&... arguments) {
      answer_with<R>(invocation, nullptr, [&]() -> decltype(auto) { return F{}(std::move(arguments)...); });
    });
  }
};

/// Calls a stateless function object with the T itself and arguments of the types A.
template <class F, class T, class... A>
struct ApplyTask {
  static_assert(
      std::is_invocable_v<F, T&, A&&...>,
      "distob: this function cannot be called with an object of that class and these arguments (see F, T and A of "
      "ApplyTask)");
  using R = std::invoke_result_t<F, T&, A&&...>;
  static constexpr std::string_view label() { return name_of_type<F>(); }
  static void run(Invocation& invocation) {
    const auto object = invocation.target<T>();
    call_with_arguments(invocation.arguments, Types<A...>{}, [&](A&&... arguments) {
      answer_with<R>(invocation, object, [&]() -> decltype(auto) { return F{}(*object, std::move(arguments)...); });
    });
  }
};

/// Calls a stateless function object with each of a list of values, and the same further arguments each time.
template <class F, class V, class... A>
struct MapTask {
  static_assert(std::is_invocable_v<F, V&, A&...>,
                "distob: this function cannot be called with these values and arguments (see F, V and A of MapTask)");
  using R = std::invoke_result_t<F, V&, A&...>;
  static constexpr std::string_view label() { return name_of_type<F>(); }
  static void run(Invocation& invocation) {
    std::tuple<A...> further{distob::decode<A>(invocation.arguments)...};
    auto values = distob::decode<std::vector<V>>(invocation.arguments);
    invocation.result.put_number(values.size());
    for (auto&& value : values) {
      std::apply(
          [&](A&... arguments) {
            answer_with<R>(invocation, nullptr, [&]() -> decltype(auto) { return F{}(value, arguments...); });
          },
          further);
    }
  }
};

/// Makes objects of the class T from values that travel.
template <class T>
struct ScatterTask {
  static constexpr std::string_view label() { return name_of_type<T>(); }
  static void run(Invocation& invocation) {
    for (std::size_t n = invocation.expected(); n > 0; --n)
      invocation.store(std::make_shared<T>(distob::decode<T>(invocation.arguments)));
  }
};

/// Makes an object of the class T by its constructor.
template <class T, class... A>
struct CreateTask {
  static_assert(std::is_constructible_v<T, A&&...> || (std::is_aggregate_v<T> && requires { T{std::declval<A>()...}; }),
                "distob: the class has no constructor for these arguments (see T and A of CreateTask)");
  static constexpr std::string_view label() { return name_of_type<T>(); }
  static void run(Invocation& invocation) {
    call_with_arguments(invocation.arguments, Types<A...>{}, [&](A&&... arguments) {
      if constexpr (std::is_aggregate_v<T>) {
        invocation.store(std::shared_ptr<T>(new T{std::move(arguments)...}));
      } else {
        invocation.store(std::make_shared<T>(std::move(arguments)...));
      }
    });
  }
};

/// Reads the whole object.
template <class T>
struct GatherTask {
  static constexpr std::string_view label() { return name_of_type<T>(); }
  static void run(Invocation& invocation) { distob::encode(invocation.result, std::as_const(*invocation.target<T>())); }
};

}  // namespace distob::detail

#include "remote/exceptions.h"

#include <cxxabi.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <typeinfo>
#include <variant>

#include "distob/codec.h"
#include "distob/errors.h"

namespace distob::detail {
namespace {

/// The types that travel as themselves, derived ones before their bases: the first that matches is taken. The place in this
/// list is the number that travels; both ends are one build.
template <class... E>
struct List {};
using WithText = List<AxisError, ValueError, IndexError, EncodeError, TypeError, ClosedError, ForkedError, MemoryError,
                      EngineDied, ObjectLost, DeadlockError, Cancelled, RemoteError, ProtocolError, Error,
                      std::invalid_argument, std::domain_error, std::length_error, std::out_of_range, std::logic_error,
                      std::range_error, std::overflow_error, std::underflow_error, std::runtime_error>;
using WithoutText = List<std::bad_array_new_length, std::bad_alloc, std::bad_cast, std::bad_typeid,
                         std::bad_function_call, std::bad_weak_ptr, std::bad_optional_access, std::bad_variant_access>;

enum class Form : std::uint8_t { Text, NoText, System, Remote };

struct Travelling {
  Form form = Form::Remote;
  std::uint8_t type = 0;  ///< in the list of its form
  std::string text = {};
  bool generic = false;  ///< a system_error of the generic category; else of the system's
  int code = 0;
};

/// AxisError has no constructor from a text; it is a ValueError to whoever gets it.
template <class E>
std::exception_ptr make(const std::string& text) {
  if constexpr (std::is_same_v<E, AxisError>) {
    return std::make_exception_ptr(ValueError(text));
  } else if constexpr (std::is_constructible_v<E, const std::string&>) {
    return std::make_exception_ptr(E(text));
  } else {
    return std::make_exception_ptr(E());
  }
}

template <class... E>
std::exception_ptr make_numbered(List<E...>, std::uint8_t number, const std::string& text) {
  std::exception_ptr result;
  std::uint8_t i = 0;
  ((i++ == number ? static_cast<void>(result = make<E>(text)) : void()), ...);
  return result;
}

template <class... E>
std::optional<std::uint8_t> number_of(List<E...>, const std::exception& error) {
  std::uint8_t i = 0;
  std::optional<std::uint8_t> found;
  ((dynamic_cast<const E*>(&error) && !found ? static_cast<void>(found = i) : void(), ++i), ...);
  return found;
}

/// True if `type` is one of the list itself, not merely derived from one.
template <class... E>
bool is_listed(List<E...>, const std::type_info& type) {
  return ((type == typeid(E)) || ...);
}

// std::system_error appends the code's message to its text; this takes it off again.
std::string own_text(const std::system_error& error) {
  std::string text = error.what();
  const std::string suffix = ": " + error.code().message();
  if (text == error.code().message()) return {};
  if (text.ends_with(suffix)) text.resize(text.size() - suffix.size());
  return text;
}

Travelling describe(const std::exception& error) {
  const std::type_info& type = typeid(error);
  if (const auto* system = dynamic_cast<const std::system_error*>(&error);
      system &&
      (system->code().category() == std::generic_category() || system->code().category() == std::system_category()))
    return {.form = Form::System,
            .text = own_text(*system),
            .generic = system->code().category() == std::generic_category(),
            .code = system->code().value()};
  if (is_listed(WithText{}, type))
    return {.form = Form::Text, .type = *number_of(WithText{}, error), .text = error.what()};
  if (is_listed(WithoutText{}, type))
    return {.form = Form::NoText, .type = *number_of(WithoutText{}, error), .text = {}};
  // A type of the program's own derived from a standard one is caught as the nearest of those.
  const std::string text = demangled(type.name()) + ": " + error.what();
  if (const auto number = number_of(WithText{}, error)) return {.form = Form::Text, .type = *number, .text = text};
  return {.form = Form::Remote, .text = text};
}

Travelling describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    return describe(caught);
  } catch (...) {
    return {.form = Form::Remote, .text = text_of(error)};
  }
}

std::exception_ptr make(const Travelling& error) {
  std::exception_ptr result;
  if (error.form == Form::Text) result = make_numbered(WithText{}, error.type, error.text);
  if (error.form == Form::NoText) result = make_numbered(WithoutText{}, error.type, error.text);
  if (error.form == Form::System) {
    const std::error_code code(error.code, error.generic ? std::generic_category() : std::system_category());
    result =
        std::make_exception_ptr(error.text.empty() ? std::system_error(code) : std::system_error(code, error.text));
  }
  return result ? result : std::make_exception_ptr(RemoteError(error.text));
}

}  // namespace

std::vector<std::byte> encode_exception(const std::exception_ptr& error) {
  Writer out;
  encode(out, describe(error));
  return {out.bytes().begin(), out.bytes().end()};
}

std::exception_ptr decode_exception(std::span<const std::byte> bytes) {
  try {
    Reader in(bytes);
    return make(decode<Travelling>(in));
  } catch (const ProtocolError&) {
    return std::current_exception();
  }
}

std::exception_ptr with_text(const std::exception_ptr& error, const std::string& text) {
  Travelling described = describe(error);
  if (described.form == Form::NoText || described.form == Form::System) return error;
  described.text = text;
  return make(described);
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    return caught.what();
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return "an exception of type " + (type ? demangled(type->name()) : std::string("unknown"));
  }
}

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

}  // namespace distob::detail

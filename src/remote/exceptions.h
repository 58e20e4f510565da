// Exceptions as bytes: standard ones and distob's keep their type, others arrive as RemoteError with their text.
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <vector>

namespace distob::detail {

[[nodiscard]] std::vector<std::byte> encode_exception(const std::exception_ptr& error);

/// The exception that encode_exception() was given. Bytes that are none become a ProtocolError.
[[nodiscard]] std::exception_ptr decode_exception(std::span<const std::byte> bytes);

/// The same type of exception with another text.
[[nodiscard]] std::exception_ptr with_text(const std::exception_ptr& error, const std::string& text);

/// What it says: its text, or the name of its type if it is no std::exception.
[[nodiscard]] std::string text_of(const std::exception_ptr& error);

/// The readable form of a mangled type name.
[[nodiscard]] std::string demangled(const char* name);

}  // namespace distob::detail

// What an engine can be asked to do: every function, method and constructor that the program calls remotely, under a name.
//
// A template that makes a call also makes an Operation, which lists itself before main. The client sends the hash and text
// of its name; the engine, the same executable, finds it by them. Addresses never travel.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include "distob/codec.h"

namespace distob::detail {

/// One call while it runs in an engine: what an Operation's thunk works with.
class Invocation {
 public:
  explicit Invocation(Reader& arguments) : arguments(arguments) {}
  virtual ~Invocation() = default;

  Reader& arguments;
  Writer result;

  /// The object that is called. Throws TypeError if it is no T.
  template <class T>
  std::shared_ptr<T> target() {
    return std::static_pointer_cast<T>(target_of_type(typeid(T)));
  }
  /// Stores the next of the objects that the caller expects this call to make.
  template <class T>
  void store(std::shared_ptr<T> object) {
    store_object(std::move(object), typeid(T));
  }
  /// A reference to an object that this call came upon: the target itself, or a part that keeps the target alive.
  template <class T>
  Ref refer_to(std::shared_ptr<T> object) {
    return refer_to_object(std::move(object), typeid(T));
  }
  /// How many objects the caller still expects this call to store().
  [[nodiscard]] virtual std::size_t expected() const = 0;

 private:
  virtual std::shared_ptr<void> target_of_type(const std::type_info& type) = 0;
  virtual void store_object(std::shared_ptr<void> object, const std::type_info& type) = 0;
  virtual Ref refer_to_object(std::shared_ptr<void> object, const std::type_info& type) = 0;
};

/// An entry of the program's list of operations; lives as long as the program.
///
/// Functions of unnamed namespaces in different files may have one name. Their `ordinal` tells them apart: how many of the
/// name were listed before, which is the same in every process of one build, because all are listed before main.
struct Operation {
  using Thunk = void (*)(Invocation&);

  /// Lists itself. `name` identifies it among all builds; `label` is what messages call it.
  Operation(const char* name, std::string_view label, Thunk thunk) noexcept;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  const std::string_view name;
  const std::string_view label;
  const Thunk thunk;
  const std::uint64_t hash;
  mutable std::atomic<std::int64_t> ordinal{-1};  ///< -1: not numbered yet
  const Operation* const next;
};

/// Its ordinal. Throws Error for one that came with a library loaded later and shares its name, because then the order may
/// differ between processes.
std::uint32_t ordinal_of(const Operation& operation);
/// The operation of that name and ordinal. Throws ProtocolError naming it if there is none.
const Operation& find_operation(std::uint64_t hash, std::string_view name, std::uint32_t ordinal);

/// The part of `pretty`, a __PRETTY_FUNCTION__, that names its template argument: "Tree::grow".
constexpr std::string_view argument_name(std::string_view pretty) {
  const std::size_t equals = pretty.find("= ");
  if (equals == std::string_view::npos) return pretty;
  pretty.remove_prefix(equals + 2);
  const std::size_t end = pretty.find_last_of(";]");
  const std::size_t semicolon = pretty.find("; std::");
  pretty = pretty.substr(0, semicolon != std::string_view::npos ? semicolon : end);
  while (!pretty.empty() && (pretty.front() == '&' || pretty.front() == '(')) pretty.remove_prefix(1);
  return pretty;
}
template <auto Value>
constexpr std::string_view name_of_value() {
  return argument_name(__PRETTY_FUNCTION__);
}
template <class T>
constexpr std::string_view name_of_type() {
  return argument_name(__PRETTY_FUNCTION__);
}

/// The Operation that runs Task::run(Invocation&). Its name is that of the type Task, in which all lambdas differ.
template <class Task>
struct Registered {
  static const Operation operation;
};
template <class Task>
const Operation Registered<Task>::operation{typeid(Task).name(), Task::label(), &Task::run};

}  // namespace distob::detail

// The names of things in a cluster: values of a few bytes, unique in the cluster, never used again.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace distob {

/// An engine. Numbers are handed out by the hub in the order of joining; after losses they are not 0..n-1.
struct EngineId {
  std::uint32_t value = UINT32_MAX;
  friend constexpr auto operator<=>(EngineId, EngineId) = default;
  explicit constexpr operator bool() const { return value != UINT32_MAX; }
};

/// The calling side of one process: the client's is 1, every engine has one of its own, 0 is nobody.
struct SessionId {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(SessionId, SessionId) = default;
  explicit constexpr operator bool() const { return value != 0; }
};
inline constexpr SessionId kClientSession{1};

/// A command: who sent it, and its number among all that this session ever sent.
struct CommandId {
  SessionId session;
  std::uint64_t number = 0;
  friend constexpr auto operator<=>(const CommandId&, const CommandId&) = default;
  explicit constexpr operator bool() const { return number != 0; }
};

/// The call chain that a command belongs to is named by the command that began it.
using ChainId = CommandId;

/// An object, named by who made the name: `creator` sent the command that makes the object as number `sequence` of its
/// stream to `owner`, as result number `index`. An owner that has not reached `sequence` yet knows that the object is still
/// to come; one that has, and does not find it, knows that it is gone.
struct ObjectId {
  SessionId creator;
  EngineId owner;
  std::uint64_t sequence = 0;
  std::uint32_t index = 0;
  friend constexpr auto operator<=>(const ObjectId&, const ObjectId&) = default;
  explicit constexpr operator bool() const { return sequence != 0; }
};

[[nodiscard]] std::string to_string(EngineId);
[[nodiscard]] std::string to_string(SessionId);
[[nodiscard]] std::string to_string(const CommandId&);
[[nodiscard]] std::string to_string(const ObjectId&);  ///< "object 1.17.0 on engine 2"

namespace detail {
/// Mixes one more word into a hash (the finaliser of MurmurHash3).
constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53ULL;
  return hash ^ (hash >> 33);
}
}  // namespace detail
}  // namespace distob

template <>
struct std::hash<distob::EngineId> {
  std::size_t operator()(distob::EngineId id) const noexcept { return distob::detail::mix(1, id.value); }
};
template <>
struct std::hash<distob::SessionId> {
  std::size_t operator()(distob::SessionId id) const noexcept { return distob::detail::mix(2, id.value); }
};
template <>
struct std::hash<distob::CommandId> {
  std::size_t operator()(const distob::CommandId& id) const noexcept {
    return distob::detail::mix(id.session.value, id.number);
  }
};
template <>
struct std::hash<distob::ObjectId> {
  std::size_t operator()(const distob::ObjectId& id) const noexcept {
    const std::uint64_t who = std::uint64_t{id.creator.value} << 32 | id.owner.value;
    return distob::detail::mix(distob::detail::mix(who, id.sequence), id.index);
  }
};

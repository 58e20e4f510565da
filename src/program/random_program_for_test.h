// Random programs, run by the machine and by the interpreter, from any source of bytes: a seed, or a fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace distob::program::testing {

/// Choices: from given bytes while they last, then from a generator seeded with what was left over (0 if nothing).
class Choices {
 public:
  explicit Choices(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size), state_(size + 1) {}

  /// 0 ... count - 1.
  std::int64_t below(std::int64_t count);
  bool one_in(std::int64_t count) { return below(count) == 0; }

 private:
  std::uint64_t next();
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t state_;
};

/// Builds a program of random views, types, strides, broadcasts, masks and reductions, runs its units in random order and in
/// two frames, and compares every byte of memory with the interpreter's. Returns what differs, or an empty text.
[[nodiscard]] std::string check_random_program(Choices& choices);

}  // namespace distob::program::testing

// The oracle of the machine: the same instructions, element by element, with nothing clever. For tests and fuzzing only.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "program/program.h"

namespace distob::program::testing {

/// Mirrors the part of Builder's interface that tests use, and computes at once on whole arrays of elements.
class Interpreter {
 public:
  /// Memory is `slots[i]`, changed by store() and reduce() in place.
  Interpreter(Shape shape, std::vector<std::vector<char>>& slots) : shape_(std::move(shape)), slots_(slots) {}

  int load(int slot, const View& view, Kind to);
  int constant(Kind kind, const void* bytes);
  int apply(const kernels::Kernel& kernel, std::span<const int> inputs, int output = 0);
  int select(int mask, int value, const void* otherwise);
  void store(int value, int slot, const View& view, int mask = -1);
  /// The tree of program.h written as the recursion that defines it.
  void reduce(int value, const kernels::Reduction& reduction, const Dims& axes, int slot, const View& result);

  [[nodiscard]] Kind kind(int value) const { return values_[static_cast<std::size_t>(value)].kind; }

 private:
  struct Array {
    Kind kind;
    std::vector<char> bytes;
  };
  [[nodiscard]] std::int64_t size() const { return element_count(shape_); }
  int add(Array array) {
    values_.push_back(std::move(array));
    return static_cast<int>(values_.size()) - 1;
  }

  Shape shape_;
  std::vector<std::vector<char>>& slots_;
  std::vector<Array> values_;
};

/// The byte offset of the element of `view` with C-order number `number`.
[[nodiscard]] std::int64_t offset_of(const View& view, std::int64_t number);

/// The definition of the tree: `values` are the elements of one result in order, in rows of `width` neighbours that stay
/// apart (1: leaves of consecutive elements).
[[nodiscard]] std::vector<char> tree(const kernels::Reduction& reduction, const std::vector<char>& values,
                                     std::int64_t width);

}  // namespace distob::program::testing

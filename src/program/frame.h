// One thread's run of a program: where values are, and the instructions over one tile. Inside of src/program.
#pragma once

#include <cstdint>
#include <span>

#include "program/code.h"

namespace distob::program {

/// A box of the machine's axes: where it starts and how far it goes.
struct Tile {
  std::array<std::int64_t, Dims::kMaxRank> start;
  Dims extents;
  std::int64_t elements;
};

/// Not thread-safe; lives for one run() of some units.
class Frame {
 public:
  Frame(const Code& code, std::span<char* const> bases, Scratch& scratch);

  /// Runs every instruction over `tile`, of at most code.capacity elements. Returns 0, or the status of a loop that failed.
  int run(const Tile& tile);

  /// Where `value` is after run(), until the next one.
  [[nodiscard]] Location location(std::int32_t value) const { return locations_[value]; }
  /// Asks the kernel that makes `value` to leave it at `data` (contiguous) if nothing speaks against it; null: anywhere.
  void set_target(std::int32_t value, char* data) { targets_[value] = data; }

  /// Counts the thread's flags to instruction number `at`.
  void take_flags(std::size_t at);

  [[nodiscard]] char* scratch() const { return scratch_; }
  /// Moves status and flags out.
  [[nodiscard]] Outcome outcome() const;

 private:
  struct Resolved {
    char* data;
    bool contiguous;  ///< over the tile, in C order
    bool scalar;      ///< one element stands for all
    bool aligned;
  };
  [[nodiscard]] Resolved resolve(const Operand& operand) const;
  void load(const Instruction& instruction);
  int call(const Instruction& instruction, std::size_t at);
  /// Where a kernel leaves `output`; its location from now on.
  char* place(std::int32_t output);
  /// The kernel's own loop, over whatever strides the values have.
  int loop(const Instruction& instruction);
  void select(const Instruction& instruction);
  void store(const Instruction& instruction, std::size_t at);
  void write(const Instruction& instruction, const Resolved& to, Location from, std::int64_t itemsize);
  void convert(const kernels::Kernel& cast, char* from, std::ptrdiff_t from_stride, char* to, std::ptrdiff_t to_stride,
               std::int64_t n, std::size_t at);
  [[nodiscard]] char* register_of(std::int32_t value) const {
    return scratch_ +
           code_.register_offsets[static_cast<std::size_t>(code_.values[static_cast<std::size_t>(value)].reg)];
  }
  [[nodiscard]] char* temporary(int which) const;

  const Code& code_;
  std::span<char* const> bases_;
  char* scratch_;
  Location* locations_;
  char** targets_;
  std::uint8_t* flags_;
  const Tile* tile_ = nullptr;
  int status_ = 0;
  Tag failed_ = 0;
};

/// Runs units [first, last) of a reducing program into `partials`. Returns 0, or the status of a loop that failed.
[[nodiscard]] int run_reduction_units(const Code& code, Frame& frame, std::int64_t first, std::int64_t last,
                                      char* partials);

}  // namespace distob::program

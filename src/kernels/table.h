// Where the families of kernels (one .cpp each) put their loops, and how the loops come to be called.
//
// A family writes blocks: functions over contiguous elements that know nothing of strides. One shared loop (loop.cpp)
// stands in Kernel::loop for all of them; it calls the block on the operands as they are where it can, and on small
// gathered pieces where it cannot. So the strided case costs no code per kernel, and gives the same bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "kernels/gemm.h"
#include "kernels/kernel.h"

namespace distob::kernels {

struct Traits {
  bool scalars = false;   ///< the block takes scalar inputs as they are
  bool flags = false;     ///< may raise floating point flags
  bool quiet = false;     ///< flags its instructions raise mean nothing: the shared loop puts back the ones it found
  std::uint8_t cost = 1;  ///< in units of one addition
};

/// What the shared loop knows about a kernel.
struct Slot {
  static constexpr int kOperands = 4;
  Kernel kernel;
  Block block = nullptr;
  const Slot* through = nullptr;  ///< half precision: widen to float32, run this, narrow
  std::array<std::uint8_t, kOperands> itemsize{};
  Traits traits;
};

/// The loop of every native kernel; its context is a Slot.
int run_slot(const void* context, char* const* data, const std::ptrdiff_t* dims, const std::ptrdiff_t* strides, void*);

/// Half precision to single and back, as the chosen instruction set does it best.
struct HalfConversion {
  void (*widen)(const std::uint16_t* in, float* out, std::ptrdiff_t n) = nullptr;
  void (*narrow)(const float* in, std::uint16_t* out, std::ptrdiff_t n) = nullptr;
};
extern HalfConversion half_conversion;

/// All native loops of this process. Filled once at the first use, from the families' versions for the best instruction
/// set; filling again after the choice changed replaces functions in place, so pointers handed out stay good.
class Table {
 public:
  /// Fills the table for the instruction set that is chosen at the moment.
  void fill();

  void add(Op op, std::initializer_list<Kind> inputs, std::initializer_list<Kind> outputs, Block block, Traits traits);
  void add_cast(Kind from, Kind to, Block block, Traits traits);
  void add_reduction(ReduceOp op, const Reduction& reduction);
  void add_gemm(Kind kind, const Gemm& gemm);

  [[nodiscard]] const Kernel* find(Op op, std::span<const Kind> inputs) const;
  [[nodiscard]] const Kernel* cast(Kind from, Kind to) const;
  [[nodiscard]] const Reduction* reduction(ReduceOp op, Kind kind) const;
  [[nodiscard]] const Gemm* gemm(Kind kind) const;
  [[nodiscard]] std::string_view name_of(const Kernel& kernel) const;

 private:
  /// The operand whose kind an operation's kernels are filed under.
  static std::size_t key(Op op) { return op == Op::where ? 1 : 0; }
  Slot& slot_of(Op op, std::initializer_list<Kind> inputs);
  void compute_half_in_single();

  /// Two places for each kind: the second is for mixed operands (int64 with uint64, ldexp with an int64 exponent).
  std::unique_ptr<Slot> elementwise_[kOps][kNativeKinds][2];
  std::unique_ptr<Slot> casts_[kNativeKinds][kNativeKinds];
  Reduction reductions_[static_cast<int>(ReduceOp::count_)][kNativeKinds];
  Gemm gemms_[kNativeKinds];
};

// The families. Each adds its kernels as compiled for the chosen instruction set.
void fill_float_arithmetic(Table& table);
void fill_compare(Table& table);
void fill_integer(Table& table);
void fill_integer_division(Table& table);
void fill_float_rare(Table& table);
void fill_transcendental(Table& table);
void fill_complex(Table& table);
void fill_long_double(Table& table);
void fill_half(Table& table);
void fill_select(Table& table);
void fill_casts(Table& table);
void fill_wide_casts(Table& table);
void fill_moving(Table& table);  // which has no kernels, and chooses an instruction set all the same
void fill_reduce_float(Table& table);
void fill_reduce_integer(Table& table);
void fill_reduce_wide(Table& table);
void fill_gemm_float(Table& table);
void fill_gemm_plain(Table& table);

}  // namespace distob::kernels

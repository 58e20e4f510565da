#include "kernels/targets.h"

#include "kernels/listing.h"
#include "kernels/table.h"

#include <hwy/targets.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace distob::kernels {
namespace {

int index_of(Op op) { return static_cast<int>(op); }
int index_of(Kind kind) { return static_cast<int>(kind); }
int index_of(ReduceOp op) { return static_cast<int>(op); }

void describe(Slot& slot, std::span<const Kind> inputs, std::span<const Kind> outputs, Block block, Traits traits) {
  slot.block = block;
  slot.traits = traits;
  std::size_t operand = 0;
  for (const std::span<const Kind> group : {inputs, outputs}) {
    for (const Kind kind : group) {
      slot.kernel.kinds[operand] = kind;
      slot.itemsize[operand++] = static_cast<std::uint8_t>(itemsize_of(kind));
    }
  }
  slot.kernel.loop = &run_slot;
  slot.kernel.context = &slot;
  slot.kernel.inputs = static_cast<std::uint8_t>(inputs.size());
  slot.kernel.outputs = static_cast<std::uint8_t>(outputs.size());
  slot.kernel.sets_float_flags = traits.flags;
  slot.kernel.cost = traits.cost;
}

Table& table() {
  // Never destroyed: kernels may still run in other threads when static objects end.
  static Table& filled = *[] {
    auto* made = new Table;
    made->fill();
    return made;
  }();
  return filled;
}

std::vector<std::string_view> runnable_targets() {
  std::vector<std::string_view> names;
#if defined(DISTOB_ONE_TARGET)
  names.emplace_back("one");
#else
  // Highway numbers better targets lower.
  std::int64_t targets = hwy::SupportedTargets() & (HWY_TARGETS);
  for (; targets != 0; targets &= targets - 1) names.emplace_back(hwy::TargetName(targets & -targets));
#endif
  return names;
}

}  // namespace

HalfConversion half_conversion;

void Table::fill() {
  fill_float_arithmetic(*this);
  fill_compare(*this);
  fill_integer(*this);
  fill_transcendental(*this);
  fill_integer_division(*this);
  fill_float_rare(*this);
  fill_half(*this);
  fill_select(*this);
  fill_complex(*this);
  fill_long_double(*this);
  fill_wide_casts(*this);
  fill_moving(*this);
  fill_casts(*this);
  fill_reduce_float(*this);
  fill_reduce_integer(*this);
  fill_reduce_wide(*this);
  fill_gemm_float(*this);
  fill_gemm_plain(*this);
  compute_half_in_single();
}

Slot& Table::slot_of(Op op, std::initializer_list<Kind> inputs) {
  auto& places = elementwise_[index_of(op)][index_of(inputs.begin()[key(op)])];
  for (auto& place : places) {
    if (!place) place = std::make_unique<Slot>();
    if (place->block == nullptr || std::ranges::equal(inputs, std::span(place->kernel.kinds).first(inputs.size())))
      return *place;
  }
  throw std::logic_error("a third kernel of one kind for " + std::string(kernels::name_of(op)));
}

void Table::add(Op op, std::initializer_list<Kind> inputs, std::initializer_list<Kind> outputs, Block block,
                Traits traits) {
  describe(slot_of(op, inputs), {inputs.begin(), inputs.size()}, {outputs.begin(), outputs.size()}, block, traits);
}

void Table::add_cast(Kind from, Kind to, Block block, Traits traits) {
  auto& place = casts_[index_of(from)][index_of(to)];
  if (!place) place = std::make_unique<Slot>();
  describe(*place, {&from, 1}, {&to, 1}, block, traits);
}

void Table::add_reduction(ReduceOp op, const Reduction& reduction) {
  reductions_[index_of(op)][index_of(reduction.kind)] = reduction;
}

void Table::add_gemm(Kind kind, const Gemm& gemm) { gemms_[index_of(kind)] = gemm; }

std::string_view Table::name_of(const Kernel& kernel) const {
  if (kernel.loop != &run_slot) return "loop";
  for (int op = 0; op < kOps; ++op) {
    for (const auto& kinds : elementwise_[op]) {
      for (const auto& place : kinds) {
        if (place && kernel.context == place.get()) return kernels::name_of(static_cast<Op>(op));
      }
    }
  }
  return "cast";
}

void Table::compute_half_in_single() {
  for (auto& kinds : elementwise_) {
    const auto& singles = kinds[index_of(Kind::Float32)];
    auto& halves = kinds[index_of(Kind::Float16)];
    for (int place = 0; place < 2; ++place) {
      if (!singles[place] || singles[place]->block == nullptr || halves[place]) continue;
      const Slot& single = *singles[place];
      halves[place] = std::make_unique<Slot>(single);
      Slot& half = *halves[place];
      half.through = &single;
      half.kernel.context = &half;
      half.kernel.cost = static_cast<std::uint8_t>(single.kernel.cost + 2);
      for (std::size_t i = 0; i < Slot::kOperands; ++i) {
        if (half.kernel.kinds[i] != Kind::Float32 || half.itemsize[i] == 0) continue;
        half.kernel.kinds[i] = Kind::Float16;
        half.itemsize[i] = 2;
        if (i >= half.kernel.inputs) half.kernel.sets_float_flags = true;  // narrowing may overflow
      }
    }
  }
}

const Kernel* Table::find(Op op, std::span<const Kind> inputs) const {
  if (inputs.size() <= key(op) || inputs[key(op)] >= Kind::Opaque) return nullptr;
  for (const auto& place : elementwise_[index_of(op)][index_of(inputs[key(op)])]) {
    if (!place) return nullptr;
    const Kernel& kernel = place->kernel;
    if (kernel.inputs == inputs.size() && std::equal(inputs.begin(), inputs.end(), kernel.kinds.begin()))
      return &kernel;
  }
  return nullptr;
}

const Kernel* Table::cast(Kind from, Kind to) const {
  if (from >= Kind::Opaque || to >= Kind::Opaque) return nullptr;
  const auto& place = casts_[index_of(from)][index_of(to)];
  return place ? &place->kernel : nullptr;
}

const Reduction* Table::reduction(ReduceOp op, Kind kind) const {
  if (kind >= Kind::Opaque) return nullptr;
  const Reduction& found = reductions_[index_of(op)][index_of(kind)];
  return found.leaf == nullptr ? nullptr : &found;
}

const Gemm* Table::gemm(Kind kind) const {
  if (kind >= Kind::Opaque) return nullptr;
  const Gemm& found = gemms_[index_of(kind)];
  return found.multiply == nullptr ? nullptr : &found;
}

const Kernel* find(Op op, std::span<const Kind> inputs) { return table().find(op, inputs); }
const Kernel* cast(Kind from, Kind to) { return table().cast(from, to); }
const Reduction* reduction(ReduceOp op, Kind kind) { return table().reduction(op, kind); }
const Gemm* gemm(Kind kind) { return table().gemm(kind); }

std::string_view name_of(const Kernel& kernel) { return table().name_of(kernel); }

std::span<const std::string_view> targets() {
  static const auto& names = *new std::vector<std::string_view>(runnable_targets());
  return names;
}

void use_target_for_testing([[maybe_unused]] std::string_view target) {
#if !defined(DISTOB_ONE_TARGET)
  const std::int64_t supported = hwy::SupportedTargets() & (HWY_TARGETS);
  for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {
    const std::int64_t one = rest & -rest;
    if (target != hwy::TargetName(one)) continue;
    hwy::SetSupportedTargetsForTest(one);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    table().fill();
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return;
  }
  throw std::invalid_argument("no such instruction set here: " + std::string(target));
#endif
}

}  // namespace distob::kernels

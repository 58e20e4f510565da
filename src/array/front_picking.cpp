// What include/distob/picking.h declares, by what this room offers.
#include <deque>

#include "array/handles.h"
#include "array/indexing.h"
#include "distob/errors.h"
#include "distob/picking.h"

namespace distob::detail {
namespace {

/// An index, and the arrays that its operands refer to.
struct Parts {
  explicit Parts(std::span<const Pick> index) {
    for (const Pick& pick : index) {
      if (pick.array().node() != nullptr) {
        parts.emplace_back(array::Operand(arrays.emplace_back(inner(pick.array()))));
      } else {
        std::visit([this](const auto& part) { parts.emplace_back(part); }, pick.basic());
      }
    }
  }
  std::deque<array::Array> arrays;
  std::vector<array::IndexPart> parts;
};

/// Calls `work` with the argument as an operand.
template <class Work>
void with_operand(const Argument& value, Work&& work) {
  if (value.array == nullptr) return work(array::Operand(scalar_of(value)));
  const array::Array from = inner(*value.array);
  work(array::Operand(from));
}

}  // namespace

AnyArray picked(const AnyArray& a, std::span<const Pick> index) {
  const Parts parts(index);
  return outer(array::read_at(inner(a), parts.parts));
}

void assign_picked(const AnyArray& a, std::span<const Pick> index, const Argument& value) {
  const Parts parts(index);
  with_operand(value, [&](const array::Operand& from) { array::assign_at(inner(a), parts.parts, from); });
}

void add_picked(const AnyArray& a, std::span<const Pick> index, const Argument& value) {
  const Parts parts(index);
  const array::Array target = inner(a);
  const Kind kinds[] = {target.dtype().kind, target.dtype().kind};
  const kernels::Kernel* add = kernels::find(kernels::Op::add, kinds);
  if (add == nullptr) throw TypeError("no sums of " + target.dtype().name());
  with_operand(
      value, [&](const array::Operand& from) { array::apply_at(kernels::Op::add, *add, target, parts.parts, &from); });
}

AnyArray taken(const AnyArray& a, const AnyArray& indices, int axis) {
  const array::Array from = inner(indices);
  return outer(array::take(inner(a), from, axis));
}

std::vector<AnyArray> nonzero(const AnyArray& a) {
  std::vector<AnyArray> result;
  for (const array::Array& positions : array::nonzero(inner(a))) result.push_back(outer(positions));
  return result;
}

AnyArray diagonal(const AnyArray& a, std::int64_t offset, int axis1, int axis2) {
  return outer(array::diagonal(inner(a), offset, axis1, axis2));
}

}  // namespace distob::detail

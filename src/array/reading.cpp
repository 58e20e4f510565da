#include "array/reading.h"

#include <algorithm>
#include <cstring>

#include "array/operands.h"
#include "array/ranges.h"
#include "array/workspace.h"

namespace distob::array {

using detail::storage_of;
using detail::view_of;

namespace detail {

Array new_array_with_memory(const Shape& shape, DType dtype) {
  Array a = new_array(shape, dtype);
  storage_of(a)->set_memory(memory::Memory::allocate(static_cast<std::size_t>(storage_of(a)->size())));
  return a;
}

char* data_of(const Array& fresh) { return storage_of(fresh)->data() + view_of(fresh).offset; }

DType dtype_of(const Operand& operand) {
  if (operand.array() != nullptr) return operand.array()->dtype();
  return operand.foreign() != nullptr ? operand.foreign()->dtype : DType(operand.scalar()->kind);
}

}  // namespace detail

namespace {

// Whether the operand has elements in a storage of `written`; a joined one is copied in any case.
bool lies_in(const Operand& operand, const Array* written) {
  if (written == nullptr || operand.array() == nullptr || !operand.array()->node()->single()) return false;
  const memory::StoragePtr& storage = storage_of(*operand.array());
  if (written->node()->single()) return storage_of(*written) == storage;
  const std::vector<detail::Piece>& pieces = written->node()->pieces;
  return std::any_of(pieces.begin(), pieces.end(),
                     [&](const detail::Piece& piece) { return piece.storage == storage; });
}

}  // namespace

Reading::Reading(const Operand& operand, const Array* written) {
  if (lies_in(operand, written)) {
    read(copy(*operand.array()));
  } else {
    read(operand);
  }
}

Reading::Reading(const Operand& operand, DType dtype, const Array* written, Site site) {
  const Scalar* scalar = operand.scalar();
  if (scalar != nullptr && dtype.native()) {
    read(detail::cast_scalar(*scalar, dtype.kind));
  } else if (scalar != nullptr) {
    read(full({}, dtype, *scalar));
  } else if (detail::dtype_of(operand) == dtype) {
    *this = Reading(operand, written);
  } else {
    read(astype(operand.array() != nullptr ? *operand.array() : from_foreign(*operand.foreign()), dtype, site));
  }
}

void Reading::read(const Operand& operand) {
  if (operand.array() != nullptr) return read(*operand.array());
  if (const Foreign* foreign = operand.foreign()) {
    view_ = {0, foreign->shape, foreign->strides, foreign->dtype};
    base_ = static_cast<const char*>(foreign->data);
    return;
  }
  scalar_ = *operand.scalar();
  view_ = View::contiguous(scalar_.kind, {});
}

void Reading::read(const Array& a) {
  owner_ = detail::in_one_storage(a);
  view_ = view_of(owner_);
  pin_ = Workspace::instance().pin(*storage_of(owner_), view_);
  base_ = pin_.memory()->data();
}

void Reading::make_contiguous() {
  if (view_.is_contiguous()) return;
  const Array whole = detail::new_array_with_memory(view_.shape, view_.dtype);
  View from = view_;
  from.offset = 0;
  Workspace::instance().run_apart(from, const_cast<char*>(data()), view_of(whole), storage_of(whole)->data());
  read(whole);
}

void Reading::flatten() {
  make_contiguous();
  const std::int64_t n = view_.size();
  view_.shape = {n};
  view_.strides = {view_.dtype.itemsize};
}

void Reading::cycle(std::int64_t n) {
  flatten();
  const std::int64_t available = view_.size(), itemsize = view_.dtype.itemsize;
  view_.shape = {n};
  if (available >= n) return;
  if (available == 1) {
    view_.strides = {0};
    return;
  }
  const Array whole = detail::new_array_with_memory({n}, view_.dtype);
  char* to = detail::data_of(whole);
  run_weighted(n, 1, [&](std::int64_t first, std::int64_t last) {
    while (first < last) {
      const std::int64_t at = first % available, count = std::min(available - at, last - first);
      std::memcpy(to + first * itemsize, data() + at * itemsize, static_cast<std::size_t>(count * itemsize));
      first += count;
    }
  });
  read(whole);
}

}  // namespace distob::array

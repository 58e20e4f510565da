#include <cstring>

#include "array/operands.h"
#include "array/pieces.h"
#include "array/structure.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace detail {

namespace {
Layout layout_at(const View& view, char* base) { return {base + view.offset, view.dtype, view.shape, view.strides}; }
}  // namespace

/// An open snapshot or access.
///
/// Elements that lie in several storages are staged in one for as long as it is open. Their own storages are held
/// meanwhile, so that nobody can tell: what was written goes back to them before others get their turn.
struct Export {
  Array array;  ///< whose storage the elements are shown in; it keeps that storage
  Layout layout;
  memory::Pin pin;
  Workspace::Hold hold;
  std::vector<Piece> staged;  ///< nothing: the elements are where they always are
  Workspace::Hold staged_hold;

  ~Export() {
    if (Workspace::forked()) return;
    if (staged_hold.entry != 0) unstage();
    if (hold.entry != 0) Workspace::instance().close(hold);
  }

  void stage(const Array& joined);
  void unstage();
};

void Export::stage(const Array& joined) {
  array = new_array(joined.shape(), joined.dtype(), joined.node()->cut);
  const auto bytes = static_cast<std::size_t>(storage_of(array)->size());
  storage_of(array)->set_memory(memory::Memory::allocate(bytes));
  std::vector<Piece> pieces = joined.node()->pieces;
  std::vector<Target> targets;
  for (const Piece& piece : pieces) targets.push_back({piece.storage, piece.view});
  Workspace::Hold held = Workspace::instance().hold_for_write(targets);
  try {
    for (std::size_t k = 0; k < pieces.size(); ++k) {
      Workspace::instance().run_apart(pieces[k].view, held.memories[k]->data(), part(view_of(array), box_of(pieces[k])),
                                      storage_of(array)->data());
    }
  } catch (...) {
    Workspace::instance().close(held);
    throw;
  }
  layout = layout_at(view_of(array), storage_of(array)->data());
  staged = std::move(pieces);
  staged_hold = std::move(held);
}

void Export::unstage() {
  char* from = layout.data - view_of(array).offset;
  for (std::size_t k = 0; k < staged.size(); ++k) {
    Workspace::instance().run_apart(part(view_of(array), box_of(staged[k])), from, staged[k].view,
                                    staged_hold.memories[k]->data());
  }
  Workspace::instance().close(staged_hold);
  staged_hold.entry = 0;
}

namespace {

std::shared_ptr<Export> pinned(const Array& array) {
  auto e = std::make_shared<Export>();
  e->array = in_one_storage(array);
  e->pin = Workspace::instance().pin(*storage_of(e->array), view_of(e->array));
  e->layout = layout_at(view_of(e->array), e->pin.memory()->data());
  return e;
}

}  // namespace
}  // namespace detail

using detail::storage_of;
using detail::view_of;

const Layout& Snapshot::layout() const { return export_->layout; }
const Layout& Access::layout() const { return export_->layout; }

Snapshot snapshot(const Array& a) { return Snapshot(detail::pinned(a)); }

// A reader needs no place in the order: writers that come later write elsewhere.
Access access_for_read(const Array& a) { return Access(detail::pinned(a)); }

Access access_for_write(const Array& a) {
  auto e = std::make_shared<detail::Export>();
  if (a.node()->single()) {
    const Target target{storage_of(a), view_of(a)};
    e->array = a;
    e->hold = Workspace::instance().hold_for_write(std::span(&target, 1));
    e->layout = detail::layout_at(view_of(a), e->hold.memories.front()->data());
  } else {
    e->stage(a);
  }
  return Access(std::move(e));
}

void gather_into(const Array& a, void* data, DType dtype, const Strides& strides) {
  if (a.size() == 0) return;
  const View to{0, a.shape(), strides, dtype};
  if (a.node()->single()) {
    const memory::Pin pin = Workspace::instance().pin(*storage_of(a), view_of(a));
    Workspace::instance().run_apart(view_of(a), pin.memory()->data(), to, static_cast<char*>(data));
    return;
  }
  for (const detail::Piece& piece : a.node()->pieces) {
    View part = to;
    part.shape = piece.view.shape;
    for (std::size_t i = 0; i < part.shape.size(); ++i) part.offset += piece.start[i] * strides[i];
    const memory::Pin pin = Workspace::instance().pin(*piece.storage, piece.view);
    Workspace::instance().run_apart(piece.view, pin.memory()->data(), part, static_cast<char*>(data));
  }
}

Snapshot gather(const Array& a) {
  auto e = std::make_shared<detail::Export>();
  const View to{0, a.shape(), kept_strides(a), a.dtype()};
  e->pin = memory::Pin(memory::Memory::allocate(static_cast<std::size_t>(to.nbytes())));
  e->layout = detail::layout_at(to, e->pin.memory()->data());
  gather_into(a, e->layout.data, to.dtype, to.strides);
  return Snapshot(std::move(e));
}

namespace {

void to_native_order(const DType& dtype, void* bytes) {
  if (!dtype.swapped || dtype.kind == Kind::Opaque) return;
  char swapped[64];
  std::memcpy(swapped, bytes, dtype.itemsize);
  kernels::swap_bytes(dtype.kind, swapped, dtype.itemsize, static_cast<char*>(bytes), dtype.itemsize, 1);
}

}  // namespace

void item(const Array& a, void* bytes) {
  if (a.size() != 1) throw ValueError("can only convert an array of size 1 to a scalar");
  const Array one = detail::in_one_storage(a);
  Workspace::instance().read_element(*storage_of(one), view_of(one), bytes);
  to_native_order(one.dtype(), bytes);
}

bool read_if_written(const Array& a, std::span<const Index> index, void* bytes) {
  const View element = distob::index(view_of(a), index);
  if (!a.node()->single() || !Workspace::instance().read_written_element(*storage_of(a), element, bytes)) return false;
  to_native_order(element.dtype, bytes);
  return true;
}

}  // namespace distob::array

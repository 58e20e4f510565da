#include <cstring>

#include "array/operands.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace detail {

/// An open snapshot, access or loan. The array it keeps keeps the storage.
struct Export {
  enum class What : std::uint8_t { pin, hold, loan };

  Array array;
  Layout layout;
  What what = What::pin;
  memory::Pin pin;
  Workspace::Hold hold;

  ~Export() {
    if (what != What::pin && hold.entry != 0 && !Workspace::forked()) end(false);
  }
  void end(bool kept) {
    if (what == What::loan) {
      Workspace::instance().end_loan(*storage_of(array), hold, kept);
    } else {
      Workspace::instance().close(hold);
    }
    hold.entry = 0;
  }
};

namespace {

Layout layout_at(const View& view, char* base) { return {base + view.offset, view.dtype, view.shape, view.strides}; }

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
const Layout& Loan::layout() const { return export_->layout; }

Snapshot snapshot(const Array& a) { return Snapshot(detail::pinned(a)); }

// A reader needs no place in the order: writers that come later write elsewhere.
Access access_for_read(const Array& a) { return Access(detail::pinned(a)); }

Access access_for_write(const Array& a) {
  if (!a.node()->single()) {
    throw ValueError("an array whose elements lie in " + std::to_string(a.pieces()) +
                     " storages cannot be written as one");
  }
  auto e = std::make_shared<detail::Export>();
  e->array = a;
  e->what = detail::Export::What::hold;
  e->hold = Workspace::instance().hold_for_write(*storage_of(a), view_of(a));
  e->layout = detail::layout_at(view_of(a), e->hold.memory->data());
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

void item(const Array& a, void* bytes) {
  if (a.size() != 1) throw ValueError("can only convert an array of size 1 to a scalar");
  const Array one = detail::in_one_storage(a);
  const View& view = view_of(one);
  Workspace::instance().read_element(*storage_of(one), view, bytes);
  if (!view.dtype.swapped || view.dtype.kind == Kind::Opaque) return;
  char swapped[64];
  std::memcpy(swapped, bytes, view.dtype.itemsize);
  kernels::swap_bytes(view.dtype.kind, swapped, view.dtype.itemsize, static_cast<char*>(bytes), view.dtype.itemsize, 1);
}

// --- Lending --------------------------------------------------------------------------------------------------------

const std::shared_ptr<memory::SharedSegment>& Loan::segment() const { return export_->hold.memory->segment(); }
std::size_t Loan::offset() const { return static_cast<std::size_t>(view_of(export_->array).offset); }

void Loan::give_back(bool kept) {
  if (export_ == nullptr) return;
  export_->end(kept);
  export_.reset();
}

Loan lend(const Array& a, std::size_t block, bool write) {
  const Partition& partition = a.partition();
  if (static_cast<std::int64_t>(block) >= partition.blocks()) {
    throw IndexError("block " + std::to_string(block) + " of an array with " + std::to_string(partition.blocks()) +
                     " blocks");
  }
  const Box box = partition.box(static_cast<std::int64_t>(block));
  std::vector<Index> index;
  for (int i = 0; i < box.rank(); ++i) {
    index.emplace_back(between(box.start[static_cast<std::size_t>(i)], box.stop[static_cast<std::size_t>(i)]));
  }
  Array part = view(a, index);
  if (!part.node()->single()) {
    if (write) throw ValueError("a block whose elements lie in several storages cannot be lent for writing");
    part = detail::in_one_storage(part);
  }
  auto e = std::make_shared<detail::Export>();
  e->array = part;
  e->what = detail::Export::What::loan;
  e->hold = Workspace::instance().lend(*storage_of(part), view_of(part), write);
  e->layout = detail::layout_at(view_of(part), e->hold.memory->data());
  return Loan(std::move(e));
}

}  // namespace distob::array

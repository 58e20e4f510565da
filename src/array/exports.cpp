#include <cstring>
#include <map>
#include <optional>

#include "array/operands.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace detail {

/// The storages of an array in several pieces, held for a writer who works on a copy in one.
class HeldPieces {
 public:
  /// Holds each storage of `a` as a whole, in the order of their ids, so that two who do this never wait for each other.
  explicit HeldPieces(const Array& a) : array_(a) {
    std::map<std::uint64_t, memory::StoragePtr> storages;
    for (const Piece& piece : a.node()->pieces) storages.emplace(piece.storage->id(), piece.storage);
    try {
      for (const auto& [id, storage] : storages) {
        const View bytes = View::contiguous(DType(Kind::UInt8), Shape{storage->size()});
        holds_.emplace(id, Workspace::instance().hold_for_write(*storage, bytes));
      }
    } catch (...) {
      close();
      throw;
    }
  }
  HeldPieces(const HeldPieces&) = delete;
  HeldPieces& operator=(const HeldPieces&) = delete;
  ~HeldPieces() {
    if (!Workspace::forked()) close();
  }
  void copy_to(const View& whole, char* data) const {
    for_each(
        [&](const View& piece, char* at, const View& part) { Workspace::instance().run_apart(piece, at, part, data); },
        whole);
  }
  /// Writes back what the writer left in the copy.
  void copy_from(const View& whole, char* data) const {
    for_each(
        [&](const View& piece, char* at, const View& part) { Workspace::instance().run_apart(part, data, piece, at); },
        whole);
  }
  void close() {
    for (const auto& [id, hold] : holds_) Workspace::instance().close(hold);
    holds_.clear();
  }

 private:
  template <class Body>
  void for_each(const Body& body, const View& whole) const {
    for (const Piece& piece : array_.node()->pieces) {
      View part = whole;
      part.shape = piece.view.shape;
      for (std::size_t i = 0; i < part.shape.size(); ++i) part.offset += piece.start[i] * part.strides[i];
      body(piece.view, holds_.at(piece.storage->id()).memory->data(), part);
    }
  }

  Array array_;
  std::map<std::uint64_t, Workspace::Hold> holds_;  // by storage
};

/// An open snapshot, access or loan. The array it keeps keeps the storage.
struct Export {
  enum class What : std::uint8_t { pin, hold, loan };

  Array array;
  Layout layout;
  What what = What::pin;
  memory::Pin pin;
  Workspace::Hold hold;
  std::optional<HeldPieces> pieces;  ///< whose elements `array` is a copy of

  ~Export() {
    if (what != What::pin && hold.entry != 0 && !Workspace::forked()) end(false);
  }
  void end(bool kept) {
    if (what == What::loan) {
      Workspace::instance().end_loan(*storage_of(array), hold, kept);
    } else {
      if (pieces) {
        pieces->copy_from(view_of(array), hold.memory->data());
        pieces->close();
      }
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
  auto e = std::make_shared<detail::Export>();
  const bool single = a.node()->single();
  if (!single) e->pieces.emplace(a);
  e->array = single ? a : detail::new_array(a.shape(), a.dtype());
  e->hold = Workspace::instance().hold_for_write(*storage_of(e->array), view_of(e->array));
  e->what = detail::Export::What::hold;
  e->layout = detail::layout_at(view_of(e->array), e->hold.memory->data());
  if (!single) e->pieces->copy_to(view_of(e->array), e->hold.memory->data());
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

#include "array/lending.h"

#include <algorithm>
#include <utility>

#include "array/operands.h"
#include "array/representation.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {

using detail::Piece;
using detail::storage_of;
using detail::view_of;

namespace {

/// The parts of an array, each in one storage.
std::vector<Piece> pieces_of(const Array& a) {
  if (!a.node()->single()) return a.node()->pieces;
  return {{storage_of(a), view_of(a), Dims::filled(a.shape().size(), 0)}};
}

std::int64_t bytes_of(const Array& a) { return a.size() * static_cast<std::int64_t>(a.dtype().itemsize); }

/// The bytes from the lowest to behind the highest element of a view that is not empty.
struct Extent {
  std::int64_t low = 0, high = 0;  ///< from the first element
};
Extent extent_of(const View& view) {
  Extent extent{0, static_cast<std::int64_t>(view.dtype.itemsize)};
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    const std::int64_t reach = (view.shape[axis] - 1) * view.strides[axis];
    (reach < 0 ? extent.low : extent.high) += reach;
  }
  return extent;
}

}  // namespace

struct Lending::State {
  struct Part {
    Piece piece;
    std::size_t wish = 0;
  };
  struct Taken {
    Request request;
    std::vector<Part> parts;
    bool copied = false;
  };
  std::vector<Item> items;
  std::vector<Taken> taken;
  std::vector<Workspace::Wish> wishes;
  std::vector<bool> shows_several;  ///< by wish: more than one view of that storage is asked for
  Workspace::Hold hold;
  bool open = false;

  void ask(const Request& request);
  void ask_for(const Piece& piece, bool write, Part& part);
  void settle_forms();
  void fill(Taken& from, Item& item) const;
  void copy(const Taken& taken, char* elements, bool back) const;
};

void Lending::State::ask(const Request& request) {
  Taken& one = taken.emplace_back();
  one.request = request;
  for (const Piece& piece : pieces_of(request.array)) ask_for(piece, request.write, one.parts.emplace_back());
}

/// One wish for each storage: two views of it that differ become all of it.
void Lending::State::ask_for(const Piece& piece, bool write, Part& part) {
  part.piece = piece;
  const auto found = std::find_if(wishes.begin(), wishes.end(),
                                  [&](const auto& wish) { return wish.storage.get() == piece.storage.get(); });
  part.wish = static_cast<std::size_t>(found - wishes.begin());
  if (found == wishes.end()) {
    wishes.push_back({piece.storage, piece.view, write});
    shows_several.push_back(false);
    return;
  }
  found->write = found->write || write;
  shows_several[part.wish] = true;
  if (!(found->view == piece.view)) found->view = View::contiguous(Kind::UInt8, {piece.storage->size()});
}

/// Copies would not see each other's changes, so arrays that share a storage are all lent.
void Lending::State::settle_forms() {
  for (Taken& one : taken) {
    const bool shares =
        std::any_of(one.parts.begin(), one.parts.end(), [&](const Part& part) { return shows_several[part.wish]; });
    const bool single = one.request.array.node()->single();
    if (shares && !single) {
      throw ValueError(
          "an array whose elements lie in several storages cannot be lent together with another view of them; "
          "pass a copy of one");
    }
    one.copied = !single || (!shares && bytes_of(one.request.array) <= kSmall);
    if (!one.copied) wishes[one.parts.front().wish].shared = true;
  }
}

/// All elements of an array, in C order, from where they lie or back.
void Lending::State::copy(const Taken& one, char* elements, bool back) const {
  const Array& array = one.request.array;
  const Strides strides = c_strides(array.shape(), static_cast<std::int64_t>(array.dtype().itemsize));
  for (const Part& part : one.parts) {
    View dense{0, part.piece.view.shape, strides, array.dtype()};
    for (std::size_t i = 0; i < strides.size(); ++i) dense.offset += part.piece.start[i] * strides[i];
    char* memory = hold.memories[part.wish]->data();
    if (back) {
      Workspace::instance().run_apart(dense, elements, part.piece.view, memory);
    } else {
      Workspace::instance().run_apart(part.piece.view, memory, dense, elements);
    }
  }
}

void Lending::State::fill(Taken& one, Item& item) const {
  const Array& array = one.request.array;
  item.write = one.request.write;
  item.dtype = array.dtype();
  item.shape = array.shape();
  if (one.copied) {
    item.strides = c_strides(array.shape(), static_cast<std::int64_t>(array.dtype().itemsize));
    item.size = static_cast<std::size_t>(bytes_of(array));
    if (bytes_of(array) <= kSmall) {
      item.elements.resize(item.size);
      return copy(one, item.elements.data(), false);
    }
    item.segment = memory::SharedSegment::create(item.size);
    return copy(one, item.segment->data(), false);
  }
  const View& view = view_of(array);
  const Extent extent = extent_of(view);
  item.strides = view.strides;
  item.segment = hold.memories[one.parts.front().wish]->segment();
  item.start = static_cast<std::size_t>(-extent.low);
  item.offset = static_cast<std::size_t>(view.offset + extent.low);
  item.size = static_cast<std::size_t>(extent.high - extent.low);
}

Lending::Lending(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::shared_ptr<Lending> Lending::open(std::span<const Request> requests) {
  std::shared_ptr<Lending> lending(new Lending(std::make_unique<State>()));
  State& state = *lending->state_;
  for (const Request& request : requests) state.ask(request);
  state.settle_forms();
  state.hold = Workspace::instance().hold_all(state.wishes);
  state.open = true;
  state.items.resize(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) state.fill(state.taken[i], state.items[i]);
  return lending;
}

Lending::~Lending() {
  if (state_->open && !Workspace::forked()) close(std::vector<bool>(state_->items.size(), false));
}

std::span<const Lending::Item> Lending::items() const { return state_->items; }

void Lending::write_back(std::size_t item, std::span<const std::byte> elements) {
  const State::Taken& one = state_->taken.at(item);
  if (!one.request.write || elements.size() != state_->items[item].elements.size()) {
    throw ProtocolError("an engine returned other elements than it was lent");
  }
  state_->copy(one, const_cast<char*>(reinterpret_cast<const char*>(elements.data())), true);
}

void Lending::close(const std::vector<bool>& kept) {
  if (!std::exchange(state_->open, false)) return;
  std::vector<bool> kept_storages(state_->wishes.size(), false);
  for (std::size_t i = 0; i < state_->taken.size(); ++i) {
    const State::Taken& one = state_->taken[i];
    const Item& item = state_->items[i];
    if (one.copied && item.segment && item.write) state_->copy(one, item.segment->data(), true);
    if (!one.copied && kept.at(i)) kept_storages[one.parts.front().wish] = true;
  }
  Workspace::instance().end_all(state_->wishes, state_->hold, kept_storages);
}

}  // namespace distob::array

// What a handle of an array points to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "array/array.h"
#include "memory/storage.h"
#include "tensor/view.h"

namespace distob::array::detail {

/// A partition that is worked out when somebody asks: most arrays live and die without anybody asking.
class Cut : public memory::Counted<Cut> {
 public:
  explicit Cut(Partition partition) : partition_(std::move(partition)) {}
  /// Worked out from others, themselves perhaps not worked out yet; `depth` of them one behind the other.
  Cut(std::function<Partition()> make, int depth) : depth_(depth), make_(std::move(make)) {}

  /// How many cuts asking for this one may have to work out. Bounded, so that a view of a view of a view ... keeps none of
  /// those before it for long.
  [[nodiscard]] int depth() const { return depth_; }

  [[nodiscard]] const Partition& get() {
    std::call_once(once_, [this] {
      if (!partition_) partition_ = make_();
      make_ = nullptr;
    });
    return *partition_;
  }

 private:
  friend class memory::Counted<Cut>;
  void last_owner_gone() { delete this; }

  const int depth_ = 0;
  std::once_flag once_;
  std::function<Partition()> make_;
  std::optional<Partition> partition_;
};
using CutPtr = memory::Ptr<Cut>;

/// A part of an array that lies in one storage.
struct Piece {
  memory::StoragePtr storage;
  View view;
  Dims start;  ///< index of its first element in the array
};

/// One representation: immutable, apart from its count.
struct Node {
  Node(memory::StoragePtr s, View v, CutPtr c, bool derived_from_other)
      : storage(std::move(s)), view(std::move(v)), cut(std::move(c)), derived(derived_from_other) {
    storage->add_handle();
  }
  /// Several pieces; `whole` has the shape, the dtype and the strides of a copy.
  Node(std::vector<Piece> parts, View whole, CutPtr c)
      : view(std::move(whole)), cut(std::move(c)), derived(true), pieces(std::move(parts)) {
    for (const Piece& piece : pieces) piece.storage->add_handle();
  }
  ~Node() {
    if (storage) storage->drop_handle();
    for (const Piece& piece : pieces) piece.storage->drop_handle();
    delete default_partition.load(std::memory_order_acquire);
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] bool single() const { return static_cast<bool>(storage); }

  mutable std::atomic<std::uint32_t> owners{1};
  memory::StoragePtr storage;  ///< null if there are several pieces
  View view;
  CutPtr cut;  ///< null: the default cut of this shape
  bool derived;
  std::vector<Piece> pieces;
  mutable std::atomic<const Partition*> default_partition{nullptr};
};

[[nodiscard]] inline Array make_array(memory::StoragePtr storage, View view, CutPtr cut = {}, bool derived = false) {
  return Array(new Node(std::move(storage), std::move(view), std::move(cut), derived));
}

[[nodiscard]] inline const View& view_of(const Array& a) { return a.node()->view; }
[[nodiscard]] inline const memory::StoragePtr& storage_of(const Array& a) { return a.node()->storage; }

/// A cut from what the caller gave: null stands for the default. Throws ValueError if it is of another shape.
[[nodiscard]] CutPtr cut_for(const Partition* partition, const Shape& shape);
/// The cut of a view of `a`, worked out from that of `a` when it is asked for.
[[nodiscard]] CutPtr derive_cut(const Array& a, std::function<Partition(const Partition&)> make);

/// `a` itself if its elements lie in one storage, else a copy that does.
[[nodiscard]] Array in_one_storage(const Array& a);

/// A new array without memory yet, C order; its bytes are reserved in the budget. Throws MemoryError.
[[nodiscard]] Array new_array(const Shape& shape, DType dtype, CutPtr cut = {});
/// The same with the axes in memory in the order `axes`, slowest first.
[[nodiscard]] Array new_array(const Shape& shape, DType dtype, const Dims& axes, CutPtr cut);

/// The axes of a view from slowest to fastest as NumPy's copies of order "K" keep them (PyArray_NewLikeArray): C's and
/// Fortran's order where the view has them, else by stride.
[[nodiscard]] Dims kept_order(const View& view);
/// Strides without gaps, with the axes in memory in the order `axes`, slowest first.
[[nodiscard]] Strides strides_in(const Shape& shape, std::int64_t itemsize, const Dims& axes);

}  // namespace distob::array::detail

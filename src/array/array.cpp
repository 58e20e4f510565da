#include "array/array.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>

#include "array/generate.h"
#include "array/operands.h"
#include "array/representation.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {

using detail::storage_of;
using detail::view_of;

// --- Handles --------------------------------------------------------------------------------------------------------

Array::Array(const Array& other) noexcept : node_(other.node_) {
  if (node_ != nullptr) node_->owners.fetch_add(1, std::memory_order_relaxed);
}

Array::~Array() {
  if (node_ == nullptr || node_->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (Workspace::forked()) return;  // the pool's locks may be held by threads that are not here
  delete node_;
}

const Shape& Array::shape() const { return node_->view.shape; }
const Strides& Array::strides() const { return node_->view.strides; }
int Array::ndim() const { return node_->view.rank(); }
std::int64_t Array::size() const { return node_->view.size(); }
DType Array::dtype() const { return node_->view.dtype; }
std::size_t Array::pieces() const { return node_->single() ? 1 : node_->pieces.size(); }
bool Array::is_view() const { return node_->derived; }

const Partition& Array::partition() const {
  if (node_->cut) return node_->cut->get();
  const Partition* known = node_->default_partition.load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  const Shape& shape = node_->view.shape;
  const auto* made = new Partition(shape.empty() ? Partition::whole(shape)
                                                 : Partition::along(shape, shape.rank() - 1, planned_slots()));
  if (node_->default_partition.compare_exchange_strong(known, made, std::memory_order_acq_rel)) return *made;
  delete made;  // another thread was first
  return *known;
}

bool Array::may_share_memory(const Array& other) const {
  const auto pieces = [](const Array& a) {
    if (!a.node()->single()) return a.node()->pieces;
    return std::vector<detail::Piece>{{storage_of(a), view_of(a), Dims{}}};
  };
  for (const detail::Piece& mine : pieces(*this)) {
    for (const detail::Piece& theirs : pieces(other)) {
      if (mine.storage != theirs.storage) continue;
      const ByteRange a = mine.view.byte_bounds(), b = theirs.view.byte_bounds();
      if (!a.empty() && !b.empty() && a.start < b.stop && b.start < a.stop) return true;
    }
  }
  return false;
}

namespace detail {

CutPtr cut_for(const Partition* partition, const Shape& shape) {
  if (partition == nullptr) return {};
  if (!(partition->shape() == shape)) {
    throw ValueError("a partition of shape " + to_string(partition->shape()) + " cannot cut an array of shape " +
                     to_string(shape));
  }
  return CutPtr(new Cut(*partition));
}

CutPtr derive_cut(const Array& a, std::function<Partition(const Partition&)> make) {
  constexpr int kDeepest = 16;
  const CutPtr& base = a.node()->cut;
  if (!base) return {};
  const bool deep = base->depth() >= kDeepest;
  if (deep) (void)base->get();  // which lets go of all those that it was derived from
  const int depth = deep ? 1 : base->depth() + 1;
  return CutPtr(new Cut([base, make = std::move(make)] { return make(base->get()); }, depth));
}

Array new_array(const Shape& shape, DType dtype, CutPtr cut) {
  const std::int64_t bytes = byte_count(shape, dtype.itemsize);
  return make_array(Workspace::instance().new_storage(bytes), View::contiguous(dtype, shape), std::move(cut));
}

Array new_array(const Shape& shape, DType dtype, const Dims& axes, CutPtr cut) {
  Array a = new_array(shape, dtype, std::move(cut));
  a.node()->view.strides = strides_in(shape, dtype.itemsize, axes);
  return a;
}

Array in_one_storage(const Array& a) {
  if (a.node()->single()) return a;
  Array whole = new_array(a.shape(), a.dtype(), a.node()->cut);
  for (const Piece& piece : a.node()->pieces) {
    const Box box{piece.start, [&] {
                    Dims stop = piece.start;
                    for (std::size_t i = 0; i < stop.size(); ++i) stop[i] += piece.view.shape[i];
                    return stop;
                  }()};
    assign(make_array(storage_of(whole), part(view_of(whole), box), {}, true),
           make_array(piece.storage, piece.view, {}, true));
  }
  return whole;
}

}  // namespace detail

// --- Making arrays --------------------------------------------------------------------------------------------------

Array empty(const Shape& shape, DType dtype, const Partition* partition) {
  return detail::new_array(shape, dtype, detail::cut_for(partition, shape));
}

Array full(const Shape& shape, DType dtype, const Scalar& value, const Partition* partition) {
  Array a = empty(shape, dtype, partition);
  assign(a, value);
  return a;
}

Array zeros(const Shape& shape, DType dtype, const Partition* partition) {
  if (dtype.kind == Kind::Opaque) throw TypeError("distob cannot make zeros of type " + dtype.name());
  return full(shape, dtype, Scalar::of(false), partition);
}

Array from_foreign(const Foreign& elements, const Partition* partition) {
  const View from{0, elements.shape, elements.strides, elements.dtype};
  Array a = detail::new_array(elements.shape, elements.dtype, detail::kept_order(from),
                              detail::cut_for(partition, elements.shape));
  if (a.size() == 0) return a;
  memory::MemoryPtr memory = memory::Memory::allocate(static_cast<std::size_t>(storage_of(a)->size()));
  Workspace::instance().run_apart(from, static_cast<char*>(const_cast<void*>(elements.data)), view_of(a),
                                  memory->data());
  storage_of(a)->set_memory(std::move(memory));  // nobody else has seen it yet
  return a;
}

Array adopt(const Foreign& elements, std::function<void()> release, const Partition* partition) {
  // A copy keeps every promise of adoption but the one about its cost.
  Array a = from_foreign(elements, partition);
  release();
  return a;
}

namespace {

// start + i * step for the indices [first, first + n), with the step that NumPy sees: the difference of the first two.
template <class T>
void count_up(T start, T step, std::int64_t first, std::int64_t n, T* out) {
  const T delta = static_cast<T>(static_cast<T>(start + step) - start);
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(start + static_cast<T>(first + i) * delta);
}

template <class T>
Array arange_of(const Scalar& start, const Scalar& step, std::int64_t count, DType dtype) {
  T s, d;
  std::memcpy(&s, detail::cast_scalar(start, kind_of<T>).bytes.data(), sizeof(T));
  std::memcpy(&d, detail::cast_scalar(step, kind_of<T>).bytes.data(), sizeof(T));
  return detail::generate({count}, kind_of<T>, dtype, {}, [s, d](std::int64_t first, std::int64_t n, char* out) {
    count_up(s, d, first, n, reinterpret_cast<T*>(out));
  });
}

}  // namespace

Array arange(const Scalar& start, const Scalar& step, std::int64_t count, DType dtype) {
  if (is_unsigned(dtype.kind)) return arange_of<std::uint64_t>(start, step, count, dtype);
  if (dtype.kind == Kind::Bool || is_integer(dtype.kind)) return arange_of<std::int64_t>(start, step, count, dtype);
  if (dtype.kind == Kind::Float32 || dtype.kind == Kind::Float16) return arange_of<float>(start, step, count, dtype);
  if (dtype.kind == Kind::LongDouble) return arange_of<long double>(start, step, count, dtype);
  if (is_complex(dtype.kind)) return arange_of<std::complex<double>>(start, step, count, dtype);
  if (dtype.kind == Kind::Opaque) throw TypeError("arange has no form for " + dtype.name());
  return arange_of<double>(start, step, count, dtype);
}

Array linspace(double start, double stop, std::int64_t count, bool with_stop, DType dtype) {
  if (count < 0) throw ValueError("Number of samples, " + std::to_string(count) + ", must be non-negative.");
  const std::int64_t steps = with_stop ? count - 1 : count;
  const double distance = stop - start;
  const double step = steps > 0 ? distance / static_cast<double>(steps) : 0;
  // A step that is too small for a number: NumPy scales the other way round.
  const bool vanishing = steps > 0 && step == 0;
  const auto value = [=](std::int64_t i) {
    if (steps <= 0) return static_cast<double>(i) * distance + start;
    const auto at = static_cast<double>(i);
    return (vanishing ? at / static_cast<double>(steps) * distance : at * step) + start;
  };
  const bool ends = with_stop && count > 1;
  const bool whole = is_integer(dtype.kind);
  return detail::generate({count}, Kind::Float64, dtype, {}, [=](std::int64_t first, std::int64_t n, char* out) {
    auto* to = reinterpret_cast<double*>(out);
    for (std::int64_t i = 0; i < n; ++i) {
      const double x = ends && first + i == count - 1 ? stop : value(first + i);
      to[i] = whole ? std::floor(x) : x;
    }
  });
}

Array from_segment(std::shared_ptr<memory::SharedSegment> segment, std::size_t offset, const Shape& shape,
                   const Strides& strides, DType dtype, const Partition* partition) {
  const View view{static_cast<std::int64_t>(offset), shape, strides, dtype};
  const ByteRange bounds = view.byte_bounds();
  if (!bounds.empty() && (bounds.start < 0 || bounds.stop > static_cast<std::int64_t>(segment->size()))) {
    throw ValueError("an array of shape " + to_string(shape) + " does not lie in its segment of " +
                     std::to_string(segment->size()) + " bytes");
  }
  detail::CutPtr cut = detail::cut_for(partition, shape);
  return detail::make_array(memory::Storage::create(memory::Memory::of(std::move(segment))), view, std::move(cut));
}

}  // namespace distob::array

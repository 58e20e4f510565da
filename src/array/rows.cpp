#include "array/rows.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "array/instruction.h"
#include "array/ranges.h"
#include "kernels/moving.h"
#include "program/copy.h"

namespace distob::array {
namespace {

constexpr std::int64_t kChunk = Picks::kChunk;

/// How one row is copied: as one large element if it has no gaps, else index by index.
class RowCopy {
 public:
  RowCopy(const Shape& inner, const Strides& to, const Strides& from, std::int64_t itemsize)
      : inner_(inner), to_(to), from_(from), itemsize_(itemsize) {
    const View to_view{0, inner, to, DType(Kind::Opaque, false, static_cast<std::uint32_t>(itemsize), 0)};
    View from_view = to_view;
    from_view.strides = from;
    if (to_view.is_contiguous() && from_view.is_contiguous()) {
      itemsize_ *= element_count(inner);
      solid_ = true;
    }
  }
  /// Whether a row is one element of itemsize() bytes.
  [[nodiscard]] bool solid() const { return solid_; }
  [[nodiscard]] auto itemsize() const { return static_cast<std::size_t>(itemsize_); }
  void copy(char* to, const char* from) const { program::copy(inner_, to, to_.data(), from, from_.data(), itemsize_); }

 private:
  Shape inner_;
  Strides to_, from_;
  std::int64_t itemsize_;
  bool solid_ = false;
};

std::int64_t weight_of(const Rows& rows) {
  return std::max<std::int64_t>(1,
                                element_count(rows.inner) * rows.itemsize / static_cast<std::int64_t>(sizeof(double)));
}

/// Offsets of chunks of positions, kept while the same chunk is asked for again: few indices into many outer rows.
class Chunk {
 public:
  explicit Chunk(const Picks& picks) : picks_(picks) {}
  [[nodiscard]] bool fill(std::int64_t first, std::int64_t n) {
    if (first == first_ && n == n_) return inside_;
    first_ = first;
    n_ = n;
    inside_ = picks_.offsets(first, n, offsets_);
    return inside_;
  }
  [[nodiscard]] const std::int64_t* offsets() const { return offsets_; }

 private:
  const Picks& picks_;
  std::int64_t first_ = -1, n_ = 0;
  bool inside_ = false;
  std::int64_t offsets_[kChunk];
};

/// Calls body(position, n, picked offset, plain offset of the outer row) for chunks of [first, last) of all rows.
template <class Body>
void over_chunks(const Rows& rows, std::int64_t positions, std::int64_t first, std::int64_t last, Body&& body) {
  const Runs picked(rows.outer, rows.picked_outer), plain(rows.outer, rows.plain_outer);
  while (first < last) {
    const std::int64_t outer = first / positions, position = first % positions;
    // Chunks start at multiples of their length, so that the same ones come again in the next outer row.
    const std::int64_t end = std::min((position / kChunk + 1) * kChunk, positions);
    const std::int64_t n = std::min(end - position, last - first);
    if (!body(position, n, picked.offset(outer), plain.offset(outer))) return;
    first += n;
  }
}

}  // namespace

void read_rows(const Picks& picks, const Rows& rows, const char* from, char* to) {
  const RowCopy row(rows.inner, rows.plain_inner, rows.picked_inner, rows.itemsize);
  const std::int64_t positions = picks.size();
  std::atomic<bool> outside{false};
  run_weighted(positions * element_count(rows.outer), weight_of(rows), [&](std::int64_t first, std::int64_t last) {
    Chunk chunk(picks);
    over_chunks(rows, positions, first, last,
                [&](std::int64_t position, std::int64_t n, std::int64_t picked_outer, std::int64_t plain_outer) {
                  if (!chunk.fill(position, n)) {
                    outside = true;
                    return false;
                  }
                  const std::int64_t* offsets = chunk.offsets();
                  rows.plain.over(position, n, [&](std::int64_t offset, std::int64_t run) {
                    char* target = to + plain_outer + offset;
                    if (row.solid()) {
                      kernels::take_items(from + picked_outer, offsets, run, target, rows.plain.step(), row.itemsize());
                    } else {
                      for (std::int64_t i = 0; i < run; ++i)
                        row.copy(target + i * rows.plain.step(), from + picked_outer + offsets[i]);
                    }
                    offsets += run;
                  });
                  return true;
                });
  });
  if (outside) picks.check();
}

namespace {

/// One writer: all positions in order, but only those whose place is his.
class Writer {
 public:
  Writer(const Picks& picks, const Rows& rows, char* to, const char* from)
      : picks_(picks),
        rows_(rows),
        row_(rows.inner, rows.picked_inner, rows.plain_inner, rows.itemsize),
        to_(to),
        from_(from) {}

  void write_all() {
    write([this](std::int64_t position, std::int64_t n) { (void)position, kept_ = n; });
  }
  void write_part(const Shares& shares, int part) {
    write([&](std::int64_t, std::int64_t n) { kept_ = shares.keep(part, to_offsets_, from_offsets_, n); });
  }

 private:
  template <class Keep>
  void write(Keep&& keep) {
    over_chunks(rows_, picks_.size(), 0, picks_.size() * element_count(rows_.outer),
                [&](std::int64_t position, std::int64_t n, std::int64_t picked_outer, std::int64_t plain_outer) {
                  if (!picks_.offsets(position, n, to_offsets_)) return false;
                  std::int64_t* next = from_offsets_;
                  rows_.plain.over(position, n, [&](std::int64_t offset, std::int64_t run) {
                    for (std::int64_t i = 0; i < run; ++i) *next++ = offset + i * rows_.plain.step();
                  });
                  keep(position, n);
                  move(to_ + picked_outer, from_ + plain_outer);
                  return true;
                });
  }

  void move(char* to, const char* from) {
    if (row_.solid()) {
      kernels::move_items(to, to_offsets_, from, from_offsets_, kept_, row_.itemsize());
    } else {
      for (std::int64_t i = 0; i < kept_; ++i) row_.copy(to + to_offsets_[i], from + from_offsets_[i]);
    }
  }

  const Picks& picks_;
  const Rows& rows_;
  RowCopy row_;
  char* to_;
  const char* from_;
  std::int64_t kept_ = 0;
  std::int64_t to_offsets_[kChunk];
  std::int64_t from_offsets_[kChunk];
};

/// The longest axis of the rows, if it is worth to be cut instead of the positions.
int axis_to_cut(const Rows& rows, int parts) {
  const auto* longest = std::max_element(rows.inner.begin(), rows.inner.end());
  constexpr std::int64_t kLongRow = 2048;
  return longest != rows.inner.end() && *longest >= parts && weight_of(rows) >= kLongRow
             ? static_cast<int>(longest - rows.inner.begin())
             : -1;
}

void write_cut_rows(const Picks& picks, const Rows& rows, char* to, const char* from, std::size_t axis, int parts) {
  run_parts(parts, [&](int part) {
    Rows mine = rows;
    const std::int64_t extent = rows.inner[axis];
    const std::int64_t start = extent * part / parts, stop = extent * (part + 1) / parts;
    mine.inner[axis] = stop - start;
    Writer(picks, mine, to + start * rows.picked_inner[axis], from + start * rows.plain_inner[axis]).write_all();
  });
}

}  // namespace

void write_rows(const Picks& picks, const Rows& rows, char* to, const char* from) {
  if (picks.size() == 0 || element_count(rows.outer) == 0 || element_count(rows.inner) == 0) return;
  const std::int64_t work = picks.size() * element_count(rows.outer) * weight_of(rows);
  const Shares shares(threads());
  if (work < small_limit() || threads() == 1) return Writer(picks, rows, to, from).write_all();
  const int axis = axis_to_cut(rows, shares.count());
  if (axis >= 0) return write_cut_rows(picks, rows, to, from, static_cast<std::size_t>(axis), shares.count());
  run_parts(shares.count(), [&](int part) { Writer(picks, rows, to, from).write_part(shares, part); });
}

Shares::Shares(int threads) : mask_(static_cast<int>(std::bit_ceil(static_cast<unsigned>(threads))) - 1) {}

void run_parts(int count, const std::function<void(int)>& work) {
  Workspace::instance().run_parts(count, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t part = first; part < last; ++part) work(static_cast<int>(part));
  });
}

}  // namespace distob::array

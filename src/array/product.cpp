#include "array/product.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <complex>
#include <cstring>

#include "array/instruction.h"
#include "array/workspace.h"

namespace distob::array::detail {
namespace {

using kernels::Gemm;
using kernels::Matrix;
using kernels::Onto;

constexpr std::int64_t kPiece = 384;  // of k, packed at a time: a panel of the left factor stays in the first cache
constexpr std::int64_t kRows = 192;   // of a unit: its factors and its result stay in the second cache
constexpr std::int64_t kPanels = 16;  // of the right factor
constexpr std::int64_t kUnits = 64;   // more are not needed to keep threads busy
constexpr std::int64_t kPartials = 1 << 20;          // elements in parts of sums
constexpr std::int64_t kVectorWork = 1 << 16;        // multiplications in a unit of matrix by vector
constexpr std::int64_t kPackedAtOnce = 256LL << 20;  // bytes

std::int64_t up(std::int64_t n, std::int64_t step) { return (n + step - 1) / step * step; }
std::int64_t parts(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

struct Extents {
  std::int64_t m, n, k, stack;
};

Extents extents_of(const Product& p) {
  const std::size_t rank = p.c.shape.size();
  Extents e{p.c.shape[rank - 2], p.c.shape[rank - 1], p.a.shape[rank - 1], 1};
  for (std::size_t i = 0; i + 2 < rank; ++i) e.stack *= p.c.shape[i];
  return e;
}

std::int64_t row_stride(const View& v) { return v.strides[v.strides.size() - 2]; }
std::int64_t column_stride(const View& v) { return v.strides[v.strides.size() - 1]; }

void swap_last_two(View& v) {
  const std::size_t rank = v.shape.size();
  std::swap(v.shape[rank - 1], v.shape[rank - 2]);
  std::swap(v.strides[rank - 1], v.strides[rank - 2]);
}

std::int64_t unit_count(const Extents& e, const Cutting& c) {
  return e.stack * parts(e.k, c.depth) * parts(e.m, c.rows) * parts(e.n, c.columns);
}

// Bytes of all packed blocks of the left factor; those of the right one come after them.
std::int64_t packed_left_bytes(const Gemm& loops, const Extents& e, const Cutting& c) {
  return up(parts(e.m, c.rows) * loops.left_bytes(c.rows, e.k), 64);
}
std::int64_t packed_bytes(const Gemm& loops, const Extents& e, const Cutting& c) {
  return packed_left_bytes(loops, e, c) + parts(e.n, c.columns) * loops.right_bytes(e.k, c.columns);
}

// The element type of a kind of floating point, for looking at results after flags were raised.
template <class F>
void with_float(Kind kind, F&& f) {
  switch (kind) {
    case Kind::Float32: return f(float{}, 1);
    case Kind::Float64: return f(double{}, 1);
    case Kind::Complex64: return f(float{}, 2);
    case Kind::Complex128: return f(double{}, 2);
    default: return;
  }
}

class ProductJob final : public Job {
 public:
  ProductJob(const Product& product, const Cutting& cutting, Workroom workroom, char* a, char* b, char* c, Site site,
             int seats)
      : Job(unit_count(extents_of(product), cutting), grain_for(product, cutting), seats, is_few(product)),
        product_(product),
        cutting_(cutting),
        e_(extents_of(product)),
        loops_(*kernels::gemm(product.kind)),
        workroom_(std::move(workroom)),
        a_(a + product.a.offset),
        b_(b + product.b.offset),
        c_(c + product.c.offset),
        site_(site) {
    if (!workroom_.packed) return;
    const std::int64_t pieces = parts(e_.k, kPiece);
    states_ = std::vector<std::atomic<std::uint8_t>>(
        static_cast<std::size_t>(pieces * (parts(e_.m, cutting.rows) + parts(e_.n, cutting.columns))));
  }

  program::Outcome outcome() const override {
    program::Outcome outcome;
    outcome.flags = flags_.load(std::memory_order_relaxed);
    if (outcome.flags != 0) outcome.raised.push_back({site_, outcome.flags});
    return outcome;
  }

 private:
  // A part of the result: which matrices, which rows and columns, which part of k, and where the sums go.
  struct Unit {
    Matrix a, b;
    std::int64_t row, column, depth;        // indices of the first of each
    std::int64_t rows, columns, depth_end;  // how many; the end
    char* c;
    std::int64_t c_row, c_column;
  };

  static std::int64_t grain_for(const Product& product, const Cutting& cutting) {
    const Extents e = extents_of(product);
    const std::int64_t work =
        std::min(e.m, cutting.rows) * std::min(e.n, cutting.columns) * std::min(e.k, cutting.depth);
    return std::max<std::int64_t>(1, kVectorWork / std::max<std::int64_t>(1, work));
  }
  // Less work than waking another thread costs.
  static bool is_few(const Product& product) {
    const Extents e = extents_of(product);
    return e.stack * e.m * e.n * e.k < 8 * small_limit();
  }

  void run(std::int64_t first, std::int64_t last, program::Scratch& scratch) override {
    if (site_ != 0) (void)program::take_float_flags();
    for (std::int64_t number = first; number < last; ++number) {
      const Unit unit = unit_of(number);
      switch (cutting_.how) {
        case Cutting::How::blocks: run_blocks(unit, scratch); break;
        case Cutting::How::rows: run_rows(unit, scratch); break;
        case Cutting::How::columns: run_columns(unit, scratch); break;
      }
      if (site_ != 0) take_flags(unit);
    }
  }

  Unit unit_of(std::int64_t number) const {
    Unit u{};
    const std::int64_t across = parts(e_.n, cutting_.columns), down = parts(e_.m, cutting_.rows);
    u.column = number % across * cutting_.columns;
    number /= across;
    u.row = number % down * cutting_.rows;
    number /= down;
    const std::int64_t splits = parts(e_.k, cutting_.depth), split = number % splits;
    const std::int64_t stack = number / splits;
    u.depth = split * cutting_.depth;
    u.rows = std::min(cutting_.rows, e_.m - u.row);
    u.columns = std::min(cutting_.columns, e_.n - u.column);
    u.depth_end = std::min(u.depth + cutting_.depth, e_.k);
    u.a = {a_, row_stride(product_.a), column_stride(product_.a)};
    u.b = {b_, row_stride(product_.b), column_stride(product_.b)};
    u.c = c_;
    u.c_row = row_stride(product_.c), u.c_column = column_stride(product_.c);
    std::int64_t rest = stack;
    for (std::size_t axis = product_.c.shape.size() - 2; axis-- > 0;) {
      const std::int64_t at = rest % product_.c.shape[axis];
      rest /= product_.c.shape[axis];
      u.a.data += at * product_.a.strides[axis];
      u.b.data += at * product_.b.strides[axis];
      u.c += at * product_.c.strides[axis];
    }
    if (workroom_.partial) {
      u.c = workroom_.partial->data() + (split * e_.stack + stack) * e_.m * e_.n * itemsize();
      u.c_column = itemsize();
      u.c_row = e_.n * itemsize();
    }
    u.c += u.row * u.c_row + u.column * u.c_column;
    return u;
  }

  std::int64_t itemsize() const { return itemsize_of(product_.kind); }

  // --- Both factors packed ---

  void run_blocks(const Unit& u, program::Scratch& scratch) {
    const std::int64_t left = up(loops_.left_bytes(u.rows, kPiece), 64);
    char* own = scratch.reserve(static_cast<std::size_t>(left + loops_.right_bytes(kPiece, u.columns)));
    const bool in_order = product_.in_order || loops_.in_order;
    for (std::int64_t p = u.depth; p < u.depth_end; p += kPiece) {
      const std::int64_t k = std::min(kPiece, u.depth_end - p);
      const bool first = p == u.depth && !product_.adds;
      const Onto onto = first ? Onto::nothing : in_order ? Onto::start : Onto::sum;
      loops_.multiply(left_block(u, p, k, own), right_block(u, p, k, own + left), u.rows, u.columns, k, onto, u.c,
                      u.c_row, u.c_column);
    }
  }

  const char* left_block(const Unit& u, std::int64_t p, std::int64_t k, char* own) {
    const Matrix from{u.a.data + u.row * u.a.row + p * u.a.column, u.a.row, u.a.column};
    const auto pack = [&](char* to) { loops_.pack_left(from, u.rows, k, to); };
    if (!workroom_.packed) return pack(own), own;
    const std::int64_t block = u.row / cutting_.rows, piece = p / kPiece;
    char* shared =
        workroom_.packed->data() + block * loops_.left_bytes(cutting_.rows, e_.k) + loops_.left_bytes(u.rows, p);
    return shared_block(block * parts(e_.k, kPiece) + piece, shared, own, pack);
  }

  const char* right_block(const Unit& u, std::int64_t p, std::int64_t k, char* own) {
    const Matrix from{u.b.data + p * u.b.row + u.column * u.b.column, u.b.row, u.b.column};
    const auto pack = [&](char* to) { loops_.pack_right(from, k, u.columns, to); };
    if (!workroom_.packed) return pack(own), own;
    const std::int64_t lefts = parts(e_.m, cutting_.rows), pieces = parts(e_.k, kPiece);
    const std::int64_t block = u.column / cutting_.columns;
    char* shared = workroom_.packed->data() + packed_left_bytes(loops_, e_, cutting_) +
                   block * loops_.right_bytes(e_.k, cutting_.columns) + loops_.right_bytes(p, u.columns);
    return shared_block((lefts + block) * pieces + p / kPiece, shared, own, pack);
  }

  // A packed block that all units share: whoever needs it first packs it. Nobody waits: who finds another thread at it packs
  // a copy for himself, which happens when threads start side by side and rarely afterwards.
  template <class Pack>
  const char* shared_block(std::int64_t number, char* shared, char* own, const Pack& pack) {
    enum : std::uint8_t { untouched, begun, ready };
    std::atomic<std::uint8_t>& state = states_[static_cast<std::size_t>(number)];
    std::uint8_t found = state.load(std::memory_order_acquire);
    if (found == ready) return shared;
    if (found == untouched && state.compare_exchange_strong(found, begun, std::memory_order_relaxed)) {
      pack(shared);
      state.store(ready, std::memory_order_release);
      return shared;
    }
    pack(own);
    return own;
  }

  // --- Matrix by vector ---

  void run_rows(const Unit& u, program::Scratch& scratch) {
    const std::int64_t k = u.depth_end - u.depth;
    const char* x = u.b.data + u.depth * u.b.row;
    if (u.b.row != itemsize()) {
      char* packed = scratch.reserve(static_cast<std::size_t>(k * itemsize()));
      for (std::int64_t p = 0; p < k; ++p) {
        std::memcpy(packed + p * itemsize(), x + p * u.b.row, static_cast<std::size_t>(itemsize()));
      }
      x = packed;
    }
    const Matrix a{u.a.data + u.row * u.a.row + u.depth * u.a.column, u.a.row, u.a.column};
    loops_.dot_rows(a, u.rows, k, x, u.c, u.c_row);
  }

  void run_columns(const Unit& u, program::Scratch& scratch) {
    const auto bytes = static_cast<std::size_t>(u.rows * itemsize());
    char* y = scratch.reserve(bytes);
    std::memset(y, 0, bytes);
    const Matrix a{u.a.data + u.row * u.a.row + u.depth * u.a.column, u.a.row, u.a.column};
    loops_.add_columns(a, u.rows, u.depth_end - u.depth, u.b.data + u.depth * u.b.row, u.b.row, y);
    for (std::int64_t i = 0; i < u.rows; ++i) {
      std::memcpy(u.c + i * u.c_row, y + i * itemsize(), static_cast<std::size_t>(itemsize()));
    }
  }

  // --- The end ---

  // Parts of sums, neighbours first, then where they belong.
  void finish(program::Scratch&) override {
    if (!workroom_.partial) return;
    if (site_ != 0) (void)program::take_float_flags();
    const std::int64_t n = e_.stack * e_.m * e_.n, splits = parts(e_.k, cutting_.depth);
    const Kind kinds[] = {product_.kind, product_.kind};
    const kernels::Kernel& add = *kernels::find(kernels::Op::add, kinds);
    char* partial = workroom_.partial->data();
    for (std::int64_t step = 1; step < splits; step *= 2) {
      for (std::int64_t s = 0; s + step < splits; s += 2 * step) {
        char* to = partial + s * n * itemsize();
        char* data[] = {to, partial + (s + step) * n * itemsize(), to};
        const std::ptrdiff_t strides[] = {itemsize(), itemsize(), itemsize()};
        program::run_single(add, data, n, strides);
      }
    }
    if (site_ != 0) flags_.fetch_or(program::take_float_flags(), std::memory_order_relaxed);
    std::int64_t at = 0;
    const auto matrices = e_.stack;
    for (std::int64_t stack = 0; stack < matrices; ++stack) {
      char* matrix = c_;
      std::int64_t rest = stack;
      for (std::size_t axis = product_.c.shape.size() - 2; axis-- > 0;) {
        matrix += rest % product_.c.shape[axis] * product_.c.strides[axis];
        rest /= product_.c.shape[axis];
      }
      for (std::int64_t i = 0; i < e_.m; ++i) {
        for (std::int64_t j = 0; j < e_.n; ++j, ++at) {
          std::memcpy(matrix + i * row_stride(product_.c) + j * column_stride(product_.c), partial + at * itemsize(),
                      static_cast<std::size_t>(itemsize()));
        }
      }
    }
  }

  // Padded lanes multiply zeros with what may be infinite, so flags count only where the results show why.
  void take_flags(const Unit& u) {
    const std::uint8_t raised = program::take_float_flags();
    if ((raised & ~kUnderflow) == 0) return;
    bool nan = false, infinite = false;
    with_float(product_.kind, [&](auto zero, int parts_of_element) {
      for (std::int64_t i = 0; i < u.rows; ++i) {
        for (std::int64_t j = 0; j < u.columns * parts_of_element; ++j) {
          auto value = zero;
          std::memcpy(&value,
                      u.c + i * u.c_row + j / parts_of_element * u.c_column +
                          j % parts_of_element * static_cast<std::int64_t>(sizeof(value)),
                      sizeof(value));
          nan |= std::isnan(value);
          infinite |= std::isinf(value);
        }
      }
    });
    unsigned seen = 0;
    if (nan) seen |= kInvalid;
    if (infinite || nan) seen |= kOverflow;
    flags_.fetch_or(static_cast<std::uint8_t>(raised & seen), std::memory_order_relaxed);
  }

  const Product product_;
  const Cutting cutting_;
  const Extents e_;
  const Gemm& loops_;
  const Workroom workroom_;
  char* const a_;
  char* const b_;
  char* const c_;
  const Site site_;
  std::vector<std::atomic<std::uint8_t>> states_;
  std::atomic<std::uint8_t> flags_{0};
};

}  // namespace

bool better_turned(const Product& p) {
  const Gemm& loops = *kernels::gemm(p.kind);
  const Extents e = extents_of(p);
  if (e.n == 1 && (e.m == 1 || loops.dot_rows != nullptr)) return false;
  if (e.m == 1 && loops.dot_rows != nullptr) return true;
  const auto padded = [&](std::int64_t m, std::int64_t n) { return up(m, loops.rows) * up(n, loops.columns); };
  return padded(e.n, e.m) * 10 < padded(e.m, e.n) * 9;
}

Product turned(Product p) {
  std::swap(p.a, p.b);
  for (View* v : {&p.a, &p.b, &p.c}) swap_last_two(*v);
  return p;
}

Cutting cutting_of(const Product& p) {
  const Gemm& loops = *kernels::gemm(p.kind);
  const Extents e = extents_of(p);
  const auto item = static_cast<std::int64_t>(itemsize_of(p.kind));
  Cutting c;
  std::int64_t least = 4096;
  if (e.n == 1 && loops.dot_rows != nullptr && !p.in_order) {
    if (column_stride(p.a) == item || e.k == 1) {
      c.how = Cutting::How::rows;
      c.rows = std::clamp<std::int64_t>(kVectorWork / e.k, 1, e.m);
      least = 16384;
    } else if (row_stride(p.a) == item || e.m == 1) {
      c.how = Cutting::How::columns;
      c.rows = std::min<std::int64_t>(1024, e.m);
      least = 1024;
    }
  }
  if (c.how == Cutting::How::blocks) {
    c.rows = std::min(up(kRows, loops.rows), up(e.m, loops.rows));
    c.columns = std::min(kPanels * loops.columns, up(e.n, loops.columns));
  }
  c.depth = e.k;
  const std::int64_t units = unit_count(e, c);
  if (loops.in_order || p.in_order || units >= kUnits / 4) return c;
  const std::int64_t splits =
      std::min({kUnits / units, e.k / least, kPartials / std::max<std::int64_t>(1, e.stack * e.m * e.n)});
  if (splits > 1) c.depth = up(parts(e.k, splits), kPiece);
  return c;
}

std::vector<Product> in_turns(const Product& p) {
  const Extents e = extents_of(p);
  const Cutting c = cutting_of(p);
  const std::int64_t of_all = packed_bytes(*kernels::gemm(p.kind), e, c);
  if (c.how != Cutting::How::blocks || e.stack > 1 || of_all <= kPackedAtOnce) return {p};
  const std::int64_t depth = up(parts(e.k, parts(of_all, kPackedAtOnce)), kPiece);
  std::vector<Product> turns;
  for (std::int64_t first = 0; first < e.k; first += depth) {
    Product& turn = turns.emplace_back(p);
    const std::int64_t k = std::min(depth, e.k - first);
    turn.a.offset += first * column_stride(p.a);
    turn.b.offset += first * row_stride(p.b);
    turn.a.shape[turn.a.shape.size() - 1] = turn.b.shape[turn.b.shape.size() - 2] = k;
    turn.adds = first > 0;
  }
  return turns;
}

Workroom workroom_for(const Product& p, const Cutting& c) {
  const Extents e = extents_of(p);
  const Gemm& loops = *kernels::gemm(p.kind);
  const auto room = [](std::int64_t bytes) {
    memory::StoragePtr storage = Workspace::instance().new_storage(bytes);
    storage->set_memory(memory::Memory::allocate(static_cast<std::size_t>(bytes)));
    return storage;
  };
  Workroom w;
  const std::int64_t splits = parts(e.k, c.depth);
  if (splits > 1) w.partial = room(splits * e.stack * e.m * e.n * static_cast<std::int64_t>(itemsize_of(p.kind)));
  const std::int64_t tiles = parts(e.m, c.rows) * parts(e.n, c.columns);
  if (c.how == Cutting::How::blocks && splits == 1 && e.stack == 1 && tiles > 2) {
    w.packed = room(packed_bytes(loops, e, c));
  }
  return w;
}

std::shared_ptr<Job> make_product_job(const Product& product, const Cutting& cutting, Workroom workroom, char* a,
                                      char* b, char* c, Site site, int seats) {
  return std::make_shared<ProductJob>(product, cutting, std::move(workroom), a, b, c, site, seats);
}

}  // namespace distob::array::detail

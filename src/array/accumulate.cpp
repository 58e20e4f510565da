#include <cmath>
#include <complex>
#include <vector>

#include "array/stacks.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using namespace detail;

using kernels::kLeaf;
using kernels::Op;

bool is_finite(const char* element, Kind kind) {
  if (!is_floating(kind) && !is_complex(kind)) return true;
  const auto finite = [&]<class T>(T value) {
    std::memcpy(&value, element, sizeof(T));
    if constexpr (std::is_floating_point_v<T>)
      return std::isfinite(value);
    else
      return std::isfinite(value.real()) && std::isfinite(value.imag());
  };
  switch (kind) {
    case Kind::Float32: return finite(float{});
    case Kind::Float64: return finite(double{});
    case Kind::LongDouble: return finite(static_cast<long double>(0));
    case Kind::Complex64: return finite(std::complex<float>{});
    case Kind::Complex128: return finite(std::complex<double>{});
    case Kind::CLongDouble: return finite(std::complex<long double>{});
    default: return false;
  }
}

class Accumulation {
 public:
  Accumulation(const Step& step, const Stacks& stacks, const char* in, char* out)
      : step_(step),
        stacks_(stacks),
        in_(in),
        out_(out),
        size_(static_cast<std::int64_t>(itemsize_of(step.kind()))),
        team_(stacks.outer * stacks.n * stacks.inner < kFew) {}

  void run() {
    if (stacks_.inner > 1) {
      columns();
    } else if (may_be_cut() && stacks_.n > 8 * kLeaf) {
      for (std::int64_t row = 0; row < stacks_.outer; ++row) blocks(row * stacks_.n * size_);
    } else {
      team_.run(stacks_.outer, [&](std::int64_t row) { in_order(row * stacks_.n * size_, stacks_.n, nullptr); });
    }
  }
  [[nodiscard]] const Team& team() const { return team_; }

 private:
  // Whether leaves may be summed apart: the order of the step does not matter, or only rounding depends on it.
  [[nodiscard]] bool may_be_cut() const {
    if (step_.scan == nullptr || step_.reduction == nullptr) return false;
    if (is_sum()) return step_.kind() != Kind::Float16;
    return step_.associative != kernels::ReduceOp::prod || (!is_floating(step_.kind()) && !is_complex(step_.kind()));
  }
  [[nodiscard]] bool is_sum() const { return step_.associative == kernels::ReduceOp::sum; }

  void in_order(std::int64_t at, std::int64_t n, const char* carry) {
    if (step_.scan != nullptr) return step_.scan->run(in_ + at, size_, out_ + at, size_, n, carry);
    std::memcpy(out_ + at, in_ + at, static_cast<std::size_t>(size_));
    for (std::int64_t i = 1; i < n; ++i) {
      char* to = out_ + at + i * size_;
      call(step_, to - size_, 0, in_ + at + i * size_, 0, to, 0, 1);
    }
  }

  // One long row: the total of each leaf, then what comes before each leaf, then the leaves.
  void blocks(std::int64_t at) {
    const std::int64_t leaves = (stacks_.n + kLeaf - 1) / kLeaf, whole = stacks_.n / kLeaf;
    std::vector<char> before(static_cast<std::size_t>((leaves + 1) * size_));  // before[k + 1]: the total of leaf k
    team_.run(leaves - 1,
              [&](std::int64_t leaf) { total(in_ + at + leaf * kLeaf * size_, before.data() + (leaf + 1) * size_); });
    std::int64_t orderly = leaves;  // from here on one after the other
    for (std::int64_t leaf = 1; leaf < leaves; ++leaf) {
      char* here = before.data() + leaf * size_;
      if (leaf > 1) call(step_, here - size_, 0, here, 0, here, 0, 1);
      if (is_sum() && !is_finite(here, step_.kind())) {
        orderly = leaf - 1;
        break;
      }
    }
    constexpr std::int64_t kTogether = 4;  // see Scan::run_blocks
    const std::int64_t full = std::min(whole, orderly);
    team_.run((full + kTogether - 1) / kTogether, [&](std::int64_t task) {
      const std::int64_t first = task * kTogether, count = std::min(kTogether, full - first);
      const std::int64_t place = at + first * kLeaf * size_;
      step_.scan->run_blocks(in_ + place, out_ + place, kLeaf, count, before.data() + first * size_, first == 0);
    });
    if (full == leaves) return;
    team_.run(1, [&](std::int64_t) {
      const char* carry = full == 0 ? nullptr : before.data() + full * size_;
      in_order(at + full * kLeaf * size_, stacks_.n - full * kLeaf, carry);
    });
  }

  void total(const char* leaf, char* to) const {
    if (is_sum() || is_integer(step_.kind())) {
      step_.reduction->leaf(leaf, size_, kLeaf, to);
    } else {  // of equal zeros, and of what is not a number, the first counts
      step_.scan->run(leaf, size_, to, 0, kLeaf, nullptr);
    }
  }

  // Rows of neighbouring totals that grow together; where they are few, one after the other through the cache.
  void columns() {
    const std::int64_t wide = (stacks_.inner + kColumns - 1) / kColumns;
    team_.run(stacks_.outer * wide, [&](std::int64_t task) {
      const std::int64_t column = task % wide * kColumns, width = std::min(kColumns, stacks_.inner - column);
      const std::int64_t at = (task / wide * stacks_.n * stacks_.inner + column) * size_;
      constexpr std::int64_t kNarrow = 8;
      if (step_.scan != nullptr && width < kNarrow) {
        narrow(at, width);
      } else {
        rows(at, width);
      }
    });
  }

  void rows(std::int64_t at, std::int64_t width) {
    const std::int64_t row = stacks_.inner * size_;
    std::memcpy(out_ + at, in_ + at, static_cast<std::size_t>(width * size_));
    for (std::int64_t k = 1; k < stacks_.n; ++k) {
      char* to = out_ + at + k * row;
      call(step_, to - row, size_, in_ + at + k * row, size_, to, size_, width);
    }
  }

  void narrow(std::int64_t at, std::int64_t width) {
    constexpr std::int64_t kRows = 512;
    const std::int64_t row = stacks_.inner * size_;
    for (std::int64_t k = 0; k < stacks_.n; k += kRows) {
      const std::int64_t count = std::min(kRows, stacks_.n - k);
      for (std::int64_t column = 0; column < width; ++column) {
        const std::int64_t here = at + k * row + column * size_;
        step_.scan->run(in_ + here, row, out_ + here, row, count, k == 0 ? nullptr : out_ + here - row);
      }
    }
  }

  const Step& step_;
  Stacks stacks_;
  const char* in_;
  char* out_;
  std::int64_t size_;
  Team team_;
};

}  // namespace

Step Step::of(Op op, Kind kind) {
  const Kind kinds[] = {kind, kind};
  const kernels::Kernel* kernel = kernels::find(op, kinds);
  if (kernel == nullptr || kernel->outputs != 1 || kernel->kinds[2] != kind) {
    throw TypeError("no loop of " + std::string(kernels::name_of(op)) + " from " + DType(kind).name() + " to itself");
  }
  Step step{*kernel, kernels::scan(op, kind)};
  step.associative = kernels::reduction_by(op);
  if (step.associative) step.reduction = kernels::reduction(*step.associative, kind);
  return step;
}

Array accumulate(const Step& step, const Array& a, int axis, const AxisOptions& options) {
  axis = normalize_axis(axis, a.ndim());
  const Array from = contiguous(a, step.kind(), options);
  Writing out(a.shape(), step.kind(), a.node()->cut);
  if (options.flags != nullptr) *options.flags = 0;
  if (a.size() > 0) {
    const Reading in(from);
    Accumulation work(step, stacks_of(a.shape(), axis), in.data(), out.data());
    work.run();
    work.team().report(options, raises(step));
  }
  return std::move(out).done();
}

}  // namespace distob::array

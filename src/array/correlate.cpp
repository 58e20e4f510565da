#include "array/correlate.h"

#include <algorithm>

#include "array/lines.h"
#include "distob/errors.h"
#include "kernels/correlate.h"

namespace distob::array {
namespace {

constexpr std::int64_t kWorthPart = 65536;  // products

}  // namespace

Array correlate(const Array& a, const Array& v, Overlap overlap) {
  if (a.ndim() != 1 || v.ndim() != 1) throw ValueError("object too deep for desired array");
  if (v.size() == 0 || a.size() < v.size()) throw ValueError("the first vector must not be shorter than the second");
  const Kind kind = a.dtype().kind;
  const kernels::Correlate loop = kernels::correlate_of(kind);
  if (loop == nullptr || v.dtype().kind != kind) throw TypeError("no sums of products of " + a.dtype().name());
  const detail::Lines values = detail::flat_line(a, kind), factors = detail::flat_line(v, kind);
  const std::int64_t n = values.length, m = factors.length;
  const std::int64_t first = overlap == Overlap::full ? 0 : overlap == Overlap::valid ? m - 1 : m - 1 - m / 2;
  const std::int64_t count = overlap == Overlap::full ? n + m - 1 : overlap == Overlap::valid ? n - m + 1 : n;
  detail::Fresh result({count}, kind);
  const std::int64_t parts = std::clamp<std::int64_t>(count * m / kWorthPart, 1, 256);
  detail::each_of(parts, [&](std::int64_t part) {
    const std::int64_t start = count * part / parts, end = count * (part + 1) / parts;
    loop(values.data, n, factors.data, m, first + start, first + end, result.data() + start * values.itemsize);
  });
  return std::move(result).finished();
}

}  // namespace distob::array

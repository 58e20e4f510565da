#include "array/linalg.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "array/indexing.h"
#include "array/operands.h"
#include "array/product.h"
#include "array/representation.h"
#include "array/workspace.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using detail::Product;
using detail::storage_of;
using detail::view_of;

constexpr std::int64_t kInline = 32768;                       // multiplications done at once, in a few microseconds
constexpr std::int64_t kJobOfItsOwn = std::int64_t{1} << 21;  // multiplications in one matrix of a stack

// A product of half precision is exact in float32, where NumPy adds it up, one after the other.
Kind computed_in(Kind kind) { return kind == Kind::Float16 ? Kind::Float32 : kind; }

// An operand of a product: elements of `kind`, aligned, in one storage.
Source factor_of(const Array& a, Kind kind) {
  if (!(a.dtype() == DType(kind))) {
    const Array cast = astype(a, kind);
    return {storage_of(cast), view_of(cast), {}, cast};
  }
  Source source = detail::source_of(a);
  return source.view.is_aligned(std::min<std::int64_t>(source.view.dtype.itemsize, 16)) ? source
                                                                                        : detail::copied(source);
}

Shape leading(const Shape& shape, std::size_t count) {
  return Shape(std::span<const std::int64_t>(shape.data(), count));
}

// `view` with its matrix (the last two axes) under every index of `stack`.
View stacked(const View& view, const Shape& stack) {
  Shape shape = stack;
  shape.push_back(view.shape[view.shape.size() - 2]);
  shape.push_back(view.shape[view.shape.size() - 1]);
  return broadcast_to(view, shape);
}

bool reads_all_of(const View& matrix, std::int64_t itemsize) {
  const std::size_t rank = matrix.shape.size();
  return matrix.strides[rank - 1] == itemsize || matrix.strides[rank - 2] == itemsize || matrix.shape[rank - 1] == 1 ||
         matrix.shape[rank - 2] == 1;
}

// One matrix under each index of the rows of a stack: (s, m, k) by (k, n) is (s m, k) by (k, n).
bool flatten_stack(Product& p) {
  const std::size_t rank = p.c.shape.size();
  if (rank == 2) return true;
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    if (p.b.strides[i] != 0 && p.c.shape[i] != 1) return false;
  }
  const std::int64_t k = p.a.shape[rank - 1], n = p.c.shape[rank - 1];
  const std::int64_t rows = element_count(p.c.shape) / n;
  const std::optional<View> a = reshape(p.a, {rows, k}), c = reshape(p.c, {rows, n});
  if (!a || !c) return false;
  p.a = *a, p.c = *c;
  View b = p.b;
  b.shape = {k, n};
  b.strides = {p.b.strides[rank - 2], p.b.strides[rank - 1]};
  p.b = b;
  return true;
}

class Work {
 public:
  Work(Source a, Source b, Target c, const ProductOptions& options)
      : sources_{std::move(a), std::move(b)}, target_(std::move(c)), options_(options) {}

  void submit(const Product& given) {
    const bool turn = detail::better_turned(given);
    if (turn) std::swap(sources_[0], sources_[1]);
    const Product product = turn ? detail::turned(given) : given;
    const std::size_t rank = product.c.shape.size();
    const std::int64_t k = product.a.shape[rank - 1];
    const std::int64_t one = product.c.shape[rank - 2] * product.c.shape[rank - 1] * k;
    if (rank > 2 && one >= kJobOfItsOwn) {
      for_each_matrix(product, [&](const Product& matrix) { submit_matrices(matrix, one); });
    } else {
      submit_matrices(product, product.c.size() * k);
    }
  }

 private:
  template <class F>
  static void for_each_matrix(const Product& product, const F& f) {
    const std::size_t rank = product.c.shape.size();
    const std::int64_t matrices = element_count(leading(product.c.shape, rank - 2));
    for (std::int64_t number = 0; number < matrices; ++number) {
      Product matrix = product;
      for (View* v : {&matrix.a, &matrix.b, &matrix.c}) {
        std::int64_t rest = number;
        for (std::size_t axis = rank - 2; axis-- > 0;) {
          v->offset += rest % product.c.shape[axis] * v->strides[axis];
          rest /= product.c.shape[axis];
        }
        v->shape = {v->shape[rank - 2], v->shape[rank - 1]};
        v->strides = {v->strides[rank - 2], v->strides[rank - 1]};
      }
      f(matrix);
    }
  }

  void submit_matrices(const Product& product, std::int64_t multiplications) {
    if (multiplications <= kInline && run_at_once(product)) return;
    for (const Product& turn : detail::in_turns(product)) append(turn);
  }

  bool run_at_once(const Product& product) {
    Workspace& workspace = Workspace::instance();
    const Source* sources[] = {&sources_[0], &sources_[1]};
    const Target* targets[] = {&target_};
    const detail::Cutting cutting = detail::cutting_of(product);
    const Site site = options_.flags != nullptr ? 1 : options_.site;
    unsigned raised = 0;
    const bool ran = workspace.run_small(sources, targets, [&] {
      thread_local program::Scratch scratch;
      const auto job = detail::make_product_job(product, cutting, {}, sources_[0].storage->data(),
                                                sources_[1].storage->data(), target_.storage->data(), site, 1);
      job->run_alone(scratch);
      raised = job->outcome().flags;
    });
    if (!ran) return false;
    if (options_.flags != nullptr) {
      *options_.flags |= raised;
    } else if (raised != 0) {
      workspace.raised(raised, options_.site);
    }
    return true;
  }

  void append(const Product& product) {
    const detail::Cutting cutting = detail::cutting_of(product);
    detail::Workroom workroom = detail::workroom_for(product, cutting);
    const auto make = [&](std::span<char* const> bases, Site site, int seats) -> std::shared_ptr<Job> {
      return detail::make_product_job(product, cutting, workroom, bases[0], bases[1], bases[2], site, seats);
    };
    Workspace& workspace = Workspace::instance();
    if (options_.flags != nullptr) {
      *options_.flags |= workspace.append_job_and_wait(sources_, target_, make);
    } else {
      workspace.append_job(sources_, target_, options_.site, make);
    }
  }

  std::vector<Source> sources_;
  Target target_;
  ProductOptions options_;
};

[[noreturn]] void refuse_scalar(int operand) {
  throw ValueError(
      "matmul: Input operand " + std::to_string(operand) +
      " does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires "
      "1)");
}

// The sum over axes in the way of products: bools by or.
Array summed(const Array& a, const std::vector<int>& axes, Kind kind) {
  ReduceOptions options;
  options.axes = axes;
  options.kind = kind;
  return reduce(kind == Kind::Bool ? kernels::ReduceOp::any : kernels::ReduceOp::sum, a, options);
}

Array multiplied(const Array& a, const Array& b, Kind kind, Site site) {
  const Kind kinds[] = {kind, kind};
  const Operand operands[] = {a, b};
  return apply(*kernels::find(kernels::Op::multiply, kinds), operands, {.site = site});
}

Array in_order_of(const Array& a, const std::vector<int>& axes) { return axes.empty() ? a : transpose(a, axes); }

}  // namespace

Array matmul(const Array& a, const Array& b, const ProductOptions& options) {
  if (options.flags != nullptr) *options.flags = 0;
  if (a.ndim() == 0) refuse_scalar(0);
  if (b.ndim() == 0) refuse_scalar(1);
  const Kind kind = computed_in(options.kind);
  if (kernels::gemm(kind) == nullptr) throw TypeError("no loop of matmul for " + DType(kind).name());
  const std::int64_t k = a.shape()[static_cast<std::size_t>(a.ndim() - 1)];
  const std::int64_t other = b.shape()[static_cast<std::size_t>(b.ndim() == 1 ? 0 : b.ndim() - 2)];
  if (k != other) {
    throw ValueError(
        "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) "
        "(size " +
        std::to_string(other) + " is different from " + std::to_string(k) + ")");
  }
  const Shape stack = broadcast(leading(a.shape(), static_cast<std::size_t>(std::max(0, a.ndim() - 2))),
                                leading(b.shape(), static_cast<std::size_t>(std::max(0, b.ndim() - 2))));
  Source left = factor_of(a, kind), right = factor_of(b, kind);
  View av = left.view, bv = right.view;
  if (a.ndim() == 1) av.shape.insert(0, 1), av.strides.insert(0, 0);
  if (b.ndim() == 1) bv.shape.push_back(1), bv.strides.push_back(0);
  Shape full = stack;
  full.push_back(av.shape[av.shape.size() - 2]);
  full.push_back(bv.shape[bv.shape.size() - 1]);
  Shape shape = stack;
  if (a.ndim() > 1) shape.push_back(full[full.size() - 2]);
  if (b.ndim() > 1) shape.push_back(full[full.size() - 1]);

  const Array result = detail::new_array(shape, kind);
  if (result.size() == 0) return kind == options.kind ? result : astype(result, options.kind);
  if (k == 0) {
    assign(result, Scalar::of(false));
  } else {
    const bool vector = full[full.size() - 1] == 1 || full[full.size() - 2] == 1;
    const auto item = static_cast<std::int64_t>(itemsize_of(kind));
    const auto rearranged = [&](Source& source, View& view) {
      if (!vector || reads_all_of(view, item)) return;
      source = detail::copied({source.storage, view});
      view = source.view;
    };
    rearranged(left, av);
    rearranged(right, bv);
    const Target target{storage_of(result), view_of(result)};
    const View whole = View::contiguous(kind, full, view_of(result).offset);
    Product product{kind, options.kind == Kind::Float16, false, stacked(av, stack), stacked(bv, stack), whole};
    (void)flatten_stack(product);
    Work(std::move(left), std::move(right), target, options).submit(product);
  }
  return kind == options.kind ? result : astype(result, options.kind, options.site);
}

namespace {

[[noreturn]] void refuse(const char* name, const char* signature, int operand, std::int64_t has, std::int64_t wanted) {
  throw ValueError(std::string(name) + ": Input operand " + std::to_string(operand) +
                   " has a mismatch in its core dimension 0, with gufunc signature " + signature + " (size " +
                   std::to_string(has) + " is different from " + std::to_string(wanted) + ")");
}

void require_axes(const char* name, const char* signature, const Array& a, int operand, int least) {
  if (a.ndim() >= least) return;
  throw ValueError(std::string(name) + ": Input operand " + std::to_string(operand) +
                   " does not have enough dimensions (has " + std::to_string(a.ndim()) +
                   ", gufunc core with signature " + signature + " requires " + std::to_string(least) + ")");
}

std::int64_t extent_from_end(const Array& a, int axis) { return a.shape()[static_cast<std::size_t>(a.ndim() - axis)]; }

// `a` with a new axis of one element, so that it is counted from the end.
Array with_axis(const Array& a, int from_end) {
  Shape shape = a.shape();
  shape.insert(shape.size() + 1 - static_cast<std::size_t>(from_end), 1);
  return reshape(a, shape);
}
Array without_axis(const Array& a, int from_end) {
  Shape shape = a.shape();
  shape.erase(shape.size() - static_cast<std::size_t>(from_end));
  return reshape(a, shape);
}

Array conjugated(const Array& a, Kind kind) {
  if (!is_complex(kind)) return a;
  const Kind kinds[] = {kind};
  const Array of_kind = a.dtype() == DType(kind) ? a : astype(a, kind);
  const Operand operands[] = {of_kind};
  return apply(*kernels::find(kernels::Op::conjugate, kinds), operands);
}

}  // namespace

Array vecdot(const Array& a, const Array& b, const ProductOptions& options) {
  constexpr const char* kSignature = "(n),(n)->()";
  require_axes("vecdot", kSignature, a, 0, 1);
  require_axes("vecdot", kSignature, b, 1, 1);
  const std::int64_t n = extent_from_end(a, 1);
  if (extent_from_end(b, 1) != n) refuse("vecdot", kSignature, 1, extent_from_end(b, 1), n);
  if (a.ndim() == 1 && b.ndim() == 1) return matmul(conjugated(a, options.kind), b, options);
  const Array rows = with_axis(conjugated(a, options.kind), 2), columns = with_axis(b, 1);
  if (n >= 256 || kernels::gemm(options.kind) == nullptr || options.flags != nullptr) {
    return without_axis(without_axis(matmul(rows, columns, options), 1), 1);
  }
  // Short vectors: products of elements, added up in the same pass.
  if (options.flags != nullptr) *options.flags = 0;
  const auto of_kind = [&](const Array& x) { return x.dtype() == DType(options.kind) ? x : astype(x, options.kind); };
  const Array products = multiplied(of_kind(conjugated(a, options.kind)), of_kind(b), options.kind, options.site);
  return summed(products, {-1}, options.kind);
}

Array matvec(const Array& matrix, const Array& vector, const ProductOptions& options) {
  constexpr const char* kSignature = "(m,n),(n)->(m)";
  require_axes("matvec", kSignature, matrix, 0, 2);
  require_axes("matvec", kSignature, vector, 1, 1);
  const std::int64_t n = extent_from_end(matrix, 1);
  if (extent_from_end(vector, 1) != n) refuse("matvec", kSignature, 1, extent_from_end(vector, 1), n);
  return without_axis(matmul(matrix, with_axis(vector, 1), options), 1);
}

Array vecmat(const Array& vector, const Array& matrix, const ProductOptions& options) {
  constexpr const char* kSignature = "(n),(n,m)->(m)";
  require_axes("vecmat", kSignature, vector, 0, 1);
  require_axes("vecmat", kSignature, matrix, 1, 2);
  const std::int64_t n = extent_from_end(vector, 1);
  if (extent_from_end(matrix, 2) != n) refuse("vecmat", kSignature, 1, extent_from_end(matrix, 2), n);
  return without_axis(matmul(with_axis(conjugated(vector, options.kind), 2), matrix, options), 2);
}

Array tensordot(const Array& a, const Array& b, std::span<const int> a_axes, std::span<const int> b_axes,
                const ProductOptions& options) {
  if (a_axes.size() != b_axes.size()) throw ValueError("shape-mismatch for sum");
  // Free axes, and those summed over, of one operand; the summed ones first or last.
  const auto matrix = [](const Array& x, std::span<const int> axes, bool summed_first, Shape& free_shape) {
    std::vector<int> summed, order;
    std::int64_t k = 1;
    for (int axis : axes) {
      summed.push_back(normalize_axis(axis, x.ndim()));
      k *= x.shape()[static_cast<std::size_t>(summed.back())];
    }
    for (int axis = 0; axis < x.ndim(); ++axis) {
      if (std::find(summed.begin(), summed.end(), axis) != summed.end()) continue;
      order.push_back(axis);
      free_shape.push_back(x.shape()[static_cast<std::size_t>(axis)]);
    }
    const std::int64_t free = element_count(free_shape);
    order.insert(summed_first ? order.begin() : order.end(), summed.begin(), summed.end());
    const Array ordered = in_order_of(x, order);
    return reshape(ordered, summed_first ? Shape{k, free} : Shape{free, k});
  };
  for (std::size_t i = 0; i < a_axes.size(); ++i) {
    const auto of_a = static_cast<std::size_t>(normalize_axis(a_axes[i], a.ndim()));
    const auto of_b = static_cast<std::size_t>(normalize_axis(b_axes[i], b.ndim()));
    if (a.shape()[of_a] != b.shape()[of_b]) throw ValueError("shape-mismatch for sum");
  }
  Shape shape, right_shape;
  const Array left = matrix(a, a_axes, false, shape);
  const Array right = matrix(b, b_axes, true, right_shape);
  for (std::int64_t extent : right_shape) shape.push_back(extent);
  return reshape(matmul(left, right, options), shape);
}

namespace {

// An operand of einsum with the labels of its axes.
struct Labelled {
  Array array;
  std::vector<int> labels;

  [[nodiscard]] bool has(int label) const { return std::find(labels.begin(), labels.end(), label) != labels.end(); }
  [[nodiscard]] int axis(int label) const {
    return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
  }
  [[nodiscard]] std::int64_t extent(int label) const { return array.shape()[static_cast<std::size_t>(axis(label))]; }

  // Axes of one label become their diagonal.
  void take_diagonals() {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto twin = std::find(labels.begin() + static_cast<std::ptrdiff_t>(i) + 1, labels.end(), labels[i]);
      if (twin == labels.end()) continue;
      const auto j = static_cast<std::size_t>(twin - labels.begin());
      if (array.shape()[i] != array.shape()[j]) {
        throw ValueError("dimensions in single operand for collapsing index don't match (" +
                         std::to_string(array.shape()[i]) + " != " + std::to_string(array.shape()[j]) + ")");
      }
      array = diagonal(array, 0, static_cast<int>(i), static_cast<int>(j));
      const int label = labels[i];
      labels.erase(twin);
      labels.erase(labels.begin() + static_cast<std::ptrdiff_t>(i));
      labels.push_back(label);
      --i;
    }
  }

  // Sums over labels that nobody else wants.
  template <class Wanted>
  void sum_out(const Wanted& wanted, Kind kind) {
    std::vector<int> axes, kept;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (wanted(labels[i])) {
        kept.push_back(labels[i]);
      } else {
        axes.push_back(static_cast<int>(i));
      }
    }
    if (!axes.empty()) array = summed(array, axes, kind);
    labels = kept;
  }

  // A view with the axes of `wanted` in that order, extent 1 for labels it lacks.
  [[nodiscard]] Array arranged(const std::vector<int>& wanted) const {
    std::vector<int> order;
    Shape shape;
    for (int label : wanted) {
      if (has(label)) order.push_back(axis(label));
      shape.push_back(has(label) ? extent(label) : 1);
    }
    return reshape(in_order_of(array, order), shape);
  }
};

std::vector<int> joined(std::initializer_list<const std::vector<int>*> lists) {
  std::vector<int> all;
  for (const std::vector<int>* list : lists) all.insert(all.end(), list->begin(), list->end());
  return all;
}

Shape extents_of(const Labelled& a, const Labelled& b, const std::vector<int>& labels) {
  Shape shape;
  for (int label : labels) shape.push_back(a.has(label) ? a.extent(label) : b.extent(label));
  return shape;
}

// Both operands; what is in neither the other nor the result has been summed over.
Labelled contracted(const Labelled& a, const Labelled& b, const std::vector<int>& result, Kind kind,
                    const ProductOptions& options) {
  std::vector<int> stack, summed_over, left, right;
  const auto in_result = [&](int label) { return std::find(result.begin(), result.end(), label) != result.end(); };
  for (int label : a.labels) {
    (b.has(label) ? in_result(label) ? stack : summed_over : left).push_back(label);
  }
  for (int label : b.labels) {
    if (!a.has(label)) right.push_back(label);
  }
  const std::vector<int> of_a = joined({&stack, &left, &summed_over}), of_b = joined({&stack, &summed_over, &right});
  if (left.empty() && right.empty()) {  // products of elements, or of vectors under each index of the stack
    const Array products = multiplied(a.arranged(of_a), b.arranged(of_a), kind, options.site);
    Labelled made{products, of_a};
    made.sum_out(in_result, kind);
    return made;
  }
  if (summed_over.empty()) {
    const std::vector<int> all = joined({&stack, &left, &right});
    return {multiplied(a.arranged(all), b.arranged(all), kind, options.site), all};
  }
  const Shape heights = extents_of(a, b, left), widths = extents_of(a, b, right);
  const std::int64_t k = element_count(extents_of(a, b, summed_over));
  Shape shape = extents_of(a, b, stack);
  Shape left_shape = shape, right_shape = shape;
  left_shape.push_back(element_count(heights)), left_shape.push_back(k);
  right_shape.push_back(k), right_shape.push_back(element_count(widths));
  ProductOptions plain = options;
  plain.kind = kind;
  const Array product = matmul(reshape(a.arranged(of_a), left_shape), reshape(b.arranged(of_b), right_shape), plain);
  for (const Shape* part : {&heights, &widths}) {
    for (std::int64_t extent : *part) shape.push_back(extent);
  }
  return {reshape(product, shape), joined({&stack, &left, &right})};
}

}  // namespace

Array einsum(std::span<const Array> operands, std::span<const std::vector<int>> labels, const std::vector<int>& result,
             const ProductOptions& options) {
  if (operands.empty() || operands.size() > 2 || operands.size() != labels.size()) {
    throw ValueError("einsum takes one or two operands at a time, with labels for each");
  }
  const Kind kind = computed_in(options.kind);
  std::vector<Labelled> parts;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (static_cast<int>(labels[i].size()) != operands[i].ndim()) {
      throw ValueError("einstein sum subscripts string does not match the number of axes of operand " +
                       std::to_string(i));
    }
    const bool as_it_is = operands[i].dtype() == DType(kind);
    parts.push_back({as_it_is ? operands[i] : astype(operands[i], kind), labels[i]});
    parts.back().take_diagonals();
  }
  if (parts.size() == 2) {
    // An axis of one element is repeated as often as the other operand asks, like everywhere.
    for (int label : parts[0].labels) {
      if (!parts[1].has(label)) continue;
      const std::int64_t one = parts[0].extent(label), two = parts[1].extent(label);
      if (one == two) continue;
      if (one != 1 && two != 1) {
        throw ValueError("operands could not be broadcast together: an axis has " + std::to_string(one) +
                         " elements in one and " + std::to_string(two) + " in the other");
      }
      Labelled& short_one = parts[one == 1 ? 0 : 1];
      Shape shape = short_one.array.shape();
      shape[static_cast<std::size_t>(short_one.axis(label))] = std::max(one, two) == 1 ? 1 : (one == 1 ? two : one);
      short_one.array = broadcast_to(short_one.array, shape);
    }
  }
  const auto in_result = [&](int label) { return std::find(result.begin(), result.end(), label) != result.end(); };
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].sum_out([&](int label) { return in_result(label) || (parts.size() == 2 && parts[1 - i].has(label)); },
                     kind);
  }
  const Labelled made = parts.size() == 2 ? contracted(parts[0], parts[1], result, kind, options) : std::move(parts[0]);
  std::vector<int> order;
  for (int label : result) {
    if (!made.has(label))
      throw ValueError("einstein sum subscripts string included output subscript which never appeared in an input");
    order.push_back(made.axis(label));
  }
  const Array ordered = in_order_of(made.array, order);
  return kind == options.kind ? ordered : astype(ordered, options.kind);
}

}  // namespace distob::array

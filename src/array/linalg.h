// Linear algebra on distributed arrays: products of matrices and what is made of them, on all threads.
//
// Sums of floating point follow the order of k in blocks that depend on the shape, the kind and which axes are contiguous
// alone: the same bits for any number of threads and any partition, though not those of another BLAS. Integers wrap around
// and bools add by or, to the bit as NumPy; half precision and long double are added up one by one as NumPy does.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "array/array.h"

namespace distob::array {

struct ProductOptions {
  /// What is computed with and what a new array holds; operands are cast to it.
  Kind kind = Kind::Float64;
  Site site = 0;
  /// As in ApplyOptions.
  unsigned* flags = nullptr;
};

/// NumPy's matmul: matrices in the last two axes, the axes before them broadcast; a vector is a row on the left, a column on
/// the right, and its axis is gone from the result. Operands are read where they lie, transposed or not; only those without
/// a contiguous axis among their last two that is worth it are copied. Throws ValueError with NumPy's words.
[[nodiscard]] Array matmul(const Array& a, const Array& b, const ProductOptions& options);

/// NumPy's ufuncs of vectors in the last axis, those before it broadcast: the sum of conj(a) * b; matrix by vector; conj of
/// the vector by matrix. Throw ValueError with NumPy's words.
[[nodiscard]] Array vecdot(const Array& a, const Array& b, const ProductOptions& options);
[[nodiscard]] Array matvec(const Array& matrix, const Array& vector, const ProductOptions& options);
[[nodiscard]] Array vecmat(const Array& vector, const Array& matrix, const ProductOptions& options);

/// Sums of products over axes `a_axes` of `a` and `b_axes` of `b`, pairwise; the other axes of `a`, then those of `b` are
/// left. numpy.tensordot; dot, inner and outer are forms of it. Throws ValueError if extents differ.
[[nodiscard]] Array tensordot(const Array& a, const Array& b, std::span<const int> a_axes, std::span<const int> b_axes,
                              const ProductOptions& options);

/// Einstein's summation of one or two arrays: `labels` names the axes of each operand, `result` those of the result, each
/// once. A label that the result lacks is summed over; one that an operand has twice takes its diagonal.
/// Throws ValueError if extents differ.
[[nodiscard]] Array einsum(std::span<const Array> operands, std::span<const std::vector<int>> labels,
                           const std::vector<int>& result, const ProductOptions& options);

}  // namespace distob::array

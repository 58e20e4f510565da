// Products of matrices: the loops over one block, for each instruction set.
//
// As BLIS has it (Van Zee and van de Geijn, "BLIS: a framework for rapidly instantiating BLAS functionality", 2015): both
// factors are packed into panels that the innermost loop reads from end to end, so that strides, transposes, byte order of
// axes and alignment matter nowhere else. What is kept of the product in registers is `rows` x `columns` elements; panels
// are padded with zeros to whole ones.
//
// An element of the product is the sum of its terms in the order of k, with fused multiply-add where there is one: it does
// not depend on where in the matrix it stands, nor on how the matrices were cut into blocks of rows and columns.
#pragma once

#include <cstddef>

#include "distob/dtype.h"

namespace distob::kernels {

/// A matrix in memory: element (i, j) lies at data + i * row + j * column, in bytes.
struct Matrix {
  const char* data = nullptr;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t column = 0;
};

/// What happens to the elements that the result had.
enum class Onto {
  nothing,  ///< they are overwritten
  sum,      ///< the new sum is added to them
  start,    ///< they are what the new sum begins with: the product of a long k in pieces has the bits of the whole
};

/// The loops for one kind. Bools add by or and multiply by and; integers wrap around.
struct Gemm {
  int rows = 0;           ///< of a panel of the left factor
  int columns = 0;        ///< of a panel of the right factor
  int itemsize = 0;       ///< in packed panels and out of them
  bool in_order = false;  ///< NumPy adds this kind up one by one: pieces of k go on with Onto::start

  /// Packs `m` rows of `k` elements, and `n` columns of `k` elements, into packed_bytes() of memory aligned to 64 bytes.
  void (*pack_left)(Matrix a, std::ptrdiff_t m, std::ptrdiff_t k, char* to) = nullptr;
  void (*pack_right)(Matrix b, std::ptrdiff_t k, std::ptrdiff_t n, char* to) = nullptr;
  /// m x n elements at `c` become the product of packed factors. `c` may have any strides, in bytes.
  void (*multiply)(const char* left, const char* right, std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, Onto onto,
                   char* c, std::ptrdiff_t row, std::ptrdiff_t column) = nullptr;

  // Matrix by vector, without packing; null for kinds that take the way above.
  /// y[i] = the sum of a[i, p] * x[p], rows of `a` and `x` contiguous; `step` bytes from one y to the next.
  void (*dot_rows)(Matrix a, std::ptrdiff_t m, std::ptrdiff_t k, const char* x, char* y, std::ptrdiff_t step) = nullptr;
  /// y[i] += the sum of a[i, p] * x[p], columns of `a` and `y` contiguous; `step` bytes from one x to the next.
  void (*add_columns)(Matrix a, std::ptrdiff_t m, std::ptrdiff_t k, const char* x, std::ptrdiff_t step,
                      char* y) = nullptr;

  [[nodiscard]] std::ptrdiff_t left_bytes(std::ptrdiff_t m, std::ptrdiff_t k) const {
    return (m + rows - 1) / rows * rows * k * itemsize;
  }
  [[nodiscard]] std::ptrdiff_t right_bytes(std::ptrdiff_t k, std::ptrdiff_t n) const {
    return (n + columns - 1) / columns * columns * k * itemsize;
  }
};

/// The loops for `kind`, or nullptr (half precision, which is computed in float32, and opaque kinds).
[[nodiscard]] const Gemm* gemm(Kind kind);

}  // namespace distob::kernels

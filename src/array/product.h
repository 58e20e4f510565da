// Products of matrices as work for the threads: how they are cut, and the job that computes them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "array/job.h"
#include "kernels/gemm.h"
#include "memory/storage.h"
#include "tensor/view.h"

namespace distob::array::detail {

/// A stack of products c = a b of m x k by k x n matrices. The views have one rank, the matrices in their last two axes,
/// and one shape before those; `a` and `b` may be broadcast, in memory they are of the kind the loops take.
struct Product {
  Kind kind = Kind::Float64;
  bool in_order = false;  ///< additions go one by one whatever the kind says: half precision, as NumPy adds it up
  bool adds = false;      ///< to what `c` holds already: a later part of a k that is too long to pack at once
  View a;
  View b;
  View c;
};

/// How a product is cut: a function of its shape, strides' order and kind alone, so the bits are one thing for any threads.
struct Cutting {
  /// Both factors packed; or one of them is a vector, and the rows or the columns of the other are contiguous.
  enum class How : std::uint8_t { blocks, rows, columns };
  How how = How::blocks;
  std::int64_t rows = 1;     ///< of the result, in a unit
  std::int64_t columns = 1;  ///< of the result, in a unit
  std::int64_t depth = 0;    ///< of k, in a unit: parts of a long k are added up at the end
};

/// Whether the transpose, c' = b' a', is the better one to compute.
[[nodiscard]] bool better_turned(const Product& product);
/// c' = b' a'.
[[nodiscard]] Product turned(Product product);
/// The product as one or, where packed factors would take too much memory, several to be computed one after the other.
[[nodiscard]] std::vector<Product> in_turns(const Product& product);
/// The cutting of a product without empty axes.
[[nodiscard]] Cutting cutting_of(const Product& product);

/// Memory of a job beside its operands: parts of sums, packed factors. Taken from the budget.
struct Workroom {
  memory::StoragePtr partial;  ///< null: k is not cut
  memory::StoragePtr packed;   ///< null: each unit packs what it needs
};
/// Throws MemoryError.
[[nodiscard]] Workroom workroom_for(const Product& product, const Cutting& cutting);

/// The job, on the bytes of three storages. `site`: the line that float warnings name; 0: flags are not looked at.
[[nodiscard]] std::shared_ptr<Job> make_product_job(const Product& product, const Cutting& cutting, Workroom workroom,
                                                    char* a, char* b, char* c, Site site, int seats);

}  // namespace distob::array::detail

#include <gtest/gtest.h>

#include "distob/errors.h"
#include "distob/picking.h"

namespace distob {
namespace {

using Ints = std::vector<std::int64_t>;

TEST(Picking, MasksAndIndexArraysReadAndWriteElements) {
  const auto a = arange<double>(12).reshape({3, 4});
  EXPECT_EQ(pick(a, a > 8.0).to_vector(), (std::vector<double>{9, 10, 11}));
  const auto columns = scatter(Ints{-1, 0}, {2});
  EXPECT_EQ(pick(a, from(1), columns).to_vector(), (std::vector<double>{7, 4, 11, 8}));
  EXPECT_EQ(pick(a, newaxis, 1, columns).shape(), (Shape{1, 2}));
  assign_at(a, -1.0, all, columns);
  EXPECT_EQ(a.slice(1).to_vector(), (std::vector<double>{-1, 5, 6, -1}));
  assign_at(a, arange<double>(2), 0, columns);
  EXPECT_EQ(a.slice(0).to_vector(), (std::vector<double>{1, 1, 2, 0}));
  EXPECT_THROW(assign_at(a, 0.0, scatter(Ints{3}, {1})), IndexError);
}

TEST(Picking, EqualIndicesAddUp) {
  const auto counts = zeros<std::int64_t>({3});
  add_at(counts, 1, scatter(Ints{0, 2, 2, -1}, {4}));
  EXPECT_EQ(counts.to_vector(), (Ints{1, 0, 3}));
}

TEST(Picking, TakesNonzeroAndDiagonals) {
  const auto a = arange<std::int64_t>(6).reshape({2, 3});
  EXPECT_EQ(take(a, scatter(Ints{2, 0}, {2}), 1).to_vector(), (Ints{2, 0, 5, 3}));
  EXPECT_EQ(nonzero(a)[1].to_vector(), (Ints{1, 2, 0, 1, 2}));
  diagonal(a, 1).assign(std::int64_t{-9});
  EXPECT_EQ(a.to_vector(), (Ints{0, -9, 2, 3, 4, -9}));
}

}  // namespace
}  // namespace distob

#include "array/structure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>
#include <numeric>

#include "distob/errors.h"

namespace distob::array {
namespace {

using ::testing::ElementsAre;

// 0, 1, 2 ... as an array of `shape`.
Array counting(const Shape& shape) {
  std::vector<double> values(static_cast<std::size_t>(element_count(shape)));
  std::iota(values.begin(), values.end(), 0.0);
  return from_foreign({values.data(), Kind::Float64, shape, c_strides(shape, 8)});
}

// The same, its rows in storages of their own.
Array counting_in_pieces(const Shape& shape) {
  const Array whole = counting(shape);
  std::vector<Array> rows;
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    const Index row[] = {between(i, i + 1)};
    rows.push_back(copy(view(whole, row)));
  }
  return join(rows, 0);
}

template <class T = double>
std::vector<T> values_of(const Array& a) {
  std::vector<T> values(static_cast<std::size_t>(a.size()));
  gather_into(a, values.data(), kind_of<T>, c_strides(a.shape(), sizeof(T)));
  return values;
}

void set_all(const Array& a, double value) { assign(a, Scalar::of(value)); }

std::uint64_t copied_by(const std::function<void()>& work) {
  const std::uint64_t before = statistics().bytes_copied;
  work();
  return statistics().bytes_copied - before;
}

TEST(Axes, ViewsUnderOtherAxesMoveNothingAndAlias) {
  for (const Array& a : {counting({2, 3, 1}), counting_in_pieces({2, 3, 1})}) {
    const std::uint64_t copied = copied_by([&] {
      EXPECT_EQ(squeeze(a).shape(), Shape({2, 3}));
      EXPECT_EQ(expand_dims(a, std::vector<int>{0, -1}).shape(), Shape({1, 2, 3, 1, 1}));
      EXPECT_EQ(swapaxes(a, 0, 2).shape(), Shape({1, 3, 2}));
      EXPECT_EQ(moveaxis(a, std::vector<int>{0}, std::vector<int>{-1}).shape(), Shape({3, 1, 2}));
      EXPECT_EQ(rot90(a).shape(), Shape({3, 2, 1}));
      EXPECT_EQ(split(a, std::vector<std::int64_t>{1}, 1)[1].shape(), Shape({2, 2, 1}));
      EXPECT_TRUE(reshape_view(a, {6}));
    });
    EXPECT_EQ(copied, 0U);
    EXPECT_THAT(values_of(flip(a)), ElementsAre(5, 4, 3, 2, 1, 0));
    EXPECT_THAT(values_of(rot90(a)), ElementsAre(2, 5, 1, 4, 0, 3));
    EXPECT_THAT(values_of(rot90(a, -1)), ElementsAre(3, 0, 4, 1, 5, 2));
    const Index last[] = {std::int64_t{5}};
    set_all(view(reshape(a, {6}), last), 50);
    set_all(split(swapaxes(a, 0, 1), std::vector<std::int64_t>{1}, 0)[0], 70);
    EXPECT_THAT(values_of(a), ElementsAre(70, 1, 2, 70, 4, 50));
  }
}

TEST(Axes, WhatDoesNotFitIsRefused) {
  const Array a = counting({2, 3});
  EXPECT_THROW((void)squeeze(a, std::vector<int>{0}), ValueError);
  EXPECT_THROW((void)expand_dims(a, std::vector<int>{0, 0}), ValueError);
  EXPECT_THROW((void)expand_dims(a, std::vector<int>{3}), AxisError);
  EXPECT_THROW((void)swapaxes(a, 0, 2), AxisError);
  EXPECT_THROW((void)moveaxis(a, std::vector<int>{0, 1}, std::vector<int>{0}), ValueError);
  EXPECT_THROW((void)rot90(a, 1, 0, 0), ValueError);
  EXPECT_THROW((void)reshape(a, {4}, Order::c), ValueError);
}

TEST(Pieces, AreReshapedWhereEachStaysABox) {
  const Array a = counting_in_pieces({2, 6});
  for (const Shape& shape : {Shape{12}, Shape{2, 2, 3}, Shape{4, 3}, Shape{1, 2, 6, 1}}) {
    const Array view = reshape_view(a, shape);
    ASSERT_TRUE(view);
    EXPECT_EQ(values_of(view), values_of(counting(shape)));
  }
  EXPECT_FALSE(reshape_view(a, {3, 4}));  // a row of four would lie in two storages
  EXPECT_EQ(values_of(reshape(a, {3, 4})), values_of(counting({3, 4})));
}

TEST(Retype, PartsOfComplexNumbersAreViews) {
  const std::complex<double> values[] = {{1, 2}, {3, 4}};
  const Array a = from_foreign({values, Kind::Complex128, {2}, {16}});
  EXPECT_THAT(values_of(real(a)), ElementsAre(1, 3));
  set_all(imag(a), 9);
  assign(real(a), imag(a));
  EXPECT_THAT(values_of<std::complex<double>>(a), ElementsAre(std::complex<double>(9, 9), std::complex<double>(9, 9)));
  EXPECT_THROW((void)imag(real(a)), TypeError);
}

TEST(Retype, TheSameBytesCanBeElementsOfAnotherType) {
  for (const Array& a : {counting({2, 2}), counting_in_pieces({2, 2})}) {
    const Array bytes = reinterpret(a, Kind::UInt8);
    EXPECT_EQ(bytes.shape(), Shape({2, 16}));
    assign(bytes, Scalar::of(std::uint8_t{0}));
    EXPECT_THAT(values_of(a), ElementsAre(0, 0, 0, 0));
    EXPECT_EQ(reinterpret(bytes, Kind::Complex128).shape(), Shape({2, 1}));
    EXPECT_THROW((void)reinterpret(a, Kind::CLongDouble), ValueError);
  }
  EXPECT_THROW((void)reinterpret(transpose(counting({2, 2})), Kind::Int8), ValueError);
  EXPECT_THROW((void)reinterpret(counting({}), Kind::Int8), ValueError);
}

TEST(Retype, FieldsLieInsideTheirElements) {
  struct Record {
    std::int32_t number;
    std::int32_t pair[2];
  };
  const Record records[] = {{1, {2, 3}}, {4, {5, 6}}};
  const DType record(Kind::Opaque, false, sizeof(Record), 0);
  const Array a = from_foreign({records, record, {2}, {sizeof(Record)}});
  EXPECT_THAT(values_of<std::int32_t>(field(a, Kind::Int32, 0)), ElementsAre(1, 4));
  const Array pairs = field(a, Kind::Int32, 4, {2});
  EXPECT_EQ(pairs.shape(), Shape({2, 2}));
  EXPECT_EQ(pairs.partition().shape(), Shape({2, 2}));
  assign(field(a, Kind::Int32, 0), view(pairs, std::vector<Index>{all, std::int64_t{1}}));
  EXPECT_THAT(values_of<std::int32_t>(field(a, Kind::Int32, 0)), ElementsAre(3, 6));
  EXPECT_THROW((void)field(a, Kind::Int64, 8), ValueError);
}

TEST(Orders, CopiesLieInMemoryAsAsked) {
  const Array f = copy(counting({2, 3}), Order::fortran);
  EXPECT_EQ(f.strides(), Strides({8, 16}));
  EXPECT_EQ(copy(f, Order::keep).strides(), Strides({8, 16}));
  EXPECT_EQ(copy(f, Order::any).strides(), Strides({8, 16}));
  EXPECT_EQ(copy(f, Order::c).strides(), Strides({24, 8}));
  EXPECT_EQ(values_of(f), values_of(counting({2, 3})));
  EXPECT_THAT(values_of(flatten(f, Order::keep)), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(values_of(ravel(f, Order::c)), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_TRUE(ravel(f, Order::fortran).may_share_memory(f));
  EXPECT_FALSE(ravel(f, Order::c).may_share_memory(f));
  EXPECT_THAT(values_of(reshape(f, {3, 2}, Order::fortran)), ElementsAre(0, 4, 3, 2, 1, 5));
}

TEST(NewArrays, RollRepeatAndTileAgreeWithTheirDefinition) {
  const Array a = counting({2, 3});
  EXPECT_THAT(values_of(roll(a, std::vector<std::int64_t>{1, -4}, std::vector<int>{1, 0})),
              ElementsAre(2, 0, 1, 5, 3, 4));
  EXPECT_THAT(values_of(roll(a, std::vector<std::int64_t>{1, 2}, std::vector<int>{0, 0})),
              ElementsAre(3, 4, 5, 0, 1, 2));
  EXPECT_THAT(values_of(repeat(a, 2, 0)), ElementsAre(0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5));
  EXPECT_THAT(values_of(tile(counting({2}), std::vector<std::int64_t>{2, 2})), ElementsAre(0, 1, 0, 1, 0, 1, 0, 1));
  EXPECT_EQ(tile(a, std::vector<std::int64_t>{0}).shape(), Shape({2, 0}));
  EXPECT_THROW((void)repeat(a, -1, 0), ValueError);
}

}  // namespace
}  // namespace distob::array

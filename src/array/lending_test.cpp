#include "array/lending.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "distob/errors.h"

namespace distob::array {
namespace {

constexpr std::int64_t kLarge = 300'000;

Array iota(std::int64_t n) {
  return arange(Scalar::of<std::int64_t>(0), Scalar::of<std::int64_t>(1), n, Kind::Float64);
}
double at(const Array& a, std::int64_t i) {
  double out = 0;
  item(view(a, std::vector<Index>{i}), &out);
  return out;
}
std::shared_ptr<Lending> lend(std::vector<Lending::Request> requests) { return Lending::open(requests); }

/// What an engine sees of an item.
double* mapped(const Lending::Item& item) {
  return reinterpret_cast<double*>(item.segment->data() + item.offset + item.start);
}

TEST(Lending, BlocksOfOneStorageAreLentSideBySideAndWhatIsWrittenIsInTheArray) {
  const Array a = iota(kLarge);
  const auto first = lend({{view(a, std::vector<Index>{until(kLarge / 2)}), true}});
  const auto second = lend({{view(a, std::vector<Index>{from(kLarge / 2)}), true}});
  EXPECT_EQ(first->items()[0].segment, second->items()[0].segment);
  mapped(first->items()[0])[0] = 10;
  mapped(second->items()[0])[0] = 20;
  first->close({false});
  second->close({false});
  EXPECT_EQ(at(a, 0), 10.0);
  EXPECT_EQ(at(a, kLarge / 2), 20.0);
  const auto copied = statistics().bytes_copied;
  EXPECT_EQ(lend({{a, true}})->items().size(), 1U);
  EXPECT_EQ(statistics().bytes_copied, copied) << "what is in shared memory is lent without a copy";
}

TEST(Lending, WhatAFunctionKeepsIsNoLongerTheArrays) {
  const Array a = iota(kLarge);
  const auto lent = lend({{a, true}});
  const auto segment = lent->items()[0].segment;
  auto* kept = mapped(lent->items()[0]);
  kept[0] = 10;
  lent->close({true});
  kept[0] = -1;  // the function goes on with its own
  EXPECT_EQ(at(a, 0), 10.0);
  const auto again = lend({{a, true}});
  EXPECT_NE(again->items()[0].segment, segment);
}

TEST(Lending, ASmallArrayIsCopiedThereAndBack) {
  const Array a = iota(10);
  const auto lent = lend({{a, true}, {view(iota(10), std::vector<Index>{Slice{{}, {}, -2}}), false}});
  ASSERT_EQ(lent->items()[0].segment, nullptr);
  std::vector<double> elements(10);
  std::memcpy(elements.data(), lent->items()[0].elements.data(), 80);
  EXPECT_EQ(elements[3], 3.0);
  elements[3] = 33;
  lent->write_back(0, std::as_bytes(std::span(elements)));
  double reversed[5];
  std::memcpy(reversed, lent->items()[1].elements.data(), sizeof reversed);
  EXPECT_EQ(reversed[0], 9.0);
  EXPECT_THROW(lent->write_back(1, std::as_bytes(std::span(reversed))), ProtocolError);
  EXPECT_THROW(lent->write_back(0, std::as_bytes(std::span(reversed))), ProtocolError);
  lent->close({false, false});
  EXPECT_EQ(at(a, 3), 33.0);
}

TEST(Lending, ViewsOfOneArrayShareItsElementsHoweverSmall) {
  const Array a = iota(10);
  const auto lent = lend({{a, true}, {view(a, std::vector<Index>{from(4)}), false}});
  ASSERT_EQ(lent->items()[0].segment, lent->items()[1].segment);
  mapped(lent->items()[0])[4] = 44;
  EXPECT_EQ(mapped(lent->items()[1])[0], 44.0);
  lent->close({false, false});
  EXPECT_EQ(at(a, 4), 44.0);
}

TEST(Lending, AnArrayOfSeveralStoragesIsCopiedThereAndBackToItsParts) {
  const Array a = iota(kLarge), b = iota(kLarge);
  const std::vector<Array> parts = {a, b};
  const Array both = join(parts, 0);
  const auto lent = lend({{both, true}});
  EXPECT_EQ(mapped(lent->items()[0])[kLarge + 1], 1.0);
  mapped(lent->items()[0])[kLarge + 1] = 7;
  lent->close({true});
  EXPECT_EQ(at(b, 1), 7.0);
  EXPECT_EQ(at(a, 1), 1.0);
  EXPECT_THROW(lend({{both, true}, {a, false}}), ValueError);
}

TEST(Lending, ReadersShareAndAWriterWaitsForThem) {
  const Array a = iota(kLarge);
  const auto one = lend({{a, false}}), other = lend({{a, false}});
  EXPECT_EQ(one->items()[0].segment, other->items()[0].segment);
  std::thread writer([&] { assign(view(a, std::vector<Index>{std::int64_t{0}}), Scalar::of(5.0)), sync(); });
  EXPECT_EQ(mapped(other->items()[0])[0], 0.0);
  one->close({false});
  other->close({false});
  writer.join();
  EXPECT_EQ(at(a, 0), 5.0);
}

TEST(Lending, TwoWhoWantTheSameInAnotherOrderDoNotWaitForEachOther) {
  const Array a = iota(kLarge), b = iota(kLarge);
  const auto repeatedly = [](Array first, Array second) {
    for (int i = 0; i < 200; ++i) {
      const auto lent = lend({{first, true}, {second, true}});
      mapped(lent->items()[0])[0] += 1;
      mapped(lent->items()[1])[0] += 1;
      lent->close({false, i % 50 == 0});
    }
  };
  std::thread other(repeatedly, b, a);
  repeatedly(a, b);
  other.join();
  EXPECT_EQ(at(a, 0), 400.0);
  EXPECT_EQ(at(b, 0), 400.0);
}

TEST(Lending, ASnapshotStaysAsItWasWhileTheArrayIsLent) {
  const Array a = iota(kLarge);
  const Snapshot before = snapshot(a);
  const auto lent = lend({{a, true}});
  mapped(lent->items()[0])[0] = 9;
  EXPECT_EQ(*reinterpret_cast<const double*>(before.layout().data), 0.0);
  lent->close({false});
  EXPECT_EQ(at(a, 0), 9.0);
}

}  // namespace
}  // namespace distob::array

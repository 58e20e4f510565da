#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "distob/errors.h"
#include "tensor/view.h"

namespace distob {
namespace {

using ::testing::ElementsAre;

std::int64_t element_offset(const View& view, std::int64_t number) {
  std::int64_t offset = view.offset;
  for (std::size_t axis = view.shape.size(); axis-- > 0;) {
    offset += number % view.shape[axis] * view.strides[axis];
    number /= view.shape[axis];
  }
  return offset;
}

std::vector<std::int64_t> offsets(const View& view) {
  std::vector<std::int64_t> result;
  for (std::int64_t i = 0; i < view.size(); ++i) result.push_back(element_offset(view, i));
  return result;
}

TEST(Dims, KeepsItsValuesBeyondTheInlineCapacity) {
  Dims dims;
  for (int i = 0; i < 20; ++i) dims.push_back(i);
  Dims copied = dims;
  Dims moved = std::move(dims);
  EXPECT_EQ(copied, moved);
  EXPECT_EQ(copied[19], 19);
  copied.erase(0);
  copied.insert(3, -1);
  EXPECT_EQ(copied[3], -1);
  EXPECT_EQ(copied.size(), 20u);
  copied = Dims{1, 2};
  EXPECT_EQ(copied, (Dims{1, 2}));
  EXPECT_THROW(moved.resize(65), ValueError);
}

TEST(Shape, BroadcastsAsNumPyDoes) {
  EXPECT_EQ(broadcast({3, 1}, {4}), (Shape{3, 4}));
  EXPECT_EQ(broadcast({}, {2, 0}), (Shape{2, 0}));
  EXPECT_EQ(broadcast({1}, {0}), (Shape{0}));
  try {
    (void)broadcast({3}, {4});
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "operands could not be broadcast together with shapes (3,) (4,)");
  }
}

TEST(Shape, ByteCountRefusesWhatNoAddressReaches) {
  EXPECT_EQ(byte_count({2, 3}, 8), 48);
  EXPECT_EQ(byte_count({0, 5}, 8), 0);
  EXPECT_THROW((void)byte_count({std::int64_t{1} << 40, std::int64_t{1} << 40}, 1), ValueError);
  EXPECT_THROW((void)byte_count({-1}, 1), ValueError);
}

TEST(Shape, NormalizesAxes) {
  EXPECT_EQ(normalize_axis(-1, 3), 2);
  EXPECT_THROW((void)normalize_axis(3, 3), AxisError);
  EXPECT_EQ(normalize_axes(std::vector<int>{-1, 0}, 3), (Dims{0, 2}));
  EXPECT_THROW((void)normalize_axes(std::vector<int>{0, -3}, 3), ValueError);
}

TEST(Slice, MeetsPythonsRange) {
  // Python: list(range(7))[s] for each of these.
  const auto picked = [](const Slice& slice) {
    std::vector<std::int64_t> result;
    const Slice::Range range = slice.on(7);
    for (std::int64_t i = 0; i < range.count; ++i) result.push_back(range.start + i * range.step);
    return result;
  };
  EXPECT_THAT(picked(all), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(picked(between(1, -1, 2)), ElementsAre(1, 3, 5));
  EXPECT_THAT(picked({{}, {}, -1}), ElementsAre(6, 5, 4, 3, 2, 1, 0));
  EXPECT_THAT(picked({5, 1, -2}), ElementsAre(5, 3));
  EXPECT_THAT(picked({-100, 100, 3}), ElementsAre(0, 3, 6));
  EXPECT_THAT(picked({100, {}, -3}), ElementsAre(6, 3, 0));
  EXPECT_TRUE(picked(between(5, 2)).empty());
  EXPECT_THAT(picked({{}, {}, std::numeric_limits<std::int64_t>::min()}), ElementsAre(6));
  const Slice standing{{}, {}, 0};
  EXPECT_THROW((void)standing.on(7), ValueError);
}

TEST(View, IndexesWithoutTouchingMemory) {
  const View a = View::contiguous(Kind::Float64, {4, 5, 6});
  const View b = index(a, {Index(1), Index(ellipsis), Index(between(4, 0, -2))});
  EXPECT_EQ(b.shape, (Shape{5, 2}));
  EXPECT_EQ(b.strides, (Strides{48, -16}));
  EXPECT_EQ(b.offset, 240 + 32);
  EXPECT_EQ(index(a, {Index(newaxis), Index(all)}).shape, (Shape{1, 4, 5, 6}));
  EXPECT_THROW((void)index(a, {Index(4)}), IndexError);
  EXPECT_THROW((void)index(a, {Index(0), Index(0), Index(0), Index(0)}), IndexError);
  EXPECT_THROW((void)index(a, {Index(ellipsis), Index(ellipsis)}), IndexError);
}

TEST(View, KnowsWhenItIsContiguous) {
  const View a = View::contiguous(Kind::Float32, {3, 4});
  EXPECT_TRUE(a.is_contiguous());
  EXPECT_FALSE(a.is_f_contiguous());
  EXPECT_TRUE(transpose(a).is_f_contiguous());
  EXPECT_FALSE(index(a, {Index(all), Index(from(1))}).is_contiguous());
  EXPECT_TRUE(index(a, {Index(between(1, 2)), Index(all)}).is_contiguous());
  EXPECT_EQ(index(a, {Index(Slice{{}, {}, -1})}).byte_bounds(), (ByteRange{0, 48}));
  EXPECT_TRUE(View::contiguous(Kind::Float64, {0, 3}).byte_bounds().empty());
}

TEST(View, ReshapesWithoutACopyExactlyWhereTheOrderOfElementsAllowsIt) {
  const View a = View::contiguous(Kind::Int64, {4, 6});
  EXPECT_EQ(reshape(a, {2, -1})->shape, (Shape{2, 12}));
  EXPECT_FALSE(reshape(transpose(a), {24}));
  const View columns = index(a, {Index(all), Index(between(0, 6, 2))});  // 4 x 3, strides 48, 16
  EXPECT_EQ(offsets(*reshape(columns, {2, 2, 3})), offsets(columns));
  EXPECT_EQ(offsets(*reshape(columns, {12})), offsets(columns));
  EXPECT_FALSE(reshape(index(a, {Index(all), Index(until(4))}), {16}));
  EXPECT_EQ(reshape(View::contiguous(Kind::Int8, {}), {1, 1})->shape, (Shape{1, 1}));
  EXPECT_EQ(reshape(View::contiguous(Kind::Int8, {0, 3}), {3, 0})->shape, (Shape{3, 0}));
  const View backwards = index(View::contiguous(Kind::Int8, {3, 0, 2}), {Index(Slice{{}, {}, -1})});
  EXPECT_EQ(reshape(backwards, {0, 5})->shape, (Shape{0, 5}));
  EXPECT_THROW((void)reshape(a, {5, 5}), ValueError);
  EXPECT_THROW((void)reshape(a, {-1, 5}), ValueError);
  EXPECT_THROW((void)reshape(a, {-1, -1}), ValueError);
}

TEST(View, MemoryOrderWalksForwards) {
  const View a = View::contiguous(Kind::Int8, {3, 4, 5});
  EXPECT_EQ(memory_order(a), (Dims{0, 1, 2}));
  EXPECT_EQ(memory_order(transpose(a)), (Dims{2, 1, 0}));
  EXPECT_EQ(memory_order(broadcast_to(View::contiguous(Kind::Int8, {5}), {3, 4, 5})), (Dims{0, 1, 2}));
  EXPECT_EQ(memory_order(transpose(a, Dims{1, 0, 2})), (Dims{1, 0, 2}));
}

TEST(Overlap, TellsColumnsAndInterleavedElementsApart) {
  const View a = View::contiguous(Kind::Float64, {100, 100});
  const auto part = [&](Slice rows, Slice columns) { return index(a, {Index(rows), Index(columns)}); };
  EXPECT_EQ(overlap(a, a), Overlap::same);
  EXPECT_EQ(overlap(part(all, until(50)), part(all, from(50))), Overlap::disjoint);
  EXPECT_EQ(overlap(part(all, until(51)), part(all, from(50))), Overlap::crossing);
  EXPECT_EQ(overlap(part(between(0, 100, 2), all), part(between(1, 100, 2), all)), Overlap::disjoint);
  EXPECT_EQ(overlap(part(all, between(0, 100, 2)), part(all, between(1, 100, 2))), Overlap::disjoint);
  EXPECT_EQ(overlap(part(until(-1), all), part(from(1), all)), Overlap::crossing);
  EXPECT_EQ(overlap(a, transpose(a)), Overlap::crossing);
  EXPECT_EQ(overlap(part({{}, {}, -1}, all), a), Overlap::crossing);
  EXPECT_EQ(overlap(part(between(0, 100, 2), between(1, 100, 3)), part(between(1, 100, 2), all)), Overlap::disjoint);
  EXPECT_EQ(overlap(index(a, {Index(3)}), index(a, {Index(4)})), Overlap::disjoint);
  EXPECT_EQ(overlap(index(a, {Index(all), Index(3)}), index(a, {Index(4)})), Overlap::crossing);
}

TEST(Overlap, AgreesWithTheSetsOfBytes) {
  std::mt19937 random(1);
  const auto below = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
  int exact = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const View whole =
        View::contiguous(trial % 2 ? Kind::Int16 : Kind::Float64, {1 + below(6), 1 + below(6), 1 + below(6)});
    const auto random_part = [&] {
      std::vector<Index> indices;
      for (std::int64_t extent : whole.shape) {
        if (below(4) == 0) {
          indices.emplace_back(below(static_cast<int>(extent)));
        } else {
          indices.emplace_back(Slice{below(7) - 3, below(9) - 1, (below(2) ? 1 : -1) * (1 + below(3))});
        }
      }
      const View part = index(whole, indices);
      return below(3) == 0 ? transpose(part) : part;
    };
    const View a = random_part(), b = random_part();
    const auto bytes = [](const View& view) {
      std::set<std::int64_t> result;
      for (std::int64_t offset : offsets(view)) {
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(view.dtype.itemsize); ++i) result.insert(offset + i);
      }
      return result;
    };
    const std::set<std::int64_t> x = bytes(a), y = bytes(b);
    const bool meet = std::any_of(x.begin(), x.end(), [&](std::int64_t byte) { return y.count(byte) != 0; });
    const Overlap answer = overlap(a, b);
    if (!meet) {
      ASSERT_EQ(answer, Overlap::disjoint) << to_string(a.shape) << to_string(b.shape);
    } else {
      ASSERT_EQ(answer, a.shape == b.shape && offsets(a) == offsets(b) ? Overlap::same : Overlap::crossing);
    }
    ++exact;
    ASSERT_FALSE(overlaps_itself(a));
  }
  EXPECT_EQ(exact, 3000);
  EXPECT_TRUE(overlaps_itself(broadcast_to(View::contiguous(Kind::Int8, {1}), {3})));
}

TEST(Overlap, GivesUpWithoutRunningForEver) {
  // Coprime strides of many axes: the search is bounded, the answer conservative.
  View hard{0, {}, {}, Kind::Int8};
  std::int64_t stride = 1000003;
  for (int i = 0; i < 10; ++i) {
    hard.shape.push_back(50);
    hard.strides.push_back(stride);
    stride += 20011 + i * 7919;
  }
  View other = hard;
  other.offset = 1;
  EXPECT_NE(overlap(hard, other), Overlap::same);
}

TEST(Partition, CutsEvenlyWithLargerBlocksFirst) {
  const Partition cut = Partition::along({10, 3}, 0, 4);
  EXPECT_THAT(cut.cuts(0), ElementsAre(0, 3, 6, 8, 10));
  EXPECT_EQ(cut.box(2), (Box{{6, 0}, {8, 3}}));
  EXPECT_EQ(cut.slot(2), 2);
  EXPECT_EQ(cut.split_axis(), 0);
  EXPECT_EQ(Partition::along({2}, -1, 4).blocks(), 4);  // two of them empty
  EXPECT_EQ(Partition::whole({5}).split_axis(), std::nullopt);
  EXPECT_THROW((void)Partition::along({2}, 1, 4), AxisError);
  EXPECT_THROW((void)Partition::along({2}, 0, 0), ValueError);
}

TEST(Partition, DealsBlocksInRuns) {
  const Partition cut = Partition::blocked({10}, 0, 3, 2);
  EXPECT_THAT(cut.cuts(0), ElementsAre(0, 3, 6, 9, 10));
  EXPECT_THAT(cut.slots(), ElementsAre(0, 0, 1, 1));
  EXPECT_EQ(Partition::blocked({0}, 0, 3, 2).blocks(), 1);
  EXPECT_THROW((void)Partition::blocked({10}, 0, 0, 2), ValueError);
  EXPECT_THROW((void)Partition::of_cuts({{0, 5, 3}}, {0, 1}), ValueError);
  EXPECT_THROW((void)Partition::of_cuts({{0, 3, 5}}, {0}), ValueError);
}

TEST(Partition, MayHaveMoreBlocksThanAnArrayHasAxes) {
  std::vector<std::int64_t> points(101);
  std::iota(points.begin(), points.end(), 0);
  EXPECT_EQ(Partition::of_cuts({points}, std::vector<Slot>(100, 0)), Partition::blocked({100}, 0, 1, 1));
}

TEST(Partition, TransfersCoverEveryIndexOnce) {
  const Partition from = Partition::of_cuts({{0, 2, 2, 7}, {0, 4, 9}}, {0, 1, 2, 3, 4, 5});
  const Partition to = Partition::of_cuts({{0, 3, 7}, {0, 1, 5, 9}}, {0, 1, 2, 3, 4, 5});
  std::vector<int> seen(63, 0);
  for (const Transfer& transfer : from.transfers_to(to)) {
    EXPECT_EQ(intersect(from.box(transfer.source), to.box(transfer.target)), transfer.box);
    for (std::int64_t i = transfer.box.start[0]; i < transfer.box.stop[0]; ++i) {
      for (std::int64_t j = transfer.box.start[1]; j < transfer.box.stop[1]; ++j)
        ++seen[static_cast<std::size_t>(i * 9 + j)];
    }
  }
  EXPECT_THAT(seen, ::testing::Each(1));
  EXPECT_EQ(Partition::whole({}).transfers_to(Partition::whole({})).size(), 1u);
  EXPECT_TRUE(Partition::along({0}, 0, 3).transfers_to(Partition::whole({0})).empty());
  EXPECT_THROW((void)from.transfers_to(Partition::whole({3})), ValueError);
}

/// Operations on a partition must say, for each element, the slot of the element it came from.
void expect_slots_follow(const Partition& before, const View& whole, const Partition& after, const View& result) {
  ASSERT_EQ(after.shape(), result.shape);
  for (std::int64_t i = 0; i < result.size(); ++i) {
    const std::int64_t number = element_offset(result, i) / static_cast<std::int64_t>(whole.dtype.itemsize);
    Dims from = Dims::filled(whole.shape.size(), 0), to = Dims::filled(result.shape.size(), 0);
    std::int64_t rest = number;
    for (std::size_t axis = whole.shape.size(); axis-- > 0;)
      from[axis] = rest % whole.shape[axis], rest /= whole.shape[axis];
    rest = i;
    for (std::size_t axis = result.shape.size(); axis-- > 0;)
      to[axis] = rest % result.shape[axis], rest /= result.shape[axis];
    ASSERT_EQ(after.slot(after.block_of(to)), before.slot(before.block_of(from))) << to_string(to);
    ASSERT_TRUE(after.box(after.block_of(to)).contains(to));
  }
}

TEST(Partition, BlocksKeepTheirSlotsThroughIndexingAndTransposing) {
  const Partition cut = Partition::of_cuts({{0, 2, 5, 5, 8}, {0, 3, 4}}, {0, 1, 2, 3, 4, 5, 6, 7});
  const View whole = View::contiguous(Kind::Int8, {8, 4});
  const std::vector<std::vector<Index>> cases{{Index(between(1, 7, 2))},          {Index(Slice{{}, {}, -1})},
                                              {Index(Slice{6, 0, -3}), Index(1)}, {Index(2), Index(newaxis)},
                                              {Index(ellipsis), Index(from(2))},  {Index(between(3, 3))},
                                              {Index(from(5)), Index(-1)}};
  for (const auto& indices : cases) expect_slots_follow(cut, whole, cut.index(indices), index(whole, indices));
  expect_slots_follow(cut, whole, cut.transpose({1, 0}), transpose(whole));
  expect_slots_follow(cut, whole, cut.broadcast_to({2, 8, 4}), broadcast_to(whole, {2, 8, 4}));
  EXPECT_THROW((void)cut.index(std::vector<Index>{Index(8)}), IndexError);
}

TEST(Partition, ReductionsKeepTheFirstSlotThatFeedsThem) {
  const Partition cut = Partition::of_cuts({{0, 2, 5}, {0, 3, 4}}, {5, 6, 7, 8});
  EXPECT_EQ(cut.reduce({0}, false), Partition::of_cuts({{0, 3, 4}}, {5, 6}));
  EXPECT_EQ(cut.reduce({1}, true), Partition::of_cuts({{0, 2, 5}, {0, 1}}, {5, 7}));
  EXPECT_EQ(cut.reduce({0, 1}, false), Partition::whole({}, 5));
}

TEST(Partition, AdaptsToAShapeThatKeepsTheSplitAxis) {
  const Partition cut = Partition::along({6, 4}, 0, 3);
  EXPECT_EQ(cut.adapt_to({6}), Partition::along({6}, 0, 3));
  EXPECT_EQ(cut.adapt_to({2, 6, 9}), Partition::along({2, 6, 9}, 1, 3));
  EXPECT_EQ(cut.adapt_to({5}), Partition::whole({5}));
}

TEST(DType, HasNumPysNames) {
  EXPECT_EQ(DType(Kind::Float64).name(), "float64");
  EXPECT_EQ(DType(Kind::Opaque, false, 16, 3).name(), "void128");
}

TEST(Partition, AGridHasBoxesNearToCubes) {
  const int both[] = {0, 1};
  const Partition grid = Partition::grid({10, 100}, both, 6);
  EXPECT_EQ(grid.grid(), Dims({1, 6}));  // 10 x 17 is nearer to a square than 5 x 34
  EXPECT_EQ(Partition::grid({100, 100, 3}, both, 6).grid(), Dims({3, 2, 1}));
  EXPECT_EQ(Partition::grid({100, 100}, both, 1).blocks(), 1);
  EXPECT_EQ(grid.slots(), (std::vector<Slot>{0, 1, 2, 3, 4, 5}));
  const int twice[] = {0, -2};
  EXPECT_THROW((void)Partition::grid({10, 100}, twice, 4), ValueError);
}

TEST(Partition, CutPointsAloneDealBlocksInRuns) {
  const Partition p = Partition::at({{0, 1, 5, 6}, {0, 2, 4}}, 2);
  EXPECT_EQ(p.slots(), (std::vector<Slot>{0, 0, 0, 1, 1, 1}));
  EXPECT_THROW((void)Partition::at({{0, 5, 3}}, 2), ValueError);
  EXPECT_THROW((void)Partition::at({{0, 3}}, 0), ValueError);
}

}  // namespace
}  // namespace distob

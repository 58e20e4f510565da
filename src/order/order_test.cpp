#include "order/order.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "order/repoint.h"

namespace distob::order {
namespace {

// Two memories of 24 bytes, and random strided views of them.
constexpr int kPlaces = 2;
constexpr int kBytes = 24;
const char places[kPlaces] = {};

View random_view(std::mt19937& random) {
  const auto pick = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
  const std::int64_t step = 1 + pick(3);
  const std::int64_t count = 1 + pick(6);
  const std::int64_t offset = pick(static_cast<int>(kBytes - (count - 1) * step));
  return {offset, {count}, {step}, Kind::UInt8};
}

// What an entry must see: for every byte it touches, how many writers of that byte came before it in the sequence.
struct Expected {
  std::vector<Access> accesses;
  std::map<std::pair<Place, std::int64_t>, int> versions;
  std::map<std::pair<Place, std::int64_t>, bool> writes;
};

class Model {
 public:
  Expected append(std::vector<Access> accesses) {
    Expected expected{std::move(accesses), {}, {}};
    for (const Access& access : expected.accesses) {
      for (std::int64_t i = 0; i < access.view.shape[0]; ++i) {
        const auto byte = std::pair(access.place, access.view.offset + i * access.view.strides[0]);
        expected.versions[byte] = appended_[byte];
        expected.writes[byte] |= access.write;
      }
    }
    for (const auto& [byte, write] : expected.writes) appended_[byte] += write ? 1 : 0;
    return expected;
  }
  void start(const Expected& e) {
    for (const auto& [byte, version] : e.versions) {
      EXPECT_EQ(done_[byte], version) << "an entry runs before a writer it must wait for, or after one that must wait";
      EXPECT_FALSE(writing_[byte]);
      if (e.writes.at(byte)) {
        EXPECT_EQ(reading_[byte], 0) << "a writer runs beside a reader";
        writing_[byte] = true;
      } else {
        ++reading_[byte];
      }
    }
  }
  void finish(const Expected& e) {
    for (const auto& [byte, write] : e.writes) {
      if (write) {
        writing_[byte] = false;
        ++done_[byte];
      } else {
        --reading_[byte];
      }
    }
  }

 private:
  std::map<std::pair<Place, std::int64_t>, int> appended_, done_, reading_;
  std::map<std::pair<Place, std::int64_t>, bool> writing_;
};

TEST(Order, EveryInterleavingSeesTheVersionsOfTheSequence) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Order order;
    Model model;
    std::map<EntryId, Expected> entries;
    std::vector<EntryId> runnable, running;
    EntryId next = 1;
    const EntryId last = 40;
    while (next <= last || !runnable.empty() || !running.empty()) {
      const unsigned event = random() % 3;
      if (event == 0 && next <= last) {
        std::vector<Access> accesses;
        for (unsigned i = 0; i < 1 + random() % 3; ++i) {
          accesses.push_back({&places[random() % kPlaces], random_view(random), random() % 2 == 0});
        }
        entries.emplace(next, model.append(accesses));
        if (order.append(next, accesses)) runnable.push_back(next);
        ++next;
      } else if (event == 1 && !runnable.empty()) {
        const std::size_t i = random() % runnable.size();
        model.start(entries.at(runnable[i]));
        running.push_back(runnable[i]);
        runnable.erase(runnable.begin() + static_cast<std::ptrdiff_t>(i));
      } else if (event == 2 && !running.empty()) {
        const std::size_t i = random() % running.size();
        model.finish(entries.at(running[i]));
        order.finish(running[i], runnable);
        running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    EXPECT_TRUE(order.idle());
    EXPECT_FALSE(order.busy(&places[0]));
  }
}

TEST(Order, BlocksOfOneMemoryAreIndependentWhateverTheirBytes) {
  // Two halves of the columns of a 4 x 6 matrix interleave in memory.
  Order order;
  const View matrix = View::contiguous(Kind::UInt8, {4, 6});
  const Access left{&places[0], index(matrix, {all, until(3)}), true};
  const Access right{&places[0], index(matrix, {all, from(3)}), true};
  EXPECT_TRUE(order.append(1, std::span(&left, 1)));
  EXPECT_TRUE(order.append(2, std::span(&right, 1)));
  EXPECT_FALSE(order.may_read(left.place, matrix));
  std::vector<EntryId> ready;
  order.finish(1, ready);
  EXPECT_TRUE(order.may_read(left.place, left.view));
  EXPECT_FALSE(order.may_read(left.place, right.view));
}

TEST(Order, FollowersBecomeReadyInTheOrderTheyCame) {
  Order order;
  const Access write{&places[0], View::contiguous(Kind::UInt8, {8}), true};
  Access read = write;
  read.write = false;
  EXPECT_TRUE(order.append(1, std::span(&write, 1)));
  EXPECT_FALSE(order.append(2, std::span(&read, 1)));
  EXPECT_FALSE(order.append(3, std::span(&read, 1)));
  EXPECT_FALSE(order.append(4, std::span(&write, 1)));
  std::vector<EntryId> ready;
  order.finish(1, ready);
  EXPECT_EQ(ready, (std::vector<EntryId>{2, 3}));
  ready.clear();
  order.finish(3, ready);
  EXPECT_TRUE(ready.empty());
  order.finish(2, ready);
  EXPECT_EQ(ready, (std::vector<EntryId>{4}));
}

// --- Re-pointing ----------------------------------------------------------------------------------------------------

void mark(const View& view, std::size_t axis, std::int64_t offset, std::vector<int>& bytes) {
  if (axis == view.shape.size()) {
    for (std::uint32_t i = 0; i < view.dtype.itemsize; ++i) ++bytes[static_cast<std::size_t>(offset + i)];
    return;
  }
  for (std::int64_t i = 0; i < view.shape[axis]; ++i) mark(view, axis + 1, offset + i * view.strides[axis], bytes);
}

void expect_complement(std::int64_t size, const View& view) {
  auto gaps = uncovered(size, view);
  ASSERT_TRUE(gaps.has_value());
  std::vector<int> touched(static_cast<std::size_t>(size), 0);
  mark(view, 0, view.offset, touched);
  for (const View& gap : *gaps) mark(gap, 0, gap.offset, touched);
  EXPECT_EQ(touched, std::vector<int>(static_cast<std::size_t>(size), 1));
}

TEST(Repoint, WhatAWriteLeavesAndWhatItOverwritesMakeTheWholeStorage) {
  const View cube = View::contiguous(Kind::Int32, {4, 5, 6});
  const Slice inner = between(1, -1);
  expect_complement(480, cube);
  expect_complement(480, index(cube, {inner, inner, inner}));
  expect_complement(480, index(cube, {std::int64_t{2}}));
  expect_complement(480, index(cube, {all, from(3)}));
  expect_complement(480, transpose(index(cube, {inner, all, inner})));
  expect_complement(480, index(cube, {Slice{{}, {}, -1}, all, inner}));
  expect_complement(480, index(cube, {Slice{0, {}, 2}, inner}));
}

TEST(Repoint, ElementsWithHolesAreCarriedWhole) {
  const View row = View::contiguous(Kind::Int32, {10});
  const View odd = index(row, {Slice{1, {}, 2}});
  EXPECT_FALSE(uncovered(40, odd).has_value());
  const WritePlan plan = plan_write(40, std::span(&odd, 1), false, {.pinned = true});
  EXPECT_TRUE(plan.fresh);
  EXPECT_TRUE(plan.carry_first);
  ASSERT_EQ(plan.carried.size(), 1U);
  EXPECT_EQ(plan.carried[0].nbytes(), 40);
}

TEST(Repoint, NobodyMovesWithoutNeed) {
  const View row = View::contiguous(Kind::Int32, {10});
  EXPECT_FALSE(plan_write(40, std::span(&row, 1), false, {}).fresh);
  const WritePlan whole = plan_write(40, std::span(&row, 1), false, {.read_crossing = true});
  EXPECT_TRUE(whole.fresh);
  EXPECT_TRUE(whole.carried.empty());
  EXPECT_TRUE(plan_write(40, std::span(&row, 1), true, {.pinned = true}).carry_first);
}

}  // namespace
}  // namespace distob::order

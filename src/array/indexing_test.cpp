#include "array/indexing.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

#include "array/instruction.h"
#include "distob/errors.h"

namespace distob::array {
namespace {

using Ints = std::vector<std::int64_t>;

Array iota(const Shape& shape) {
  return reshape(arange(Scalar::of<std::int64_t>(0), Scalar::of<std::int64_t>(1), element_count(shape), Kind::Int64),
                 shape);
}

template <class T = std::int64_t>
std::vector<T> values(const Array& a) {
  std::vector<T> out(static_cast<std::size_t>(a.size()));
  gather_into(a, out.data(), kind_of<T>, c_strides(a.shape(), sizeof(T)));
  return out;
}

Array ints(const Ints& elements, const Shape& shape) {
  return from_foreign({elements.data(), Kind::Int64, shape, c_strides(shape, 8)});
}
Array ints(const Ints& elements) { return ints(elements, {static_cast<std::int64_t>(elements.size())}); }
Array mask(const std::vector<std::uint8_t>& bytes, const Shape& shape) {
  return from_foreign({bytes.data(), Kind::Bool, shape, c_strides(shape, 1)});
}

Array read(const Array& a, std::vector<IndexPart> index) { return read_at(a, index); }
void write(const Array& a, std::vector<IndexPart> index, const Operand& value) { assign_at(a, index, value); }

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// Every test runs as it is for small arrays, and as if all arrays were large, on three threads.
class Indexing : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) return;
    set_small_limit(1);
    set_threads(3);
  }
  void TearDown() override {
    set_small_limit(before_);
    set_threads(threads_);
  }
  std::int64_t before_ = small_limit();
  int threads_ = threads();
  std::mt19937 random_{7};
};

TEST_P(Indexing, AxesOfArraysSideBySideStandWhereTheArraysStand) {
  const Array a = iota({2, 3, 4, 5});
  const Array i = ints({0, 1, 1, 0, 1, 0, 1});
  EXPECT_EQ(read(a, {all, Operand(i), Operand(i)}).shape(), (Shape{2, 7, 5}));
  EXPECT_EQ(read(a, {all, std::int64_t{0}, Operand(i)}).shape(), (Shape{2, 7, 5}));
  EXPECT_EQ(read(a, {all, Operand(i), all, Operand(i)}).shape(), (Shape{7, 2, 4}));
  EXPECT_EQ(read(a, {all, Operand(i), ellipsis, Operand(i), all}).shape(), (Shape{7, 2, 5}));
  EXPECT_EQ(read(a, {std::int64_t{0}, newaxis, Operand(i)}).shape(), (Shape{7, 1, 4, 5}));
  EXPECT_EQ(values(read(a, {std::int64_t{1}, all, Operand(ints({-1, 0})), std::int64_t{2}})),
            (Ints{77, 97, 117, 62, 82, 102}));
}

TEST_P(Indexing, IndexArraysBroadcastAndCountFromTheEnd) {
  const Array a = iota({4, 5});
  const Array rows = ints({0, -1}, {2, 1}), columns = ints({-5, 2, 4});
  EXPECT_EQ(values(read(a, {Operand(rows), Operand(columns)})), (Ints{0, 2, 4, 15, 17, 19}));
  EXPECT_EQ(values(read(a, {Slice{{}, {}, -2}, Operand(columns)})), (Ints{15, 17, 19, 5, 7, 9}));
}

TEST_P(Indexing, RandomIndicesReadAndWriteAsALoopDoes) {
  for (int round = 0; round < 30; ++round) {
    const std::int64_t n = 1 + static_cast<std::int64_t>(random_() % 5000),
                       m = 1 + static_cast<std::int64_t>(random_() % 3);
    const std::int64_t picks = static_cast<std::int64_t>(random_() % 9000);
    const Array a = iota({n, m});
    Ints index(static_cast<std::size_t>(picks)), expected;
    for (auto& i : index) i = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(2 * n)) - n;
    for (std::int64_t i : index) {
      for (std::int64_t k = 0; k < m; ++k) expected.push_back((i + (i < 0 ? n : 0)) * m + k);
    }
    EXPECT_EQ(values(read(a, {Operand(ints(index))})), expected);
    Ints written = values(a);
    for (std::size_t p = 0; p < index.size(); ++p) {
      const std::int64_t row = index[p] + (index[p] < 0 ? n : 0);
      for (std::int64_t k = 0; k < m; ++k)
        written[static_cast<std::size_t>(row * m + k)] = static_cast<std::int64_t>(p) * m + k;
    }
    write(a, {Operand(ints(index))}, iota({picks, m}));
    EXPECT_EQ(values(a), written);  // of equal indices the last one stays, on any number of threads
  }
}

TEST_P(Indexing, MasksReadAndWriteInCOrderWhateverTheStrides) {
  for (int round = 0; round < 20; ++round) {
    const std::int64_t n = 1 + static_cast<std::int64_t>(random_() % 120),
                       m = 1 + static_cast<std::int64_t>(random_() % 90);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(n * m));
    for (auto& byte : bytes) byte = random_() % 2;
    const Array flags = mask(bytes, {n, m});
    for (const Array& a : {iota({n, m}), transpose(iota({m, n}))}) {
      Ints all_values = values(a), expected;
      std::int64_t next = 1000;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == 0) continue;
        expected.push_back(all_values[i]);
        all_values[i] = next++;
      }
      EXPECT_EQ(values(read_masked(a, flags)), expected);
      Ints fresh(expected.size());
      std::iota(fresh.begin(), fresh.end(), 1000);
      assign_masked(a, flags, ints(fresh));
      EXPECT_EQ(values(a), all_values);
    }
    const std::vector<Array> where = nonzero(flags);
    Ints rows = values(where[0]), columns = values(where[1]);
    for (std::size_t i = 0, k = 0; i < bytes.size(); ++i) {
      if (bytes[i] == 0) continue;
      EXPECT_EQ(rows[k] * m + columns[k], static_cast<std::int64_t>(i));
      ++k;
    }
  }
}

TEST_P(Indexing, AnIndexOutsideIsAnErrorBeforeAnythingIsWritten) {
  const Array a = iota({3, 4});
  const Ints before = values(a);
  const Array bad = ints({0, 5, -9});
  EXPECT_EQ(error_of([&] { (void)read(a, {Operand(bad)}); }), "index 5 is out of bounds for axis 0 with size 3");
  EXPECT_EQ(error_of([&] {
              write(a, {all, Operand(bad)}, Scalar::of<std::int64_t>(1));
            }),
            "index 5 is out of bounds for axis 1 with size 4");
  EXPECT_EQ(error_of([&] {
              put(a, ints({1, 12}), Scalar::of<std::int64_t>(1));
            }),
            "index 12 is out of bounds for axis 0 with size 12");
  EXPECT_EQ(error_of([&] {
              (void)read(a, {Operand(bad), Operand(bad), Operand(bad)});
            }),
            "too many indices for array: array is 2-dimensional, but 3 were indexed");
  EXPECT_EQ(error_of([&] {
              (void)read(a, {Operand(bad), Operand(ints({0, 1}))});
            }),
            "shape mismatch: indexing arrays could not be broadcast together with shapes (3,) (2,) ");
  EXPECT_EQ(error_of([&] {
              write(a, {Operand(ints({0, 1}))}, iota({3}));
            }),
            "shape mismatch: value array of shape (3,) could not be broadcast to indexing result of shape (2,4)");
  EXPECT_EQ(values(a), before);
}

TEST_P(Indexing, ValuesAndIndicesThatOverlapTheTargetAreReadBeforeItIsWritten) {
  const Array a = iota({2000});
  Ints expected = values(a);
  const Array index = view(a, std::vector<Index>{Slice{1000, {}, {}}});  // its own upper half says where to write
  const Array value = view(a, std::vector<Index>{Slice{{}, 1000, {}}});
  for (std::size_t i = 0; i < 1000; ++i) expected[1000 + i] = static_cast<std::int64_t>(i);
  write(a, {Operand(index)}, value);
  EXPECT_EQ(values(a), expected);
}

TEST_P(Indexing, SnapshotsTakenBeforeStayAsTheyAre) {
  const Array a = iota({1000});
  const Snapshot before = snapshot(a);
  write(a, {Operand(ints({3, 4}))}, Scalar::of<std::int64_t>(-1));
  EXPECT_EQ(reinterpret_cast<const std::int64_t*>(before.layout().data)[3], 3);
  EXPECT_EQ(values(a)[3], -1);
}

TEST_P(Indexing, JoinedArraysAreReadAndWrittenThroughTheirParts) {
  const Array one = iota({3, 2}), two = iota({4, 2});
  const Array parts[] = {one, two};
  const Array a = join(parts, 0);
  EXPECT_EQ(values(read(a, {Operand(ints({2, 3, -1})), std::int64_t{1}})), (Ints{5, 1, 7}));
  write(a, {Operand(ints({2, 3}))}, Scalar::of<std::int64_t>(9));
  EXPECT_EQ(values(one), (Ints{0, 1, 2, 3, 9, 9}));
  EXPECT_EQ(values(two), (Ints{9, 9, 2, 3, 4, 5, 6, 7}));
}

TEST_P(Indexing, TakeWrapsClipsAndKeepsCOrder) {
  const Array a = iota({3, 4});
  EXPECT_EQ(values(take(a, ints({-1, 9}), 1, OutOfRange::wrap)), (Ints{3, 1, 7, 5, 11, 9}));
  EXPECT_EQ(values(take(a, ints({-1, 9}), 1, OutOfRange::clip)), (Ints{0, 3, 4, 7, 8, 11}));
  EXPECT_EQ(take(a, ints({0, 1, 1, 0}, {2, 2}), 0).shape(), (Shape{2, 2, 4}));
  EXPECT_THROW((void)take(iota({0, 4}), ints({0}), 0), IndexError);
}

TEST_P(Indexing, PutUsesItsValuesOverAndOver) {
  const Array a = transpose(iota({3, 4}));
  put(a, ints({0, 1, -1}), ints({70, 80}));
  EXPECT_EQ(values(a), (Ints{70, 80, 8, 1, 5, 9, 2, 6, 10, 3, 7, 70}));
}

TEST_P(Indexing, DiagonalsAreViewsAlsoOfJoinedArrays) {
  const Array one = iota({2, 5}), two = iota({3, 5});
  const Array parts[] = {one, two};
  const Array a = join(parts, 0);
  EXPECT_EQ(values(diagonal(a)), (Ints{0, 6, 2, 8, 14}));
  EXPECT_EQ(values(diagonal(a, 2)), (Ints{2, 8, 4}));
  EXPECT_EQ(values(diagonal(a, -3)), (Ints{5, 11}));
  EXPECT_EQ(diagonal(a, 9).shape(), (Shape{0}));
  assign(diagonal(a, 0), Scalar::of<std::int64_t>(-7));
  EXPECT_EQ(values(two), (Ints{0, 1, -7, 3, 4, 5, 6, 7, -7, 9, 10, 11, 12, 13, -7}));
  EXPECT_EQ(diagonal(iota({2, 3, 4}), 1, 0, 2).shape(), (Shape{3, 2}));
}

INSTANTIATE_TEST_SUITE_P(OnAnyThreads, Indexing, testing::Bool(),
                         [](const auto& info) { return info.param ? "large" : "small"; });

}  // namespace
}  // namespace distob::array

// Random programs of slices, arithmetic in and out of place, snapshots and reductions: what the window, the passes, the
// order and the threads make of them must be what a model computes that does one thing after the other.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "array/array.h"
#include "array/instruction.h"
#include "array/passes.h"

namespace distob::array {
namespace {

using kernels::Op;
using kernels::ReduceOp;

// Elements of a view as positions in shared data.
struct Model {
  std::shared_ptr<std::vector<double>> data;
  Shape shape;
  std::vector<std::size_t> at;

  static Model of(const Shape& shape, std::vector<double> values) {
    Model m{std::make_shared<std::vector<double>>(std::move(values)), shape, {}};
    for (std::size_t i = 0; i < m.data->size(); ++i) m.at.push_back(i);
    return m;
  }
  std::vector<double> values() const {
    std::vector<double> v;
    for (std::size_t i : at) v.push_back((*data)[i]);
    return v;
  }
  void write(const std::vector<double>& values) const {
    for (std::size_t i = 0; i < at.size(); ++i) (*data)[at[i]] = values[i];
  }
};

struct Pair {
  Array array;
  Model model;
};

class Machine {
 public:
  explicit Machine(unsigned seed) : random_(seed) {
    for (int i = 0; i < 3; ++i) {
      const Shape shape{rows_, columns_};
      const Array a = random_uniform(shape, Kind::Float64, seed * 3 + static_cast<unsigned>(i));
      std::vector<double> values(static_cast<std::size_t>(a.size()));
      gather_into(a, values.data(), Kind::Float64, c_strides(shape, 8));
      live_.push_back({a, Model::of(shape, values)});
    }
  }

  void step() {
    switch (pick(10)) {
      case 0: return slice();
      case 1: return compute();
      case 2: return compute();
      case 3: return update();
      case 4: return assign_slice();
      case 5: return check(live_[pick(live_.size())]);
      case 6: return take_snapshot();
      case 7: return drop();
      case 8: return sync();  // so that windows end anywhere
      default: return masked();
    }
  }
  void check_all() {
    for (const Pair& p : live_) check(p);
    for (const auto& [snap, values] : snapshots_) check_layout(snap.layout(), values);
  }

 private:
  std::size_t pick(std::size_t n) { return random_() % n; }
  Slice random_slice(std::int64_t extent) {
    const auto a = static_cast<std::int64_t>(pick(static_cast<std::size_t>(extent) / 2 + 1));
    const auto b = extent - static_cast<std::int64_t>(pick(static_cast<std::size_t>(extent) / 2 + 1));
    if (pick(8) == 0) return Slice{{}, {}, -1};
    return Slice{a, b, pick(5) == 0 ? 2 : 1};
  }

  // The same basic index on both sides, in a shape that has at least one element.
  Pair sliced(const Pair& p) {
    while (true) {
      const Slice r = random_slice(p.model.shape[0]), c = random_slice(p.model.shape[1]);
      const Index index[] = {r, c};
      const Array a = view(p.array, index);
      if (a.size() == 0) continue;
      const auto rr = r.on(p.model.shape[0]), cc = c.on(p.model.shape[1]);
      Model m{p.model.data, a.shape(), {}};
      for (std::int64_t i = 0; i < rr.count; ++i) {
        for (std::int64_t j = 0; j < cc.count; ++j) {
          m.at.push_back(
              p.model
                  .at[static_cast<std::size_t>((rr.start + i * rr.step) * p.model.shape[1] + cc.start + j * cc.step)]);
        }
      }
      return {a, m};
    }
  }
  // Parts of two arrays that have the same shape.
  std::pair<Pair, Pair> fitting() {
    const Pair& a = live_[pick(live_.size())];
    const Pair& b = live_[pick(live_.size())];
    const std::int64_t rows = std::min(a.model.shape[0], b.model.shape[0]);
    const std::int64_t columns = std::min(a.model.shape[1], b.model.shape[1]);
    return {window_of(a, rows, columns), window_of(b, rows, columns)};
  }
  Pair window_of(const Pair& p, std::int64_t rows, std::int64_t columns) {
    if (p.model.shape == Shape{rows, columns} && pick(3) != 0) return p;
    const auto r = static_cast<std::int64_t>(pick(static_cast<std::size_t>(p.model.shape[0] - rows + 1)));
    const auto c = static_cast<std::int64_t>(pick(static_cast<std::size_t>(p.model.shape[1] - columns + 1)));
    const Index index[] = {between(r, r + rows), between(c, c + columns)};
    Model m{p.model.data, {rows, columns}, {}};
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j)
        m.at.push_back(p.model.at[static_cast<std::size_t>((r + i) * p.model.shape[1] + c + j)]);
    }
    return {view(p.array, index), m};
  }

  struct Function {
    Op op;
    double (*model)(double, double);
  };
  Function function() {
    constexpr Function functions[] = {{Op::add, [](double a, double b) { return a + b; }},
                                      {Op::subtract, [](double a, double b) { return a - b; }},
                                      {Op::multiply, [](double a, double b) { return a * b; }},
                                      {Op::maximum, [](double a, double b) { return a > b ? a : b; }}};
    return functions[pick(4)];
  }
  static std::vector<double> zip(const Function& f, const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> out;
    for (std::size_t i = 0; i < a.size(); ++i) out.push_back(f.model(a[i], b[i]));
    return out;
  }
  static Array run(Op op, const Operand& a, const Operand& b, const ApplyOptions& options = {}) {
    const Kind kinds[] = {Kind::Float64, Kind::Float64};
    const Operand operands[] = {a, b};
    return apply(*kernels::find(op, kinds), operands, options);
  }

  void slice() { keep(sliced(live_[pick(live_.size())])); }
  void compute() {
    const auto [a, b] = fitting();
    const Function f = function(), g = function();
    const std::vector<double> inner = zip(f, a.model.values(), b.model.values());
    const std::vector<double> halves(inner.size(), 0.5);
    keep({run(g.op, run(f.op, a.array, b.array), Scalar::of(0.5)), Model::of(a.model.shape, zip(g, inner, halves))});
  }
  void update() {
    const auto [a, b] = fitting();
    const Function f = function();
    const std::vector<double> result = zip(f, a.model.values(), b.model.values());
    run(f.op, a.array, b.array, {.out = std::span(&a.array, 1)});
    a.model.write(result);
  }
  void assign_slice() {
    const auto [a, b] = fitting();
    const std::vector<double> values = b.model.values();
    assign(a.array, b.array);
    a.model.write(values);
  }
  void masked() {
    const auto [a, b] = fitting();
    const Kind kinds[] = {Kind::Float64, Kind::Float64};
    const Operand operands[] = {a.array, Scalar::of(0.5)};
    const Array mask = apply(*kernels::find(Op::less, kinds), operands);
    assign_where(a.array, b.array, mask);
    std::vector<double> values = a.model.values();
    const std::vector<double> others = b.model.values();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = values[i] < 0.5 ? others[i] : values[i];
    a.model.write(values);
  }
  void take_snapshot() {
    const Pair& p = live_[pick(live_.size())];
    snapshots_.emplace_back(snapshot(p.array), p.model.values());
    if (snapshots_.size() > 3) snapshots_.erase(snapshots_.begin());
  }
  void drop() {
    if (live_.size() > 2) live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(pick(live_.size())));
  }
  void keep(Pair p) {
    live_.push_back(std::move(p));
    if (live_.size() > 8) drop();
  }

  static void check_layout(const Layout& l, const std::vector<double>& expected) {
    std::size_t k = 0;
    for (std::int64_t i = 0; i < l.shape[0]; ++i) {
      for (std::int64_t j = 0; j < l.shape[1]; ++j) {
        double seen;
        std::memcpy(&seen, l.data + i * l.strides[0] + j * l.strides[1], sizeof(seen));
        ASSERT_EQ(seen, expected[k++]) << "a snapshot changed";
      }
    }
  }
  static void check(const Pair& p) {
    std::vector<double> values(static_cast<std::size_t>(p.array.size()));
    gather_into(p.array, values.data(), Kind::Float64, c_strides(p.array.shape(), 8));
    ASSERT_EQ(values, p.model.values());
    double most;
    item(reduce(ReduceOp::max, p.array, {}), &most);
    ASSERT_EQ(most, *std::max_element(values.begin(), values.end()));
  }

  std::mt19937 random_;
  const std::int64_t rows_ = 13, columns_ = 11;
  std::vector<Pair> live_;
  std::vector<std::pair<Snapshot, std::vector<double>>> snapshots_;
};

// Everything goes through the window and the threads, however small, for the life of this.
class EverythingIsLarge {
 public:
  explicit EverythingIsLarge(int threads) {
    set_threads(threads);
    set_small_limit(1);
  }
  ~EverythingIsLarge() {
    set_small_limit(32768);
    set_threads(2);
  }
};

void run_program(unsigned seed, int steps) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Machine machine(seed);
  for (int i = 0; i < steps; ++i) {
    machine.step();
    if (testing::Test::HasFatalFailure()) return;
  }
  machine.check_all();
}

TEST(Window, RandomProgramsComputeWhatOneStepAfterTheOtherComputes) {
  const EverythingIsLarge large(3);
  for (unsigned seed = 0; seed < 150 && !testing::Test::HasFailure(); ++seed) run_program(seed, 60);
}

TEST(Window, TheCutOfTheWindowDoesNotMatter) {
  const EverythingIsLarge large(1);  // no timer: the seed alone decides where windows end
  const char* more = std::getenv("DISTOB_TEST_SEEDS");
  const unsigned seeds = more != nullptr ? static_cast<unsigned>(std::atoi(more)) : 100;
  for (unsigned seed = 5000; seed < 5000 + seeds && !testing::Test::HasFailure(); ++seed) run_program(seed, 60);
}

TEST(Window, RandomProgramsOfSmallArraysAgreeToo) {
  for (unsigned seed = 1000; seed < 1100 && !testing::Test::HasFailure(); ++seed) run_program(seed, 60);
}

TEST(Window, SeveralThreadsWorkEachOnItsOwnArrays) {
  const EverythingIsLarge large(3);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (unsigned seed = 0; seed < 10; ++seed) run_program(2000 + 10 * t + seed, 40);
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST(Window, SeveralThreadsOnOneArrayLoseNoUpdate) {
  for (std::int64_t limit : {1, 32768}) {
    set_small_limit(limit);
    const Array a = zeros({64}, Kind::Float64);
    const Kind kinds[] = {Kind::Float64, Kind::Float64};
    const kernels::Kernel& add = *kernels::find(Op::add, kinds);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          const Operand operands[] = {a, Scalar::of(1.0)};
          apply(add, operands, {.out = std::span(&a, 1)});
          if (i % 20 == 0) (void)snapshot(a);
        }
      });
    }
    for (std::thread& t : threads) t.join();
    double total;
    item(reduce(ReduceOp::sum, a, {}), &total);
    EXPECT_EQ(total, 64 * 400.0);
  }
  set_small_limit(32768);
}

TEST(Window, NothingIsLeftAfterRandomPrograms) {
  sync();
  const Statistics before = statistics();
  {
    const EverythingIsLarge large(2);
    run_program(77, 100);
    sync();
  }
  EXPECT_EQ(statistics().bytes_live, before.bytes_live);
  EXPECT_EQ(statistics().storages_live, before.storages_live);
}

// --- Passes -----------------------------------------------------------------------------------------------------------

memory::StoragePtr storage_of_bytes(std::int64_t bytes, bool seen) {
  memory::StoragePtr s = memory::Storage::create(bytes);
  if (seen) s->add_handle();
  return s;
}

Instruction line(const memory::StoragePtr& from, const View& source, const memory::StoragePtr& to, const View& target) {
  Instruction i;
  i.what = Instruction::What::copy;
  i.shape = target.shape;
  i.sources.push_back({from, source});
  i.targets.push_back({to, target});
  return i;
}

TEST(Passes, AChainOfOneShapeIsOnePassAndItsMiddleIsNotStored) {
  const View v = View::contiguous(Kind::Float64, {100});
  const auto a = storage_of_bytes(800, true), t = storage_of_bytes(800, false), c = storage_of_bytes(800, true);
  const std::vector<Instruction> window{line(a, v, t, v), line(t, v, c, v)};
  const Plan plan = plan_passes(window);
  ASSERT_EQ(plan.passes.size(), 1U);
  EXPECT_FALSE(plan.stored.contains(t.get()));
  EXPECT_TRUE(plan.stored.contains(c.get()));
}

TEST(Passes, WhatNobodySeesIsNotComputed) {
  const View v = View::contiguous(Kind::Float64, {100});
  const auto a = storage_of_bytes(800, true), t = storage_of_bytes(800, false);
  EXPECT_TRUE(plan_passes(std::vector<Instruction>{line(a, v, t, v)}).passes.empty());
}

TEST(Passes, AStencilInPlaceIsOnePassThatMovesItsStorage) {
  const View whole = View::contiguous(Kind::Float64, {100});
  const View left = index(whole, {until(-2)}), inner = index(whole, {between(1, -1)});
  const auto g = storage_of_bytes(800, true), t = storage_of_bytes(784, false);
  const View tv = View::contiguous(Kind::Float64, {98});
  const std::vector<Instruction> window{line(g, left, t, tv), line(t, tv, g, inner), line(g, left, t, tv),
                                        line(t, tv, g, inner)};
  const Plan plan = plan_passes(window);
  ASSERT_EQ(plan.passes.size(), 2U) << "the second step reads what the first wrote";
  EXPECT_TRUE(plan.passes[0].repointed.contains(g.get()));
  EXPECT_FALSE(plan.stored.contains(t.get()));
}

TEST(Passes, ASmallWriteAcrossItsReadersRunsAfterThem) {
  const View whole = View::contiguous(Kind::Float64, {100});
  const View head = index(whole, {until(10)}), shifted = index(whole, {between(5, 15)});
  const auto g = storage_of_bytes(800, true), t = storage_of_bytes(80, true);
  const View tv = View::contiguous(Kind::Float64, {10});
  const Plan plan = plan_passes(std::vector<Instruction>{line(g, head, t, tv), line(t, tv, g, shifted)});
  ASSERT_EQ(plan.passes.size(), 2U);
  EXPECT_TRUE(plan.passes[1].repointed.empty());
}

}  // namespace
}  // namespace distob::array

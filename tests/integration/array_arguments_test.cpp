// Arrays as arguments and results of calls in engines.
#include <distob/distob.h>
#include <gtest/gtest.h>

#include <numeric>

namespace distob {
namespace {

double total(const DistArray<double>& a) { return sum(a); }
DistArray<float> scaled(const DistArray<float>& a, float factor) { return a * factor; }

/// Keeps an array in an engine.
struct Field {
  DistArray<double> values = {};
  void set(const DistArray<double>& a) { values = a; }
  double step(double by) {
    values += by;
    return sum(values);
  }
};

TEST(ArrayArguments, arrive_with_shape_and_values) {
  Cluster cluster({.engines = 2});
  std::vector<double> elements(600);
  std::iota(elements.begin(), elements.end(), 0.0);
  const auto a = scatter(elements, {20, 30});
  EXPECT_EQ(cluster.call<total>(a), 600 * 599 / 2);
  EXPECT_EQ(cluster.call<total>(a.slice(from(18), until(2)).transpose()), 540 + 541 + 570 + 571);
  const auto b = cluster.call<scaled>(full<float>({3, 0, 2}, 1.0f), 2.0f);
  EXPECT_EQ(b.shape(), Shape({3, 0, 2}));
  EXPECT_EQ(cluster.call<scaled>(full<float>({}, 1.5f), 2.0f).item(), 3.0f);
}

TEST(ArrayArguments, large_ones_arrive_too) {
  Cluster cluster({.engines = 1});
  EXPECT_EQ(cluster.call<total>(ones<double>({1000, 1000})), 1e6);
}

TEST(ArrayArguments, an_object_in_an_engine_may_keep_one) {
  Cluster cluster({.engines = 1});
  const auto field = cluster.create<Field>();
  const auto a = zeros<double>({10});
  field.call<&Field::set>(a);
  EXPECT_EQ(field.call<&Field::step>(2.0), 20.0);
  EXPECT_EQ(field.call<&Field::step>(1.0), 30.0);
  EXPECT_EQ(sum(a), 0.0);
}

TEST(ArrayArguments, a_shape_that_does_not_fit_the_elements_is_refused) {
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{4}, {-1, -3}, {1LL << 62, 1LL << 62, 3}}) {
    Writer out;
    encode(out, shape);
    encode(out, std::vector<double>{1, 2, 3});
    Reader in(out.bytes());
    EXPECT_THROW(static_cast<void>(decode<DistArray<double>>(in)), ProtocolError);
  }
}

}  // namespace
}  // namespace distob

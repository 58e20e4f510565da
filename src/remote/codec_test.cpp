#include "distob/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace distob {
namespace {

std::vector<std::byte> copy_of(const Writer& out) { return {out.bytes().begin(), out.bytes().end()}; }

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  Writer out;
  encode(out, value);
  return copy_of(out);
}

template <class T>
T round_trip(const T& value) {
  const auto bytes = bytes_of(value);
  Reader in(bytes);
  T result = decode<T>(in);
  EXPECT_EQ(in.remaining(), 0u);
  return result;
}

template <class T>
void expect_same(const T& value) {
  EXPECT_EQ(round_trip(value), value);
}

enum class Season : std::uint8_t { spring, autumn };

struct Leaf {
  int veins = 0;
  std::string name;
  bool operator==(const Leaf&) const = default;
};

struct Tree {
  double height = 1.5;
  const int id = 7;
  std::vector<Leaf> leaves;
  std::map<std::string, std::optional<Season>> history;
  std::array<float, 3> position{};
  std::variant<std::monostate, int, std::string> note;
  bool operator==(const Tree&) const = default;
};

struct Grid {
  double cells[2][3];
  char tag[4];
  int n;
};

struct Nothing {
  bool operator==(const Nothing&) const = default;
};

struct Family {
  std::string name;
  std::vector<Family> children;
  std::unique_ptr<Family> friend_;
};

struct Wide {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x;
  bool operator==(const Wide&) const = default;
};

class Account {
 public:
  explicit Account(int balance) : balance_(balance) {}
  void distob_encode(Writer& out) const { encode(out, balance_); }
  static Account distob_decode(Reader& in) { return Account(decode<int>(in)); }
  bool operator==(const Account&) const = default;

 private:
  int balance_;
};

class Foreign {
 public:
  explicit Foreign(std::string text) : text(std::move(text)) {}
  bool operator==(const Foreign&) const = default;
  const std::string text;
};

}  // namespace

template <>
struct Codec<Foreign> {
  static void encode(Writer& out, const Foreign& value) { distob::encode(out, value.text); }
  static Foreign decode(Reader& in) { return Foreign(distob::decode<std::string>(in)); }
};

namespace {

TEST(Codec, numbers_arrive_unchanged) {
  expect_same(std::int8_t{-5});
  expect_same(std::numeric_limits<std::uint64_t>::max());
  expect_same(std::numeric_limits<double>::denorm_min());
  expect_same(1.0L / 3.0L);
  expect_same(true);
  expect_same('x');
  expect_same(U'\u00e4');
  expect_same(Season::autumn);
  expect_same(std::byte{200});
  expect_same(std::complex<float>(1, -2));
  expect_same(std::chrono::milliseconds(1234));
  expect_same(std::chrono::system_clock::now());
  EXPECT_TRUE(std::isnan(round_trip(std::nan(""))));
}

TEST(Codec, text_and_paths_arrive_unchanged) {
  expect_same(std::string("with a \0 inside", 15));
  expect_same(std::string());
  expect_same(std::filesystem::path("/some/where/else"));
  const auto bytes = bytes_of(std::string_view("viewed"));
  Reader in(bytes);
  EXPECT_EQ(decode<std::string>(in), "viewed");
}

TEST(Codec, containers_arrive_unchanged) {
  expect_same(std::vector<double>{1, 2, 3});
  expect_same(std::vector<bool>{true, false, true});
  expect_same(std::vector<std::byte>{std::byte{1}, std::byte{2}});
  expect_same(std::vector<std::vector<std::string>>{{"a"}, {}, {"b", "c"}});
  expect_same(std::deque<int>{1, 2});
  expect_same(std::list<std::string>{"x"});
  expect_same(std::set<int>{3, 1});
  expect_same(std::multiset<int>{3, 3, 1});
  expect_same(std::unordered_set<std::string>{"p", "q"});
  expect_same(std::map<int, std::vector<int>>{{1, {2}}, {3, {}}});
  expect_same(std::multimap<int, int>{{1, 2}, {1, 3}});
  expect_same(std::unordered_map<std::string, int>{{"k", 9}});
  expect_same(std::array<std::string, 2>{"a", "b"});
  expect_same(std::array<int, 0>{});
  expect_same(std::pair<int, std::string>{1, "x"});
  expect_same(std::tuple<>{});
  expect_same(std::tuple<int, std::string, std::optional<double>>{1, "x", 2.5});
  expect_same(std::optional<int>{});
  expect_same(std::optional<std::vector<int>>{{1}});
}

TEST(Codec, equal_keys_keep_their_order) {
  std::multimap<int, std::string> map{{1, "first"}, {1, "second"}, {1, "third"}};
  expect_same(map);
}

TEST(Codec, a_span_arrives_as_a_vector) {
  const double values[] = {1, 2, 3};
  const auto bytes = bytes_of(std::span<const double>(values));
  Reader in(bytes);
  EXPECT_THAT(decode<std::vector<double>>(in), testing::ElementsAre(1, 2, 3));
}

TEST(Codec, a_variant_keeps_its_alternative) {
  using Choice = std::variant<int, double, std::monostate, bool>;
  for (const Choice& choice : {Choice(1), Choice(2.0), Choice(std::monostate{}), Choice(true)}) expect_same(choice);
}

TEST(Codec, what_a_unique_ptr_owns_travels) {
  EXPECT_EQ(*round_trip(std::make_unique<int>(5)), 5);
  EXPECT_EQ(round_trip(std::unique_ptr<int>()), nullptr);
}

TEST(Codec, aggregates_travel_without_any_code) {
  expect_same(Leaf{3, "oak"});
  expect_same(Nothing{});
  expect_same(std::vector<Nothing>(5));
  Tree tree{2.5, 9, {{1, "a"}, {2, "b"}}, {{"planted", Season::spring}, {"felled", std::nullopt}}, {1, 2, 3}, "note"};
  expect_same(tree);
  expect_same(std::map<std::string, Tree>{{"t", tree}});
}

TEST(Codec, twenty_four_fields_travel_in_order) {
  expect_same(Wide{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24});
}

TEST(Codec, array_members_travel) {
  const Grid grid = round_trip(Grid{{{1, 2, 3}, {4, 5, 6}}, "abc", 7});
  EXPECT_EQ(grid.cells[1][2], 6);
  EXPECT_STREQ(grid.tag, "abc");
  EXPECT_EQ(grid.n, 7);
}

TEST(Codec, an_aggregate_may_contain_itself) {
  Family family{"a", {}, nullptr};
  family.children.push_back({"b", {}, std::make_unique<Family>()});
  family.children[0].friend_->name = "c";
  EXPECT_EQ(round_trip(family).children[0].friend_->name, "c");
}

TEST(Codec, other_types_travel_by_members_or_by_a_specialisation) {
  expect_same(Account(12));
  expect_same(Foreign("far"));
  expect_same(std::vector<Foreign>{Foreign("a"), Foreign("b")});
  expect_same(std::optional<Account>(Account(1)));
}

template <class T>
void expect_refused(std::vector<std::byte> bytes) {
  Reader in(bytes);
  EXPECT_THROW(static_cast<void>(decode<T>(in)), ProtocolError);
}

TEST(Codec, a_length_beyond_the_bytes_is_refused_before_memory_is_asked_for) {
  Writer out;
  out.put_number(std::uint64_t{1} << 60);
  expect_refused<std::string>(copy_of(out));
  for (std::uint64_t count : {std::uint64_t{2}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    Writer claim;
    claim.put_number(count);
    claim.put("1234567", 7);
    auto bytes = copy_of(claim);
    expect_refused<std::vector<double>>(bytes);
    if (count > 7) {
      expect_refused<std::vector<Nothing>>(bytes);
      expect_refused<std::map<std::string, Tree>>(bytes);
      expect_refused<std::vector<std::array<std::string, 1000>>>(bytes);
    }
  }
}

TEST(Codec, values_outside_their_type_are_refused) {
  expect_refused<bool>({std::byte{2}});
  expect_refused<std::optional<int>>({std::byte{7}});
  expect_refused<std::variant<int, bool>>({std::byte{2}, std::byte{0}});
  expect_refused<std::vector<char>>(std::vector<std::byte>(11, std::byte{0xFF}));
  expect_refused<Ref>({std::byte{1}});
  expect_refused<int>({});
}

TEST(Codec, bytes_cannot_nest_values_without_end) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 100'000; ++i) bytes.insert(bytes.end(), {std::byte{0}, std::byte{1}});
  expect_refused<Family>(bytes);
}

TEST(Codec, random_bytes_give_a_value_or_an_error) {
  std::mt19937 random(1);
  std::vector<std::byte> bytes(64);
  for (int round = 0; round < 20'000; ++round) {
    for (auto& byte : bytes) byte = static_cast<std::byte>(random() % 4 ? random() % 4 : random());
    Reader in(bytes);
    try {
      static_cast<void>(decode<Tree>(in));
    } catch (const ProtocolError&) {
    }
  }
}

TEST(Codec, a_cut_value_is_refused_wherever_it_is_cut) {
  const auto bytes = bytes_of(Tree{2.5, 9, {{1, "a"}}, {{"k", Season::spring}}, {1, 2, 3}, "note"});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader in(std::span<const std::byte>(bytes.data(), size));
    EXPECT_THROW(static_cast<void>(decode<Tree>(in)), ProtocolError) << size;
  }
}

TEST(Codec, a_reference_to_nothing_travels_as_such) { EXPECT_FALSE(round_trip(Ref{})); }

}  // namespace
}  // namespace distob

#include "distob/detail/operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distob/detail/tasks.h"
#include "distob/errors.h"

namespace distob::detail {
namespace {

struct Tree {
  int grow(int years) { return years; }
};
int square(int x) { return x * x; }

void nothing(Invocation&) {}
// As two files would list functions of unnamed namespaces.
const Operation first_namesake{"namesake", "namesake", &nothing};
const Operation second_namesake{"namesake", "namesake", &nothing};

TEST(Operation, is_found_by_hash_name_and_ordinal) {
  const Operation& operation = Registered<MethodTask<Tree, &Tree::grow>>::operation;
  EXPECT_EQ(&find_operation(operation.hash, operation.name, ordinal_of(operation)), &operation);
}

TEST(Operation, a_name_that_this_build_does_not_have_is_an_error_that_tells_it) {
  const Operation& operation = Registered<MethodTask<Tree, &Tree::grow>>::operation;
  try {
    find_operation(operation.hash, "_ZN4Tree6shrinkEi", 0);
    FAIL();
  } catch (const ProtocolError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("Tree::shrink(int)"));
  }
  EXPECT_THROW(find_operation(operation.hash, operation.name, 7), ProtocolError);
}

TEST(Operation, namesakes_are_told_apart_by_the_order_of_their_listing) {
  EXPECT_EQ(ordinal_of(first_namesake), 0u);
  EXPECT_EQ(ordinal_of(second_namesake), 1u);
  EXPECT_EQ(&find_operation(second_namesake.hash, "namesake", 1), &second_namesake);
}

TEST(Operation, a_namesake_in_a_library_loaded_later_is_refused) {
  static_cast<void>(ordinal_of(first_namesake));
  static const Operation late{"namesake", "namesake", &nothing};
  EXPECT_THROW(ordinal_of(late), Error);
}

TEST(Operation, labels_read_as_the_program_does) {
  EXPECT_THAT(std::string((MethodTask<Tree, &Tree::grow>::label())), testing::HasSubstr("Tree::grow"));
  EXPECT_THAT(std::string(FunctionTask<square>::label()), testing::HasSubstr("square"));
  EXPECT_THAT(std::string(ScatterTask<std::vector<int>>::label()), testing::HasSubstr("vector<int"));
}

TEST(Operation, what_a_caller_gets_follows_from_what_the_function_returns) {
  static_assert(std::is_same_v<Result<int>, int>);
  static_assert(std::is_same_v<Result<const std::string&>, std::string>);
  static_assert(std::is_same_v<Result<std::string_view>, std::string>);
  static_assert(std::is_same_v<Result<Tree&>, Remote<Tree>>);
  static_assert(std::is_same_v<Result<Remote<Tree>&>, Remote<Tree>>);
  static_assert(std::is_same_v<Result<std::span<const int>>, std::vector<int>>);
  static_assert(std::is_void_v<Result<void>>);
}

}  // namespace
}  // namespace distob::detail

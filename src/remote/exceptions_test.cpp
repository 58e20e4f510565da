#include "remote/exceptions.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <system_error>

#include "distob/errors.h"

namespace distob::detail {
namespace {

template <class E>
std::exception_ptr sent(const E& error) {
  return decode_exception(encode_exception(std::make_exception_ptr(error)));
}

template <class E>
void expect_arrives(const E& error) {
  try {
    std::rethrow_exception(sent(error));
  } catch (const std::exception& arrived) {
    EXPECT_EQ(typeid(arrived), typeid(E)) << demangled(typeid(arrived).name());
    EXPECT_STREQ(arrived.what(), error.what());
  }
}

struct TreeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Odd {};

TEST(Exceptions, standard_ones_keep_type_and_text) {
  expect_arrives(std::invalid_argument("a"));
  expect_arrives(std::domain_error("b"));
  expect_arrives(std::length_error("c"));
  expect_arrives(std::out_of_range("d"));
  expect_arrives(std::logic_error("e"));
  expect_arrives(std::range_error("f"));
  expect_arrives(std::overflow_error("g"));
  expect_arrives(std::underflow_error("h"));
  expect_arrives(std::runtime_error("i"));
  expect_arrives(std::bad_alloc());
  expect_arrives(std::bad_cast());
}

TEST(Exceptions, those_of_distob_keep_type_and_text) {
  expect_arrives(ValueError("a"));
  expect_arrives(ObjectLost("b"));
  expect_arrives(EngineDied("c"));
  expect_arrives(Cancelled("d"));
  expect_arrives(DeadlockError("e"));
  expect_arrives(Error("f"));
}

TEST(Exceptions, a_system_error_keeps_its_code) {
  for (const auto& error : {std::system_error(ENOENT, std::generic_category(), "cannot open x"),
                            std::system_error(EIO, std::system_category())}) {
    try {
      std::rethrow_exception(sent(error));
    } catch (const std::system_error& arrived) {
      EXPECT_EQ(arrived.code(), error.code());
      EXPECT_STREQ(arrived.what(), error.what());
    }
  }
}

TEST(Exceptions, a_derived_type_arrives_as_its_standard_base_and_says_what_it_was) {
  try {
    std::rethrow_exception(sent(TreeError("fell")));
  } catch (const std::runtime_error& arrived) {
    EXPECT_NE(std::string(arrived.what()).find("TreeError: fell"), std::string::npos);
  }
}

TEST(Exceptions, what_is_no_exception_class_arrives_as_a_remote_error_that_names_its_type) {
  EXPECT_THROW(std::rethrow_exception(sent(Odd{})), RemoteError);
  EXPECT_NE(text_of(sent(Odd{})).find("Odd"), std::string::npos);
  EXPECT_NE(text_of(sent(5)).find("int"), std::string::npos);
}

TEST(Exceptions, bytes_that_are_none_become_a_protocol_error) {
  EXPECT_THROW(std::rethrow_exception(decode_exception({})), ProtocolError);
  const std::vector<std::byte> bytes(40, std::byte{0xFF});
  EXPECT_THROW(std::rethrow_exception(decode_exception(bytes)), ProtocolError);
}

}  // namespace
}  // namespace distob::detail

#include "distob/errors.h"

#include <gtest/gtest.h>

#include "base/ids.h"

namespace distob {
namespace {

TEST(Errors, AxisErrorSpeaksAsNumPyDoes) {
  EXPECT_STREQ(AxisError(2, 2).what(), "axis 2 is out of bounds for array of dimension 2");
  EXPECT_STREQ(AxisError(-3, 1).what(), "axis -3 is out of bounds for array of dimension 1");
}

TEST(Errors, CanBeCaughtByWhatTheCallerCanDo) {
  EXPECT_THROW(throw AxisError(1, 1), ValueError);
  EXPECT_THROW(throw EngineDied("x"), ObjectLost);
  EXPECT_THROW(throw EncodeError("x"), TypeError);
}

TEST(Ids, ReadAsText) {
  EXPECT_EQ(to_string(ObjectId{SessionId{1}, EngineId{2}, 17, 0}), "object 1.17.0 on engine 2");
  EXPECT_FALSE(ObjectId{});
  EXPECT_FALSE(EngineId{});
}

}  // namespace
}  // namespace distob

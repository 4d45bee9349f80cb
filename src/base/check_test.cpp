#include "base/check.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "base/check_reporter.h"

namespace aquilon {
namespace {

void check_in_scope(bool condition) {
  const CheckScope scope;
  AQ_CHECK(condition);
}

TEST(CheckTest, WithinAScopeItIsAnException) {
  EXPECT_NO_THROW(check_in_scope(true));
  EXPECT_THROW(check_in_scope(false), CheckFailure);
  EXPECT_THROW(check_in_scope(false), CheckFailure);  // the scope before is over
}

TEST(CheckTest, ItIsCountedAndNamesItsRequest) {
  const std::uint64_t before = broken_invariants();
  testing::internal::CaptureStderr();
  EXPECT_THROW(
      {
        const CheckScope outer("outer");
        {
          const CheckScope inner;
          EXPECT_TRUE(CheckScope::open());
        }
        AQ_CHECK(false);
      },
      CheckFailure);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("broken invariant: false in request outer"),
            std::string::npos);
  EXPECT_EQ(broken_invariants(), before + 1);
  EXPECT_FALSE(CheckScope::open());
  std::string told;
  {
    const CheckReporter reporter([&](std::string_view message) { told = message; });
    EXPECT_THROW(check_in_scope(false), CheckFailure);
  }
  EXPECT_NE(told.find("check_test.cpp"), std::string::npos);
  told.clear();
  EXPECT_THROW(check_in_scope(false), CheckFailure);
  EXPECT_EQ(told, "");
}

TEST(CheckDeathTest, OutsideOfAScopeItIsTheEnd) {
  EXPECT_DEATH(AQ_CHECK(1 + 1 == 3), "check_test.cpp:[0-9]+: broken invariant: 1 \\+ 1 == 3");
}

TEST(CheckDeathTest, AScopeIsOfOneThread) {
  EXPECT_DEATH(
      {
        const CheckScope scope;
        std::thread([] { AQ_CHECK(false); }).join();
      },
      "broken invariant");
}

}  // namespace
}  // namespace aquilon

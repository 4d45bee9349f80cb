#include "hub/retry.h"

#include <gtest/gtest.h>

#include "hub/byte_text.h"

namespace aquilon::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Retry, DelaysGrowAndHeedTheServer) {
  EXPECT_EQ(retry_delay(1, {}), milliseconds(500));
  EXPECT_EQ(retry_delay(2, {}), seconds(1));
  EXPECT_EQ(retry_delay(100, {}), seconds(16));
  EXPECT_EQ(retry_delay(1, seconds(7)), seconds(7));
}

TEST(Retry, ReadsRetryAfter) {
  EXPECT_EQ(parse_retry_after("3"), seconds(3));
  EXPECT_EQ(parse_retry_after("100000"), seconds(300));
  EXPECT_EQ(parse_retry_after("99999999999999999999"), seconds(300));
  for (const char* odd : {"", "-1", "soon", "3x", "Wed, 21 Oct 2026 07:28:00 GMT"})
    EXPECT_EQ(parse_retry_after(odd), milliseconds(0)) << odd;
}

TEST(Retry, WaitingCanBeInterrupted) {
  int asked = 0;
  EXPECT_FALSE(wait_for(seconds(60), [&] { return ++asked < 2; }));
  EXPECT_TRUE(wait_for(milliseconds(1), {}));
}

TEST(ByteText, ThreeDigits) {
  const struct {
    std::uint64_t bytes;
    const char* text;
  } cases[] = {{0, "0 B"},
               {999, "999 B"},
               {1000, "1.00 kB"},
               {98'362'432, "98.4 MB"},
               {1'117'320'768, "1.12 GB"},
               {999'999, "1.00 MB"},
               {123'456'789, "123 MB"},
               {UINT64_MAX, "18.4 EB"}};
  for (const auto& c : cases) EXPECT_EQ(byte_text(c.bytes), c.text);
}

}  // namespace
}  // namespace aquilon::hub

#include "apps/time_text.h"

#include <gtest/gtest.h>

namespace aquilon::apps {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000;
constexpr std::int64_t kDay = 86'400'000;

std::int64_t moment(std::string_view text, int direction = 1) {
  const auto parsed = parse_moment(text, "--expires", direction, kNow);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : -1;
}

TEST(TimeTextTest, ReadsMoments) {
  EXPECT_EQ(moment("1970-01-02"), kDay);
  EXPECT_EQ(moment("2027-01-31"), 1'801'353'600'000);
  EXPECT_EQ(moment("2028-02-29"), moment("2028-02-28") + kDay);
  EXPECT_EQ(moment("2027-01-31T12:30"), moment("2027-01-31") + 45'000'000);
  EXPECT_EQ(moment("2027-01-31 12:30:15Z"), moment("2027-01-31") + 45'015'000);
  EXPECT_EQ(moment("2027-01-31T12:30:15.25z"), moment("2027-01-31") + 45'015'250);
  EXPECT_EQ(moment("2027-01-31T12:30+02:00"), moment("2027-01-31T10:30"));
  EXPECT_EQ(moment("2027-01-31T12:30-0130"), moment("2027-01-31T14:00"));
}

TEST(TimeTextTest, ReadsTimesFromNow) {
  EXPECT_EQ(moment("90s"), kNow + 90'000);
  EXPECT_EQ(moment("45m"), kNow + 2'700'000);
  EXPECT_EQ(moment("12h"), kNow + kDay / 2);
  EXPECT_EQ(moment("2w"), kNow + 14 * kDay);
  EXPECT_EQ(moment("1d", -1), kNow - kDay);
}

TEST(TimeTextTest, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "soon", "d", "-1d", "1.5d", "1y", "99999999d", "2027", "2027-13-01", "2027-02-29",
        "2027-1-31", "2027-01-31T", "2027-01-31T24:00", "2027-01-31T12:30:15.", "2027-01-31x",
        "2027-01-31T12:30+99:00", "2027-01-31T12:30Zx", "27-01-31", "+027-01-31"}) {
    const auto parsed = parse_moment(bad, "--expires", 1, kNow);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_NE(parsed.error().message.find("--expires"), std::string::npos);
  }
}

TEST(TimeTextTest, WritesWhatItReads) {
  EXPECT_EQ(moment_text(0), "1970-01-01T00:00:00.000Z");
  for (const std::int64_t ms : {kNow, kNow + 7, std::int64_t{1'801'353'599'999}})
    EXPECT_EQ(moment(moment_text(ms)), ms);
}

}  // namespace
}  // namespace aquilon::apps

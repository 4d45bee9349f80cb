#include "apps/printable.h"

#include <gtest/gtest.h>

#include "apps/progress_line.h"

namespace aquilon::apps {
namespace {

TEST(Printable, TakesTheTerminalOutOfOthersHands) {
  const struct {
    std::string_view text, line, lines;
  } cases[] = {
      {"plain \xC3\xA9", "plain \xC3\xA9", "plain \xC3\xA9"},
      {"a\x1b[31mb", "a [31mb", "a [31mb"},
      {"a\nb\tc\rd", "a b c d", "a\nb\tc d"},
      {"a\xC2\x9Bx", "a x", "a x"},
      {"a\xE2\x80\xAEx\xE2\x81\xA9y", "a x y", "a x y"},
      {"a\xFFz", "a\xEF\xBF\xBDz", "a\xEF\xBF\xBDz"},
      {"", "", ""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(printable(c.text), c.line);
    EXPECT_EQ(printable(c.text, true), c.lines);
  }
  EXPECT_EQ(valid_utf8("a\x1b\xC3"), "a\x1b\xEF\xBF\xBD");
}

TEST(ProgressText, SaysHowFar) {
  EXPECT_EQ(progress_text("x", 500'000, 1'000'000, 1e5, 200),
            "x [============>           ]  50%  500 kB of 1.00 MB  100 kB/s  5 s left");
  EXPECT_EQ(progress_text("x", 1'000'000, 1'000'000, 0, 200),
            "x [========================] 100%  1.00 MB of 1.00 MB");
  EXPECT_EQ(progress_text("x", 5, 0, 0, 10).size(), 10u);
  EXPECT_NE(progress_text("x", 1, 3'600'000'000'000, 1, 200).find("999 h left"), std::string::npos);
}

}  // namespace
}  // namespace aquilon::apps

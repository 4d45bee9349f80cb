#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace aquilon::text {
namespace {

#define FFFD "\xEF\xBF\xBD"

struct Case {
  const char* name;
  std::string bytes;
  std::string text;
};

// Replacement characters by maximal subparts (Unicode 16, table 3-8 and its neighbours).
const Case kCases[] = {
    {"empty", "", ""},
    {"ascii", "abc", "abc"},
    {"nul", std::string("a\0b", 3), std::string("a\0b", 3)},
    {"all lengths", "a\u00E9\u65E5\U0001F600z", "a\u00E9\u65E5\U0001F600z"},
    {"last of each length", "\x7F\u07FF\uFFFF\U0010FFFF", "\x7F\u07FF\uFFFF\U0010FFFF"},
    {"lone continuation", "a\x80z", "a" FFFD "z"},
    {"overlong slash", "\xC0\xAF", FFFD FFFD},
    {"overlong in three", "\xE0\x80\xAF", FFFD FFFD FFFD},
    {"surrogate", "\xED\xA0\x80", FFFD FFFD FFFD},
    {"above the last", "\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD},
    {"never bytes", "\xFE\xFF\xF5", FFFD FFFD FFFD},
    {"cut by ascii", "\xE6\x97z", FFFD "z"},
    {"cut by a lead", "\xF0\x9F\x98\u65E5", FFFD "\u65E5"},
    {"table 3-8",
     "a\xF1\x80\x80\xE1\x80\xC2"
     "b\x80"
     "c\x80\xBF"
     "d",
     "a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d"},
    {"cut by the end, 2", "a\xC3", "a" FFFD},
    {"cut by the end, 3", "a\xE6\x97", "a" FFFD},
    {"cut by the end, 4", "a\xF0\x9F\x98", "a" FFFD},
};

TEST(Utf8Stream, GivesTheSameTextAtEverySplit) {
  for (const Case& c : kCases) {
    for (std::size_t i = 0; i <= c.bytes.size(); ++i) {
      for (std::size_t j = i; j <= c.bytes.size(); ++j) {
        Utf8Stream stream;
        std::string text = stream.push(std::string_view(c.bytes).substr(0, i));
        text += stream.push(std::string_view(c.bytes).substr(i, j - i));
        text += stream.push(std::string_view(c.bytes).substr(j));
        text += stream.finish();
        EXPECT_EQ(text, c.text) << c.name << ", split at " << i << " and " << j;
      }
    }
  }
}

TEST(Utf8Stream, HoldsBackOnlyWhatIsUnfinished) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xF0"), "a");
  EXPECT_EQ(stream.push("\x9F"), "");
  EXPECT_EQ(stream.push("\x98"), "");
  EXPECT_EQ(stream.push("\x80"
                        "b"),
            "\U0001F600"
            "b");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push("\xE6"), "");
  EXPECT_EQ(stream.push("z"), FFFD "z");
  EXPECT_EQ(stream.push("\xE6\x97"), "");
  EXPECT_EQ(stream.finish(), FFFD);
  EXPECT_EQ(stream.finish(), "");
}

TEST(ByteAlphabet, IsABijectionOfAllBytes) {
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    std::string back = "x";
    ASSERT_TRUE(append_alphabet_bytes(alphabet_form(byte), back));
    EXPECT_EQ(back, "x" + byte);
  }
  EXPECT_EQ(alphabet_form(" \n"), "\u0120\u010A");
}

TEST(ByteAlphabet, RefusesOtherCharactersAndLeavesTheOutput) {
  for (const char* written : {" ", "a\u65E5", "\u0144", "\u00AD", "\xC4", "\xFF", "a\xC4z", "\n"}) {
    std::string out = "x";
    EXPECT_FALSE(append_alphabet_bytes(written, out)) << written;
    EXPECT_EQ(out, "x");
  }
}

}  // namespace
}  // namespace aquilon::text

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "constraint/lexeme_loops_internal.h"
#include "constraint/pattern_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::uint8_t kAny = KindTexts::kAnyLength;
constexpr ByteKinds kOther = kOtherCharacters;

ByteKinds kinds_of(std::string_view bytes) {
  ByteKinds kinds = 0;
  for (const char byte : bytes) kinds |= 1u << ascii_kind(static_cast<unsigned char>(byte));
  return kinds;
}

struct Case {
  const char* pattern;
  bool may_end;
  const char* within;   // bytes whose kinds are told
  const char* without;  // and those whose are not
  ByteKinds more;       // of kLeadingSpace and kOtherCharacters, those that are told
  std::uint8_t length;
};

constexpr Case kCases[] = {
    {"[^/#]+!", false, "azAZ09 -_.", "/#!", kLeadingSpace | kOther, kAny},
    {"[^/#]+", true, "azAZ09 -_.!", "/#", kLeadingSpace | kOther, kAny},
    {"[^/#]+", false, "", "azAZ09/#", 0, 0},  // ends everywhere
    {"\\S*( \\S+)*!", false, "azAZ09-_./", " !", kLeadingSpace | kOther, kAny},
    {"[a-zA-Z]+(\\.[a-zA-Z]+)*@", false, "azAZ", ".@09 -", 0, kAny},
    {"[a-zA-Z0-9.-]{0,60}@", false, "azAZ09.-", "@ ", 0, 24},
    {"[a-zA-Z0-9]{0,9}@", false, "azAZ09", "@ .", 0, 9},
    {"[a-zA-Z0-9]{0,3}@", false, "", "azAZ09@ .", 0, 0},  // too short to be of use
    {"(?:\\S+\\s+){0,40}\\S+!", false, "azAZ09-_./", " !", kOther, kAny},
    {".*(?:aggregate|filter|gate).*", true, "azAZ09 -_./", "\n", kLeadingSpace | kOther, kAny},
    {"true|false|null", false, "", "aetz", 0, 0},
    {"[a-z0-9\\u00e9]+[A-Z]", false, "az0", "AZ ", 0, kAny},  // one beyond ASCII is not all
};

// A random text of the kinds, of at most `length` bytes.
std::string text_of(const KindTexts& texts, std::size_t length, std::mt19937& random) {
  std::vector<std::string> characters;
  for (unsigned byte = 0; byte < 0x80; ++byte)
    if ((texts.kinds >> ascii_kind(static_cast<unsigned char>(byte)) & 1) != 0)
      characters.emplace_back(1, static_cast<char>(byte));
  if ((texts.kinds & kOtherCharacters) != 0)
    characters.insert(characters.end(), {"\u00e9", "\u20ac", "\u65e5", "\U0001F600", "\u0301"});
  std::string text = (texts.kinds & kLeadingSpace) != 0 && random() % 2 == 0 ? " " : "";
  while (true) {
    const std::string& next = characters[random() % characters.size()];
    if (text.size() + next.size() > length) return text;
    text += next;
  }
}

TEST(LexemeLoopsTest, GoOnAfterEveryTextOfTheKinds) {
  RegexStore store;
  LexemeLoops loops(store);
  std::mt19937 random(1);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.pattern);
    const auto lexeme =
        compile_pattern(store, c.pattern, {.spelling = Spelling::kPlain, .search = false});
    ASSERT_TRUE(lexeme.ok()) << lexeme.error().message;
    const KindTexts texts = loops.of(*lexeme, c.may_end);
    EXPECT_EQ(texts.kinds & kinds_of(c.within), kinds_of(c.within));
    EXPECT_EQ(texts.kinds & kinds_of(c.without), 0u);
    EXPECT_EQ(texts.kinds & (kLeadingSpace | kOther), c.more);
    EXPECT_EQ(texts.length, c.length);
    for (int i = 0; i < 200 && texts.kinds != 0; ++i) {
      const std::string text = text_of(texts, std::min<std::size_t>(texts.length, 40), random);
      RegexId state = *lexeme;
      for (const char byte : text) {
        state = store.next(state, static_cast<unsigned char>(byte));
        ASSERT_NE(state, kNothing) << text;
        ASSERT_TRUE(c.may_end || !store.nullable(state)) << text;
      }
    }
  }
}

}  // namespace
}  // namespace aquilon::constraint

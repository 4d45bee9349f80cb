#include <gtest/gtest.h>

#include <random>
#include <string>

#include "constraint/numbers_internal.h"
#include "constraint/pattern_internal.h"

namespace aquilon::constraint {
namespace {

bool matches(RegexStore& store, RegexId id, std::string_view text) {
  for (const char c : text) id = store.next(id, static_cast<unsigned char>(c));
  return store.nullable(id);
}

RegexId plain(RegexStore& store, std::string_view pattern, bool search = false) {
  const auto id = compile_pattern(store, pattern, {.spelling = Spelling::kPlain, .search = search});
  EXPECT_TRUE(id.ok()) << pattern << ": " << id.error().message;
  return id.ok() ? *id : kNothing;
}

TEST(RegexStore, EqualLanguagesOfEqualFormAreOneNumber) {
  RegexStore store;
  EXPECT_EQ(store.literal("abc"), store.concat(store.literal("a"), store.literal("bc")));
  EXPECT_EQ(store.either(store.literal("a"), store.literal("b")),
            store.either(store.literal("b"), store.literal("a")));
  EXPECT_EQ(store.complement(store.complement(store.literal("x"))), store.literal("x"));
  EXPECT_EQ(store.concat(store.literal("a"), kNothing), kNothing);
}

TEST(RegexStore, DeadStatesAreNothing) {
  RegexStore store;
  // Texts of three digits that are no 1xx and no 2xx, and begin with 1 or 2: none.
  const RegexId digits = plain(store, "[0-9]{3}");
  const RegexId low = plain(store, "[12].*");
  const RegexId not_low = store.complement(plain(store, "[12][0-9]{2}"));
  const RegexId both = store.all_of({digits, low, not_low});
  EXPECT_TRUE(store.is_empty(both));
  // After 1 only 17 is left: every other digit is dead at once, not at the end.
  const RegexId one = store.both(digits, plain(store, "17.*|3.*"));
  const RegexId after = store.next(one, '1');
  EXPECT_EQ(store.next(after, '6'), kNothing);
  EXPECT_NE(store.next(after, '7'), kNothing);
  EXPECT_EQ(store.next(one, '2'), kNothing);
}

TEST(RegexStore, CountsAndLists) {
  RegexStore store;
  EXPECT_EQ(store.count_texts(plain(store, "[ab]{2}"), 100), 4u);
  EXPECT_EQ(store.count_texts(plain(store, "a*"), 100), 100u);
  std::vector<std::string> texts;
  EXPECT_TRUE(store.list_texts(plain(store, "yes|no"), 10, texts));
  EXPECT_EQ(texts.size(), 2u);
}

TEST(RegexStore, LiteralsWithoutOneOfThem) {
  RegexStore store;
  std::vector<std::string> texts{"a", "ab", "abc", "abd", "b", "bcd", "c", "cd", ""};
  RegexId left = store.literals(texts);
  EXPECT_EQ(store.without(left, "no"), left);
  EXPECT_EQ(store.without(left, "bc"), left);
  for (const char* const taken : {"abc", "b", "", "a", "cd", "ab", "bcd", "abd", "c"}) {
    left = store.without(left, taken);
    std::erase(texts, taken);
    for (const std::string& text : texts) EXPECT_TRUE(matches(store, left, text)) << text;
    EXPECT_FALSE(matches(store, left, taken)) << taken;
    EXPECT_EQ(store.count_texts(left, 100), texts.size());
  }
  EXPECT_EQ(left, kNothing);
}

TEST(RegexStore, LimitsThatNoTextReachesAreLeftOut) {
  RegexStore store;
  const RegexId character = store.bytes(ByteSet::of('a', 'z'));
  const RegexId quote = store.byte('"');
  const RegexId other = plain(store, "(?:ab){3}c*\"");  // at most seven bytes from any end
  const auto limited = [&](std::uint32_t min, std::uint32_t max) {
    return store.both(other, store.concat(store.repeat(character, min, max), quote));
  };
  EXPECT_EQ(store.without_limit(limited(0, 17), character, quote, 10), other);
  EXPECT_EQ(store.without_limit(limited(0, 16), character, quote, 10), std::nullopt);
  EXPECT_EQ(store.without_limit(limited(1, 17), character, quote, 10), std::nullopt);
  EXPECT_EQ(store.without_limit(other, character, quote, 1), std::nullopt);
}

TEST(RegexStore, LongRepetitionsAreNotUnrolled) {
  RegexStore store;
  const RegexId id = plain(store, "(?:[a-z]{1,50000}-){0,50000}");
  EXPECT_LT(store.size(), 200u);
  EXPECT_TRUE(matches(store, id, "abc-d-"));
  EXPECT_FALSE(matches(store, id, "abc-d"));
}

TEST(RegexStore, StopsAtItsLimits) {
  RegexStore store(2000);
  const RegexId start = plain(store, "(?:a|b)*a(?:a|b){14}");
  std::mt19937 random(3);
  RegexId id = start;
  for (int i = 0; i < 30'000 && !store.exhausted(); ++i) id = store.next(id, "ab"[random() % 2]);
  EXPECT_TRUE(store.exhausted());
  RegexStore other;
  // Of a counted repetition it would be seen at once that nothing is in both.
  std::string far = "(?:a|b)*a";
  for (int i = 0; i < 40; ++i) far += "(?:a|b)";
  const RegexId none = other.both(plain(other, far), plain(other, "[ab]*c"));
  other.meter().allow(100'000);
  EXPECT_TRUE(other.is_empty(none));
  EXPECT_TRUE(other.exhausted());
}

struct PatternCase {
  const char* pattern;
  bool search;
  std::vector<const char*> yes, no;
};

TEST(Pattern, MatchesWhatEcmaDoes) {
  const PatternCase cases[] = {
      {"a", true, {"a", "bab"}, {"", "b"}},
      {"^a", true, {"a", "ab"}, {"ba", ""}},
      {"a$", true, {"a", "ba"}, {"ab"}},
      {"^$", true, {""}, {"a"}},
      {"^(foo|bar)$", true, {"foo", "bar"}, {"foobar", "xfoo"}},
      {"^a|b$", true, {"ax", "xb"}, {"xa", "bx"}},
      {"(^|,)x(,|$)", true, {"x", "a,x", "x,b", "a,x,b"}, {"ax", "xb"}},
      {"^(?!no$)[a-z]+$", true, {"yes", "nope", "n"}, {"no", ""}},
      {"^(?=.*\\d)(?=.*[a-z]).{4,}$", true, {"abc1", "1234a"}, {"abcd", "1234", "a1"}},
      {"a{2,3}", false, {"aa", "aaa"}, {"a", "aaaa"}},
      {"[^@^\\s]+@x", false, {"a@x"}, {"a @x", "@x"}},
      {"[\\w-]+", false, {"a-b_9"}, {"a b", ""}},
      {"\\u00e9|\\x41|\\cA", false, {"\u00e9", "A", "\x01"}, {"e"}},
      {"\\p{Lu}\\p{L}*", false, {"\u00c9t\u00e9", "A"}, {"a"}},
      {".", false, {"x", "\u20ac", "\U0001F600"}, {"\n", "xy", "\u2028"}},
      {"[a-]", false, {"a", "-"}, {"b"}},
      {"x{,2}", false, {"x{,2}"}, {"x"}},
      {"(?:a(?:^b)?c)", true, {"ac"}, {"abc"}},
  };
  for (const PatternCase& c : cases) {
    RegexStore store;
    const RegexId id = plain(store, c.pattern, c.search);
    for (const char* text : c.yes)
      EXPECT_TRUE(matches(store, id, text)) << c.pattern << " " << text;
    for (const char* text : c.no)
      EXPECT_FALSE(matches(store, id, text)) << c.pattern << " " << text;
  }
}

TEST(Pattern, NamesWhatIsWrongOrNotEnforced) {
  const std::pair<const char*, const char*> cases[] = {
      {"(", "'(' without ')'"},     {")", "')' without '('"},           {"[a", "'[' without ']'"},
      {"*", "nothing to repeat"},   {"a**", "nothing to repeat"},       {"\\q", "unknown escape"},
      {"a{3,1}", "out of order"},   {"(a)\\1", "backreference"},        {"(?<=a)b", "lookbehind"},
      {"\\bword", "word boundary"}, {"(?:^a)*", "within a repetition"},
  };
  for (const auto& [pattern, message] : cases) {
    RegexStore store;
    const auto id = compile_pattern(store, pattern, {});
    ASSERT_FALSE(id.ok()) << pattern;
    EXPECT_NE(id.error().message.find(message), std::string::npos) << id.error().message;
  }
}

TEST(Pattern, JsonSpellingIsOneForEachCharacter) {
  RegexStore store;
  const RegexId id = *compile_pattern(store, "^[\"\\\\\\n\\x01/]$", {});
  for (const char* text : {"\\\"", "\\\\", "\\n", "\\u0001", "/"})
    EXPECT_TRUE(matches(store, id, text)) << text;
  for (const char* text : {"\"", "\\", "\\u000a", "\\/", "\\u0022"})
    EXPECT_FALSE(matches(store, id, text)) << text;
}

TEST(Numbers, BoundsAndMultiplesAreThoseOfArithmetic) {
  RegexStore store;
  const NumberTexts numbers(store);
  const char* bounds[] = {"0", "1", "-1", "2.5", "-2.5", "10", "0.05", "-0.05", "99"};
  std::vector<std::string> texts;
  for (int tenths = -1050; tenths <= 1050; tenths += 5) {
    const std::string sign = tenths < 0 ? "-" : "";
    const int size = std::abs(tenths);
    texts.push_back(sign + std::to_string(size / 10) + "." + std::to_string(size % 10));
    if (size % 10 == 0) texts.push_back(sign + std::to_string(size / 10));
  }
  texts.insert(texts.end(), {"0.04", "0.050", "0.0501", "-0.05", "-0.049", "-0", "-0.0", "2.50"});
  for (const char* b : bounds) {
    const Decimal bound = *parse_decimal(b);
    for (const bool exclusive : {false, true}) {
      const RegexId above = numbers.above(bound, exclusive);
      const RegexId below = numbers.below(bound, exclusive);
      for (const std::string& text : texts) {
        const int order = compare(*parse_decimal(text), bound);
        EXPECT_EQ(matches(store, above, text), exclusive ? order > 0 : order >= 0)
            << text << " above " << b << exclusive;
        EXPECT_EQ(matches(store, below, text), exclusive ? order < 0 : order <= 0)
            << text << " below " << b << exclusive;
      }
    }
  }
  const RegexId threes = *numbers.multiple_of(*parse_decimal("0.3"));
  for (int tenths = 0; tenths < 200; ++tenths) {
    const std::string text = std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
    EXPECT_EQ(matches(store, threes, text), tenths % 3 == 0) << text;
    EXPECT_EQ(matches(store, threes, "-" + text + "0"), tenths % 3 == 0) << text;
    EXPECT_FALSE(matches(store, threes, text + "1"));
  }
}

TEST(Numbers, ManyDigitsAreExact) {
  RegexStore store;
  const NumberTexts numbers(store);
  const RegexId above = numbers.above(*parse_decimal("9007199254740993"), true);
  EXPECT_TRUE(matches(store, above, "9007199254740994"));
  EXPECT_FALSE(matches(store, above, "9007199254740993"));
  EXPECT_FALSE(matches(store, above, "9007199254740993.000"));
  EXPECT_TRUE(matches(store, above, "9007199254740993.001"));
  EXPECT_EQ(parse_decimal("1.5e3")->text(), "1500");
  EXPECT_EQ(parse_decimal("-12e-3")->text(), "-0.012");
}

}  // namespace
}  // namespace aquilon::constraint

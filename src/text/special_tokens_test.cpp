#include "text/special_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aquilon::text {
namespace {

using Ids = std::vector<TokenId>;

Ids ids_of(const SpecialTokens& tokens, std::string_view text,
           std::vector<ByteRange> trusted = {}) {
  Ids ids;
  std::size_t end = 0;
  for (const SpecialTokens::Match& m : tokens.find(text, trusted)) {
    EXPECT_GE(m.begin, end);
    EXPECT_LE(m.end, text.size());
    end = m.end;
    ids.push_back(m.id);
  }
  return ids;
}

TEST(SpecialTokens, MatchesControlTokensOnlyWithinTrust) {
  const SpecialTokens tokens({{"<end>", 1, false}, {"<tool>", 2, true}});
  const std::string text = "<end><tool><end>";
  EXPECT_EQ(ids_of(tokens, text), (Ids{2}));
  EXPECT_EQ(ids_of(tokens, text, {{0, 5}}), (Ids{1, 2}));
  EXPECT_EQ(ids_of(tokens, text, {{1, 16}}), (Ids{2, 1}));
  EXPECT_EQ(ids_of(tokens, text, {{0, 4}, {11, 15}}), (Ids{2}));  // each one byte short
  EXPECT_EQ(ids_of(tokens, text, {{0, 2}, {2, 5}}), (Ids{2}));    // a token over two ranges
  EXPECT_EQ(ids_of(tokens, text, {{0, 5}, {11, 16}}), (Ids{1, 2, 1}));
  EXPECT_TRUE(tokens.any_for_untrusted());
  EXPECT_FALSE(SpecialTokens({{"<end>", 1, false}}).any_for_untrusted());
}

TEST(SpecialTokens, UntrustedTextCannotCompleteATrustedBeginning) {
  const SpecialTokens tokens({{"<|im_end|>", 1, false}});
  const std::string text = "<|im_end|>";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    EXPECT_EQ(ids_of(tokens, text, {{0, cut}}), Ids{}) << cut;
    EXPECT_EQ(ids_of(tokens, text, {{cut, text.size()}}), Ids{}) << cut;
  }
}

TEST(SpecialTokens, PrefersTheLongestThenTheLeftmost) {
  const SpecialTokens tokens(
      {{"ab", 1, true}, {"abc", 2, true}, {"bcde", 3, true}, {"  ", 4, true}, {"    ", 5, true}});
  EXPECT_EQ(ids_of(tokens, "xabx"), (Ids{1}));
  EXPECT_EQ(ids_of(tokens, "abcx"), (Ids{2}));
  EXPECT_EQ(ids_of(tokens, "abcde"), (Ids{3}));  // longer, though "abc" begins before it
  EXPECT_EQ(ids_of(tokens, "ababcdeab"), (Ids{1, 3, 1}));
  EXPECT_EQ(ids_of(tokens, "       "), (Ids{5, 4}));
}

TEST(SpecialTokens, GoesFromLeftToRightOnRequest) {
  const SpecialTokens tokens(
      {{"ab", 1, true}, {"abc", 2, true}, {"bcde", 3, true}, {"c", 4, false}});
  Ids ids;
  for (const auto& match : tokens.find_leftmost("abcdeabbcdec")) ids.push_back(match.id);
  EXPECT_EQ(ids, (Ids{2, 1, 3}));
}

TEST(SpecialTokens, TrustDecidesBeforeLength) {
  const SpecialTokens tokens({{"<a>", 1, true}, {"<a>b", 2, false}, {"a>bcd", 3, false}});
  EXPECT_EQ(ids_of(tokens, "<a>bcd"), (Ids{1}));
  EXPECT_EQ(ids_of(tokens, "<a>bcd", {{0, 4}}), (Ids{2}));
  EXPECT_EQ(ids_of(tokens, "<a>bcd", {{0, 6}}), (Ids{3}));
}

TEST(SpecialTokens, AnyBytesMayStandInTokens) {
  const SpecialTokens tokens({{std::string("\0\xFF", 2), 1, true}, {"\xFF", 2, true}});
  EXPECT_EQ(ids_of(tokens, std::string("a\0\xFF\xFF", 4)), (Ids{1, 2}));
  EXPECT_EQ(ids_of(SpecialTokens({}), "abc", {{0, 3}}), Ids{});
}

}  // namespace
}  // namespace aquilon::text

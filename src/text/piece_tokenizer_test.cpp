#include "text/piece_tokenizer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "text/tokenizer_cases_for_test.h"
#include "text/tokenizer_tables_internal.h"

namespace aquilon::text {
namespace {

using Ids = std::vector<TokenId>;

// Ids: 0 <unk>, 1 <s>, 2 the space, 3 a, 4 b, 5 c, 6 ab, 7 bc, 8 a space and a, 9 <tool>, 10 a
// space and ab. Better scores first: ab -1, bc -2, "▁a" -3, "▁ab" -4.
PieceSpec small_spec() {
  PieceSpec spec;
  const auto add = [&](const char* token, float score, TokenKind kind = TokenKind::kNormal) {
    spec.tokens.emplace_back(token);
    spec.scores.push_back(score);
    spec.kinds.push_back(kind);
  };
  add("<unk>", 0, TokenKind::kUnknown);
  add("<s>", 0, TokenKind::kControl);
  add("\u2581", -10);
  add("a", -11);
  add("b", -12);
  add("c", -13);
  add("ab", -1);
  add("bc", -2);
  add("\u2581a", -3);
  add("<tool>", 0, TokenKind::kUserDefined);
  add("\u2581ab", -4);
  spec.unknown = 0;
  return spec;
}

std::unique_ptr<Tokenizer> make(PieceSpec spec) {
  auto made = make_piece_tokenizer(std::move(spec));
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return std::move(made).value();
}

TEST(PieceTokenizer, JoinsByScoreLeftmostFirst) {
  const auto t = make(small_spec());
  EXPECT_EQ(t->encode("ab"), (Ids{10}));
  EXPECT_EQ(t->encode("abc"), (Ids{10, 5}));
  EXPECT_EQ(t->encode("bc bc"), (Ids{2, 7, 2, 7}));
  EXPECT_EQ(t->encode(""), Ids{});
  EXPECT_EQ(t->encode(" ab"), (Ids{2, 10}));
  EXPECT_EQ(decode(*t, t->encode("abc  bc")), "abc  bc");
  EXPECT_TRUE(t->traits().space_in_front);
}

TEST(PieceTokenizer, PutsASpaceInFrontWhereItIsAsked) {
  PieceSpec spec = small_spec();
  const std::string text = "a<s>a<s> a";
  spec.space = SpaceInFront::kNever;
  EXPECT_EQ(make(spec)->encode_trusted(text), (Ids{3, 1, 3, 1, 8}));
  spec.space = SpaceInFront::kEverywhere;
  EXPECT_EQ(make(spec)->encode_trusted(text), (Ids{8, 1, 8, 1, 2, 8}));
  spec.space = SpaceInFront::kUnlessThere;
  EXPECT_EQ(make(spec)->encode_trusted(text), (Ids{8, 1, 8, 1, 8}));
  spec.space = SpaceInFront::kAtStart;
  EXPECT_EQ(make(spec)->encode_trusted(text), (Ids{8, 1, 3, 1, 8}));
  EXPECT_EQ(make(spec)->encode_trusted("<s>a"), (Ids{1, 3}));
}

TEST(PieceTokenizer, MatchesUserDefinedTokensInAnyTextAndControlOnlyInTrusted) {
  PieceSpec spec = small_spec();
  spec.space = SpaceInFront::kNever;
  const auto t = make(spec);
  EXPECT_EQ(t->encode("a<tool>b"), (Ids{3, 9, 4}));
  EXPECT_EQ(t->encode("<s>"), (Ids{0}));  // one unknown token for the three characters
  EXPECT_EQ(t->encode_trusted("<s>a"), (Ids{1, 3}));
  EXPECT_EQ(t->find_token("<s>"), 1);
  EXPECT_EQ(t->find_token("\u2581ab"), 10);
}

TEST(PieceTokenizer, SaysUnknownOnceForARun) {
  PieceSpec spec = small_spec();
  spec.space = SpaceInFront::kNever;
  EXPECT_EQ(make(spec)->encode("xyz a\u65E5\xFFx"), (Ids{0, 8, 0}));
  spec.fuse_unknown = false;
  EXPECT_EQ(make(spec)->encode("xy"), (Ids{0, 0}));
  spec.unknown = -1;
  EXPECT_EQ(make(spec)->encode("xay"), (Ids{3}));
}

TEST(PieceTokenizer, FallsBackToBytes) {
  PieceSpec spec = small_spec();
  for (int b = 0; b < 256; ++b) {
    spec.tokens.push_back(fmt::format("<0x{:02X}>", b));
    spec.scores.push_back(0);
    spec.kinds.push_back(TokenKind::kByte);
  }
  const auto t = make(spec);
  const TokenId zero = t->find_token("<0x00>");
  EXPECT_EQ(zero, 11);
  EXPECT_EQ(t->encode("a\n\xFF\u00E9"), (Ids{8, 11 + 10, 11 + 0xFF, 11 + 0xC3, 11 + 0xA9}));
  std::string all;
  for (int i = 0; i < 512; ++i) all.push_back(static_cast<char>(i * 7));
  for (const std::string& bytes :
       {all, std::string("\0", 1), std::string("\xE6\x97"), all + "\xF0"})
    EXPECT_EQ(decode(*t, t->encode(bytes)), bytes);
  spec.tokens.back() = "<0xfg>";
  const auto bad = make_piece_tokenizer(spec);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("byte token 266 is written '<0xfg>'"), std::string::npos);
}

TEST(PieceTokenizer, TakesUnusedTokensApart) {
  PieceSpec spec = small_spec();
  spec.space = SpaceInFront::kNever;
  spec.kinds[6] = TokenKind::kUnused;  // ab
  EXPECT_EQ(make(spec)->encode("ab ab"), (Ids{3, 4, 10}));
}

TEST(PieceTokenizer, JoinsCharactersThatAreNoTokens) {
  PieceSpec spec = small_spec();
  spec.space = SpaceInFront::kNever;
  spec.tokens.insert(spec.tokens.end(), {"\u65E5\u672C", "\u65E5\u672Ca", "x y"});
  spec.scores.insert(spec.scores.end(), {-5, -6, -7});
  spec.kinds.resize(spec.tokens.size(), TokenKind::kNormal);
  EXPECT_EQ(make(spec)->encode("\u65E5\u672C\u65E5\u672Ca\u65E5"), (Ids{11, 12, 0}));
  EXPECT_EQ(make(spec)->encode("x y"), (Ids{0, 2, 0}));  // no way to "x y" by pairs
}

TEST(PieceTokenizer, KeepsTokensThatGoOverASpace) {
  PieceSpec spec = small_spec();
  spec.space = SpaceInFront::kNever;
  spec.tokens.insert(spec.tokens.end(), {"b\u2581a"});
  spec.scores.push_back(-2.5F);
  spec.kinds.push_back(TokenKind::kNormal);
  EXPECT_EQ(make(spec)->encode("b a a b a"), (Ids{11, 8, 2, 11}));
}

TEST(PieceTokenizer, JoinsByListWhereOneIsGiven) {
  PieceSpec spec = small_spec();
  spec.space = SpaceInFront::kNever;
  spec.has_merges = true;
  spec.scores.clear();
  spec.merges = {{"b", "c"}, {"a", "b"}};
  EXPECT_EQ(make(spec)->encode("abc ab"), (Ids{3, 7, 2, 6}));
  spec.merges.emplace_back("a", "x");
  const auto bad = make_piece_tokenizer(spec);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("merge 2 ('a' and 'x')"), std::string::npos);
}

TEST(PieceTokenizer, RefusesScoresThatAreNone) {
  PieceSpec spec = small_spec();
  spec.scores.pop_back();
  auto bad = make_piece_tokenizer(spec);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("11 tokens but 10 scores"), std::string::npos);
  spec.scores.push_back(std::nanf(""));
  bad = make_piece_tokenizer(spec);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("token 10 has the score nan"), std::string::npos);
}

// The file of a folder with what one of its styles has.
boost::json::object file_of_style(const std::string& folder, const std::string& style) {
  auto root = boost::json::parse(*read_file(folder + "tokenizer.json")).as_object();
  const auto styles = boost::json::parse(*read_file(folder + "styles.json"));
  for (const auto& entry : styles.at(style).as_object()) root[entry.key()] = entry.value();
  return root;
}

// Each line of the folder's texts is encoded as the style's column has it. Gives the lines.
std::vector<boost::json::object> expect_vectors(const Tokenizer& tokenizer,
                                                const std::string& folder,
                                                const std::string& style) {
  auto rows = read_lines_for_test(folder + "vectors.jsonl");
  EXPECT_GT(rows.size(), 50u);
  for (const auto& row : rows) {
    const std::string text = string_for_test(row.at("text"));
    EXPECT_EQ(tokenizer.encode(text), numbers_for_test<TokenId>(row.at(style))) << text;
  }
  return rows;
}

class StyleTest : public ::testing::TestWithParam<const char*> {};

// tokenizer.json of this kind, with each way of treating spaces.
TEST_P(StyleTest, GivesTheIdsOfTokenizers) {
  const std::string style = GetParam();
  const std::string folder = test_data_for_test("pieces-json/");
  const auto made = read_tokenizer_file(boost::json::serialize(file_of_style(folder, style)));
  ASSERT_TRUE(made.ok()) << made.error().message;
  for (const auto& row : expect_vectors(**made, folder, style)) {
    const std::string text = string_for_test(row.at("text"));
    if (const auto* trusted = row.if_contains(style + " trusted")) {
      EXPECT_EQ((*made)->encode_trusted(text), numbers_for_test<TokenId>(*trusted)) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(PieceTokenizer, StyleTest,
                         ::testing::Values("prepend", "gemma", "first", "always", "split"));

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      out += i + j <= bytes.size() ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

class UnigramStyleTest : public ::testing::TestWithParam<const char*> {};

// tokenizer.json with a unigram model, with each way of normalising and of cutting words.
TEST_P(UnigramStyleTest, GivesTheIdsOfTokenizers) {
  const std::string style = GetParam();
  const std::string folder = test_data_for_test("unigram-json/");
  boost::json::object root = file_of_style(folder, style);
  root["model"].as_object()["byte_fallback"] = root["byte_fallback"];
  std::string file = boost::json::serialize(root);
  const std::string stands_for = "\"spm-unigram\"";
  if (const auto at = file.find(stands_for); at != file.npos) {
    const std::string model = *read_file(test_data_for_test("spm-unigram/tokenizer.model"));
    const PieceSpec spec = read_sentencepiece_spec(model, std::size_t(-1)).value();
    file.replace(at, stands_for.size(), '"' + to_base64(spec.charsmap) + '"');
  }
  const auto made = read_tokenizer_file(file);
  ASSERT_TRUE(made.ok()) << made.error().message;
  expect_vectors(**made, folder, style);
}

INSTANTIATE_TEST_SUITE_P(PieceTokenizer, UnigramStyleTest,
                         ::testing::Values("plain", "trained", "t5", "converted", "albert",
                                           "bytes"));

}  // namespace
}  // namespace aquilon::text

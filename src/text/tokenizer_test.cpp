#include "text/tokenizer.h"

#include <gtest/gtest.h>
#include <time.h>

#include <string>
#include <utility>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/normal_form_internal.h"
#include "text/tokenizer_cases_for_test.h"

namespace aquilon::text {
namespace {

using Ids = std::vector<TokenId>;

// Ids 0 to 255 are the bytes; then "he", "Ġt", "the", a control, a user-defined and an unused
// token.
BpeSpec small_spec() {
  BpeSpec spec;
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    spec.tokens.push_back(alphabet_form({&byte, 1}));
  }
  spec.kinds.assign(256, TokenKind::kNormal);
  const auto add = [&](const char* token, TokenKind kind) {
    spec.tokens.emplace_back(token);
    spec.kinds.push_back(kind);
  };
  add("he", TokenKind::kNormal);           // 256
  add("\u0120t", TokenKind::kNormal);      // 257
  add("the", TokenKind::kNormal);          // 258: no merge makes it
  add("<end>", TokenKind::kControl);       // 259
  add("<tool>", TokenKind::kUserDefined);  // 260
  add("[pad]", TokenKind::kUnused);        // 261
  spec.merges = {"h e", "\u0120 t"};
  spec.pre = "gpt-2";
  return spec;
}

std::unique_ptr<Tokenizer> make(BpeSpec spec) {
  auto made = make_bpe_tokenizer(std::move(spec));
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return std::move(made).value();
}

void expect_error(BpeSpec spec, Code code, std::string_view part) {
  const auto made = make_bpe_tokenizer(std::move(spec));
  ASSERT_FALSE(made.ok()) << part;
  EXPECT_EQ(made.error().code, code);
  EXPECT_NE(made.error().message.find(part), std::string::npos) << made.error().message;
}

class FixtureTest : public ::testing::TestWithParam<const char*> {};

TEST_P(FixtureTest, GivesTheIdsOfTokenizers) {
  const std::string folder = GetParam();
  const auto tokenizer = load_json_for_test(folder + "/tokenizer.json");
  const auto rows = read_lines_for_test(test_data_for_test(folder + "/vectors.jsonl"));
  ASSERT_GT(rows.size(), 50u);
  for (const auto& row : rows) {
    const std::string text = string_for_test(row.at("text"));
    const Ids ids = tokenizer->encode(text);
    EXPECT_EQ(ids, numbers_for_test<TokenId>(row.at("ids"))) << text;
    EXPECT_EQ(decode(*tokenizer, ids), text);
    const Ids trusted = tokenizer->encode_trusted(text);
    EXPECT_EQ(trusted, numbers_for_test<TokenId>(row.at("trusted"))) << text;
    EXPECT_EQ(decode(*tokenizer, trusted, true), text);
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, FixtureTest, ::testing::Values("tiny-bpe", "small-bpe"));

TEST(Tokenizer, DescribesItsVocabulary) {
  const auto t = make(small_spec());
  EXPECT_EQ(t->vocab_size(), 262u);
  EXPECT_EQ(t->token_bytes(257), " t");
  EXPECT_EQ(t->token_bytes(259), "<end>");
  EXPECT_EQ(t->token_bytes(-1), "");
  EXPECT_EQ(t->token_bytes(262), "");
  EXPECT_EQ(t->kind(259), TokenKind::kControl);
  EXPECT_EQ(t->kind(260), TokenKind::kUserDefined);
  EXPECT_EQ(t->find_token("<end>"), 259);
  EXPECT_EQ(t->find_token("\u0120t"), 257);
  EXPECT_EQ(t->find_token(" t"), -1);  // bytes are no written form
  EXPECT_EQ(t->find_token(""), -1);
}

TEST(Tokenizer, KeepsControlTokensOutOfUntrustedText) {
  const auto t = make(small_spec());
  const Ids spelled = {'<', 'e', 'n', 'd', '>'};
  EXPECT_EQ(t->encode("<end>"), spelled);
  EXPECT_EQ(t->encode_trusted("<end>"), (Ids{259}));
  EXPECT_EQ(t->encode("<tool>"), (Ids{260}));
  EXPECT_EQ(t->encode_trusted("[pad]").size(), 5u);
  const ByteRange second{5, 10};
  Ids both = spelled;
  both.push_back(259);
  EXPECT_EQ(t->encode("<end><end>", {&second, 1}), both);
  EXPECT_EQ(decode(*t, both), "<end>");
  EXPECT_EQ(decode(*t, both, true), "<end><end>");
}

TEST(Tokenizer, TakesAWholePieceOnlyWhereMergesAreIgnored) {
  BpeSpec spec = small_spec();
  EXPECT_EQ(make(spec)->encode("the the"), (Ids{'t', 256, 257, 256}));
  spec.ignore_merges = true;
  EXPECT_EQ(make(spec)->encode("the the"), (Ids{258, 257, 256}));
  // ... and never a token of another kind.
  spec.kinds[258] = TokenKind::kControl;
  EXPECT_EQ(make(spec)->encode("the"), (Ids{'t', 256}));
}

TEST(Tokenizer, NoMergeMakesAControlToken) {
  BpeSpec spec = small_spec();
  spec.kinds[256] = TokenKind::kControl;
  EXPECT_EQ(make(spec)->encode("he"), (Ids{'h', 'e'}));
}

TEST(Tokenizer, CarriesAnyBytes) {
  const auto t = make(small_spec());
  std::string all;
  for (int i = 0; i < 512; ++i) all.push_back(static_cast<char>(i * 7));
  for (const std::string& bytes :
       {all, std::string("\0", 1), std::string("\xE6\x97"), all + "\xF0"}) {
    EXPECT_EQ(decode(*t, t->encode(bytes)), bytes);
    EXPECT_EQ(decode(*t, t->encode_trusted(bytes)), bytes);
  }
}

TEST(Tokenizer, LeavesOutBytesWithoutAToken) {
  BpeSpec spec = small_spec();
  spec.tokens[4] = "[4]";
  const auto t = make(spec);
  EXPECT_EQ(t->encode("a\x04"
                      "b"),
            (Ids{'a', 'b'}));
  EXPECT_EQ(t->encode("\x04"), Ids{});
}

TEST(Tokenizer, AllowsHolesInTheVocabulary) {
  BpeSpec spec = small_spec();
  spec.tokens.insert(spec.tokens.end(), 2, "");
  spec.kinds.insert(spec.kinds.end(), 2, TokenKind::kControl);
  EXPECT_EQ(make(spec)->encode_trusted("he"), (Ids{256}));
}

TEST(Tokenizer, RefusesBrokenVocabularies) {
  BpeSpec spec = small_spec();
  spec.tokens[258] = "he";
  expect_error(spec, Code::kCorrupt, "'he' stands in the vocabulary twice, as 256 and 258");
  spec.tokens[258] = "<end>";  // the same written form, one in the alphabet and one not
  expect_error(spec, Code::kCorrupt, "'<end>' stands in the vocabulary twice");

  spec = small_spec();
  spec.kinds.pop_back();
  expect_error(spec, Code::kCorrupt, "262 tokens but 261 token kinds");

  spec = small_spec();
  spec.tokens[258] = std::string(64 * 1024 + 1, 'x');
  expect_error(spec, Code::kCorrupt, "token 258");
  spec.tokens[258].pop_back();
  EXPECT_TRUE(make_bpe_tokenizer(spec).ok());

  spec = small_spec();
  spec.pre = "no such";
  expect_error(spec, Code::kUnsupported, "'no such'");
}

TEST(Tokenizer, RefusesBrokenMerges) {
  const std::pair<const char*, const char*> cases[] = {
      {"he", "not two tokens"},          {"", "not two tokens"},
      {" ", "not two tokens"},           {"he ", "not two tokens"},
      {"xx e", "left token is not in"},  {"e xx", "right token is not in"},
      {"e e", "joined token is not in"}, {"\u65E5 e", "left token is not in"},
  };
  for (const auto& [merge, message] : cases) {
    BpeSpec spec = small_spec();
    spec.merges.emplace_back(merge);
    expect_error(spec, Code::kCorrupt, std::string("merge 2 ('") + merge + "')");
    expect_error(spec, Code::kCorrupt, message);
  }
}

TEST(Tokenizer, MergesWithUserDefinedTokens) {
  BpeSpec spec = small_spec();
  spec.tokens.emplace_back("<tool>he");
  spec.kinds.push_back(TokenKind::kNormal);
  spec.merges.emplace_back("<tool> he");
  EXPECT_EQ(make(spec)->encode("<tool>he"), (Ids{260, 256}));  // matched before any merge
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

// Time of `text` repeated to n bytes, in processor seconds of this thread.
double encode_seconds(const Tokenizer& t, std::string_view text, std::size_t n) {
  std::string input;
  while (input.size() < n) input += text;
  timespec begin, end;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  const Ids ids = t.encode_trusted(input);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  EXPECT_EQ(decode(t, ids, true), input);
  return static_cast<double>(end.tv_sec - begin.tv_sec) +
         static_cast<double>(end.tv_nsec - begin.tv_nsec) * 1e-9;
}

class HostileTest : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileTest, TakesLinearTime) {
  const auto made = read_tokenizer_file(*read_file(test_data_for_test(GetParam())));
  ASSERT_TRUE(made.ok()) << made.error().message;
  constexpr std::size_t kMiB = kSanitized ? 1 << 17 : 1 << 20;
  const std::pair<const char*, std::size_t> cases[] = {
      {"a", kMiB},           {" ", kMiB},
      {"7", kMiB},           {"\n", kMiB},
      {"ab", kMiB / 4},      {"the", kMiB / 4},
      {" \n", kMiB / 4},     {"\u0301", kMiB / 4},
      {"\u65E5", kMiB / 4},  {"!", kMiB / 4},
      {"'", kMiB / 4},       {"<", kMiB / 4},
      {"A\u0301", kMiB / 4}, {"aAAAAAAAA", kMiB / 4},
      {"<|im_", kMiB / 4},   {"<|im_end|>", kMiB / 4},
      {"<tool>", kMiB / 4},  {"<too", kMiB / 4},
      {"\xFF", kMiB / 4},    {"\xF0\x9F", kMiB / 4},
  };
  for (const auto& [unit, bytes] : cases) {
    // Usually under 0.1 s; what grows with the square takes minutes.
    EXPECT_LT(encode_seconds(**made, unit, bytes), 20) << unit;
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, HostileTest,
                         ::testing::Values("small-bpe/tokenizer.json", "tekken/tekken.json",
                                           "spm-bpe/tokenizer.model"));

TEST(NormalForm, ComposesAndLeavesBrokenBytes) {
  EXPECT_TRUE(is_surely_nfc("plain \u00E9"));
  EXPECT_FALSE(is_surely_nfc("e\u0301"));
  EXPECT_EQ(to_nfc("e\u0301\xFF"
                   "e\u0301 \xE6\x97"),
            "\u00E9\xFF\u00E9 \xE6\x97");
  EXPECT_EQ(to_nfc("\u1100\u1161\u11A8\u212B"), "\uAC01\u00C5");
  std::string long_text, want;
  for (int i = 0; i < 300000; ++i) {
    long_text += "e\u0301\u65E5";
    want += "\u00E9\u65E5";
  }
  EXPECT_EQ(to_nfc(long_text), want);
}

TEST(Tokenizer, NormalisesWhereTheFileSaysSo) {
  BpeSpec spec = small_spec();
  EXPECT_EQ(make(spec)->encode("e\u0301"), (Ids{'e', 0xCC, 0x81}));
  spec.nfc = true;
  EXPECT_EQ(make(spec)->encode("e\u0301"), (Ids{0xC3, 0xA9}));
}

}  // namespace
}  // namespace aquilon::text

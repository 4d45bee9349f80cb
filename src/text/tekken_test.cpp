// tekken.json: the ids of tiktoken and of Mistral's own vectors, and broken files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "text/tekken_for_test.h"
#include "text/tokenizer_cases_for_test.h"

namespace aquilon::text {
namespace {

namespace json = boost::json;
using Ids = std::vector<TokenId>;

json::object small_json() {
  return json::parse(*read_file(test_data_for_test("tekken/tekken.json"))).as_object();
}

TEST(Tekken, GivesTheIdsOfTiktoken) {
  const auto made = read_tokenizer_file(*read_file(test_data_for_test("tekken/tekken.json")));
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Tokenizer& t = **made;
  const auto rows = read_lines_for_test(test_data_for_test("tekken/vectors.jsonl"));
  ASSERT_GT(rows.size(), 200u);
  for (const auto& row : rows) {
    const std::string text = string_for_test(row.at("text"));
    const Ids ids = t.encode(text);
    EXPECT_EQ(ids, numbers_for_test<TokenId>(row.at("ids"))) << text;
    EXPECT_EQ(decode(t, ids), text);
  }
}

TEST(Tekken, PutsSpecialTokensInFront) {
  const auto made = read_tekken(json::serialize(small_json()));
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Tokenizer& t = **made;
  EXPECT_EQ(t.vocab_size(), 540u);
  EXPECT_EQ(t.traits().mistral_version, "v7");
  EXPECT_EQ(t.traits().bos, 1);
  EXPECT_EQ(t.traits().eos, 2);
  EXPECT_FALSE(t.traits().space_in_front);
  EXPECT_EQ(t.find_token("[SYSTEM_PROMPT]"), 17);
  EXPECT_EQ(t.find_token("<SPECIAL_39>"), 39);
  EXPECT_EQ(t.kind(39), TokenKind::kControl);
  EXPECT_EQ(t.encode("[INST]").size(), 6u);  // text, byte for byte
  EXPECT_EQ(t.encode_trusted("[INST]"), Ids{3});
}

TEST(Tekken, ReadsTheListOfSpecialTokens) {
  json::object root = small_json();
  root["config"].as_object()["version"] = "v13";
  root["special_tokens"] = json::parse(
      R"([{"rank": 0, "token_str": "<unk>", "is_control": true},
          {"rank": 1, "token_str": "<s>", "is_control": true},
          {"rank": 7, "token_str": "[THINK]", "is_control": true}])");
  const auto made = read_tekken(json::serialize(root));
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ((*made)->find_token("[THINK]"), 7);
  EXPECT_EQ((*made)->find_token("[INST]"), -1);
  EXPECT_EQ((*made)->traits().mistral_version, "v13");
}

TEST(Tekken, TokensBeyondALimitAreNone) {
  const std::string text = json::serialize(small_json());
  const auto whole = read_tekken(text);
  TokenId last = 539;  // that a text is one of
  while ((*whole)->encode((*whole)->token_bytes(last)) != Ids{last}) --last;
  const auto limit = static_cast<std::size_t>(last);
  const auto cut = read_tekken(text, limit);
  ASSERT_TRUE(cut.ok()) << cut.error().message;
  EXPECT_EQ((*cut)->vocab_size(), limit);
  EXPECT_EQ((*cut)->traits().left_out, 540 - limit);
  const std::string bytes((*whole)->token_bytes(last));
  EXPECT_GT((*cut)->encode(bytes).size(), 1u);
  EXPECT_EQ(decode(**cut, (*cut)->encode(bytes)), bytes);
  EXPECT_FALSE(read_tekken(text, 200).ok());
}

void expect_error(const json::object& root, Code code, std::string_view part) {
  const auto made = read_tekken(json::serialize(root));
  ASSERT_FALSE(made.ok()) << part;
  EXPECT_EQ(made.error().code, code) << made.error().message;
  EXPECT_NE(made.error().message.find(part), std::string::npos) << made.error().message;
}

TEST(Tekken, NamesWhatIsWrongWithAFile) {
  const auto with = [](std::string_view parent, std::string_view key, json::value value) {
    json::object root = small_json();
    (parent.empty() ? root : root[parent].as_object())[key] = std::move(value);
    return root;
  };
  const auto token = [](std::int64_t rank, const char* bytes) {
    json::object root = small_json();
    root["vocab"].as_array()[300] =
        json::object{{"rank", rank}, {"token_bytes", bytes}, {"token_str", nullptr}};
    return root;
  };
  expect_error({}, Code::kCorrupt, "'config' is missing");
  expect_error(with("config", "pattern", "x+"), Code::kUnsupported, "the pattern 'x+'");
  expect_error(with("config", "version", "v11"), Code::kCorrupt, "version 'v11' lists no special");
  expect_error(with("config", "default_vocab_size", -1), Code::kCorrupt, "'default_vocab_size'");
  expect_error(with("config", "default_vocab_size", 9223372036854775807), Code::kCorrupt,
               "'default_vocab_size'");
  expect_error(with("config", "default_vocab_size", 541), Code::kCorrupt, "at least 501 tokens");
  expect_error(with("config", "default_num_special_tokens", 300), Code::kCorrupt,
               "no room for 300");
  expect_error(with("", "vocab", nullptr), Code::kCorrupt, "'vocab' is not an array");
  expect_error(with("config", "version", 5), Code::kCorrupt,
               "'config.version' is 5, a text such as");
  expect_error(with("config", "version", nullptr), Code::kCorrupt, "'config.version' is missing");
  expect_error(with("", "special_tokens", json::array{}), Code::kCorrupt,
               "'special_tokens' is an empty list");
  expect_error(with("", "special_tokens", "x"), Code::kCorrupt, "'special_tokens' is not an array");
  expect_error(with("", "special_tokens", json::array{1}), Code::kCorrupt, "not an object");
  expect_error(
      with("", "special_tokens",
           json::parse(R"([{"rank": 1, "token_str": "a"}, {"rank": 1, "token_str": "b"}])")),
      Code::kCorrupt, "special token 'b'");
  expect_error(with("", "special_tokens", json::parse(R"([{"rank": 40, "token_str": "a"}])")),
               Code::kCorrupt, "special token 'a'");
  expect_error(token(299, "YWI="), Code::kCorrupt, "token 300 of 'vocab'");
  expect_error(token(300, "YWI"), Code::kCorrupt, "token 300 of 'vocab'");
  expect_error(token(300, "Y*I="), Code::kCorrupt, "token 300 of 'vocab'");
  expect_error(token(300, "YWJ="), Code::kCorrupt, "token 300 of 'vocab'");  // bits left over
  expect_error(token(300, "YQ=="), Code::kCorrupt, "stands in the vocabulary twice");
  const std::string text = json::serialize(small_json());
  const auto cut = read_tekken(text.substr(0, text.size() / 2));
  ASSERT_FALSE(cut.ok());
  EXPECT_NE(cut.error().message.find("tekken.json: not valid JSON"), std::string::npos);
}

TEST(Tekken, EqualsEveryGoldenVector) {
  const std::string ranks = tekken_ranks_for_test();
  const std::string golden = shared_tokenizer_for_test("golden_tekken.json");
  for (const std::string& needed : {ranks, golden})
    if (!std::filesystem::exists(needed)) GTEST_SKIP() << "needs " << needed;
  const auto made = read_tekken(tekken_json_for_test("v3", {}));
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Tokenizer& t = **made;
  std::size_t count = 0;
  const auto cases = boost::json::parse(*read_file(golden));
  for (const auto& row : cases.at("cases").as_array()) {
    const std::string text = string_for_test(row.at("text"));
    const Ids ids = t.encode(text);
    EXPECT_EQ(ids, numbers_for_test<TokenId>(row.at("tekken"))) << text;
    EXPECT_EQ(decode(t, ids), text);
    ++count;
  }
  EXPECT_EQ(count, 78u);
  EXPECT_EQ(t.encode_trusted("<s>[INST]Hello, how are you?[/INST]"),
            (Ids{1, 3, 22177, 1044, 2606, 1584, 1636, 1063, 4}));
  EXPECT_EQ(t.encode("Plz tekkenize me"), (Ids{4444, 1122, 16058, 3569, 2033, 1639}));
}

}  // namespace
}  // namespace aquilon::text

// SentencePiece's files: the ids of its own library, and broken files.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "text/tekken_for_test.h"
#include "text/tokenizer_cases_for_test.h"

namespace aquilon::text {
namespace {

using Ids = std::vector<TokenId>;

std::unique_ptr<Tokenizer> load(const std::string& path) {
  auto made = read_tokenizer_file(*read_file(path));
  EXPECT_TRUE(made.ok()) << path << ": " << (made.ok() ? "" : made.error().message);
  return made.ok() ? std::move(made).value() : nullptr;
}

class SpmFixture : public ::testing::TestWithParam<const char*> {};

TEST_P(SpmFixture, GivesTheIdsOfSentencePiece) {
  const std::string folder = test_data_for_test(GetParam());
  const auto tokenizer = load(folder + "/tokenizer.model");
  ASSERT_TRUE(tokenizer);
  const auto rows = read_lines_for_test(folder + "/vectors.jsonl");
  ASSERT_GT(rows.size(), 200u);
  for (const auto& row : rows) {
    const std::string text = string_for_test(row.at("text"));
    EXPECT_EQ(tokenizer->encode(text), numbers_for_test<TokenId>(row.at("ids"))) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(SentencePiece, SpmFixture, ::testing::Values("spm-bpe", "spm-unigram"));

TEST(SentencePiece, ComesBackToTheText) {
  const auto tokenizer = load(test_data_for_test("spm-bpe/tokenizer.model"));
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->traits().bos, tokenizer->find_token("<s>"));
  EXPECT_EQ(tokenizer->traits().eos, tokenizer->find_token("</s>"));
  EXPECT_EQ(tokenizer->traits().mistral_version, "");
  for (const auto& row : read_lines_for_test(test_data_for_test("spm-bpe/vectors.jsonl"))) {
    const std::string text = string_for_test(row.at("text"));
    const Ids ids = tokenizer->encode(text);
    EXPECT_EQ(decode(*tokenizer, ids), string_for_test(row.at("decoded")));
    if (text.find("\u2581") == text.npos) {
      EXPECT_EQ(decode(*tokenizer, ids), text);
    }
  }
  std::string all;
  for (int i = 0; i < 512; ++i) all.push_back(static_cast<char>(i * 7));
  for (const std::string& bytes : {all, std::string("\xE6\x97"), std::string(" \xFF  \xF0\x9F")})
    EXPECT_EQ(decode(*tokenizer, tokenizer->encode(bytes)), bytes);
}

TEST(SentencePiece, PiecesBeyondALimitAreNone) {
  const std::string bytes = *read_file(test_data_for_test("spm-bpe/tokenizer.model"));
  const auto whole = read_sentencepiece(bytes);
  ASSERT_TRUE(whole.ok());
  const std::size_t size = (*whole)->vocab_size();
  const auto cut = read_sentencepiece(bytes, size - 3);
  ASSERT_TRUE(cut.ok()) << cut.error().message;
  EXPECT_EQ((*cut)->vocab_size(), size - 3);
  EXPECT_EQ((*cut)->traits().left_out, 3u);
  for (std::size_t id = size - 3; id < size; ++id) {
    const std::string piece((*whole)->token_bytes(static_cast<TokenId>(id)));
    for (const TokenId other : (*cut)->encode(piece))
      EXPECT_LT(static_cast<std::size_t>(other), size - 3);
  }
  EXPECT_FALSE(read_sentencepiece(bytes, 0).ok());  // no unknown piece is left
}

struct MistralFile {
  const char* key;
  const char* file;
  const char* version;
};

class MistralSpm : public ::testing::TestWithParam<MistralFile> {};

TEST_P(MistralSpm, EqualsEveryGoldenVector) {
  const std::string path = shared_tokenizer_for_test(GetParam().file);
  const std::string golden = shared_tokenizer_for_test("golden_spm.json");
  for (const std::string& needed : {path, golden})
    if (!std::filesystem::exists(needed)) GTEST_SKIP() << "needs " << needed;
  const auto tokenizer = load(path);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->traits().mistral_version, GetParam().version);
  const std::string key = GetParam().key;
  std::size_t count = 0;
  const auto cases = boost::json::parse(*read_file(golden));
  for (const auto& row : cases.at("cases").as_array()) {
    const std::string text = string_for_test(row.at("text"));
    const Ids ids = tokenizer->encode(text);
    EXPECT_EQ(ids, numbers_for_test<TokenId>(row.at(key))) << text;
    const Ids infill = tokenizer->encode("\u263A" + text);
    ASSERT_GE(infill.size(), 2u);
    EXPECT_EQ(Ids(infill.begin() + 2, infill.end()),
              numbers_for_test<TokenId>(row.at(key + "_infill")));
    if (text.find("\u2581") == text.npos) {
      EXPECT_EQ(decode(*tokenizer, ids), text);
    }
    ++count;
  }
  EXPECT_EQ(count, 79u);
}

INSTANTIATE_TEST_SUITE_P(
    SentencePiece, MistralSpm,
    ::testing::Values(MistralFile{"v1", "tokenizer.model.v1", ""},
                      MistralFile{"v2", "mistral_instruct_tokenizer_240216.model.v2", "v2"},
                      MistralFile{"v3", "mistral_instruct_tokenizer_240323.model.v3", "v3"},
                      MistralFile{"v7", "mistral_instruct_tokenizer_241114.model.v7", "v7"}));

// A message by hand.
std::string field(char number_and_type, const std::string& bytes) {
  std::string out(1, number_and_type);
  out.push_back(static_cast<char>(bytes.size()));
  return out + bytes;
}

std::string piece(const std::string& text, char kind) {
  return field('\x0A', field('\x0A', text) + "\x15" + std::string(4, '\0') + "\x18" + kind);
}

void expect_error(const std::string& bytes, Code code, std::string_view part) {
  const auto made = read_sentencepiece(bytes);
  ASSERT_FALSE(made.ok()) << part;
  EXPECT_EQ(made.error().code, code) << made.error().message;
  EXPECT_NE(made.error().message.find(part), std::string::npos) << made.error().message;
}

TEST(SentencePiece, NamesWhatIsWrongWithAFile) {
  const std::string unknown = piece("<unk>", '\x02');
  const std::string good = unknown + piece("a", '\x01');
  EXPECT_TRUE(read_sentencepiece(good).ok());
  expect_error("", Code::kCorrupt, "no piece is the unknown one");
  expect_error(good.substr(0, good.size() - 1), Code::kCorrupt, "is longer than the message");
  expect_error("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", Code::kCorrupt, "is longer than");
  expect_error(good + "\x0A\xFF", Code::kCorrupt, "is cut off");
  expect_error(good + std::string(12, '\xFF'), Code::kCorrupt, "more than 64 bits");
  expect_error(good + std::string("\x02\x00", 2), Code::kCorrupt, "has no valid number");
  expect_error(good + "\x0B", Code::kCorrupt, "unknown wire type");
  expect_error(good + "\x08\x01", Code::kCorrupt, "field 1 has the wrong wire type");
  expect_error(good + piece("a", '\x01'), Code::kCorrupt, "'a' stands in the vocabulary twice");
  expect_error(good + unknown, Code::kCorrupt, "both the unknown one");
  expect_error(good + piece("x", '\x07'), Code::kCorrupt, "piece 2 has the type 7");
  expect_error(good + piece("x", '\x06'), Code::kCorrupt, "byte token 2 is written 'x'");
  expect_error(good + piece("", '\x01'), Code::kCorrupt, "piece 2 is empty");
  expect_error(good + field('\x12', "\x18\x03"), Code::kUnsupported, "words or characters");
  expect_error(good + field('\x1A', field('\x12', "abc")), Code::kCorrupt, "charsmap is cut off");
  expect_error(good + field('\x1A', field('\x12',
                                          "\xFF\xFF\xFF\x7F"
                                          "abcd")),
               Code::kCorrupt, "the charsmap's trie has");
}

TEST(SentencePiece, SurvivesEveryCutAndFlipOfAFile) {
  const std::string whole = *read_file(test_data_for_test("spm-bpe/tokenizer.model"));
  for (std::size_t i = 0; i < whole.size(); i += 97) {
    const auto cut = read_sentencepiece(whole.substr(0, i));
    if (cut.ok()) (void)(*cut)->encode("the <tool> 123");
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x80);
    const auto made = read_sentencepiece(flipped);
    if (made.ok()) (void)(*made)->encode("the <tool> 123");
  }
}

}  // namespace
}  // namespace aquilon::text

#include "text/tokenizer_tables.h"

#include <gtest/gtest.h>

#include "text/piece_tokenizer.h"
#include "text/pretokenizer.h"
#include "text/tokenizer_cases_for_test.h"

namespace aquilon::text {
namespace {

// The tokenizer that the tables describe, as GGUF files are read (model/tokenizer_loader.cpp); but
// SentencePiece's own files match user-defined tokens in the normalised text.
std::unique_ptr<Tokenizer> tokenizer_of(const TokenizerTables& tables,
                                        bool user_defined_in_text = true) {
  if (tables.is_byte_level) {
    BpeSpec spec{
        .tokens = tables.tokens, .kinds = tables.kinds, .merges = tables.merges, .pre = tables.pre};
    spec.ignore_merges = ignores_merges(*find_pre_tokenizer(tables.pre));
    auto made = make_bpe_tokenizer(std::move(spec));
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(*made);
  }
  PieceSpec spec;
  spec.tokens = tables.tokens;
  spec.kinds = tables.kinds;
  spec.scores = tables.scores;
  spec.unknown = tables.unknown;
  spec.user_defined_in_text = user_defined_in_text;
  spec.space = tables.space_in_front ? SpaceInFront::kEverywhere : SpaceInFront::kNever;
  auto made = make_piece_tokenizer(std::move(spec));
  EXPECT_TRUE(made.ok()) << made.error().message;
  return std::move(*made);
}

class TokenizerTablesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenizerTablesTest, DescribeTheSameTokenizer) {
  const std::string bytes = read_file(test_data_for_test(GetParam())).value();
  const auto tables = read_tokenizer_tables(bytes);
  ASSERT_TRUE(tables.ok()) << tables.error().message;
  const auto direct = read_tokenizer_file(bytes);
  ASSERT_TRUE(direct.ok());
  const auto made = tokenizer_of(*tables, !std::string_view(GetParam()).ends_with(".model"));
  ASSERT_EQ(made->vocab_size(), (*direct)->vocab_size());
  for (std::size_t i = 0; i < made->vocab_size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    EXPECT_EQ(made->token_bytes(id), (*direct)->token_bytes(id)) << i;
    EXPECT_EQ(made->kind(id), (*direct)->kind(id)) << i;
  }
  std::size_t texts = 0;
  for (const auto& row : read_lines_for_test(test_data_for_test("pieces.jsonl"))) {
    const std::string text = string_for_test(row.at("text"));
    EXPECT_EQ(made->encode(text), (*direct)->encode(text)) << text;
    ++texts;
  }
  EXPECT_GT(texts, 10u);
}

INSTANTIATE_TEST_SUITE_P(Files, TokenizerTablesTest,
                         ::testing::Values("small-bpe/tokenizer.json", "tiny-bpe/tokenizer.json",
                                           "tekken/tekken.json", "spm-bpe/tokenizer.model"));

TEST(TokenizerTables, WhatGgufHasNoKeyForIsRefused) {
  const auto unigram =
      read_tokenizer_tables(*read_file(test_data_for_test("spm-unigram/tokenizer.model")));
  ASSERT_FALSE(unigram.ok());
  EXPECT_EQ(unigram.error().code, Code::kUnsupported);
  EXPECT_EQ(read_tokenizer_tables("no tokenizer").error().code, Code::kUnsupported);
}

// A piece's score follows from where its first merge stands.
TEST(TokenizerTables, MergesBecomeScores) {
  using boost::json::parse;
  const std::string folder = test_data_for_test("pieces-json/");
  const auto styles = parse(read_file(folder + "styles.json").value());
  for (const char* style : {"prepend", "gemma"}) {
    auto file = parse(read_file(folder + "tokenizer.json").value());
    for (const auto& member : styles.at(style).as_object())
      file.as_object()[member.key()] = member.value();
    const std::string bytes = boost::json::serialize(file);
    const auto tables = read_tokenizer_tables(bytes);
    ASSERT_TRUE(tables.ok()) << tables.error().message;
    EXPECT_FALSE(tables->is_byte_level);
    EXPECT_EQ(tables->space_in_front, style == std::string_view("prepend"));
    const auto direct = read_tokenizer_json(bytes);
    const auto made = tokenizer_of(*tables);
    for (const auto& row : read_lines_for_test(test_data_for_test("pieces.jsonl"))) {
      const std::string text = string_for_test(row.at("text"));
      EXPECT_EQ(made->encode(text), (*direct)->encode(text)) << style << ' ' << text;
    }
  }
}

}  // namespace
}  // namespace aquilon::text

// The tokenizers of real models against what llama.cpp gives on the same files. Needs the test
// models (AQUILON_TEST_MODELS); SmolLM2's lines lie in the tree, Qwen's in ../shared
// (AQUILON_SHARED).
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "model/tokenizer_loader.h"
#include "text/tokenizer.h"

namespace aquilon::model {
namespace {

using text::TokenId;

std::string folder_for(const char* variable, const std::string& otherwise) {
  const char* const set = std::getenv(variable);
  return set && *set ? set : otherwise;
}

std::string models_folder() {
  const char* const home = std::getenv("HOME");
  return folder_for("AQUILON_TEST_MODELS",
                    std::string(home ? home : ".") + "/.cache/aquilon/test-models");
}

std::string shared_folder() {
  return folder_for("AQUILON_SHARED", AQUILON_SOURCE_DIR "/../shared");
}

std::string source_folder() {
  return AQUILON_SOURCE_DIR;
}

struct Case {
  const char* model;
  std::string (*root)();
  const char* lines;
};

class TokenizerOracle : public ::testing::TestWithParam<Case> {};

TEST_P(TokenizerOracle, EqualsLlamaCppOnEveryLine) {
  const std::string model = models_folder() + "/" + GetParam().model;
  const std::string lines = GetParam().root() + "/" + GetParam().lines;
  for (const std::string& path : {model, lines}) {
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs " << path;
  }
  const auto file = formats::GgufFile::open(model);
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto made = make_tokenizer(*file);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const text::Tokenizer& tokenizer = **made;

  std::ifstream in(lines);
  std::size_t count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const auto row = boost::json::parse(line).as_object();
    const std::string text(row.at("text").as_string());
    const auto want = boost::json::value_to<std::vector<TokenId>>(row.at("ids"));
    const bool special = row.at("parse_special").as_bool();
    const auto ids = special ? tokenizer.encode_trusted(text) : tokenizer.encode(text);
    EXPECT_EQ(ids, want) << text;
    const std::string decoded(row.at("detokenized").as_string());
    EXPECT_EQ(text::decode(tokenizer, want, true), decoded);
    // One id at a time, as answers are streamed.
    text::Utf8Stream stream;
    std::string streamed;
    for (const TokenId id : want) streamed += stream.push(tokenizer.token_bytes(id));
    EXPECT_EQ(streamed + stream.finish(), decoded);
  }
  EXPECT_EQ(count, 130u);
}

INSTANTIATE_TEST_SUITE_P(
    Models, TokenizerOracle,
    ::testing::Values(
        Case{"smollm2-135m-instruct-q4_1.gguf", source_folder,
             "tests/data/tokenizers/smollm2/tokenize.jsonl"},
        Case{"qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", shared_folder,
             "data/oracle/llamacpp/qwen2.5-coder-0.5b-instruct-q4_k_m/tokenize.jsonl"},
        Case{"qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", shared_folder,
             "data/oracle/llamacpp/qwen2.5-coder-1.5b-instruct-q4_k_m/tokenize.jsonl"},
        Case{"gemma-3-270m-q4_k_m.gguf", shared_folder,
             "data/oracle/llamacpp/gemma-3-270m-q4_k_m/tokenize.jsonl"}));

TEST(TokenizerLoader, GgufAgreesWithItsTokenizerJson) {
  const std::string folder = shared_folder() + "/data/oracle/hf/llama-gqa/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "needs " << folder;
  const auto file = formats::GgufFile::open(folder + "model-f32.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto from_gguf = make_tokenizer(*file);
  ASSERT_TRUE(from_gguf.ok()) << from_gguf.error().message;
  const auto json = read_file(folder + "tokenizer.json");
  ASSERT_TRUE(json.ok());
  const auto from_json = text::read_tokenizer_json(*json);
  ASSERT_TRUE(from_json.ok()) << from_json.error().message;
  for (const char* text :
       {"the heath, the 1234 he's", "<s>hehe\n\n  the</s>", "\u00E9\u65E5\xFF"}) {
    EXPECT_EQ((*from_gguf)->encode(text), (*from_json)->encode(text)) << text;
    EXPECT_EQ((*from_gguf)->encode_trusted(text), (*from_json)->encode_trusted(text)) << text;
  }
}

}  // namespace
}  // namespace aquilon::model

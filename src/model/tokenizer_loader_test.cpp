#include "model/tokenizer_loader.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "formats/gguf_builder_for_test.h"

namespace aquilon::model {
namespace {

using formats::GgufType;
using text::TokenId;
using text::TokenKind;
using Ids = std::vector<TokenId>;

constexpr const char* kTypes = "tokenizer.ggml.token_type";

// "h", "e", "he", a space, a control and a user-defined token, and a fill-in-the-middle mark that
// the file calls user-defined.
struct Spec {
  std::string model = "gpt2";
  const char* pre = "qwen2";  // null: the key is left out
  std::vector<std::string> tokens = {"h", "e", "he", "\u0120", "<end>", "<tool>", "<|fim_pad|>"};
  std::vector<std::int32_t> types = {1, 1, 1, 1, 3, 4, 4};
  std::vector<std::string> merges = {"h e"};
};

Result<std::unique_ptr<text::Tokenizer>> load(const Spec& spec) {
  formats::GgufBuilder builder;
  builder.text("tokenizer.ggml.model", spec.model);
  if (spec.pre) builder.text("tokenizer.ggml.pre", spec.pre);
  builder.texts("tokenizer.ggml.tokens", spec.tokens);
  if (!spec.types.empty()) builder.array(kTypes, GgufType::kI32, spec.types);
  builder.texts("tokenizer.ggml.merges", spec.merges);
  const formats::GgufImage image = builder.build();  // gone when the tokenizer is used
  const auto file = formats::GgufFile::parse(image.bytes, "test.gguf");
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message);
  return make_tokenizer(*file);
}

void expect_error(const Spec& spec, Code code, std::string_view part) {
  const auto made = load(spec);
  ASSERT_FALSE(made.ok()) << part;
  EXPECT_EQ(made.error().code, code);
  EXPECT_NE(made.error().message.find(part), std::string::npos) << made.error().message;
}

TEST(TokenizerLoader, ReadsTokensKindsAndMerges) {
  const auto made = load({});
  ASSERT_TRUE(made.ok()) << made.error().message;
  const text::Tokenizer& t = **made;
  EXPECT_EQ(t.vocab_size(), 7u);
  EXPECT_EQ(t.encode("he e<tool>he"), (Ids{2, 3, 1, 5, 2}));
  EXPECT_EQ(t.encode_trusted("he<end>"), (Ids{2, 4}));
  EXPECT_EQ(t.kind(4), TokenKind::kControl);
}

TEST(TokenizerLoader, CallsKnownMarksControlWhateverTheFileSays) {
  const auto made = load({});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ((*made)->kind(6), TokenKind::kControl);
  EXPECT_EQ((*made)->encode("<|fim_pad|>"), Ids{});  // no token has these letters
  EXPECT_EQ((*made)->encode_trusted("<|fim_pad|>"), Ids{6});
}

TEST(TokenizerLoader, AbsentKeysMeanWhatLlamaCppMeans) {
  Spec spec;
  spec.pre = nullptr;
  spec.types.clear();
  const auto made = load(spec);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ((*made)->kind(4), TokenKind::kNormal);
  EXPECT_EQ((*made)->kind(6), TokenKind::kControl);
  EXPECT_EQ((*made)->encode("he"), (Ids{2}));
}

TEST(TokenizerLoader, IgnoresMergesForLlama3AndTekken) {
  Spec spec;
  spec.merges.clear();
  EXPECT_EQ((*load(spec))->encode("he"), (Ids{0, 1}));
  for (const char* pre : {"llama-bpe", "llama3", "llama-v3", "tekken"}) {
    spec.pre = pre;
    EXPECT_EQ((*load(spec))->encode("he"), (Ids{2})) << pre;
  }
}

TEST(TokenizerLoader, NamesWhatItRefuses) {
  Spec spec;
  spec.model = "t5";
  expect_error(spec, Code::kUnsupported, "tokenizer model 't5'");
  spec = {};
  spec.model = "llama";
  expect_error(spec, Code::kNotFound, "tokenizer.ggml.scores");
  spec = {};
  spec.pre = "falcon";
  expect_error(spec, Code::kUnsupported, "pre-tokenizer 'falcon'");
  spec = {};
  spec.types.pop_back();
  expect_error(spec, Code::kCorrupt, "token_type has 6 entries for 7 tokens");
  spec = {};
  spec.types[2] = 7;
  expect_error(spec, Code::kCorrupt, "token 2 has the unknown type 7");
  spec = {};
  spec.types[2] = -1;
  expect_error(spec, Code::kCorrupt, "token 2 has the unknown type -1");
  spec = {};
  spec.merges = {"h h"};
  expect_error(spec, Code::kCorrupt, "merge 0 ('h h')");
}

}  // namespace
}  // namespace aquilon::model

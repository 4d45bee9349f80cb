// Which models may guess for which: by their vocabularies.
#include <gtest/gtest.h>

#include "engine/draft_model.h"

namespace aquilon::engine {
namespace {

std::unique_ptr<text::Tokenizer> vocabulary(std::vector<std::string> tokens) {
  text::BpeSpec spec;
  spec.kinds.assign(tokens.size(), text::TokenKind::kNormal);
  spec.tokens = std::move(tokens);
  spec.pre = "gpt-2";
  return text::make_bpe_tokenizer(std::move(spec)).value();
}

std::vector<std::string> tokens(std::size_t count) {
  std::vector<std::string> all = {"a", "b", "\u0120"};
  for (std::size_t i = all.size(); i < count; ++i) all.push_back("t" + std::to_string(i));
  return all;
}

TEST(DraftVocabulary, TheSameTokensAreWanted) {
  const auto model = vocabulary(tokens(600));
  EXPECT_TRUE(check_same_vocabulary(*model, "big", *vocabulary(tokens(600)), "small").ok());
  EXPECT_TRUE(check_same_vocabulary(*model, "big", *vocabulary(tokens(700)), "small").ok());
  EXPECT_TRUE(check_same_vocabulary(*model, "big", *vocabulary(tokens(500)), "small").ok());

  auto other = tokens(600);
  other[2] = "\u010a";  // a newline
  other[7] = "x";
  const Status differs = check_same_vocabulary(*model, "big", *vocabulary(other), "small");
  ASSERT_FALSE(differs.ok());
  EXPECT_EQ(differs.error().code, Code::kInvalidArgument);
  for (const char* words : {"'small'", "'big'", "token 2 is \"\\x0a\" there and \" \" here"})
    EXPECT_NE(differs.error().message.find(words), std::string::npos) << differs.error().message;

  const Status longer = check_same_vocabulary(*model, "big", *vocabulary(tokens(900)), "small");
  ASSERT_FALSE(longer.ok());
  EXPECT_NE(longer.error().message.find("900 tokens there and 600 here"), std::string::npos)
      << longer.error().message;
}

}  // namespace
}  // namespace aquilon::engine

#include "model/special_tokens.h"

#include <algorithm>
#include <string>

namespace aquilon::model {
namespace {

using text::TokenId;

constexpr std::string_view kEndForms[] = {
    "<|im_end|>",    "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>",
    "<end_of_turn>", "<|end|>",    "</s>",       "<|EOT|>",         "<|return|>",
};

constexpr std::string_view kEndKeys[] = {
    "tokenizer.ggml.eos_token_id",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",
};

// The id under `key`, or -1 where the key is absent.
Result<TokenId> read_id(const formats::GgufFile& file, std::string_view key, std::size_t vocab) {
  if (file.find(key) == nullptr) return TokenId{-1};
  const std::uint64_t id = AQ_TRY(file.get_uint(key, vocab - 1));
  return static_cast<TokenId>(id);
}

}  // namespace

bool SpecialTokens::is_end(TokenId id) const {
  return std::binary_search(ends.begin(), ends.end(), id);
}

Result<SpecialTokens> read_special_tokens(const formats::GgufFile& file,
                                          const text::Tokenizer& tokenizer) {
  const std::size_t vocab = tokenizer.vocab_size();
  SpecialTokens special;
  special.bos = AQ_TRY(read_id(file, "tokenizer.ggml.bos_token_id", vocab));
  special.eos = AQ_TRY(read_id(file, "tokenizer.ggml.eos_token_id", vocab));
  // Llama 3 files of before that key existed start every text with a BOS.
  const auto pre = file.get_string("tokenizer.ggml.pre");
  special.add_bos = pre.ok() && *pre == "llama-bpe";
  if (file.find("tokenizer.ggml.add_bos_token") != nullptr)
    special.add_bos = AQ_TRY(file.get_bool("tokenizer.ggml.add_bos_token"));
  special.add_bos = special.add_bos && special.bos >= 0;

  for (const std::string_view key : kEndKeys) {
    const TokenId id = AQ_TRY(read_id(file, key, vocab));
    if (id >= 0) special.ends.push_back(id);
  }
  for (const std::string_view form : kEndForms) {
    const TokenId id = tokenizer.find_token(form);
    if (id >= 0 && tokenizer.kind(id) == text::TokenKind::kControl) special.ends.push_back(id);
  }
  std::sort(special.ends.begin(), special.ends.end());
  special.ends.erase(std::unique(special.ends.begin(), special.ends.end()), special.ends.end());
  return special;
}

}  // namespace aquilon::model

#include "model/special_tokens.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace aquilon::model {
namespace {

using text::TokenId;

constexpr std::string_view kEndForms[] = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<|end|>",
    "</s>",
    "<|EOT|>",
    "<|return|>",
    // What follows another file's text in code models' training: a filled-in text is over there.
    "<|fim_pad|>",
    "<fim_pad>",
    "<fim-pad>",
    "<|repo_name|>",
    "<|file_sep|>",
};

// The forms of prefix, suffix and middle, a family a row.
constexpr std::string_view kFillInForms[][3] = {
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},  // Qwen coder, CodeGemma
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},        // StarCoder, Granite
    {"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},
    {"\u2581<PRE>", "\u2581<SUF>", "\u2581<MID>"},  // Code Llama
    {"<PRE>", "<SUF>", "<MID>"},
    {"<\uff5cfim\u2581begin\uff5c>", "<\uff5cfim\u2581hole\uff5c>", "<\uff5cfim\u2581end\uff5c>"},
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

// Where no key says it: SentencePiece's models, Mistral's and Llama 3's start every text with a
// BOS.
bool adds_bos_by_default(const formats::GgufFile& file, const text::Tokenizer& tokenizer) {
  const auto model = file.get_string("tokenizer.ggml.model");
  const auto pre = file.get_string("tokenizer.ggml.pre");
  return (model.ok() && *model == "llama") ||
         (pre.ok() && (*pre == "llama-bpe" || *pre == "tekken")) || tokenizer.traits().adds_bos;
}

// The id of the token whose written form a key holds, or -1.
Result<TokenId> read_form(const formats::GgufFile& file, std::string_view key,
                          const text::Tokenizer& tokenizer) {
  if (file.find(key) == nullptr) return TokenId{-1};
  return tokenizer.find_token(AQ_TRY(file.get_string(key)));
}

// Ids that end an answer, where a model has more than GGUF has keys for.
Status read_more_ends(const formats::GgufFile& file, std::size_t vocab,
                      std::vector<TokenId>& ends) {
  constexpr std::string_view kKey = "aquilon.eos_token_ids";
  if (file.find(kKey) == nullptr) return {};
  const formats::GgufArray* const array = AQ_TRY(file.get_array(kKey, formats::GgufType::kU32));
  for (std::size_t i = 0; i < array->count; ++i) {
    std::uint32_t id = 0;
    std::memcpy(&id, array->raw.data() + i * sizeof id, sizeof id);
    if (id >= vocab)
      return make_error(Code::kCorrupt, "{} is {}, which is not in the vocabulary of {} tokens",
                        file.where(kKey), id, vocab);
    ends.push_back(static_cast<TokenId>(id));
  }
  return {};
}

// By the file's keys, or else by the forms.
Result<FillInTokens> read_fill_in_tokens(const formats::GgufFile& file,
                                         const text::Tokenizer& tokenizer) {
  const std::size_t vocab = tokenizer.vocab_size();
  FillInTokens tokens;
  tokens.prefix = AQ_TRY(read_id(file, "tokenizer.ggml.fim_pre_token_id", vocab));
  tokens.suffix = AQ_TRY(read_id(file, "tokenizer.ggml.fim_suf_token_id", vocab));
  tokens.middle = AQ_TRY(read_id(file, "tokenizer.ggml.fim_mid_token_id", vocab));
  for (const auto& [prefix, suffix, middle] : kFillInForms) {
    if (tokens.complete()) break;
    tokens = {tokenizer.find_token(prefix), tokenizer.find_token(suffix),
              tokenizer.find_token(middle)};
  }
  return tokens.complete() ? tokens : FillInTokens{};
}

}  // namespace

bool SpecialTokens::is_end(TokenId id) const {
  return std::binary_search(ends.begin(), ends.end(), id);
}

Result<SpecialTokens> read_special_tokens(const formats::GgufFile& file,
                                          const text::Tokenizer& tokenizer) {
  const std::size_t vocab = tokenizer.vocab_size();
  SpecialTokens special;
  special.bos = AQ_TRY(read_form(file, "aquilon.bos_token", tokenizer));
  special.eos = AQ_TRY(read_form(file, "aquilon.eos_token", tokenizer));
  if (special.bos < 0) special.bos = AQ_TRY(read_id(file, "tokenizer.ggml.bos_token_id", vocab));
  if (special.eos < 0) special.eos = AQ_TRY(read_id(file, "tokenizer.ggml.eos_token_id", vocab));
  if (special.bos < 0) special.bos = tokenizer.traits().bos;
  if (special.eos < 0) special.eos = tokenizer.traits().eos;
  special.add_bos = adds_bos_by_default(file, tokenizer);
  if (file.find("tokenizer.ggml.add_bos_token") != nullptr)
    special.add_bos = AQ_TRY(file.get_bool("tokenizer.ggml.add_bos_token"));
  special.add_bos = special.add_bos && special.bos >= 0;
  if (file.find("tokenizer.ggml.add_eos_token") != nullptr)
    special.add_eos = AQ_TRY(file.get_bool("tokenizer.ggml.add_eos_token"));
  special.fill_in = AQ_TRY(read_fill_in_tokens(file, tokenizer));

  if (special.eos >= 0) special.ends.push_back(special.eos);
  for (const std::string_view key : kEndKeys) {
    const TokenId id = AQ_TRY(read_id(file, key, vocab));
    if (id >= 0) special.ends.push_back(id);
  }
  AQ_RETURN_IF_ERROR(read_more_ends(file, vocab, special.ends));
  for (const std::string_view form : kEndForms) {
    const TokenId id = tokenizer.find_token(form);
    if (id >= 0 && tokenizer.kind(id) == text::TokenKind::kControl) special.ends.push_back(id);
  }
  std::sort(special.ends.begin(), special.ends.end());
  special.ends.erase(std::unique(special.ends.begin(), special.ends.end()), special.ends.end());
  return special;
}

}  // namespace aquilon::model

#include <fmt/format.h>

#include "base/file.h"
#include "convert/tokenizer_keys_internal.h"
#include "model/special_tokens.h"
#include "model/tokenizer_loader.h"
#include "text/tokenizer_tables.h"

namespace aquilon::convert {
namespace {

using formats::GgufFile;
using formats::GgufType;
using formats::GgufWriter;
using text::TokenizerTables;

constexpr std::uint64_t kMaxFileBytes = 256u << 20;

// Embeddings have more rows than there are tokens at times; each row gets one.
Status pad_tokens(const GgufFile& file, TokenizerTables& tables) {
  const formats::GgufTensor* embeddings = file.find_tensor("token_embd.weight");
  const std::uint64_t rows = embeddings == nullptr ? 0 : embeddings->dims.back();
  if (rows < tables.tokens.size())
    return make_error(Code::kUnsupported, "{}: the tokenizer has {} tokens, the embeddings {}",
                      file.path(), tables.tokens.size(), rows);
  for (std::size_t i = tables.tokens.size(); i < rows; ++i)
    tables.tokens.push_back(fmt::format("[PAD{}]", i));
  tables.kinds.resize(rows, text::TokenKind::kUnused);
  if (!tables.is_byte_level) tables.scores.resize(rows, 0.0f);
  return {};
}

Status put_texts(GgufWriter& writer, std::string_view key, const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return writer.put_texts(key, views);
}

Status put_tables(const TokenizerTables& tables, GgufWriter& writer) {
  AQ_RETURN_IF_ERROR(
      writer.put_text("tokenizer.ggml.model", tables.is_byte_level ? "gpt2" : "llama"));
  AQ_RETURN_IF_ERROR(
      writer.put_text("tokenizer.ggml.pre", tables.is_byte_level ? tables.pre : "default"));
  AQ_RETURN_IF_ERROR(put_texts(writer, "tokenizer.ggml.tokens", tables.tokens));
  std::vector<std::int32_t> kinds;
  for (const text::TokenKind kind : tables.kinds) kinds.push_back(static_cast<std::int32_t>(kind));
  AQ_RETURN_IF_ERROR(writer.put_array("tokenizer.ggml.token_type", GgufType::kI32,
                                      std::as_bytes(std::span(kinds))));
  if (tables.is_byte_level) return put_texts(writer, "tokenizer.ggml.merges", tables.merges);
  AQ_RETURN_IF_ERROR(writer.put_array("tokenizer.ggml.scores", GgufType::kF32,
                                      std::as_bytes(std::span(tables.scores))));
  return writer.put_bool("tokenizer.ggml.add_space_prefix", tables.space_in_front);
}

// What the folder's own keys do not say.
Status put_special_tokens(const GgufFile& file, text::TokenId unknown, GgufWriter& writer) {
  const auto tokenizer = AQ_TRY(model::model_tokenizer(file));
  const model::SpecialTokens special = AQ_TRY(model::read_special_tokens(file, *tokenizer));
  for (const auto& [key, id] : {std::pair("tokenizer.ggml.bos_token_id", special.bos),
                                {"tokenizer.ggml.eos_token_id", special.eos},
                                {"tokenizer.ggml.unknown_token_id", unknown}})
    if (id >= 0 && file.find(key) == nullptr)
      AQ_RETURN_IF_ERROR(writer.put_uint(key, GgufType::kU32, static_cast<std::uint64_t>(id)));
  if (file.find("tokenizer.ggml.add_bos_token") != nullptr) return {};
  return writer.put_bool("tokenizer.ggml.add_bos_token", special.add_bos);
}

}  // namespace

Status put_tokenizer_keys(const GgufFile& file, GgufWriter& writer) {
  const std::string path = model::companion_tokenizer(file);
  if (path.empty()) return {};
  const std::string bytes = AQ_TRY(read_file(path, kMaxFileBytes));
  auto tables =
      text::read_tokenizer_tables(bytes, file.companions().vocabulary.value_or(text::kAllTokens));
  if (!tables.ok()) return std::move(tables).error().with_context(path);
  AQ_RETURN_IF_ERROR(pad_tokens(file, *tables));
  AQ_RETURN_IF_ERROR(put_tables(*tables, writer));
  return put_special_tokens(file, tables->unknown, writer);
}

}  // namespace aquilon::convert

// Hugging Face's tokenizer.json, as far as it is BPE or Unigram.
#include "text/json_fields_internal.h"
#include "text/tokenizer_json_internal.h"
#include "text/tokenizer_tables_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFileBytes = 256u << 20;

Status check_model(const json::object& model) {
  const std::string_view type = text_of(model, "type");
  if (type == "Unigram") return {};
  if (type != "BPE" && !type.empty()) {
    return unsupported_json(fmt::format("model type {}", type.substr(0, 100)));
  }
  if (member(model, "dropout")) return unsupported_json("BPE with dropout");
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!text_of(model, key).empty()) return unsupported_json(fmt::format("BPE with {}", key));
  }
  return {};
}

}  // namespace

Error unsupported_json(std::string_view what) {
  return make_error(
      Code::kUnsupported,
      "tokenizer.json: {} is not supported; we read byte-level BPE, and BPE and Unigram of "
      "pieces with spaces as \"\u2581\"",
      what);
}

Result<const json::object*> object_of(const json::object& parent, std::string_view key) {
  if (const json::object* const object = object_in(parent, key)) return object;
  return make_error(Code::kCorrupt, "tokenizer.json: '{}' is missing or not an object", key);
}

std::string_view type_of(const json::object& parent, std::string_view key) {
  const json::object* const object = object_in(parent, key);
  return object ? text_of(*object, "type") : std::string_view{};
}

Result<std::variant<BpeSpec, PieceSpec>> read_json_spec(std::string_view text,
                                                        std::size_t max_tokens) {
  std::variant<BpeSpec, PieceSpec> spec;
  AQ_RETURN_IF_ERROR(
      with_json_file(text, kTokenizerJson, kMaxFileBytes, [&](const json::object& root) -> Status {
        if (!root.contains("model") && !root.contains("added_tokens") && !root.empty())
          return Error{
              Code::kUnsupported,
              "this JSON file is no tokenizer: neither a tokenizer.json nor a tekken.json"};
        const json::object* const model = AQ_TRY(object_of(root, "model"));
        AQ_RETURN_IF_ERROR(check_model(*model));
        if (text_of(*model, "type") == "Unigram") {
          spec = AQ_TRY(read_unigram_json(root, max_tokens));
        } else if (is_byte_level_json(root)) {
          spec = AQ_TRY(read_byte_level_json(root, max_tokens));
        } else {
          spec = AQ_TRY(read_pieces_json(root, max_tokens));
        }
        const TokenId bos = AQ_TRY(read_first_token(root));
        if (bos >= 0 && static_cast<std::size_t>(bos) >= max_tokens)
          return make_error(Code::kCorrupt,
                            "tokenizer.json: texts begin with the token {}, but the model has only "
                            "{}",
                            bos, max_tokens);
        std::visit(
            [bos](auto& s) {
              s.traits.bos = bos;
              s.traits.adds_bos = bos >= 0;
            },
            spec);
        return {};
      }));
  return spec;
}

Result<std::unique_ptr<Tokenizer>> read_tokenizer_json(std::string_view text,
                                                       std::size_t max_tokens) {
  auto spec = AQ_TRY(read_json_spec(text, max_tokens));
  if (auto* byte_level = std::get_if<BpeSpec>(&spec))
    return make_bpe_tokenizer(std::move(*byte_level));
  return make_piece_tokenizer(std::get<PieceSpec>(std::move(spec)));
}

}  // namespace aquilon::text

// The style of tokenizer.json that models from SentencePiece have (Llama 2, Mistral, Gemma): BPE of
// pieces with "▁" for a space, characters without a piece as byte tokens.
#include "text/json_fields_internal.h"
#include "text/piece_symbols_internal.h"
#include "text/tokenizer_json_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

constexpr std::string_view kLowLine = "\u2581";

bool is_pattern(const json::object& step, std::string_view text) {
  const json::object* const pattern = object_in(step, "pattern");
  return pattern && text_of(*pattern, "String") == text;
}

Status read_normalizer(const json::object& step, JsonSpaces& spaces) {
  const std::string_view type = text_of(step, "type");
  if (type == "Sequence") {
    const json::value* const list = member(step, "normalizers");
    if (!list || !list->is_array()) return unsupported_json("normalizer Sequence without steps");
    for (const json::value& inner : list->get_array()) {
      const json::object* const object = inner.if_object();
      if (!object || text_of(*object, "type") == "Sequence") {
        return unsupported_json("normalizer Sequence in a Sequence");
      }
      AQ_RETURN_IF_ERROR(read_normalizer(*object, spaces));
    }
    return {};
  }
  if (type == "Prepend" && text_of(step, "prepend") == kLowLine && !spaces.replaced) {
    spaces.in_front = SpaceInFront::kEverywhere;
    return {};
  }
  if (type == "Replace" && is_pattern(step, " ") && text_of(step, "content") == kLowLine) {
    spaces.replaced = true;
    return {};
  }
  return unsupported_json(fmt::format("normalizer {}", type.substr(0, 100)));
}

Status read_pre_tokenizer(const json::object& root, JsonSpaces& spaces) {
  const json::object* const step = object_in(root, "pre_tokenizer");
  const std::string_view type = step ? text_of(*step, "type") : "";
  if (!step) return {};
  if (type == "Metaspace") return read_metaspace(*step, spaces);
  // Gemma's: behind every space, but the normalizer has left none.
  const bool idle = type == "Split" && is_pattern(*step, " ") && spaces.replaced;
  return idle ? Status{}
              : unsupported_json(fmt::format("pre-tokenizer {} alone", type.substr(0, 100)));
}

void mark_unknown(std::string_view unknown, PieceSpec& spec) {
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    if (unknown.empty() || spec.tokens[i] != unknown) continue;
    spec.kinds[i] = TokenKind::kUnknown;
    spec.unknown = static_cast<TokenId>(i);
  }
}

}  // namespace

Status read_metaspace(const json::object& step, JsonSpaces& spaces) {
  const std::string_view scheme = text_of(step, "prepend_scheme");
  if (text_of(step, "replacement") != kLowLine || spaces.in_front != SpaceInFront::kNever) {
    return unsupported_json("pre-tokenizer Metaspace with another replacement or normalizer");
  }
  const bool always = scheme.empty() ? flag(step, "add_prefix_space", true) : scheme == "always";
  if (always) spaces.in_front = SpaceInFront::kUnlessThere;
  if (scheme == "first") spaces.in_front = SpaceInFront::kAtStart;
  spaces.replaced = true;
  spaces.cut_before = flag(step, "split", true);
  return {};
}

Status check_json_decoder(const json::object& root) {
  const json::object* const decoder = object_in(root, "decoder");
  const std::string_view type = decoder ? text_of(*decoder, "type") : "";
  if (!decoder || type == "Metaspace") return {};
  const json::value* const steps = member(*decoder, "decoders");
  if (type != "Sequence" || !steps || !steps->is_array()) {
    return unsupported_json(fmt::format("decoder {}", type.substr(0, 100)));
  }
  for (const json::value& step : steps->get_array()) {
    const std::string_view kind = step.is_object() ? text_of(step.get_object(), "type") : "";
    if (kind == "Replace" || kind == "ByteFallback" || kind == "Fuse" || kind == "Strip" ||
        kind == "Metaspace") {
      continue;
    }
    return unsupported_json(fmt::format("decoder {}", kind.substr(0, 100)));
  }
  return {};
}

void mark_json_bytes(PieceSpec& spec) {
  for (std::size_t i = 0; spec.byte_fallback && i < spec.tokens.size(); ++i)
    if (byte_of_token(spec.tokens[i]) >= 0) spec.kinds[i] = TokenKind::kByte;
}

Result<PieceSpec> read_pieces_json(const json::object& root, std::size_t max_tokens) {
  const json::object* const model = AQ_TRY(object_of(root, "model"));
  JsonSpaces spaces;
  if (const json::object* const normalizer = object_in(root, "normalizer")) {
    AQ_RETURN_IF_ERROR(read_normalizer(*normalizer, spaces));
  }
  AQ_RETURN_IF_ERROR(read_pre_tokenizer(root, spaces));
  AQ_RETURN_IF_ERROR(check_json_decoder(root));
  if (!spaces.replaced) return unsupported_json("BPE without a pre-tokenizer");
  if (flag(*model, "ignore_merges")) return unsupported_json("BPE of pieces with ignore_merges");
  PieceSpec spec;
  JsonTokens list = AQ_TRY(read_json_tokens(root, *model, max_tokens));
  spec.tokens = std::move(list.tokens);
  spec.kinds = std::move(list.kinds);
  spec.traits.left_out = list.left_out.size();
  spec.merges = AQ_TRY(read_json_merges(*model, list.left_out));
  spec.has_merges = true;
  spec.space = spaces.in_front;
  spec.cut_before_spaces = spaces.cut_before;
  spec.user_defined_in_text = true;
  spec.byte_fallback = flag(*model, "byte_fallback");
  spec.fuse_unknown = flag(*model, "fuse_unk");
  mark_json_bytes(spec);
  mark_unknown(text_of(*model, "unk_token"), spec);
  return spec;
}

}  // namespace aquilon::text

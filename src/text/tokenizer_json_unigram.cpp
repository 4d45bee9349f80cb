// tokenizer.json with a unigram model of pieces with "▁" for a space (T5, ALBERT, llm-jp).
#include <cmath>
#include <limits>

#include "text/json_fields_internal.h"
#include "text/tokenizer_json_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

// White space first cuts words, then each gets its mark (T5).
Status read_sequence(const json::object& sequence, JsonSpaces& spaces,
                     std::vector<TextStep>& steps) {
  const json::value* const list = member(sequence, "pretokenizers");
  const json::array* const both = list ? list->if_array() : nullptr;
  const auto type_at = [both](std::size_t i) {
    return (*both)[i].is_object() ? text_of((*both)[i].get_object(), "type") : "";
  };
  if (!both || both->size() != 2 || type_at(0) != "WhitespaceSplit" || type_at(1) != "Metaspace")
    return unsupported_json("pre-tokenizer Sequence other than WhitespaceSplit and Metaspace");
  AQ_RETURN_IF_ERROR(read_metaspace((*both)[1].get_object(), spaces));
  if (spaces.in_front != SpaceInFront::kUnlessThere || !spaces.cut_before)
    return unsupported_json("Metaspace behind WhitespaceSplit that does not mark every word");
  spaces.in_front = SpaceInFront::kNever;
  steps.push_back(mark_words_step());
  return {};
}

Result<JsonSpaces> read_pre_tokenizer(const json::object& root, std::vector<TextStep>& steps) {
  JsonSpaces spaces;
  const json::object* const step = object_in(root, "pre_tokenizer");
  const std::string_view type = step ? text_of(*step, "type") : "none";
  if (type == "Metaspace") {
    AQ_RETURN_IF_ERROR(read_metaspace(*step, spaces));
  } else if (type == "Sequence") {
    AQ_RETURN_IF_ERROR(read_sequence(*step, spaces, steps));
  } else {
    return unsupported_json(fmt::format("Unigram with the pre-tokenizer {}", type.substr(0, 100)));
  }
  return spaces;
}

// Scores of the model's own tokens; those that are added beside them have none.
Result<std::vector<double>> read_scores(const json::object& model, std::size_t tokens) {
  std::vector<double> scores(tokens, std::numeric_limits<double>::quiet_NaN());
  const json::array& vocab = model.at("vocab").get_array();  // read_json_tokens has seen it
  for (std::size_t i = 0; i < std::min(tokens, vocab.size()); ++i) {
    const json::value& score = vocab[i].get_array()[1];
    scores[i] = score.is_number() ? score.to_number<double>() : HUGE_VAL;
    if (!std::isfinite(scores[i]))
      return make_error(Code::kCorrupt, "tokenizer.json: the score of token {} is no number", i);
  }
  return scores;
}

Status mark_unknown(const json::object& model, PieceSpec& spec) {
  const json::value* const id = member(model, "unk_id");
  if (id == nullptr) return {};
  if (!id->is_int64() || id->get_int64() < 0 ||
      static_cast<std::size_t>(id->get_int64()) >= spec.tokens.size())
    return make_error(Code::kCorrupt, "tokenizer.json: 'unk_id' is none of the {} tokens",
                      spec.tokens.size());
  spec.unknown = static_cast<TokenId>(id->get_int64());
  spec.kinds[static_cast<std::size_t>(spec.unknown)] = TokenKind::kUnknown;
  return {};
}

}  // namespace

Result<PieceSpec> read_unigram_json(const json::object& root, std::size_t max_tokens) {
  const json::object* const model = AQ_TRY(object_of(root, "model"));
  PieceSpec spec;
  spec.model = PieceSpec::Model::kUnigram;
  if (const json::object* const normalizer = object_in(root, "normalizer"))
    AQ_RETURN_IF_ERROR(read_json_steps(*normalizer, spec.steps));
  const JsonSpaces spaces = AQ_TRY(read_pre_tokenizer(root, spec.steps));
  AQ_RETURN_IF_ERROR(check_json_decoder(root));
  JsonTokens list = AQ_TRY(read_json_tokens(root, *model, max_tokens));
  spec.tokens = std::move(list.tokens);
  spec.kinds = std::move(list.kinds);
  spec.traits.left_out = list.left_out.size();
  spec.json_scores = AQ_TRY(read_scores(*model, spec.tokens.size()));
  spec.space = spaces.in_front;
  spec.cut_before_spaces = spaces.cut_before;
  spec.user_defined_in_text = true;
  spec.byte_fallback = flag(*model, "byte_fallback");
  mark_json_bytes(spec);
  AQ_RETURN_IF_ERROR(mark_unknown(*model, spec));
  return spec;
}

}  // namespace aquilon::text

#include "text/tokenizer_tables.h"

#include <unordered_map>
#include <utility>

#include "text/tokenizer_tables_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

// A piece's score is the place of its first merge: the earlier, the better.
std::vector<float> scores_of_merges(const PieceSpec& spec) {
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) ids.emplace(spec.tokens[i], i);
  std::vector<float> scores(spec.tokens.size(), 0.0f);
  float next = -1;
  for (const auto& [left, right] : spec.merges) {
    const auto at = ids.find(left + right);
    if (at == ids.end() || scores[at->second] != 0) continue;
    scores[at->second] = next;
    next -= 1;
  }
  return scores;
}

TokenizerTables tables_of(BpeSpec spec) {
  return {.is_byte_level = true,
          .pre = std::move(spec.pre),
          .tokens = std::move(spec.tokens),
          .kinds = std::move(spec.kinds),
          .merges = std::move(spec.merges)};
}

Result<TokenizerTables> tables_of(PieceSpec spec) {
  if (spec.model != PieceSpec::Model::kBpe)
    return Error{Code::kUnsupported, "GGUF files of unigram tokenizers are not written"};
  if (!spec.charsmap.empty() || spec.remove_extra_spaces)
    return Error{Code::kUnsupported, "the tokenizer normalises text, and GGUF has no key for that"};
  TokenizerTables tables{.is_byte_level = false};
  tables.scores = spec.has_merges ? scores_of_merges(spec) : std::move(spec.scores);
  tables.tokens = std::move(spec.tokens);
  tables.kinds = std::move(spec.kinds);
  tables.unknown = spec.unknown;
  tables.space_in_front = spec.space != SpaceInFront::kNever;
  return tables;
}

}  // namespace

Result<TokenizerTables> read_tokenizer_tables(std::string_view bytes, std::size_t max_tokens) {
  switch (AQ_TRY(format_of_tokenizer(bytes))) {
    case TokenizerFormat::kTekken:
      return read_tekken_tables(bytes, max_tokens);
    case TokenizerFormat::kSentencePiece: {
      PieceSpec spec = AQ_TRY(read_sentencepiece_spec(bytes, max_tokens));
      return tables_of(std::move(spec));
    }
    case TokenizerFormat::kJson:
      break;
  }
  auto spec = AQ_TRY(read_json_spec(bytes, max_tokens));
  if (auto* byte_level = std::get_if<BpeSpec>(&spec)) return tables_of(std::move(*byte_level));
  return tables_of(std::get<PieceSpec>(std::move(spec)));
}

}  // namespace aquilon::text

// Tokenizers whose pieces are text with "▁" for a space, as SentencePiece makes them: BPE by score
// or by a list of merges, and unigram. Characters without a piece become byte tokens or the unknown
// token.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/text_steps.h"
#include "text/tokenizer.h"

namespace aquilon::text {

// Where a space is put in front of text.
enum class SpaceInFront : std::uint8_t {
  kNever,
  kEverywhere,   // of the text, and again behind each token that is matched before pieces are
  kUnlessThere,  // the same where the text does not begin with a space
  kAtStart,      // of the text only, where it does not begin with a space
};

struct PieceSpec {
  enum class Model : std::uint8_t { kBpe, kUnigram };

  Model model = Model::kBpe;
  std::vector<std::string> tokens;  // as written: "▁Hello", "<0x0A>"
  std::vector<TokenKind> kinds;     // one a token
  std::vector<float> scores;        // one a token; not needed where merges are given
  // The same of a unigram model in a tokenizer.json, in place of `scores`: its words are cut one by
  // one where cut_before_spaces says so. Not a number: a token that was added beside the model.
  std::vector<double> json_scores;
  std::vector<TextStep> steps;  // before all else; of unigram models in a tokenizer.json
  // Written forms, best first. Given: BPE joins by this list, not by score.
  std::vector<std::pair<std::string, std::string>> merges;
  bool has_merges = false;
  TokenId unknown = -1;      // for what has no piece and no byte tokens; -1: left out
  bool fuse_unknown = true;  // one unknown token for a run of such characters
  bool byte_fallback =
      true;  // what has no piece becomes byte tokens, where the vocabulary has them
  SpaceInFront space = SpaceInFront::kEverywhere;
  bool remove_extra_spaces = false;   // at both ends, and all but one of a run
  bool cut_before_spaces = false;     // no piece goes over a space that is not its first character
  bool cut_at_newlines = false;       // runs of line feeds are apart (Gemma 4)
  bool user_defined_in_text = false;  // user-defined tokens are matched in the text as it came, not
                                      // in the normalised one (tokenizer.json)
  std::string charsmap;               // SentencePiece's compiled normalisation; empty: none
  TokenizerTraits traits;             // space_in_front is set from `space`
};

// Errors: kCorrupt names what is wrong with token, score, merge or charsmap; kUnsupported names a
// unigram piece longer than 512 bytes.
Result<std::unique_ptr<Tokenizer>> make_piece_tokenizer(PieceSpec spec);

}  // namespace aquilon::text

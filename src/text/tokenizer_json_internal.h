// Parts of reading Hugging Face's tokenizer.json, shared by its two styles: tokens in the
// byte-level alphabet, and pieces of text with "▁" for a space.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/piece_tokenizer.h"
#include "text/tokenizer.h"

namespace aquilon::text {

inline constexpr std::string_view kTokenizerJson = "tokenizer.json";

Error unsupported_json(std::string_view what);

Result<const boost::json::object*> object_of(const boost::json::object& parent,
                                             std::string_view key);

// The type of a member that is an object with a type; empty if it is absent.
std::string_view type_of(const boost::json::object& parent, std::string_view key);

// The vocabulary and the added tokens, in order of id.
struct JsonTokens {
  std::vector<std::string> tokens;
  std::vector<TokenKind> kinds;
  std::set<std::string, std::less<>> left_out;  // written forms beyond the limit
};
Result<JsonTokens> read_json_tokens(const boost::json::object& root,
                                    const boost::json::object& model, std::size_t max_tokens);

// The merges as pairs of written forms, best first; without those of tokens that are left out.
Result<std::vector<std::pair<std::string, std::string>>> read_json_merges(
    const boost::json::object& model, const std::set<std::string, std::less<>>& left_out);

// The control token that the post-processor puts in front of a text; -1: none.
// Errors: kCorrupt when it is not a token of the file.
Result<TokenId> read_first_token(const boost::json::object& root);

// True for a file of the byte-level style.
bool is_byte_level_json(const boost::json::object& root);
Result<BpeSpec> read_byte_level_json(const boost::json::object& root, std::size_t max_tokens);
Result<PieceSpec> read_pieces_json(const boost::json::object& root, std::size_t max_tokens);
Result<PieceSpec> read_unigram_json(const boost::json::object& root, std::size_t max_tokens);

// Parts of reading pieces, for either model.

// What normalizer and pre-tokenizer do, as far as it is about spaces.
struct JsonSpaces {
  SpaceInFront in_front = SpaceInFront::kNever;
  bool replaced = false;
  bool cut_before = false;
};
Status read_metaspace(const boost::json::object& step, JsonSpaces& spaces);
Status check_json_decoder(const boost::json::object& root);
// Tokens like <0x0A> are bytes, if the model falls back to such.
void mark_json_bytes(PieceSpec& spec);
// Appends what a normalizer does. Errors: kUnsupported names a step that we do not have.
Status read_json_steps(const boost::json::object& step, std::vector<TextStep>& steps);

}  // namespace aquilon::text

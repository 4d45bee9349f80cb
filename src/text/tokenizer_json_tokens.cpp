// Vocabulary, added tokens and merges of a tokenizer.json.
#include <limits>

#include "text/json_fields_internal.h"
#include "text/tokenizer_json_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxHoles = 65536;  // ids without a token

Result<TokenId> id_of(const json::value& value, std::string_view token) {
  std::int64_t id = -1;
  if (value.is_int64()) id = value.get_int64();
  if (id < 0 || id > std::numeric_limits<TokenId>::max()) {
    return make_error(Code::kCorrupt, "tokenizer.json: token '{}' has no valid id",
                      token.substr(0, 100));
  }
  return static_cast<TokenId>(id);
}

class TokenList {
 public:
  Status add_vocabulary(const json::object& vocab, std::size_t added) {
    limit_ = vocab.size() + added + kMaxHoles;
    list_.tokens.reserve(vocab.size() + added);
    for (const json::key_value_pair& entry : vocab) {
      const std::string_view token(entry.key().data(), entry.key().size());
      AQ_RETURN_IF_ERROR(put(AQ_TRY(id_of(entry.value(), token)), token, TokenKind::kNormal));
    }
    return {};
  }

  // Of a unigram model: [text, score] in order of id.
  Status add_list(const json::array& vocab, std::size_t added) {
    limit_ = vocab.size() + added + kMaxHoles;
    list_.tokens.reserve(vocab.size() + added);
    for (std::size_t i = 0; i < vocab.size(); ++i) {
      const json::array* const pair = vocab[i].if_array();
      if (!pair || pair->size() != 2 || !(*pair)[0].is_string())
        return make_error(Code::kCorrupt,
                          "tokenizer.json: entry {} of 'vocab' is no pair of text and score", i);
      AQ_RETURN_IF_ERROR(
          put(static_cast<TokenId>(i), view((*pair)[0].get_string()), TokenKind::kNormal));
    }
    return {};
  }

  Status add_special(const json::value& value) {
    if (!value.is_object()) {
      return make_error(Code::kCorrupt, "tokenizer.json: an entry of 'added_tokens' is no object");
    }
    const json::object& token = value.get_object();
    const std::string_view content = text_of(token, "content");
    if (content.empty()) {
      return make_error(Code::kCorrupt, "tokenizer.json: an added token has no content");
    }
    for (const std::string_view key : {"lstrip", "rstrip", "single_word"}) {
      if (flag(token, key)) {
        return unsupported_json(
            fmt::format("added token '{}' with {}", content.substr(0, 100), key));
      }
    }
    const json::value* const id = member(token, "id");
    const TokenKind kind = flag(token, "special") ? TokenKind::kControl : TokenKind::kUserDefined;
    return put(AQ_TRY(id_of(id ? *id : json::value(-1), content)), content, kind);
  }

  JsonTokens take() { return std::move(list_); }

 private:
  Status put(TokenId id, std::string_view token, TokenKind kind) {
    const auto i = static_cast<std::size_t>(id);
    if (i >= limit_) {
      return make_error(Code::kCorrupt,
                        "tokenizer.json: token '{}' has id {}, but there are only {} tokens",
                        token.substr(0, 100), id, limit_ - kMaxHoles);
    }
    if (i >= list_.tokens.size()) {
      list_.tokens.resize(i + 1);
      list_.kinds.resize(i + 1, TokenKind::kUnused);
    }
    if (!list_.tokens[i].empty() && list_.tokens[i] != token) {
      return make_error(Code::kCorrupt, "tokenizer.json: tokens '{}' and '{}' share the id {}",
                        std::string_view(list_.tokens[i]).substr(0, 100), token.substr(0, 100), id);
    }
    list_.tokens[i] = token;
    list_.kinds[i] = kind;
    return {};
  }

  JsonTokens list_;
  std::size_t limit_ = 0;
};

Error no_array(std::string_view key) {
  return make_error(Code::kCorrupt, "tokenizer.json: '{}' is not an array", key);
}

// "left right", or ["left", "right"].
Result<std::pair<std::string, std::string>> read_merge(const json::value& value, std::size_t rank) {
  if (const json::string* const text = value.if_string()) {
    const std::string_view merge = view(*text);
    const std::size_t space = merge.find(' ', 1);
    if (space != merge.npos && space + 1 < merge.size()) {
      return std::pair(std::string(merge.substr(0, space)), std::string(merge.substr(space + 1)));
    }
    return make_error(Code::kCorrupt,
                      "tokenizer.json: merge {} ('{}') is not two tokens with a space between",
                      rank, merge.substr(0, 100));
  }
  const json::array* const pair = value.if_array();
  if (!pair || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string()) {
    return make_error(Code::kCorrupt,
                      "tokenizer.json: merge {} is neither text nor a pair of texts", rank);
  }
  return std::pair(std::string(view((*pair)[0].get_string())),
                   std::string(view((*pair)[1].get_string())));
}

}  // namespace

Result<JsonTokens> read_json_tokens(const json::object& root, const json::object& model,
                                    std::size_t max_tokens) {
  const json::value* const added = member(root, "added_tokens");
  if (added && !added->is_array()) return no_array("added_tokens");
  const std::size_t more = added ? added->get_array().size() : 0;
  TokenList list;
  const json::value* const listed = member(model, "vocab");
  if (text_of(model, "type") == "Unigram") {
    if (!listed || !listed->is_array()) return no_array("model.vocab");
    AQ_RETURN_IF_ERROR(list.add_list(listed->get_array(), more));
  } else {
    AQ_RETURN_IF_ERROR(list.add_vocabulary(*AQ_TRY(object_of(model, "vocab")), more));
  }
  if (added) {
    for (const json::value& token : added->get_array()) {
      AQ_RETURN_IF_ERROR(list.add_special(token));
    }
  }
  JsonTokens tokens = list.take();
  for (std::size_t i = max_tokens; i < tokens.tokens.size(); ++i) {
    tokens.left_out.insert(std::move(tokens.tokens[i]));
  }
  tokens.tokens.resize(std::min(tokens.tokens.size(), max_tokens));
  tokens.kinds.resize(tokens.tokens.size());
  return tokens;
}

Result<std::vector<std::pair<std::string, std::string>>> read_json_merges(
    const json::object& model, const std::set<std::string, std::less<>>& left_out) {
  const json::value* const merges = member(model, "merges");
  if (!merges || !merges->is_array()) return no_array("model.merges");
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(merges->get_array().size());
  for (const json::value& merge : merges->get_array()) {
    auto pair = AQ_TRY(read_merge(merge, pairs.size()));
    const bool gone =
        !left_out.empty() && (left_out.contains(pair.first) || left_out.contains(pair.second) ||
                              left_out.contains(pair.first + pair.second));
    if (!gone) pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace aquilon::text

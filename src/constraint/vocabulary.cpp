#include "constraint/vocabulary.h"

#include <algorithm>

#include "base/utf8.h"
#include "constraint/parts.h"
#include "constraint/string_tokens_internal.h"
#include "constraint/token_classes_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::size_t kMaxTokenBytes = 32 << 10;
constexpr std::size_t kMaxCharacters = 128;  // of tokens that strings of limited length count

// Characters of a text within a JSON string without escapes, the last one possibly unfinished; -1
// where it is none.
int characters_inside(std::string_view text) {
  int count = 0;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte < 0x20 || byte == '"' || byte == '\\') return -1;
    std::size_t length = utf8_length(text);
    if (length == 0) {
      // Unfinished: well-formed with some continuation.
      if (text.size() > 3) return -1;
      std::string whole(text);
      bool may_end = false;
      for (const char second : {'\x80', '\x90', '\xA0'}) {
        std::string tried = whole;
        if (tried.size() == 1) tried += second;
        while (tried.size() < 4 && utf8_length(tried) == 0) tried += '\x80';
        may_end = may_end || utf8_length(tried) == tried.size();
      }
      if (!may_end) return -1;
      length = text.size();
    }
    ++count;
    text.remove_prefix(length);
  }
  return count;
}

}  // namespace

bool Vocabulary::is_end(TokenId token) const {
  return std::find(ends_.begin(), ends_.end(), token) != ends_.end();
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::make(std::vector<std::string> tokens,
                                                           std::vector<TokenId> ends) {
  if (tokens.empty()) return Error{Code::kUnsupported, "a vocabulary without tokens"};
  for (const TokenId end : ends)
    if (end < 0 || static_cast<std::size_t>(end) >= tokens.size())
      return make_error(Code::kInvalidArgument, "the token {} that ends answers is not one of {}",
                        end, tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].size() > kMaxTokenBytes)
      return make_error(Code::kUnsupported, "token {} has {} bytes; at most {} are masked", i,
                        tokens[i].size(), kMaxTokenBytes);
  std::shared_ptr<Vocabulary> vocabulary(new Vocabulary);
  for (const TokenId end : ends) tokens[static_cast<std::size_t>(end)].clear();
  vocabulary->tokens_ = std::move(tokens);
  vocabulary->ends_ = std::move(ends);
  vocabulary->build();
  return std::shared_ptr<const Vocabulary>(std::move(vocabulary));
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::of(const text::Tokenizer& tokenizer,
                                                         std::vector<TokenId> ends, bool by_name) {
  std::vector<std::string> tokens(tokenizer.vocab_size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const text::TokenKind kind = tokenizer.kind(id);
    const bool is_text = kind == text::TokenKind::kNormal || kind == text::TokenKind::kByte ||
                         kind == text::TokenKind::kUserDefined;
    if (is_text) tokens[i] = tokenizer.token_bytes(id);
    if (!by_name) continue;
    if (tokens[i].find(kControlMark) != tokens[i].npos) tokens[i].clear();
    if (kind == text::TokenKind::kControl)
      tokens[i] = kControlMark + std::string(tokenizer.token_bytes(id));
  }
  std::erase_if(
      ends, [&](TokenId end) { return end < 0 || static_cast<std::size_t>(end) >= tokens.size(); });
  return make(std::move(tokens), std::move(ends));
}

void Vocabulary::build() {
  std::vector<TokenId> sorted, crossing;
  same_.assign(tokens_.size(), -1);
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    if (!tokens_[i].empty()) sorted.push_back(static_cast<TokenId>(i));
  std::sort(sorted.begin(), sorted.end(), [&](TokenId a, TokenId b) {
    return bytes(a) != bytes(b) ? bytes(a) < bytes(b) : a < b;
  });
  for (const TokenId token : sorted) {
    const std::string_view text = bytes(token);
    if (text.find_first_of("\"\\") != text.npos) crossing.push_back(token);
    if (std::count(text.begin(), text.end(), '"') > 1) with_quotes_.push_back(token);
  }
  sort_quotes();
  build_inside();
  for (const bool any : {false, true})
    string_tokens_[any] =
        std::make_shared<const StringTokens>(StringTokens::make(tokens_, crossing, any));
  spaced_tokens_ = std::make_shared<const SpacedTokens>(SpacedTokens::make(tokens_, sorted));
  build_tree(tokens_, sorted, all_, &same_);
  build_tree(tokens_, crossing, crossing_, nullptr);
  classes_ = std::make_shared<const TokenClasses>(tokens_, all_);
}

void Vocabulary::sort_quotes() {
  const auto three = std::stable_partition(
      with_quotes_.begin(), with_quotes_.end(),
      [&](TokenId token) { return std::count(bytes(token).begin(), bytes(token).end(), '"') > 2; });
  three_quotes_ = static_cast<std::size_t>(three - with_quotes_.begin());
  for (const TokenId token : with_quotes_) {
    const std::string_view text = bytes(token);
    if (text.find('\\') != text.npos || std::count(text.begin(), text.end(), '"') > 3) {
      with_many_quotes_.push_back(token);
      continue;
    }
    for (std::size_t begin = text.find('"') + 1, end; begin < text.size(); begin = end + 1) {
      end = text.find('"', begin);
      if (end == text.npos) break;
      quoted_.names.push_back(text.substr(begin, end - begin));
    }
  }
  std::vector<std::string_view>& names = quoted_.names;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string_view name : names) {
    quoted_.longest = std::max(quoted_.longest, name.size());
    if (!name.empty()) quoted_.last.add(static_cast<unsigned char>(name.back()));
  }
}

void Vocabulary::build_tree(const std::vector<std::string>& tokens, std::span<const TokenId> sorted,
                            TokenTree& tree, std::vector<TokenId>* same) {
  std::vector<std::uint32_t> path;  // nodes of the last token
  std::string_view last;
  TokenId last_token = -1;
  const auto close = [&](std::size_t depth) {
    while (path.size() > depth) {
      tree.nodes[path.back()].end = static_cast<std::uint32_t>(tree.nodes.size());
      path.pop_back();
    }
  };
  for (const TokenId token : sorted) {
    const std::string_view text = tokens[static_cast<std::size_t>(token)];
    if (text == last) {
      if (same != nullptr) (*same)[static_cast<std::size_t>(last_token)] = token;
      last_token = token;
      continue;
    }
    std::size_t shared = 0;
    while (shared < text.size() && shared < last.size() && text[shared] == last[shared]) ++shared;
    close(shared);
    for (std::size_t i = shared; i < text.size(); ++i) {
      path.push_back(static_cast<std::uint32_t>(tree.nodes.size()));
      tree.nodes.push_back(
          {0, -1, static_cast<std::uint16_t>(i + 1), static_cast<unsigned char>(text[i])});
    }
    tree.nodes[path.back()].token = token;
    tree.max_depth = std::max(tree.max_depth, text.size());
    last = text;
    last_token = token;
  }
  close(0);
  tree.heads.fill(TokenTree::kNoNode);
  for (std::uint32_t i = 0; i < tree.nodes.size(); i = tree.nodes[i].end)
    tree.heads[tree.nodes[i].byte] = i;
}

void Vocabulary::build_inside() {
  std::vector<std::vector<TokenId>> by_characters(kMaxCharacters + 2);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const int characters = tokens_[i].empty() ? -1 : characters_inside(tokens_[i]);
    if (characters < 0) continue;
    if (static_cast<std::size_t>(characters) > kMaxCharacters)
      long_inside_.push_back({static_cast<TokenId>(i), static_cast<std::uint32_t>(characters)});
    const auto n = std::min<std::size_t>(static_cast<std::size_t>(characters), kMaxCharacters + 1);
    by_characters[n].push_back(static_cast<TokenId>(i));
  }
  while (by_characters.size() > 1 && by_characters.back().empty()) by_characters.pop_back();
  std::vector<MaskWord> mask(mask_words());
  for (const std::vector<TokenId>& tokens : by_characters) {
    for (const TokenId token : tokens)
      mask[static_cast<std::size_t>(token) / 64] |= 1ULL << (token % 64);
    inside_.push_back(mask);
  }
}

std::span<const MaskWord> Vocabulary::inside_strings(std::uint32_t characters) const {
  if (characters == 0xFFFFFFFF) return inside_.back();
  const std::size_t kept = std::min(inside_.size() - 1, kMaxCharacters);
  return inside_[std::min<std::size_t>(characters, kept)];
}

}  // namespace aquilon::constraint

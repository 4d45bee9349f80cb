// A tokenizer's tokens as a tree of bytes, for masks over all of them. Made once for a tokenizer,
// shared by all grammars.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "constraint/byte_set.h"
#include "text/tokenizer.h"

namespace aquilon::constraint {

using text::TokenId;

struct StringTokens;
struct SpacedTokens;
class TokenClasses;

// A bit for each token, 64 a word.
using MaskWord = std::uint64_t;

// Tokens in the order of their bytes; a node's subtree is the range up to `end`.
struct TokenTree {
  struct Node {
    std::uint32_t end;
    TokenId token;        // -1: none ends here
    std::uint16_t depth;  // bytes up to here
    unsigned char byte;
  };
  static constexpr std::uint32_t kNoNode = 0xFFFFFFFF;
  std::vector<Node> nodes;
  std::array<std::uint32_t, 256> heads;  // nodes of first bytes
  std::size_t max_depth = 0;
};

// Immutable. Threads: safe.
class Vocabulary {
 public:
  // `tokens`: each token's bytes as they appear in the middle of a text; empty for those that stand
  // for no text (control tokens), which no grammar allows. `ends`: tokens that end an answer.
  // Errors: kInvalidArgument for an end outside the vocabulary; kUnsupported for a token of more
  // than 32 KiB, or no tokens.
  static Result<std::shared_ptr<const Vocabulary>> make(std::vector<std::string> tokens,
                                                        std::vector<TokenId> ends);
  // Every token of `tokenizer` that is no control token. `ends` as above; those outside are
  // ignored.
  // `by_name`: control tokens can be asked for as kControlMark and their written form.
  static Result<std::shared_ptr<const Vocabulary>> of(const text::Tokenizer& tokenizer,
                                                      std::vector<TokenId> ends,
                                                      bool by_name = false);

  std::size_t size() const { return tokens_.size(); }
  std::size_t mask_words() const { return (tokens_.size() + 63) / 64; }
  std::string_view bytes(TokenId token) const { return tokens_[static_cast<std::size_t>(token)]; }
  std::span<const TokenId> ends() const { return ends_; }
  bool is_end(TokenId token) const;

  const TokenTree& all() const { return all_; }
  // Tokens with a quote or backslash: all that can leave a string, and some more.
  const TokenTree& crossing() const { return crossing_; }
  const TokenClasses& classes() const { return *classes_; }
  // The next token of the same bytes; -1 after the last.
  TokenId same_bytes(TokenId token) const { return same_[static_cast<std::size_t>(token)]; }
  // Tokens with two quotes or more, or three.
  std::span<const TokenId> with_two_quotes() const { return with_quotes_; }
  std::span<const TokenId> with_three_quotes() const {
    return {with_quotes_.data(), three_quotes_};
  }
  // Of those with two or more the ones with four, or a backslash.
  std::span<const TokenId> with_many_quotes() const { return with_many_quotes_; }
  // What stands between two quotes of the others: names that one of them can hold as a whole.
  struct Quoted {
    std::vector<std::string_view> names;  // sorted
    ByteSet last;                         // their last bytes
    std::size_t longest = 0;
  };
  const Quoted& quoted() const { return quoted_; }
  // Tokens without quote and backslash that are all within a JSON string, of at most `characters`
  // (begun ones count), but for those of more than 128 where there is a limit: long_inside().
  std::span<const MaskWord> inside_strings(std::uint32_t characters) const;
  struct LongToken {
    TokenId token;
    std::uint32_t characters;
  };
  std::span<const LongToken> long_inside() const { return long_inside_; }
  // The other tokens that may stand in strings, or end them.
  const StringTokens& string_tokens(bool any_spelling) const {
    return *string_tokens_[any_spelling];
  }
  // Those between and at the beginning of JSON's lexemes.
  const SpacedTokens& spaced_tokens() const { return *spaced_tokens_; }

 private:
  Vocabulary() = default;
  void build();
  static void build_tree(const std::vector<std::string>& tokens, std::span<const TokenId> sorted,
                         TokenTree& tree, std::vector<TokenId>* same);

  std::vector<std::string> tokens_;
  void sort_quotes();

  std::vector<TokenId> ends_, same_, with_quotes_, with_many_quotes_;
  Quoted quoted_;
  std::size_t three_quotes_ = 0;  // of with_quotes_, its beginning
  TokenTree all_, crossing_;
  void build_inside();

  std::vector<std::vector<MaskWord>> inside_;  // by characters; the last one has all
  std::vector<LongToken> long_inside_;
  std::shared_ptr<const StringTokens> string_tokens_[2];
  std::shared_ptr<const SpacedTokens> spaced_tokens_;
  std::shared_ptr<const TokenClasses> classes_;
};

}  // namespace aquilon::constraint

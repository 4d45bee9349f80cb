// Tokens that are matched whole in a text before anything else: user-defined ones anywhere, control
// tokens only where the caller vouches for the text.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"  // TokenId, ByteRange

namespace aquilon::text {

// Immutable after construction; threads may share it.
class SpecialTokens {
 public:
  struct Token {
    std::string text;  // not empty
    TokenId id;
    bool in_any_text;  // false: only within trusted ranges
  };
  struct Match {
    std::size_t begin;
    std::size_t end;
    TokenId id;
  };

  explicit SpecialTokens(std::vector<Token> tokens);

  // Whether find() can have an answer for an untrusted text.
  bool any_for_untrusted() const { return any_for_untrusted_; }

  // The matches in `text`, disjoint and in order. Where tokens overlap the longest wins, then the
  // leftmost, as in llama.cpp. `trusted` is sorted and disjoint.
  // Cost: about linear in the text; overlaps of a longer token behind a shorter one cost a pass
  // over the text for each different token that occurs.
  std::vector<Match> find(std::string_view text, std::span<const ByteRange> trusted) const;
  // The same without trust and from left to right: the longest that begins at the first place where
  // one begins, as in SentencePiece. Cost: linear.
  std::vector<Match> find_leftmost(std::string_view text) const;

 private:
  // Calls f(token) for every token that begins at text[at], shortest first.
  template <class F>
  void for_each_at(std::string_view text, std::size_t at, F&& f) const;
  const Token* longest_at(std::string_view text, std::size_t at,
                          std::span<const ByteRange> trusted) const;
  std::size_t next_start(std::string_view text, std::size_t at) const;
  std::vector<Match> find_longest_first(std::string_view text,
                                        std::span<const ByteRange> trusted) const;

  std::vector<Token> tokens_;       // sorted by text
  std::array<bool, 256> starts_{};  // first bytes
  int only_start_ = -1;             // the first byte, if all tokens share it
  bool any_for_untrusted_ = false;
};

}  // namespace aquilon::text

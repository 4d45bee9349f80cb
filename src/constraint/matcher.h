// Follows one answer through a grammar: which tokens may come next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "constraint/grammar.h"
#include "constraint/vocabulary.h"

namespace aquilon::constraint {

// A copy is a fork: both go on on their own. Threads: one at a time for each matcher.
class Matcher {
 public:
  Matcher(Grammar grammar, std::shared_ptr<const Vocabulary> vocabulary);

  std::size_t mask_words() const { return vocabulary_->mask_words(); }
  // Sets the bits of the tokens that may come next, and clears the others: those whose bytes some
  // text of the grammar goes on with, and the vocabulary's ends where the text may end. `mask` has
  // vocabulary.mask_words() words. Errors: kUnsupported when the limit of memory, or that of work
  // for one token, is reached; kInvalidArgument where nothing at all may follow and the text may
  // not end.
  Status fill_mask(std::span<MaskWord> mask);
  // The same without any cached mask: for tests.
  Status fill_mask_uncached_for_test(std::span<MaskWord> mask);
  // Whether `token` may come next, by its bytes alone.
  bool allows(TokenId token);

  // Moves on. False, and nothing changes, where the token may not come.
  bool accept(TokenId token);
  // Moves on by bytes that are no token; counts as one for rollback.
  bool accept_bytes(std::string_view bytes);
  // Takes back the last `count` accepted tokens. count <= accepted().
  void rollback(std::size_t count);
  std::size_t accepted() const { return history_.size() - 1; }

  // Whether the text may end here. After an end token was accepted: is_finished().
  bool is_accepting();
  bool is_finished() const { return history_.back().finished; }
  // Bytes that must come next, whatever the rest; at most `limit`. Empty where there is a choice,
  // or the text may end.
  std::string forced_bytes(std::size_t limit = 256);
  // Tokens of the forced bytes as `encode` cuts them, without the last ones, which might be cut
  // otherwise once more follows.
  std::vector<TokenId> forced_tokens(const text::Tokenizer& tokenizer);

 private:
  struct Snapshot {
    std::uint64_t state;
    std::uint32_t open, text;
    std::uint8_t mode;
    bool finished;
  };
  std::shared_ptr<GrammarCore> core_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::vector<Snapshot> history_;
};

}  // namespace aquilon::constraint

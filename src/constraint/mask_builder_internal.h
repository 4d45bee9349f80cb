// The tokens that may follow a configuration: lexemes by what they make of the vocabulary alone,
// the rest by walking the tree of tokens through the automaton.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "constraint/lexeme_masks_internal.h"
#include "constraint/machine_internal.h"
#include "constraint/vocabulary.h"

namespace aquilon::constraint {

struct MaskEntry {
  struct Patch {
    std::uint32_t word;
    MaskWord bits;
  };
  std::span<const MaskWord> base;  // empty: none
  std::vector<Patch> patches;      // beside the base's
  std::vector<MaskWord> dense;     // instead of both
};

// Not thread-safe. `machine` outlives it.
class MaskBuilder {
 public:
  MaskBuilder(Machine& machine, std::shared_ptr<const Vocabulary> vocabulary)
      : machine_(machine),
        vocabulary_(std::move(vocabulary)),
        lexemes_(machine.regexes(), machine.strings(), *vocabulary_, machine.is_json()) {}

  const std::shared_ptr<const Vocabulary>& vocabulary() const { return vocabulary_; }
  // Its base is valid until clear().
  MaskEntry compute(State state);
  // The same, one walk over all tokens: what compute() is compared with.
  MaskEntry compute_plainly(State state);
  std::size_t memory_bytes() const { return lexemes_.memory_bytes(); }
  void clear() { lexemes_.clear(); }

 private:
  using Tokens = std::vector<TokenId>;
  using Threads = Machine::LexemeThreads;

  // A walk begins at `depth` of the tree; `written`: what leads there, of use within an item's
  // text.
  void begin_walk(const TokenTree& tree, State start, std::size_t depth, std::string_view written);
  // Passes over the tokens that known_ holds, in the tree of all.
  void walk(const TokenTree& tree, std::uint32_t begin, std::uint32_t end, Tokens& out);
  void walk_all(const TokenTree& tree, State start, Tokens& out);
  void add_lexeme(const Threads& threads, Tokens& out);
  void walk_exits(const LexemeMask& mask, const Threads& threads, Tokens& out);
  struct Ends {
    const StringTokens& string;
    std::uint32_t min, max;        // characters before the quote
    std::span<const TokenId> but;  // sorted: not these
  };
  void walk_ends(const Ends& ends, State start, Tokens& out);
  template <class Fits>
  void walk_rests(const TokenRests& tokens, State start, Fits fits, Tokens& out);
  // Threads between lexemes of JSON.
  void add_others(State others, Tokens& out);
  const std::vector<char>& fitting_spaces(std::uint32_t before);
  void end_items(const LexemeMask& mask, const Threads& threads, Tokens& out);
  bool ends_item(const Threads& threads, std::string_view token);
  void add_key(State key, Tokens& out);
  void walk_declared(const Machine::FreeKey& key, State state, std::uint32_t begin,
                     std::uint32_t end, Tokens& out, Tokens& seen);
  std::string_view text_at(const TokenTree& tree, std::uint32_t node) const;
  void finish(const Tokens& tokens, MaskEntry& entry);
  void reserve_path(std::size_t depth);

  Machine& machine_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  LexemeMasks lexemes_;
  std::vector<Threads> threads_;
  std::vector<State> keys_;
  std::vector<std::span<const MaskWord>> bases_;
  KindTexts known_;
  std::unordered_map<std::uint32_t, std::vector<char>> fitting_spaces_;  // by whitespace before
  Tokens tokens_;
  std::vector<MaskWord> bits_;        // all clear between uses
  std::vector<std::uint32_t> words_;  // those of bits_ that are not
  std::vector<State> path_;           // of a walk, by depth
  std::vector<ByteSet> path_first_;
  std::vector<char> path_waits_;  // the text of an item is put together later
  std::vector<char> path_bytes_;
};

}  // namespace aquilon::constraint

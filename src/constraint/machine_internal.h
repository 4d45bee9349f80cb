// The automaton: configurations that one byte leads on to the next. A configuration is a set of
// threads; a thread is the state of a lexeme and a frame, the persistent stack of what is open
// around it. All are numbered, so that equal configurations are equal numbers, and going back or
// branching off is remembering a number. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "constraint/cfg_program_internal.h"
#include "constraint/code_points_internal.h"
#include "constraint/schema_program_internal.h"
#include "constraint/whitespace.h"

namespace aquilon::constraint {

// One thread: lexeme << 32 | frame. Several: kManyTag << 32 | number of the set.
using State = std::uint64_t;
inline constexpr State kDead = ~0ULL;

struct MachineLimits {
  std::size_t memory_bytes = std::size_t{64} << 20;
  std::size_t threads = kMaxAlternatives;  // of one configuration
};

class Machine {
 public:
  Machine(std::unique_ptr<RegexStore> store, WhitespacePolicy whitespace, MachineLimits limits);

  RegexStore& regexes() { return *store_; }
  const JsonStrings& strings() const { return strings_; }
  SchemaProgram& schema() { return schema_; }
  CfgProgram& cfg() { return cfg_; }

  // The first configuration; after the programs are complete.
  State start_schema();
  State start_cfg();  // with values of the schemas in it, where there are any
  State start_regex(RegexId id);

  State step(State state, unsigned char byte);
  // Whether it is within a lexeme of an item that may not come twice, whose text is kept.
  bool in_text(State state) const;
  bool keeps_texts() const { return keeps_texts_; }
  // For walks over many texts that begin within such a lexeme: the item's text is put together only
  // where it ends, of what was written before and `walked`, all bytes of the walk up to the one
  // that is stepped by. Until then states are of use within the walk alone.
  State step_in_walk(State state, std::string_view walked);
  bool accepting(State state) const;
  // Bytes that may follow; may hold a few too many.
  ByteSet first(State state);
  // A thread within a key that takes any name: where it is in the tree of declared ones (kNoNode:
  // in none), and the configuration behind the quote of a name that is not declared.
  struct FreeKey {
    const std::vector<KeyNode>* tree;
    std::uint32_t node;
    State after;
  };
  static constexpr std::uint32_t kNoNode = 0xFFFFFFFF;
  std::optional<FreeKey> free_key(State one);
  // Within a key that takes undeclared names, whose place among the declared ones does not matter:
  // what is left of their contents. The key goes on while they do.
  std::optional<RegexId> open_name(State one) const;
  // Whether every text of string contents may follow there; beside them only what has a quote or
  // backslash in it.
  bool takes_any_name(RegexId contents) const;

  // Threads at the same lexeme, which alone decides how texts go on until it may end.
  struct LexemeThreads {
    RegexId lexeme;
    bool texts;  // some belong to an item whose text is kept
    std::vector<std::uint32_t> frames;
  };
  // A configuration as its lexemes, threads within keys, and all others; the lists empty first.
  void split(State state, std::vector<LexemeThreads>& lexemes, std::vector<State>& keys,
             State& others);
  // Threads that are all between lexemes of JSON, behind equally much whitespace: how much, as
  // spaces_fit() takes it, and the configuration without it.
  struct BetweenLexemes {
    std::uint32_t spaces;
    State before_spaces;
  };
  std::optional<BetweenLexemes> between_lexemes(State state);
  bool spaces_fit(std::uint32_t before, std::string_view spaces) const;
  // The configuration once the lexeme has become `reached`, which may end here, by the bytes
  // `walked`; of use as those of step_in_walk() where it is in a text.
  State after_lexeme(const LexemeThreads& from, RegexId reached, std::string_view walked);

  // Behind a string that may not come twice, of which there are many: the configuration whichever
  // it was, as far as no other item is completed, and what may not be written now up to the quote.
  // Nothing where it is not as simple as that.
  struct UniqueEnd {
    State after;
    std::vector<std::string> taken;
  };
  std::optional<UniqueEnd> unique_end(const LexemeThreads& threads);
  bool is_json() const { return json_; }
  // Whether it is within a JSON value that has begun; everywhere where the whole text is one.
  bool in_value(State state) const;
  // Whether names once used may leave an open name without an end.
  bool finite_keys() const { return finite_keys_; }

  std::size_t memory_bytes() const;
  // A limit was passed: configurations that would need more are dead.
  bool exhausted() const { return exhausted_ || store_->exhausted(); }

 private:
  enum class Kind : std::uint8_t {
    kDone,
    kValue,
    kObjectOpen,
    kObjectNext,
    kObjectComma,
    kKey,
    kColon,
    kArrayOpen,
    kArrayNext,
    kText,
    kCfg
  };
  struct Frame {
    Kind kind = Kind::kDone;
    std::uint32_t shape = 0;  // value, object, array shape; place in the CFG program
    std::uint32_t seen = 0;   // keys; set of unique items
    std::uint32_t count = 0;  // properties, items
    std::uint32_t marks = 0;  // obligations fulfilled; counters of an array
    std::uint32_t text = 0;   // what was written of the outermost unique item; 0: not kept
    std::uint32_t parent = 0;
    friend bool operator==(const Frame&, const Frame&) = default;
  };
  struct KeyState {
    std::uint32_t shape;
    std::uint32_t node;           // in the tree of declared keys; kNoNode: none
    std::vector<RegexId> others;  // contents of free keys, then each pattern; empty: no free key
    std::unique_ptr<std::array<std::uint32_t, 256>> next;
  };
  using Threads = std::vector<State>;

  std::uint32_t frame(const Frame& value);
  State state_of(Threads& threads);
  static State thread(std::uint32_t lexeme, std::uint32_t frame) {
    return std::uint64_t{lexeme} << 32 | frame;
  }
  void prepare_schema();
  State step_slow(State state, unsigned char byte);
  void step_thread(std::uint32_t lexeme, std::uint32_t frame, unsigned char byte, Threads& out);
  State after_space(std::uint32_t lexeme, std::uint32_t at, unsigned char byte) const;
  void step_structure(std::uint32_t at, unsigned char byte, Threads& out);
  void step_value(ValueId value, std::uint32_t parent, std::uint32_t text, unsigned char byte,
                  Threads& out);
  void step_object(const Frame& f, unsigned char byte, std::uint32_t text, Threads& out);
  void step_array(const Frame& f, unsigned char byte, std::uint32_t text, Threads& out);
  void step_key(std::uint32_t key, const Frame& f, unsigned char byte, Threads& out);
  void end_key(const KeyState& key, const Frame& f, std::uint32_t text, Threads& out);
  void enter_item(const Frame& array, std::uint32_t text, Threads& out);
  void push_lexeme(RegexId lexeme, std::uint32_t parent, std::uint32_t text, Threads& out);
  void complete(std::uint32_t parent, std::uint32_t text, Threads& out);
  void complete_item(Frame f, std::uint32_t text, Threads& out);
  void enter_cfg(std::uint32_t place, std::uint32_t parent, Threads& out, int depth);
  template <class Visit>
  void item_frames(const Frame& array, std::uint32_t text, Visit visit);

  bool can_close(const ObjectShape& shape, const Frame& f) const;
  bool can_add(const ObjectShape& shape, const Frame& f) const;
  bool is_tight(const ObjectShape& shape, const Frame& f) const;
  // Where keys come in order: the ranks that may be next; `low` behind all keys: a free one came.
  struct Ranks {
    std::uint32_t low, high;
  };
  Ranks next_ranks(const ObjectShape& shape, const Frame& f) const;
  bool in_order(const ObjectShape& shape, const Frame& f, std::uint32_t key) const;
  bool free_key_in_order(const ObjectShape& shape, const Frame& f) const;
  bool usable_between(const ObjectShape& shape, const Frame& f, std::uint32_t low,
                      std::uint32_t high) const;
  bool key_alive(const KeyState& key, const Frame& f) const;
  std::uint32_t key_start(std::uint32_t shape);
  std::uint32_t key_state(std::uint32_t shape, std::uint32_t node, std::vector<RegexId> others);
  std::uint32_t key_next(std::uint32_t key, unsigned char byte);
  bool can_end_array(const ArrayShape& shape, const Frame& f) const;
  bool item_alive(const ArrayShape& shape, std::uint32_t count,
                  const std::vector<std::uint32_t>& counters) const;

  std::uint32_t seen_with(std::uint32_t seen, std::uint32_t key, std::size_t words);
  std::uint32_t words_id(const std::vector<std::uint64_t>& words);
  std::uint32_t append_text(std::uint32_t text, unsigned char byte);
  std::string text_between(std::uint32_t from, std::uint32_t to) const;
  RegexId item_lexeme(ValueId value, std::uint32_t unique);
  const std::vector<std::string>* few_strings(ValueId value);
  RegexId strings_left(ValueId value, const std::vector<std::string>& few,
                       const std::vector<std::uint64_t>& items);
  ByteSet first_of_frame(const Frame& f);
  ByteSet first_of_value(ValueId value);
  ByteSet first_of_key(std::uint32_t key, const Frame& f);

  std::unique_ptr<RegexStore> store_;
  JsonStrings strings_;
  WhitespacePolicy whitespace_;
  MachineLimits limits_;
  SchemaProgram schema_;
  CfgProgram cfg_;
  bool json_ = false, finite_keys_ = false;
  bool only_json_ = false;    // the text is one value
  bool keeps_texts_ = false;  // some array has unique items
  std::string_view walked_;   // not empty: within a walk
  bool exhausted_ = false;

  std::vector<Frame> frames_;
  std::vector<std::uint32_t> frame_table_;
  std::vector<Threads> sets_;
  std::unordered_map<std::string, std::uint32_t> set_index_;
  struct Memo {
    State from = kDead;
    State to = kDead;
    std::uint32_t byte = 0;
  };
  std::vector<Memo> memo_;
  std::size_t memo_used_ = 0;
  std::deque<KeyState> keys_;
  std::unordered_map<std::string, std::uint32_t> key_index_;
  std::vector<std::uint32_t> key_starts_;  // by shape, + 1
  std::vector<std::vector<std::uint64_t>> words_;
  std::size_t words_bytes_ = 0;
  std::unordered_map<std::string, std::uint32_t> words_index_;
  struct TextNode {
    std::uint32_t before;
    unsigned char byte;
  };
  std::vector<TextNode> texts_;
  std::unordered_map<std::uint64_t, std::uint32_t> text_index_;
  std::unordered_map<std::string, std::uint32_t> values_;  // canonical forms of unique items
  std::vector<std::string> value_texts_;
  std::unordered_map<std::uint64_t, RegexId> item_lexemes_;
  std::unordered_map<ValueId, std::optional<std::vector<std::string>>> few_strings_;
  struct StringsLeft {
    std::vector<std::uint64_t> without;  // items that were taken out
    RegexId strings = kNothing;
  };
  std::unordered_map<ValueId, StringsLeft> strings_left_;  // as last asked for
  std::unordered_map<ValueId, ByteSet> value_first_;
  Threads scratch_;
  Threads visited_;  // choices taken since a lexeme ended: place and stack
};

}  // namespace aquilon::constraint

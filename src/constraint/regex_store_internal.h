// Regular languages of bytes as hash-consed expressions: union, intersection, complement, counted
// repetition, and two kinds of decimal numbers (bounds, multiples) that would be large as plain
// expressions. An expression is an automaton's state: its transitions are derivatives, computed
// when first asked for and kept. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "constraint/byte_set.h"
#include "constraint/work_meter_internal.h"

namespace aquilon::constraint {

using RegexId = std::uint32_t;

inline constexpr RegexId kNothing = 0;    // the empty language
inline constexpr RegexId kEmptyText = 1;  // only the empty text
inline constexpr std::uint32_t kUnbounded = 0xFFFFFFFF;

// A bound that unsigned decimals are compared with: digits before and after the point, without
// superfluous zeros ("0" before the point at least).
struct DecimalBound {
  std::string whole;
  std::string fraction;
};

enum class Comparison : std::uint8_t { kLess, kAtMost, kGreater, kAtLeast };

class RegexStore {
 public:
  // More than `max_nodes` expressions: exhausted() turns true and every answer is kNothing.
  explicit RegexStore(std::size_t max_nodes = 400'000);

  bool exhausted() const { return meter_.passed(); }
  // How much may be computed, in derivatives of single expressions; beyond, exhausted().
  WorkMeter& meter() { return meter_; }
  bool spend(std::size_t derivatives) { return meter_.spend(derivatives); }
  std::size_t size() const { return nodes_.size(); }
  std::size_t memory_bytes() const;

  RegexId bytes(const ByteSet& set);
  RegexId byte(unsigned char value);
  RegexId literal(std::string_view text);
  // The union of many literals, sharing their beginnings.
  RegexId literals(std::vector<std::string> texts);
  // The same of literals that go on; texts that are equal do so in the same way.
  struct Beginning {
    std::string text;
    RegexId rest;
  };
  RegexId beginnings(std::vector<Beginning> texts);
  // A union that literals() made, or this did, without one of its texts.
  RegexId without(RegexId literals, std::string_view text);
  RegexId concat(RegexId first, RegexId second);
  RegexId any_of(std::vector<RegexId> members);
  RegexId all_of(std::vector<RegexId> members);
  RegexId either(RegexId a, RegexId b) { return any_of({a, b}); }
  RegexId both(RegexId a, RegexId b) { return all_of({a, b}); }
  RegexId complement(RegexId a);  // among all byte strings
  RegexId minus(RegexId a, RegexId b) { return both(a, complement(b)); }
  RegexId repeat(RegexId a, std::uint32_t min, std::uint32_t max);
  RegexId star(RegexId a) { return repeat(a, 0, kUnbounded); }
  RegexId optional(RegexId a) { return repeat(a, 0, 1); }
  // Unsigned decimals (digits, at most one point; the syntax itself is not checked) that compare so
  // with the bound.
  RegexId compared(const DecimalBound& bound, Comparison comparison);
  // Unsigned decimals that are multiples of `divisor` * 10^-scale, divisor > 0.
  RegexId multiple_of(std::uint32_t divisor, std::uint32_t scale);

  bool nullable(RegexId id) const { return nodes_[id].nullable; }
  // The language after `byte`; kNothing if there is none. Exact: no answer but kNothing is an empty
  // language.
  RegexId next(RegexId id, unsigned char byte) {
    const Row* row = id < rows_.size() ? rows_[id].get() : nullptr;
    if (row != nullptr && row->next[byte] != kUnknown) return row->next[byte];
    return compute_next(id, byte);
  }
  // Bytes that a text may begin with; may hold a few too many.
  const ByteSet& first(RegexId id) {
    if (id < first_known_.size() && first_known_[id] != 0) return first_[id];
    return remember_first(id);
  }
  // Whether the language is empty. Explores the automaton where complements or intersections occur.
  bool is_empty(RegexId id);
  // The number of texts, `limit` if there are that many or more.
  std::size_t count_texts(RegexId id, std::size_t limit);
  // All texts of a finite language of fewer than `limit`; false if there are more.
  bool list_texts(RegexId id, std::size_t limit, std::vector<std::string>& out);

  struct Repetition {
    std::uint32_t min, max;
    RegexId tail;  // what follows
  };
  // What repetition of `a` it is that something follows; nothing for other expressions.
  std::optional<Repetition> repetition_of(RegexId id, RegexId a) const;
  // Where `id` is another language and at most so many of `character` before `tail`, more than the
  // next `bytes` and any end after them can need: the other language alone.
  std::optional<RegexId> without_limit(RegexId id, RegexId character, RegexId tail,
                                       std::size_t bytes);
  // Whether some text that the language begins with can only be ended in finitely many ways. True
  // as well where that takes too many states to find out.
  bool has_finite_ends(RegexId id);
  // The members of a union; the expression itself where it is none.
  std::span<const RegexId> members(const RegexId& id) const;

 private:
  enum class Kind : std::uint8_t {
    kNothing,
    kEmpty,
    kSet,
    kConcat,
    kAnyOf,
    kAllOf,
    kNot,
    kRepeat,
    kCompare,
    kMultiple
  };
  static constexpr RegexId kUnknown = 0xFFFFFFFF;

  struct Node {
    Kind kind;
    bool nullable;
    bool boolean;           // holds a complement, intersection or number: may be empty unseen
    std::uint32_t a, b, c;  // by kind: operands, bounds, offsets into lists_
  };
  struct Row {
    RegexId next[256];
  };

  RegexId intern(const Node& node);
  RegexId intern_list(Kind kind, const std::vector<RegexId>& members);
  bool same(const Node& x, const Node& y) const;
  std::uint64_t hash(const Node& node) const;
  void grow_table();
  RegexId compute_next(RegexId id, unsigned char byte);
  RegexId derive(RegexId id, unsigned char byte);
  RegexId derive_compare(const Node& node, unsigned char byte);
  RegexId derive_multiple(const Node& node, unsigned char byte);
  RegexId compare_node(std::uint32_t bound, Comparison how, std::uint32_t position,
                       std::uint32_t phase, std::uint32_t order);
  RegexId before(std::string_view text, RegexId rest);
  RegexId beginnings_from(std::span<const Beginning> sorted, std::size_t depth);
  RegexId derive_concat(RegexId id, unsigned char byte);
  ByteSet compute_first(RegexId id);
  const ByteSet& remember_first(RegexId id);
  RegexId relaxed(RegexId id);
  struct Ends {
    std::size_t shortest;  // bytes of the shortest text
    std::size_t furthest;  // and at most of the shortest end of any text that is begun
  };
  Ends ends_of(RegexId id, int& budget);
  ByteSet class_of(RegexId id, unsigned char byte);
  void add_heads(RegexId id, std::vector<ByteSet>& out);
  std::vector<unsigned char> representatives(RegexId id);
  std::vector<std::pair<ByteSet, unsigned char>> classes(RegexId id);
  std::span<const RegexId> list(const Node& node) const { return {lists_.data() + node.a, node.b}; }

  std::size_t max_nodes_;
  WorkMeter meter_;
  std::vector<Node> nodes_;
  std::vector<RegexId> lists_;
  std::vector<std::uint32_t> table_;  // open addressing, node id + 1
  std::vector<ByteSet> sets_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> set_index_;
  std::vector<DecimalBound> bounds_;
  std::vector<std::unique_ptr<Row>> rows_;
  std::size_t rows_made_ = 0;
  std::deque<ByteSet> first_;  // by expression, where known
  std::vector<char> first_known_;
  std::vector<ByteSet> scratch_heads_;
  std::unordered_map<RegexId, RegexId> relaxed_;
  std::unordered_map<RegexId, Ends> ends_;
  std::vector<std::uint8_t> emptiness_;  // 0 unknown, 1 has texts, 2 empty
};

}  // namespace aquilon::constraint

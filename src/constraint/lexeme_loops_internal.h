// After which texts a lexeme goes on whatever they are, told by the kinds of their bytes.
#pragma once

#include <unordered_map>
#include <vector>

#include "constraint/code_points_internal.h"
#include "constraint/regex_store_internal.h"
#include "constraint/token_classes_internal.h"

namespace aquilon::constraint {

// Not thread-safe. `store` outlives it.
class LexemeLoops {
 public:
  explicit LexemeLoops(RegexStore& store) : store_(store) {}

  // Texts such that the lexeme goes on after each, and after each of its beginnings. `may_end`: it
  // may end there as well. No kinds where that is not worth a look or not known.
  KindTexts of(RegexId lexeme, bool may_end);
  std::size_t memory_bytes() const { return (known_[0].size() + known_[1].size()) * 48; }

 private:
  // The states that texts of `texts_` lead to, by the fewest characters, and the kind of the last.
  struct Place {
    RegexId state;
    unsigned depth;
    ByteKinds kind;
  };
  // Following costs more than passing over tokens saves.
  bool costly() const;
  bool goes_on(RegexId state) const {
    return state != kNothing && (may_end_ || !store_.nullable(state));
  }
  // Follows all texts of the kinds, until one ends: then takes a kind away or bounds the length.
  // False: too many places, or too costly.
  bool follow_from(RegexId lexeme);
  bool follow(std::size_t begin);
  bool visit(const Place& place);
  bool follow_kind(const Place& from, unsigned kind);
  void exclude(const Place& from, ByteKinds kind);
  void allow_spaces(RegexId lexeme);
  void allow_other_characters();
  bool others_stay();

  RegexStore& store_;
  bool may_end_ = false;
  KindTexts texts_;
  bool dropped_ = false;         // a kind, while following
  std::size_t work_before_ = 0;  // that was left when it began
  std::vector<Place> places_;
  std::unordered_map<RegexId, unsigned> depths_;
  RegexId other_characters_ = kNothing;  // once made
  // By whether it may end: those of places from which nothing leads away.
  std::unordered_map<RegexId, KindTexts> known_[2];
};

}  // namespace aquilon::constraint

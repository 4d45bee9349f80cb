// What a schema says of one kind of value, as a disjunction of conjunctions.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "constraint/regex_store_internal.h"
#include "constraint/schema_document_internal.h"

namespace aquilon::constraint {

// A node of the document that must hold, or must not: node << 1 | must_not.
using Atom = std::uint32_t;
inline constexpr Atom kTrueAtom = kTrueNode << 1;
inline constexpr Atom kFalseAtom = kFalseNode << 1;
inline Atom atom(NodeId node, bool negated = false) {
  if (negated && node <= kFalseNode) return (node ^ 1) << 1;
  return node << 1 | static_cast<Atom>(negated);
}

inline constexpr std::uint32_t kNoLimit = 0xFFFFFFFF;

// Strings, numbers and literals.
struct Scalars {
  RegexId text = kNothing;  // contents of strings, as written between quotes
  RegexId number = kNothing;
  bool null = false, yes = false, no = false;
};

// Keys but for these names and those that match one of these patterns.
struct KeyScope {
  std::vector<std::string_view> names;
  std::vector<RegexId> patterns;
};

struct AdditionalRule {
  KeyScope except;
  Atom schema;
};

// Some key in scope, of a name that `name` matches (kNothing: any), has such a value.
struct ExistsRule {
  KeyScope except;
  RegexId name = kNothing;
  Atom value = kTrueAtom;
};

struct Evaluated {
  bool all = false;
  KeyScope keys;               // objects
  std::uint32_t prefix = 0;    // arrays
  std::vector<Atom> contains;  // arrays: items that one of these matches
};

struct ObjectCase {
  std::vector<std::pair<std::string_view, Atom>> properties;
  std::vector<std::pair<RegexId, Atom>> patterns;
  std::vector<AdditionalRule> additional;
  std::vector<RegexId> names;  // contents that every key must match
  std::vector<std::string_view> required;
  std::vector<ExistsRule> exists;
  std::uint32_t min = 0, max = kNoLimit;
  Evaluated evaluated;
};

struct ItemsRule {
  std::vector<Atom> prefix;
  Atom rest = kTrueAtom;
};

struct ContainsRule {
  Atom schema = kTrueAtom;
  std::uint32_t from = 0;  // index of the first item that counts
  std::uint32_t min = 0, max = kNoLimit;
};

struct ArrayCase {
  std::vector<ItemsRule> items;
  std::vector<ContainsRule> contains;
  std::uint32_t min = 0, max = kNoLimit;
  bool unique = false;
  Evaluated evaluated;
};

}  // namespace aquilon::constraint

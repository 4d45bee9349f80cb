// A schema as the tables that the automaton runs on. Values are numbered: each stands for a set of
// subschemas that must hold together.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "constraint/regex_store_internal.h"

namespace aquilon::constraint {

using ValueId = std::uint32_t;
inline constexpr ValueId kNoValue = 0;  // nothing satisfies it
// Objects and arrays that a value may be, followed side by side.
inline constexpr std::size_t kMaxAlternatives = 512;

// One way to go on: which obligations (or counters) this fulfils, and what the value must be.
struct Choice {
  std::uint32_t fulfils = 0;
  ValueId value = kNoValue;
};

struct ObjectKey {
  std::string text;  // as written between the quotes
  bool required = false;
  std::uint32_t rank = 0;       // in the order in which the schema declares them
  std::vector<Choice> choices;  // satisfiable ones only; none: the key may not occur
};

// A node of the tree of declared keys, children beside each other.
struct KeyNode {
  unsigned char byte = 0;
  std::int32_t key = -1;                 // that ends here
  std::uint32_t child = 0, sibling = 0;  // 0: none
  std::uint32_t low = 0, high = 0;       // keys below: a range, as they are sorted
};

struct ObjectShape {
  std::vector<ObjectKey> keys;                  // sorted by text
  std::vector<KeyNode> tree;                    // tree[0] is the root
  std::vector<std::uint64_t> usable, required;  // bits by key
  std::vector<std::uint32_t> in_order;  // keys by rank, where they must come so; empty elsewhere
  std::uint32_t min = 0, max = 0xFFFFFFFF;
  std::uint32_t obligations = 0;  // bits that must be fulfilled at the end
  // Other keys.
  bool free = false;
  RegexId free_text = kNothing;  // their contents
  std::vector<RegexId> patterns;
  std::unordered_map<std::uint64_t, std::vector<Choice>> classes;  // by the patterns that match
  bool finite_free = false;  // few texts, or of bounded length: a name once used closes branches
};

struct ArrayShape {
  std::vector<std::vector<Choice>> items;  // by index; the last one is for all further
  std::uint32_t min = 0, max = 0xFFFFFFFF;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> counted;  // min, max of each counter
  bool unique = false;
};

struct ValueShape {
  RegexId scalar = kNothing;  // whole texts of strings (with quotes), numbers and literals
  RegexId strings = kNothing, numbers = kNothing;
  std::vector<std::uint32_t> objects, arrays;
  bool possible = false;
};

struct SchemaProgram {
  std::vector<ValueShape> values;
  std::vector<ObjectShape> objects;
  std::vector<ArrayShape> arrays;
  ValueId root = kNoValue;
  bool free_keys = false;  // some object takes keys that are not declared
  std::size_t bytes = 0;   // of memory, about
};

}  // namespace aquilon::constraint

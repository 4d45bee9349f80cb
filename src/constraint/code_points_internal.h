// Sets of Unicode code points, and their spellings in bytes: as plain UTF-8, or as inside a JSON
// string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "constraint/regex_store_internal.h"

namespace aquilon::constraint {

struct CodePointRange {
  std::uint32_t low, high;  // both included
  friend bool operator==(const CodePointRange&, const CodePointRange&) = default;
};

// Sorted, disjoint, not adjacent; never surrogates once normalised.
class CodePoints {
 public:
  CodePoints() = default;
  CodePoints(std::initializer_list<CodePointRange> ranges) : ranges_(ranges) { normalise(); }

  void add(std::uint32_t low, std::uint32_t high) { ranges_.push_back({low, high}); }
  void add(const CodePoints& other) {
    ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  }
  void normalise();
  CodePoints complement() const;
  const std::vector<CodePointRange>& ranges() const { return ranges_; }

 private:
  std::vector<CodePointRange> ranges_;
};

// How characters are spelled.
enum class Spelling : std::uint8_t {
  kPlain,  // UTF-8
  kJson,  // in a JSON string, each character in one way: UTF-8, short escapes, \u00xx in lower case
};

// Any one character of the set. `set` normalised.
RegexId any_character(RegexStore& store, const CodePoints& set, Spelling spelling);

// The one spelling inside a JSON string that Spelling::kJson knows. `text` is UTF-8.
std::string json_spelling(std::string_view text);

// The parts that JSON strings are made of.
struct JsonStrings {
  RegexId one;       // a character in its one spelling
  RegexId any;       // a character in any spelling of JSON's, lone surrogates excepted
  RegexId one_text;  // any number of them
  RegexId any_text;
  RegexId quote;

  explicit JsonStrings(RegexStore& store);
};

}  // namespace aquilon::constraint

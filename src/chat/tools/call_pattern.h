// The notation in which dialects say how calls are written, matched against a text that is still
// being written.
//
//   ~    blanks and line ends, or none        $N  the name of a tool
//   %    letters and underscores, or none     $A  its arguments, a JSON object
//   $I   an id: letters and digits            $K  its arguments as Python writes them: a=1, b="x"
//   all else stands for itself
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aquilon::chat {

struct PatternItem {
  enum class Kind : std::uint8_t {
    kText,
    kSpaces,
    kWord,
    kName,
    kArguments,
    kId,
    kKeywords,
  };
  Kind kind;
  std::string_view text;  // kText
};

std::vector<PatternItem> pattern_items(std::string_view pattern);

enum class Match : std::uint8_t {
  kNo,
  kBegun,  // so far; more may come
  kWhole,
};

struct PatternMatch {
  Match match = Match::kNo;
  std::size_t length = 0;  // kWhole: of the text that matches
};

// Whether `text` begins with the pattern, which has neither $A nor $K. `names`: those of the tools.
PatternMatch match_pattern(std::string_view pattern, std::string_view text,
                           std::span<const std::string> names);

bool is_space(char c);
bool is_name_char(char c);

}  // namespace aquilon::chat

// The syntax tree of a regular expression.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "constraint/code_points_internal.h"

namespace aquilon::constraint {

struct PatternNode {
  enum class Kind : std::uint8_t {
    kEmpty,
    kCharacters,
    kSequence,
    kChoice,
    kRepeat,
    kBegin,
    kEnd,
    kAhead,
    kNotAhead
  };
  Kind kind = Kind::kEmpty;
  CodePoints characters;           // kCharacters
  std::vector<PatternNode> parts;  // operands
  std::uint32_t min = 0, max = 0;  // kRepeat
};

Result<PatternNode> parse_pattern(std::string_view pattern);

}  // namespace aquilon::constraint

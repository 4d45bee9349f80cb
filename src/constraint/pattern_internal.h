// Regular expressions in ECMA-262's syntax (the subset without backreferences, lookbehind, word
// boundaries inside words, and lookahead within repetitions) as languages of bytes.
#pragma once

#include <string_view>

#include "base/result.h"
#include "constraint/code_points_internal.h"

namespace aquilon::constraint {

struct PatternOptions {
  Spelling spelling = Spelling::kJson;
  bool search = true;  // matches anywhere, as JSON Schema's; else the whole text
};

// Texts (without quotes) that match. Errors: kInvalidArgument with the place and what is wrong;
// kUnsupported names what is not enforced. Depth of groups and size are bounded.
Result<RegexId> compile_pattern(RegexStore& store, std::string_view pattern,
                                const PatternOptions& options);

}  // namespace aquilon::constraint

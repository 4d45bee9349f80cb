// Context-free grammars from text to the automaton's instructions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "constraint/cfg_program_internal.h"

namespace aquilon::constraint {

// One side of a rule as a tree.
struct CfgExpression {
  enum class Kind : std::uint8_t { kText, kRule, kSequence, kChoice, kRepeat, kValue };
  Kind kind = Kind::kSequence;
  RegexId text = kEmptyText;       // kText: a language
  std::uint32_t rule = 0;          // kRule
  std::uint32_t value = 0;         // kValue: of the machine's schemas
  std::uint32_t min = 0, max = 0;  // kRepeat
  std::vector<CfgExpression> parts;
};

struct CfgRule {
  std::string name;
  CfgExpression body;
  bool defined = false;
};

struct CfgSource {
  std::vector<CfgRule> rules;
  std::uint32_t start = 0;
};

Result<CfgSource> parse_gbnf(std::string_view text, RegexStore& store);
Result<CfgSource> parse_lark(std::string_view text, RegexStore& store);

// Rules that do not call themselves become regular languages. Direct left recursion is turned into
// repetition; indirect one is refused. Errors: kUnsupported, kInvalidArgument, with the rule's
// name.
Status compile_cfg(CfgSource& source, RegexStore& store, CfgProgram& program);

}  // namespace aquilon::constraint

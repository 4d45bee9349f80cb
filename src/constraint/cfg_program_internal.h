// A context-free grammar as instructions: lexemes, calls of recursive rules, choices.
#pragma once

#include <cstdint>
#include <vector>

#include "constraint/regex_store_internal.h"

namespace aquilon::constraint {

struct CfgInstruction {
  enum class Kind : std::uint8_t {
    kMatch,   // a text of the language `a`, then the next instruction
    kValue,   // a value of the schemas' shape `a`, then the next instruction
    kCall,    // the rule that begins at `a`, then the next one
    kSplit,   // goes on at `a` and at `b`
    kJump,    // goes on at `a`
    kReturn,  // the rule ends
  };
  Kind kind;
  std::uint32_t a = 0, b = 0;
};

struct CfgProgram {
  std::vector<CfgInstruction> code;
  std::uint32_t start = 0;
};

}  // namespace aquilon::constraint

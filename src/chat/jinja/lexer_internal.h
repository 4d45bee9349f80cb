// Cuts a template into tokens, with jinja2's whitespace rules as chat templates expect them: one
// newline after a block tag is dropped (trim_blocks), blanks before one too (lstrip_blocks), `-`
// and
// `+` override, and the last newline of the template is dropped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::chat::jinja {

enum class TokenType {
  kData,           // text between tags
  kVariableBegin,  // {{
  kVariableEnd,
  kBlockBegin,  // {%
  kBlockEnd,
  kName,
  kString,  // text: with escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenType type;
  std::string text;
  int line;  // from 1
};

// Ends with a kEnd token. Time and memory linear in `source`.
// Errors: kInvalidArgument with the line.
Result<std::vector<Token>> tokenize(std::string_view source);

// "line N: message"
Error syntax_error(int line, std::string_view message);

}  // namespace aquilon::chat::jinja

// The grammar of answers that may, or must, hold calls.
#pragma once

#include "chat/tools/dialect.h"
#include "chat/tools/tool.h"
#include "constraint/parts.h"
#include "text/tokenizer.h"

namespace aquilon::chat {

// Names are always those of the tools, and arguments of the schemas that they have; what a call
// begins is enforced to its end. With ToolChoice::kAuto words come before, as the model likes; with
// kNone no call begins. `tokenizer`: says which marks of the dialect are control tokens.
// Requires: use.any().
constraint::Part call_grammar(const Dialect& dialect, const ToolUse& use,
                              const text::Tokenizer& tokenizer);

// The schema that arguments are held to: as it is declared where `whole`, else names and required
// members.
boost::json::value arguments_schema(const Tool& tool, bool whole);

}  // namespace aquilon::chat

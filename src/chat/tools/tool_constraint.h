// What holds an answer to the tools of its request.
#pragma once

#include <vector>

#include "chat/answer_constraint.h"
#include "chat/tools/dialect.h"
#include "chat/tools/tool.h"

namespace aquilon::chat {

// The dialect's marks that are control tokens of this vocabulary: its reader wants to see them.
std::vector<text::TokenId> control_tokens(const Dialect& dialect, const text::Tokenizer& tokenizer);

// Schemas that cannot be enforced are refused where they are strict, with `param` "tools"; of
// others names and required members are. `answer`: what an answer without calls is held to, if it
// is of a kind; its frame's beginning is that of calls as well. Requires: use.any(). Threads: safe.
Result<CompiledConstraint> tool_constraint(const Dialect& dialect, const ToolUse& use,
                                           const AnswerConstraint& answer,
                                           const text::Tokenizer& tokenizer,
                                           ConstraintCompiler& compiler,
                                           constraint::CompileBudget& budget);

}  // namespace aquilon::chat

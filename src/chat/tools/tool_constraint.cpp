#include "chat/tools/tool_constraint.h"

#include <boost/json/serialize.hpp>

#include "chat/tools/call_grammar.h"

namespace aquilon::chat {
namespace {

// Grammars of the same name are the same.
std::string name_of(const Dialect& dialect, const ToolUse& use) {
  std::string name(dialect.name);
  name += static_cast<char>('0' + static_cast<int>(use.choice));
  name += use.parallel ? "+" : "1";
  for (const Tool& tool : use.tools) {
    name += tool.name;
    name += !tool.strict ? "?" : *tool.strict ? "!" : "-";
    name += boost::json::serialize(tool.parameters) + ";";
  }
  return name;
}

Result<constraint::Matcher> compile(const Dialect& dialect, const ToolUse& use,
                                    const text::Tokenizer& tokenizer, ConstraintCompiler& compiler,
                                    constraint::CompileBudget& budget) {
  AnswerConstraint wanted{.kind = AnswerConstraint::Kind::kParts};
  wanted.text = name_of(dialect, use);
  wanted.field = "tools";
  wanted.parts = std::make_shared<const constraint::Part>(call_grammar(dialect, use, tokenizer));
  return AQ_TRY(compiler.compile(wanted, budget)).matcher;
}

}  // namespace

std::vector<text::TokenId> control_tokens(const Dialect& dialect,
                                          const text::Tokenizer& tokenizer) {
  std::vector<text::TokenId> ids;
  for (const std::string_view token : dialect.tokens) {
    const text::TokenId id = tokenizer.find_token(token);
    if (id >= 0 && tokenizer.kind(id) == text::TokenKind::kControl) ids.push_back(id);
  }
  return ids;
}

Result<constraint::Matcher> tool_matcher(const Dialect& dialect, const ToolUse& use,
                                         const text::Tokenizer& tokenizer,
                                         ConstraintCompiler& compiler,
                                         constraint::CompileBudget& budget) {
  auto matcher = compile(dialect, use, tokenizer, compiler, budget);
  if (matcher.ok()) return matcher;
  ToolUse weaker = use;
  bool changed = false;
  for (Tool& tool : weaker.tools) {
    const bool whole = tool.strict.value_or(true);
    const auto alone =
        constraint::Grammar::json_schema(arguments_schema(tool, whole), {.budget = &budget});
    if (alone.ok()) continue;
    if (tool.strict.value_or(false)) {
      Error error = Error(alone.error()).with_context("the strict tool '" + tool.name + "'");
      error.code = Code::kInvalidArgument;
      error.param = "tools";
      return error;
    }
    changed = changed || !tool.strict;
    tool.strict = false;
  }
  if (!changed) return matcher;
  return compile(dialect, weaker, tokenizer, compiler, budget);
}

}  // namespace aquilon::chat

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

// Calls, or else the answer that is asked for; where a call is demanded, or no form is asked for,
// the calls' grammar is all of it.
Result<CompiledConstraint> compile(const Dialect& dialect, const ToolUse& use,
                                   const AnswerConstraint& answer, const text::Tokenizer& tokenizer,
                                   ConstraintCompiler& compiler,
                                   constraint::CompileBudget& budget) {
  const auto calls_of = [&](const ToolUse& one) {
    return std::make_shared<const constraint::Part>(call_grammar(dialect, one, tokenizer));
  };
  AnswerConstraint wanted{.kind = AnswerConstraint::Kind::kParts};
  if (answer.kind != AnswerConstraint::Kind::kNone && use.choice == ToolChoice::kAuto) {
    ToolUse called = use;
    called.choice = ToolChoice::kRequired;
    wanted = answer;
    wanted.frame.name += name_of(dialect, called);
    wanted.frame.instead = calls_of(called);
    return compiler.compile(wanted, budget);
  }
  wanted.text = name_of(dialect, use);
  wanted.field = "tools";
  wanted.parts = calls_of(use);
  wanted.frame = answer.frame;
  return compiler.compile(wanted, budget);
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

Result<CompiledConstraint> tool_constraint(const Dialect& dialect, const ToolUse& use,
                                           const AnswerConstraint& answer,
                                           const text::Tokenizer& tokenizer,
                                           ConstraintCompiler& compiler,
                                           constraint::CompileBudget& budget) {
  auto made = compile(dialect, use, answer, tokenizer, compiler, budget);
  if (made.ok()) return made;
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
  if (!changed) return made;
  return compile(dialect, weaker, answer, tokenizer, compiler, budget);
}

}  // namespace aquilon::chat

// A compiled constraint: a JSON Schema, regular expression, list of choices, context-free grammar
// or a mixture of them. Shared by all requests that ask for the same; constraint/matcher.h follows
// one answer.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "constraint/compile_budget.h"
#include "constraint/parts.h"
#include "constraint/schema_refusal.h"
#include "constraint/whitespace.h"

namespace aquilon::constraint {

struct GrammarOptions {
  WhitespacePolicy whitespace = {};
  // JSON Schema: keys come in the order of `properties`, those of `required` alone behind them, all
  // others last. Otherwise in any order.
  bool schema_key_order = false;
  // What the automaton may take, states and cached masks together; beyond, compiling is refused and
  // a Matcher stops.
  std::size_t memory_bytes = std::size_t{64} << 20;
  // What compiling may cost, taken from it; beyond, it is refused. Null: one of its own.
  CompileBudget* budget = nullptr;
};

class GrammarCore;

// A handle; copies share the automaton. Threads: safe; matchers of one grammar take turns.
class Grammar {
 public:
  // All of these end within the budget, whatever they are given; the error then names the limit.

  // Everything that the schema says is enforced, or it is refused: kInvalidArgument for what is no
  // schema or satisfied by nothing, with pointer, keyword and reason in the message, and in
  // `refusal` if given. Formats other than the standard ones are annotations.
  static Result<Grammar> json_schema(const boost::json::value& schema,
                                     const GrammarOptions& options = {},
                                     SchemaRefusal* refusal = nullptr);
  // Any JSON object.
  static Result<Grammar> json_object(const GrammarOptions& options = {});
  // Texts that the whole pattern (ECMA-262) matches.
  static Result<Grammar> regex(std::string_view pattern, const GrammarOptions& options = {});
  // One of the texts. Errors: kInvalidArgument for none, or an empty one.
  static Result<Grammar> choice(std::span<const std::string> texts,
                                const GrammarOptions& options = {});
  // llama.cpp's grammars; Lark's, the subset that docs/STRUCTURED-OUTPUT.md lists.
  // Errors: kInvalidArgument with line and reason; kUnsupported for what is not enforced.
  static Result<Grammar> gbnf(std::string_view text, const GrammarOptions& options = {});
  static Result<Grammar> lark(std::string_view text, const GrammarOptions& options = {});

  // What the parts say. Errors: kInvalidArgument for a schema or pattern in them, as above.
  static Result<Grammar> parts(const Part& part, const GrammarOptions& options = {});

  // What the automaton takes now.
  std::size_t memory_bytes() const;

 private:
  friend class Matcher;
  explicit Grammar(std::shared_ptr<GrammarCore> core) : core_(std::move(core)) {}
  std::shared_ptr<GrammarCore> core_;
};

}  // namespace aquilon::constraint

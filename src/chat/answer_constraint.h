// What an answer must be, as requests say it, and the automata made of that for one tokenizer.
#pragma once

#include <boost/json/value.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "constraint/compile_budget.h"
#include "constraint/matcher.h"
#include "constraint/schema_refusal.h"
#include "constraint/whitespace.h"

namespace aquilon::chat {

// What may stand around an answer that is held to something.
struct AnswerFrame {
  std::string name = {};                                      // frames of one name are the same
  std::shared_ptr<const constraint::Part> before = nullptr;   // comes first; null: nothing
  std::shared_ptr<const constraint::Part> instead = nullptr;  // or this, of the answer

  bool any() const { return before || instead; }
};

struct AnswerConstraint {
  enum class Kind {
    kNone,
    kJsonObject,  // any JSON object
    kJsonSchema,  // a value of `schema`
    kRegex,       // a text that the whole of `text` matches
    kChoice,      // one of `choices`
    kGrammar,     // a text of the grammar `text`: GBNF if it has "::=", else Lark's
    kParts,       // what `parts` say, of which `text` is a name
  };
  Kind kind = Kind::kNone;
  boost::json::value schema;
  std::string text;
  std::vector<std::string> choices;
  std::shared_ptr<const constraint::Part> parts;
  std::string field;                        // of the request, for errors
  constraint::WhitespacePolicy whitespace;  // of JSON
  // What of the schema cannot be enforced is left out and told, instead of refused.
  bool best_effort = false;
  AnswerFrame frame = {};
};

// A keyword of a schema that an answer need not keep to.
using Unenforced = constraint::SchemaRefusal;

struct CompiledConstraint {
  constraint::Matcher matcher;                              // at the beginning of an answer
  std::shared_ptr<const std::vector<Unenforced>> left_out;  // never null
};

// Compiled constraints, the latest ones kept: the same request again costs no compiling and finds
// its masks. Threads: safe.
class ConstraintCompiler {
 public:
  // `tokenizer` outlives it; `ends`: tokens that end an answer.
  ConstraintCompiler(const text::Tokenizer& tokenizer, std::vector<text::TokenId> ends)
      : tokenizer_(tokenizer), ends_(std::move(ends)) {}

  // The first call makes the vocabulary's tree (some hundred ms). Errors: those of
  // constraint::Grammar, with `param`. `budget`: of all that the request compiles.
  Result<CompiledConstraint> compile(const AnswerConstraint& wanted,
                                     constraint::CompileBudget& budget);

 private:
  struct Entry {
    std::string key;
    constraint::Grammar grammar;
    std::shared_ptr<const std::vector<Unenforced>> left_out;
    std::size_t bytes;  // when it was asked for last
  };

  Result<std::shared_ptr<const constraint::Vocabulary>> vocabulary(bool with_controls);
  std::optional<Entry> find(const std::string& key);
  void keep(const Entry& entry);

  const text::Tokenizer& tokenizer_;
  std::vector<text::TokenId> ends_;
  std::mutex mutex_;
  // Of texts alone; of control tokens by name too, for parts.
  std::shared_ptr<const constraint::Vocabulary> vocabulary_, with_controls_;
  std::list<Entry> latest_;  // most recently used first
};

}  // namespace aquilon::chat

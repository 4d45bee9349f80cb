// What an answer must be, as requests say it, and the automata made of that for one tokenizer.
#pragma once

#include <boost/json/value.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "constraint/matcher.h"

namespace aquilon::chat {

struct AnswerConstraint {
  enum class Kind {
    kNone,
    kJsonObject,  // any JSON object
    kJsonSchema,  // a value of `schema`
    kRegex,       // a text that the whole of `text` matches
    kChoice,      // one of `choices`
    kGrammar,     // a text of the grammar `text`: GBNF if it has "::=", else Lark's
  };
  Kind kind = Kind::kNone;
  boost::json::value schema;
  std::string text;
  std::vector<std::string> choices;
  std::string field;  // of the request, for errors
};

// Compiled constraints, the latest ones kept: the same request again costs no compiling and finds
// its masks. Threads: safe.
class ConstraintCompiler {
 public:
  // `tokenizer` outlives it; `ends`: tokens that end an answer.
  ConstraintCompiler(const text::Tokenizer& tokenizer, std::vector<text::TokenId> ends)
      : tokenizer_(tokenizer), ends_(std::move(ends)) {}

  // A matcher at the beginning of an answer. The first call makes the vocabulary's tree (some
  // hundred ms). Errors: those of constraint::Grammar, with `param`.
  Result<constraint::Matcher> matcher(const AnswerConstraint& wanted);

 private:
  struct Entry {
    std::string key;
    constraint::Grammar grammar;
  };

  const text::Tokenizer& tokenizer_;
  std::vector<text::TokenId> ends_;
  std::mutex mutex_;
  std::shared_ptr<const constraint::Vocabulary> vocabulary_;
  std::list<Entry> latest_;  // most recently used first
};

}  // namespace aquilon::chat

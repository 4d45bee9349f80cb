#include "chat/answer_constraint.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace aquilon::chat {
namespace {

using Kind = AnswerConstraint::Kind;

constexpr std::size_t kMostKept = 64;
constexpr std::size_t kMostKeptBytes = std::size_t{256} << 20;

std::string key_of(const AnswerConstraint& wanted) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(wanted.kind)));
  if (wanted.kind == Kind::kJsonSchema) key += boost::json::serialize(wanted.schema);
  key += wanted.text;
  for (const std::string& choice : wanted.choices)
    key += std::to_string(choice.size()) + ":" + choice;
  return key;
}

Result<constraint::Grammar> compile(const AnswerConstraint& wanted) {
  switch (wanted.kind) {
    case Kind::kJsonSchema:
      return constraint::Grammar::json_schema(wanted.schema);
    case Kind::kRegex:
      return constraint::Grammar::regex(wanted.text);
    case Kind::kChoice:
      return constraint::Grammar::choice(wanted.choices);
    case Kind::kGrammar:
      return wanted.text.find("::=") != std::string::npos ? constraint::Grammar::gbnf(wanted.text)
                                                          : constraint::Grammar::lark(wanted.text);
    case Kind::kNone:
    case Kind::kJsonObject:
      break;
  }
  return constraint::Grammar::json_object();
}

}  // namespace

Result<constraint::Matcher> ConstraintCompiler::matcher(const AnswerConstraint& wanted) {
  std::string key = key_of(wanted);
  {
    const std::lock_guard lock(mutex_);
    if (vocabulary_ == nullptr) vocabulary_ = AQ_TRY(constraint::Vocabulary::of(tokenizer_, ends_));
    const auto found = std::find_if(latest_.begin(), latest_.end(),
                                    [&](const Entry& entry) { return entry.key == key; });
    if (found != latest_.end()) {
      latest_.splice(latest_.begin(), latest_, found);
      // One whose tables have grown to half of the limit is made again; who uses it keeps it.
      if (found->grammar.memory_bytes() <= constraint::GrammarOptions{}.memory_bytes / 2)
        return constraint::Matcher(found->grammar, vocabulary_);
      latest_.pop_front();
    }
  }
  auto grammar = compile(wanted);
  if (!grammar.ok()) {
    Error error = std::move(grammar).error();
    error.code = Code::kInvalidArgument;
    error.param = wanted.field;
    return error;
  }
  const std::lock_guard lock(mutex_);
  latest_.push_front({std::move(key), *grammar});
  std::size_t bytes = 0;
  std::size_t kept = 0;
  for (const Entry& entry : latest_) {
    bytes += entry.grammar.memory_bytes();
    if (kept == kMostKept || (kept > 0 && bytes > kMostKeptBytes)) break;
    ++kept;
  }
  while (latest_.size() > kept) latest_.pop_back();
  return constraint::Matcher(*grammar, vocabulary_);
}

}  // namespace aquilon::chat

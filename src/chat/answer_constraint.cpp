#include "chat/answer_constraint.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace aquilon::chat {
namespace {

using Kind = AnswerConstraint::Kind;

constexpr std::size_t kMostKept = 64;
constexpr std::size_t kLargest = std::size_t{64} << 20;  // bytes of one that is kept

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
      // One whose tables have grown large is made again; who uses it keeps it.
      if (found->grammar.memory_bytes() <= kLargest)
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
  if (latest_.size() > kMostKept) latest_.pop_back();
  return constraint::Matcher(*grammar, vocabulary_);
}

}  // namespace aquilon::chat

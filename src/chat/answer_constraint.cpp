#include "chat/answer_constraint.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "constraint/relaxed_schema.h"

namespace aquilon::chat {
namespace {

using Kind = AnswerConstraint::Kind;

constexpr std::size_t kMostKept = 64;
constexpr std::size_t kMostKeptBytes = std::size_t{256} << 20;

std::string key_of(const AnswerConstraint& wanted) {
  std::string key =
      fmt::format("{}{},{},{},{};", static_cast<int>(wanted.kind), wanted.best_effort,
                  wanted.whitespace.blanks, wanted.whitespace.line_ends, wanted.whitespace.indent);
  key += std::to_string(wanted.frame.name.size()) + ":" + wanted.frame.name;
  if (wanted.kind == Kind::kJsonSchema) key += boost::json::serialize(wanted.schema);
  key += wanted.text;
  for (const std::string& choice : wanted.choices)
    key += std::to_string(choice.size()) + ":" + choice;
  return key;
}

// `schema`: that of the constraint; what is not enforced of it is taken out.
Result<constraint::Grammar> plain_grammar(const AnswerConstraint& wanted,
                                          boost::json::value& schema,
                                          constraint::CompileBudget& budget,
                                          std::vector<Unenforced>& left_out) {
  const constraint::GrammarOptions options{.whitespace = wanted.whitespace, .budget = &budget};
  switch (wanted.kind) {
    case Kind::kJsonSchema:
      return wanted.best_effort ? constraint::relaxed_json_schema(schema, options, left_out)
                                : constraint::Grammar::json_schema(schema, options);
    case Kind::kRegex:
      return constraint::Grammar::regex(wanted.text, options);
    case Kind::kChoice:
      return constraint::Grammar::choice(wanted.choices, options);
    case Kind::kGrammar:
      return wanted.text.find("::=") != std::string::npos
                 ? constraint::Grammar::gbnf(wanted.text, options)
                 : constraint::Grammar::lark(wanted.text, options);
    case Kind::kParts:
      return constraint::Grammar::parts(*wanted.parts, options);
    case Kind::kNone:
    case Kind::kJsonObject:
      break;
  }
  return constraint::Grammar::json_object(options);
}

constraint::Part part_of(const AnswerConstraint& wanted, boost::json::value schema) {
  using constraint::Part;
  switch (wanted.kind) {
    case Kind::kJsonSchema:
      return {.kind = Part::Kind::kValue, .schema = std::move(schema)};
    case Kind::kRegex:
      return {.kind = Part::Kind::kPattern, .text = wanted.text};
    case Kind::kGrammar:
      return {.kind = Part::Kind::kGrammar, .text = wanted.text};
    case Kind::kParts:
      return *wanted.parts;
    case Kind::kChoice: {
      Part all{.kind = Part::Kind::kChoice};
      for (const std::string& one : wanted.choices)
        all.parts.push_back({.kind = Part::Kind::kText, .text = one});
      return all;
    }
    case Kind::kNone:
    case Kind::kJsonObject:
      break;
  }
  return {.kind = Part::Kind::kValue, .schema = boost::json::object{{"type", "object"}}};
}

// What is wrong with the answer's own constraint is said as without a frame.
Result<constraint::Grammar> compile_grammar(const AnswerConstraint& wanted,
                                            constraint::CompileBudget& budget,
                                            std::vector<Unenforced>& left_out) {
  using constraint::Part;
  boost::json::value schema = wanted.schema;
  if (!wanted.frame.any()) return plain_grammar(wanted, schema, budget, left_out);
  if (wanted.kind != Kind::kParts) {
    const auto alone = plain_grammar(wanted, schema, budget, left_out);
    if (!alone.ok()) return alone;
  }
  Part body = part_of(wanted, std::move(schema));
  if (wanted.frame.instead)
    body = {.kind = Part::Kind::kChoice, .parts = {*wanted.frame.instead, std::move(body)}};
  if (wanted.frame.before)
    body = {.kind = Part::Kind::kSequence, .parts = {*wanted.frame.before, std::move(body)}};
  return constraint::Grammar::parts(body, {.whitespace = wanted.whitespace, .budget = &budget});
}

}  // namespace

Result<CompiledConstraint> ConstraintCompiler::compile(const AnswerConstraint& wanted,
                                                       constraint::CompileBudget& budget) {
  const auto vocabulary =
      AQ_TRY(this->vocabulary(wanted.kind == Kind::kParts || wanted.frame.any()));
  const std::string key = key_of(wanted);
  if (auto known = find(key)) {
    // Whose masks are being made, they are waited for: outside of the lock, so that nobody else is.
    known->bytes = known->grammar.memory_bytes();
    // One whose tables have grown to half of the limit is made again; who uses it keeps it.
    if (known->bytes <= constraint::GrammarOptions{}.memory_bytes / 2) {
      keep(*known);
      return CompiledConstraint{constraint::Matcher(known->grammar, vocabulary), known->left_out};
    }
  }
  std::vector<Unenforced> left_out;
  auto grammar = compile_grammar(wanted, budget, left_out);
  if (!grammar.ok()) {
    Error error = std::move(grammar).error();
    error.code = Code::kInvalidArgument;
    error.param = wanted.field;
    return error;
  }
  const Entry entry{key, *grammar,
                    std::make_shared<const std::vector<Unenforced>>(std::move(left_out)),
                    grammar->memory_bytes()};
  keep(entry);
  return CompiledConstraint{constraint::Matcher(entry.grammar, vocabulary), entry.left_out};
}

Result<std::shared_ptr<const constraint::Vocabulary>> ConstraintCompiler::vocabulary(
    bool with_controls) {
  const std::lock_guard lock(mutex_);
  auto& made = with_controls ? with_controls_ : vocabulary_;
  if (made == nullptr) made = AQ_TRY(constraint::Vocabulary::of(tokenizer_, ends_, with_controls));
  return made;
}

std::optional<ConstraintCompiler::Entry> ConstraintCompiler::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(latest_.begin(), latest_.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  if (found == latest_.end()) return std::nullopt;
  return *found;
}

// As the latest one; the oldest ones beyond the limits go.
void ConstraintCompiler::keep(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  latest_.remove_if([&](const Entry& other) { return other.key == entry.key; });
  latest_.push_front(entry);
  std::size_t bytes = 0;
  std::size_t kept = 0;
  for (const Entry& one : latest_) {
    bytes += one.bytes;
    if (kept == kMostKept || (kept > 0 && bytes > kMostKeptBytes)) break;
    ++kept;
  }
  while (latest_.size() > kept) latest_.pop_back();
}

}  // namespace aquilon::chat

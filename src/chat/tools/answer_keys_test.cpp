// The leaderboard's expected calls (tests/data/function_calling), in every dialect: its grammar
// lets them through and its reader finds them; with another name, without a required argument or
// with one of another type they are refused.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>

#include "chat/mistral/python_json.h"
#include "chat/mistral/vocabulary_for_test.h"
#include "chat/tools/call_grammar.h"
#include "chat/tools/call_reader.h"
#include "chat/tools/tool_prompt.h"
#include "constraint/matcher.h"

namespace aquilon::chat {
namespace {

namespace json = boost::json;

struct KeyCase {
  std::string id;
  ToolUse use;
  json::array calls;  // name and arguments
};

const Tool& tool_of(const json::value& call, const ToolUse& use) {
  return *std::find_if(use.tools.begin(), use.tools.end(),
                       [&](const Tool& one) { return call.at("name") == json::value(one.name); });
}

// Arguments in the order of the schema, as the pythonic form has them.
json::object in_order(const json::value& call, const ToolUse& use) {
  json::object arguments;
  const json::object& given = call.at("arguments").as_object();
  const json::object& schema = tool_of(call, use).parameters.as_object();
  if (const json::value* properties = schema.if_contains("properties"))
    for (const auto& member : properties->as_object())
      if (const json::value* value = given.if_contains(member.key()))
        arguments[member.key()] = *value;
  return {{"name", call.at("name")}, {"arguments", std::move(arguments)}};
}

std::vector<KeyCase> read_cases() {
  std::ifstream file(AQUILON_SOURCE_DIR "/tests/data/function_calling/answers.jsonl");
  std::vector<KeyCase> cases;
  for (std::string line; std::getline(file, line);) {
    const json::value value = json::parse(line);
    KeyCase& c = cases.emplace_back();
    c.id = value.at("id").as_string();
    for (const json::value& tool : value.at("tools").as_array())
      c.use.tools.push_back(
          {std::string(tool.at("name").as_string()), tool.at("parameters"), true});
    for (const json::value& call : value.at("calls").as_array())
      c.calls.push_back(in_order(call, c.use));
  }
  return cases;
}

// As `tool_calls`.
json::array as_tool_calls(const json::array& calls) {
  json::array all;
  for (const json::value& call : calls) all.push_back(json::object{{"function", call}});
  return all;
}

const text::Tokenizer& tokenizer() {
  static const auto made = mistral::byte_tokenizer();
  return *made;
}

bool allows(constraint::Matcher matcher, std::string_view text) {
  for (const text::TokenId id : tokenizer().encode_trusted(text))
    if (!matcher.accept(id)) return false;
  return matcher.is_accepting();
}

// A value of another type than the schema's; null where it takes any.
json::value of_another_type(const json::value& schema) {
  const json::value* type = schema.as_object().if_contains("type");
  if (!type || !type->is_string()) return nullptr;
  return *type == "string" ? json::value(12) : json::value("twelve");
}

// The calls with one thing wrong in the first of them.
std::vector<json::array> wrong_calls(const KeyCase& c) {
  std::vector<json::array> all;
  json::array renamed = c.calls;
  renamed[0].as_object()["name"] = "no_such_tool";
  all.push_back(std::move(renamed));
  const json::object& first = c.calls[0].as_object();
  const json::object& schema = tool_of(c.calls[0], c.use).parameters.as_object();
  if (const json::value* required = schema.if_contains("required");
      required && !required->as_array().empty()) {
    json::array less = c.calls;
    less[0].at("arguments").as_object().erase(required->as_array()[0].as_string());
    all.push_back(std::move(less));
  }
  for (const auto& argument : first.at("arguments").as_object()) {
    const json::value other =
        of_another_type(schema.at("properties").as_object().at(argument.key()));
    if (other.is_null()) continue;
    json::array changed = c.calls;
    changed[0].at("arguments").as_object()[argument.key()] = other;
    all.push_back(std::move(changed));
    break;
  }
  return all;
}

std::vector<std::string> found(const Dialect& dialect, const ToolUse& use, std::string_view text) {
  CallReader reader(dialect, use.names());
  std::vector<AnswerPiece> pieces = reader.push(text);
  for (AnswerPiece& piece : reader.finish()) pieces.push_back(std::move(piece));
  std::vector<std::string> calls;
  bool words = false;  // the last one is text
  for (const AnswerPiece& piece : pieces) {
    if (words && !piece.call)
      calls.back() += piece.text;
    else
      calls.push_back(piece.call ? piece.call->name + piece.call->arguments : piece.text);
    words = !piece.call;
  }
  return calls;
}

void check(const KeyCase& c, const Dialect& dialect,
           const std::shared_ptr<const constraint::Vocabulary>& vocabulary) {
  const std::string text = written_calls(as_tool_calls(c.calls), dialect);
  std::vector<std::string> expected;
  for (const json::value& call : c.calls)
    expected.push_back(std::string(call.at("name").as_string()) +
                       mistral::dump(call.at("arguments")));
  EXPECT_EQ(found(dialect, c.use, text), expected) << c.id << ", " << dialect.name;
  ToolUse use = c.use;
  for (const ToolChoice choice : {ToolChoice::kAuto, ToolChoice::kRequired}) {
    use.choice = choice;
    const auto grammar = constraint::Grammar::parts(call_grammar(dialect, use, tokenizer()));
    ASSERT_TRUE(grammar.ok()) << c.id << ": " << grammar.error().message;
    const constraint::Matcher matcher(*grammar, vocabulary);
    EXPECT_TRUE(allows(matcher, text)) << c.id << ", " << dialect.name << ": " << text;
    for (const json::array& wrong : wrong_calls(c)) {
      const std::string bad = written_calls(as_tool_calls(wrong), dialect);
      const bool only_words =
          choice == ToolChoice::kAuto && bad.starts_with(found(dialect, c.use, bad).front());
      if (only_words && !dialect.forms.front().certain) continue;  // no call has begun
      EXPECT_FALSE(allows(matcher, bad)) << c.id << ", " << dialect.name << ": " << bad;
    }
  }
}

TEST(AnswerKeys, AreCallsInEveryDialect) {
  const auto vocabulary = *constraint::Vocabulary::of(tokenizer(), {2}, true);
  const std::vector<KeyCase> cases = read_cases();
  ASSERT_GT(cases.size(), 50u);
  for (const KeyCase& c : cases)
    for (const Dialect& dialect : dialects()) check(c, dialect, vocabulary);
}

}  // namespace
}  // namespace aquilon::chat

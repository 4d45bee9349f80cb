// What answers with tools may say, dialect by dialect.
#include "chat/tools/call_grammar.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "chat/mistral/vocabulary_for_test.h"
#include "chat/tools/call_reader.h"
#include "constraint/matcher.h"

namespace aquilon::chat {
namespace {

const text::Tokenizer& tokenizer() {
  static const auto made = mistral::byte_tokenizer();
  return *made;
}

ToolUse two_tools(ToolChoice choice, std::optional<bool> strict = std::nullopt) {
  const auto schema = boost::json::parse(R"({"type": "object", "properties": {
      "city": {"type": "string"}, "days": {"type": "integer"}, "now": {"type": "boolean"}},
      "required": ["city"]})");
  ToolUse use;
  use.tools = {{"weather", schema, strict}, {"stop", nullptr, strict}};
  use.choice = choice;
  return use;
}

constraint::Matcher matcher_of(const char* dialect, const ToolUse& use) {
  static const auto vocabulary = *constraint::Vocabulary::of(tokenizer(), {2}, true);
  const auto grammar =
      constraint::Grammar::parts(call_grammar(*find_dialect(dialect), use, tokenizer()));
  EXPECT_TRUE(grammar.ok()) << grammar.error().message;
  return constraint::Matcher(*grammar, vocabulary);
}

// Control tokens in the text are themselves.
bool allows(const char* dialect, const ToolUse& use, std::string_view text) {
  constraint::Matcher matcher = matcher_of(dialect, use);
  for (const text::TokenId id : tokenizer().encode_trusted(text))
    if (!matcher.accept(id)) return false;
  return matcher.is_accepting();
}

struct DialectCase {
  const char* dialect;
  const char* call;  // of weather
  const char* two;   // weather, then stop
  std::vector<const char*> wrong;
};

const DialectCase kCases[] = {
    {"hermes",
     "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\", \"days\": "
     "3}}\n</tool_call>",
     "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>\n"
     "<tool_call>\n{\"name\": \"stop\", \"arguments\": {}}\n</tool_call>",
     {"<tool_call>\n{\"name\": \"wether\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>",
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"days\": 3}}\n</tool_call>",
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": 3}}\n</tool_call>",
      "<tool_call>\n{\"name\": \"stop\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>",
      "<tool_call>\n{\"name\": \"stop\", \"arguments\": {}}"}},
    {"mistral-v3",
     "[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}, \"id\": "
     "\"abcdefghi\"}]",
     "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}, {\"name\": "
     "\"stop\", \"arguments\": {}}]",
     {"[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {}}]",
      "[TOOL_CALLS][{\"name\": \"stop\", \"arguments\": {}}, {\"name\": \"x\", \"arguments\": "
      "{}}]"}},
    {"mistral-v11",
     "[TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{\"city\": \"Rome\"}",
     "[TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}[TOOL_CALLS]stop[ARGS]{}",
     {"[TOOL_CALLS]wether[ARGS]{\"city\": \"Rome\"}", "[TOOL_CALLS]weather[ARGS]{}"}},
    {"mistral-v13",
     "[TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\", \"now\": true}",
     "[TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}[TOOL_CALLS]stop[ARGS]{}",
     {"[TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{\"city\": \"Rome\"}", "[TOOL_CALLS]stop"}},
    {"llama3",
     "{\"name\": \"weather\", \"parameters\": {\"city\": \"Rome\"}}",
     "{\"name\": \"weather\", \"parameters\": {\"city\": \"Rome\"}}; {\"name\": \"stop\", "
     "\"parameters\": {}}",
     {"{\"name\": \"weather\", \"parameters\": {}}"}},
    {"pythonic",
     "[weather(city=\"Rome\", now=True)]",
     "[weather(city=\"Rome\"), stop()]",
     {"[weather()]", "[weather(days=3)]", "[weather(city=\"Rome\", city=\"Rome\")]",
      "[weather(city=1)]"}},
    {"json",
     "```json\n{\n  \"name\": \"weather\",\n  \"arguments\": {\n    \"city\": \"Rome\"\n  "
     "}\n}\n```",
     "```json\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n{\"name\": \"stop\", "
     "\"arguments\": {}}\n```",
     {"```json\n{\"name\": \"weather\", \"arguments\": {}}\n```"}},
};

TEST(CallGrammar, HoldsCallsToTheirTools) {
  for (const DialectCase& c : kCases) {
    for (const ToolChoice choice : {ToolChoice::kAuto, ToolChoice::kRequired}) {
      ToolUse use = two_tools(choice);
      EXPECT_TRUE(allows(c.dialect, use, c.call)) << c.dialect << ": " << c.call;
      EXPECT_TRUE(allows(c.dialect, use, c.two)) << c.dialect << ": " << c.two;
      for (const char* wrong : c.wrong)
        EXPECT_FALSE(allows(c.dialect, use, wrong)) << c.dialect << ": " << wrong;
      const bool may_talk = choice == ToolChoice::kAuto;
      EXPECT_EQ(allows(c.dialect, use, "It is {fine} [1] <b>."), may_talk) << c.dialect;
      EXPECT_EQ(allows(c.dialect, use, std::string("So:\n") + c.call), may_talk) << c.dialect;
      use.parallel = false;
      EXPECT_TRUE(allows(c.dialect, use, c.call)) << c.dialect;
      EXPECT_FALSE(allows(c.dialect, use, c.two)) << c.dialect;
    }
    const ToolUse declined = two_tools(ToolChoice::kDeclined);
    EXPECT_TRUE(allows(c.dialect, declined, "It is {fine} [1] <b>.")) << c.dialect;
    for (const char* call : {c.call, "{\"name\": \"none\"}", "```json\n{\"name\": \"none\"}\n```"})
      EXPECT_FALSE(allows(c.dialect, declined, call)) << c.dialect << ": " << call;
    const ToolUse none = two_tools(ToolChoice::kNone);
    EXPECT_TRUE(allows(c.dialect, none, "It is {fine} [1] <b>.")) << c.dialect;
    EXPECT_FALSE(allows(c.dialect, none, c.call)) << c.dialect;
  }
}

// What the grammar lets through is what the reader finds.
TEST(CallGrammar, AgreesWithTheReader) {
  for (const DialectCase& c : kCases) {
    CallReader reader(*find_dialect(c.dialect), two_tools(ToolChoice::kAuto).names());
    std::vector<AnswerPiece> pieces = reader.push(c.two);
    for (AnswerPiece& piece : reader.finish()) pieces.push_back(std::move(piece));
    ASSERT_EQ(pieces.size(), 2u) << c.dialect;
    ASSERT_TRUE(pieces[0].call && pieces[1].call) << c.dialect;
    EXPECT_EQ(pieces[0].call->arguments, "{\"city\": \"Rome\"}") << c.dialect;
    EXPECT_EQ(pieces[1].call->name, "stop") << c.dialect;
  }
}

// Blanks behind a call do not bind to another one.
TEST(CallGrammar, LetsCallsEnd) {
  for (const DialectCase& c : kCases)
    for (const ToolChoice choice : {ToolChoice::kAuto, ToolChoice::kRequired})
      EXPECT_TRUE(allows(c.dialect, two_tools(choice), std::string(c.call) + "\n\n")) << c.dialect;
}

TEST(CallGrammar, WithoutStrictnessHoldsToNamesAndRequiredArguments) {
  const ToolUse use = two_tools(ToolChoice::kRequired, false);
  const auto call = [](const char* arguments) {
    return std::string("[TOOL_CALLS]weather[ARGS]") + arguments;
  };
  EXPECT_TRUE(allows("mistral-v13", use, call("{\"city\": [1]}")));
  EXPECT_TRUE(allows("mistral-v13", use, call("{\"days\": null, \"city\": 1}")));
  EXPECT_FALSE(allows("mistral-v13", use, call("{\"days\": 1}")));
  EXPECT_FALSE(allows("mistral-v13", use, call("{\"city\": 1, \"more\": 1}")));
}

}  // namespace
}  // namespace aquilon::chat

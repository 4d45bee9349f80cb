// Thoughts before answers: found in their texts, and let through by what answers are held to.
#include "chat/thinking.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <span>

#include "chat/mistral/vocabulary_for_test.h"
#include "chat/tools/tool_constraint.h"

namespace aquilon::chat {
namespace {

constexpr ThinkingMarks kTags{"<think>", "</think>"};
constexpr ThinkingMarks kControls{"[THINK]", "[/THINK]", true};

struct ReaderCase {
  const char* text;
  const char* thoughts;
  const char* answer;
  bool begun = false;
};

constexpr ReaderCase kTagCases[] = {
    {"<think>\nThe sky.\n</think>\n\nBlue.", "The sky.", "Blue."},
    {"\n <think>a  b</think>c", "a  b", "c"},
    {"Blue.", "", "Blue."},
    {"", "", ""},
    {"  Blue. \n", "", "  Blue. \n"},
    {"<think>\n\n</think>\n\nBlue.", "", "Blue."},
    {"<think>cut off ", "cut off", ""},
    {"<think>cut off</thi", "cut off</thi", ""},
    {"<thin air>", "", "<thin air>"},
    {"<thin", "", "<thin"},
    {"In code <think> stays</think>.", "", "In code <think> stays</think>."},
    {"<think>a</think>b <think>c</think>", "a", "b <think>c</think>"},
    {"<think>a</</think>\n", "a</", ""},
    {"<think>\xC3\xA9 \xF0\x9F\x8C\xAC</think>\xC3\xA9", "\xC3\xA9 \xF0\x9F\x8C\xAC", "\xC3\xA9"},
    {"The sky.\n</think>\n\nBlue.", "The sky.", "Blue.", true},
    {"<think>The sky.</think>Blue.", "The sky.", "Blue.", true},
    {"The sky", "The sky", "", true},
    {"</think>Blue.", "", "Blue.", true},
    {"", "", "", true},
};

constexpr ReaderCase kControlCases[] = {
    {"[THINK] The sky. [/THINK] Blue. ", " The sky. ", " Blue. "},
    {"a[THINK]b[/THINK]c[THINK]d", "bd", "ac"},
    {" Blue.", "", " Blue."},
    {"[THINK][/THINK]Blue.", "", "Blue."},
    {"b[/THINK]c", "b", "c", true},
    {"[TH", "", "[TH"},
};

std::string shown(const ThinkingMarks& marks, const ReaderCase& c,
                  std::span<const std::string_view> pieces) {
  ThinkingReader reader(marks, c.begun);
  std::string thoughts, answer;
  const auto take = [&](const std::vector<ThinkingReader::Piece>& told) {
    for (const ThinkingReader::Piece& one : told) {
      EXPECT_FALSE(one.text.empty());
      (one.thought ? thoughts : answer) += one.text;
    }
  };
  for (const std::string_view piece : pieces) take(reader.push(piece));
  take(reader.finish());
  return thoughts + "|" + answer;
}

void expect_every_split(const ThinkingMarks& marks, const ReaderCase& c) {
  const std::string_view text = c.text;
  const std::string want = std::string(c.thoughts) + "|" + c.answer;
  for (std::size_t a = 0; a <= text.size(); ++a)
    for (std::size_t b = a; b <= text.size(); ++b) {
      const std::string_view cut[] = {text.substr(0, a), text.substr(a, b - a), text.substr(b)};
      ASSERT_EQ(shown(marks, c, cut), want) << text << " at " << a << ", " << b;
    }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  EXPECT_EQ(shown(marks, c, bytes), want) << text;
}

TEST(ThinkingReader, FindsThoughtsAtEverySplit) {
  for (const ReaderCase& c : kTagCases) expect_every_split(kTags, c);
  for (const ReaderCase& c : kControlCases) expect_every_split(kControls, c);
}

TEST(ThinkingReader, TellsWhatIsCertainAtOnce) {
  ThinkingReader reader(kTags, false);
  EXPECT_TRUE(reader.push("<think>").empty());
  EXPECT_EQ(reader.push("The ").at(0).text, "The");
  EXPECT_EQ(reader.push("sky </").at(0).text, " sky");
  EXPECT_EQ(reader.push("b>").at(0).text, " </b>");
  EXPECT_TRUE(reader.push("</think>\n").empty());
  EXPECT_EQ(reader.push("Blue").at(0).text, "Blue");
  EXPECT_EQ(reader.push(" <think>").at(0).text, " <think>");
}

const text::Tokenizer& tokenizer() {
  static const auto made = mistral::byte_tokenizer();
  return *made;
}

TEST(Thinking, IsThatOfTemplateAndVocabulary) {
  const auto tags = thinking_of_template("{{ content.split('</think>')[-1] }}", tokenizer());
  ASSERT_TRUE(tags.has_value());
  EXPECT_EQ(tags->open, "<think>");
  EXPECT_FALSE(tags->controls);
  const auto controls = thinking_of_template("{{ '[/THINK]' }}", tokenizer());
  ASSERT_TRUE(controls.has_value());
  EXPECT_TRUE(controls->controls);
  EXPECT_FALSE(thinking_of_template("{{ messages }} thinks", tokenizer()).has_value());
  ASSERT_TRUE(thinking_of_mistral(tokenizer()).has_value());
  EXPECT_EQ(thinking_of_mistral(tokenizer())->close, "[/THINK]");
}

TEST(Thinking, GoesOnWhereThePromptEndsWithinIt) {
  const auto after = [](const ThinkingMarks& marks, std::string_view prompt) {
    return thinking_after(marks, tokenizer().encode_trusted(prompt), tokenizer());
  };
  EXPECT_EQ(after(kTags, "user: hi\nassistant:"), Thinking::kPossible);
  EXPECT_EQ(after(kTags, "hi\nassistant: <think>\n"), Thinking::kBegun);
  EXPECT_EQ(after(kTags, "<think>\n\n</think>\n\n"), Thinking::kNone);
  EXPECT_EQ(after(kTags, ""), Thinking::kPossible);
  EXPECT_EQ(after(kControls, "[INST]hi[/INST]"), Thinking::kPossible);
  EXPECT_EQ(after(kControls, "[INST]hi[/INST][THINK]as far as"), Thinking::kBegun);
  EXPECT_EQ(after(kControls, "[THINK]a[/THINK]b</s>[INST]c[/INST]"), Thinking::kPossible);
}

ToolUse tools(ToolChoice choice) {
  const auto schema = boost::json::parse(
      R"({"type": "object", "properties": {"city": {"enum": ["Rome"]}}, "required": ["city"]})");
  return {.tools = {{"weather", schema}}, .choice = choice};
}

AnswerConstraint form(AnswerConstraint::Kind kind, const char* text = "") {
  AnswerConstraint made{.kind = kind, .field = "response_format"};
  if (kind == AnswerConstraint::Kind::kJsonSchema)
    made.schema = boost::json::parse(text);
  else if (kind == AnswerConstraint::Kind::kChoice)
    made.choices = {"yes", text};
  else
    made.text = text;
  return made;
}

struct FrameCase {
  const char* name;
  const char* dialect;  // null: there are no tools
  ToolChoice choice;
  AnswerConstraint form;
  const ThinkingMarks* marks;  // null: there are no thoughts
  Thinking state;
  std::vector<const char*> valid, invalid;
};

std::vector<FrameCase> frame_cases() {
  using Kind = AnswerConstraint::Kind;
  const char* schema = R"({"type": "object", "properties": {"a": {"type": "integer"}},
                           "required": ["a"], "additionalProperties": false})";
  const char* call = "[TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}";
  const char* hermes =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": "
      "\"Rome\"}}\n</tool_call>";
  std::vector<FrameCase> all;
  all.push_back({"thoughts before a call that is demanded",
                 "mistral-v13",
                 ToolChoice::kRequired,
                 {},
                 &kControls,
                 Thinking::kPossible,
                 {call, "[THINK]hm {[/THINK][TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}",
                  "[THINK][TOOL_CALLS]x[/THINK][TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}"},
                 {"", "words", "[THINK]hm", "[THINK]hm[/THINK]", "[THINK]hm[/THINK]words",
                  "[THINK]a[/THINK][THINK]b[/THINK][TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}",
                  "[THINK]a[/THINK][TOOL_CALLS]wether[ARGS]{}"}});
  all.push_back({"thoughts before words or calls",
                 "hermes",
                 ToolChoice::kAuto,
                 {},
                 &kTags,
                 Thinking::kPossible,
                 {"words", hermes, "<think>\nhm\n</think>\n\nwords",
                  "<think>a <tool_call> b</think>\n<tool_call>\n{\"name\": \"weather\", "
                  "\"arguments\": {\"city\": \"Rome\"}}\n</tool_call>"},
                 {"<think>hm</think>\n<tool_call>\n{\"name\": \"wether\", \"arguments\": "
                  "{}}\n</tool_call>"}});
  all.push_back({"thoughts that have begun, then a value",
                 nullptr,
                 ToolChoice::kAuto,
                 form(Kind::kJsonSchema, schema),
                 &kTags,
                 Thinking::kBegun,
                 {"hm </think>{\"a\":1}", "</think>\n\n{\"a\": 1}"},
                 {"{\"a\":1}", "hm", "hm</think>", "hm</think>words", "hm</think>{\"b\":1}"}});
  all.push_back({"thoughts before any object",
                 nullptr,
                 ToolChoice::kAuto,
                 form(Kind::kJsonObject),
                 &kControls,
                 Thinking::kPossible,
                 {"{}", "[THINK]{[/THINK]{\"b\": []}"},
                 {"[]", "[THINK]x", "[THINK]x[/THINK][]"}});
  all.push_back({"before a pattern",
                 nullptr,
                 ToolChoice::kAuto,
                 form(Kind::kRegex, "[0-9]{2}"),
                 &kTags,
                 Thinking::kPossible,
                 {"12", "<think>x</think>12", "<think>x</think>\n12"},
                 {"1", "<think>x</think>1", "<think>12"}});
  all.push_back({"before a choice",
                 nullptr,
                 ToolChoice::kAuto,
                 form(Kind::kChoice, "no"),
                 &kTags,
                 Thinking::kPossible,
                 {"no", "<think>x</think>yes"},
                 {"maybe", "<think>x</think>maybe"}});
  all.push_back({"before a grammar of GBNF",
                 nullptr,
                 ToolChoice::kAuto,
                 form(Kind::kGrammar, "root ::= \"(\" root \")\" | leaf\nleaf ::= [a-z]"),
                 &kTags,
                 Thinking::kPossible,
                 {"((a))", "<think>x</think>(b)"},
                 {"((a)", "<think>x</think>(b",
                  "x"
                  "y"}});
  all.push_back({"before a grammar of Lark",
                 nullptr,
                 ToolChoice::kAuto,
                 form(Kind::kGrammar, "start: \"[\" start \"]\" | /[0-9]/"),
                 &kTags,
                 Thinking::kPossible,
                 {"[[1]]", "<think>x</think>[2]"},
                 {"[[1]", "<think>x</think>a"}});
  all.push_back({"a call, or a value",
                 "hermes",
                 ToolChoice::kAuto,
                 form(Kind::kJsonSchema, schema),
                 nullptr,
                 Thinking::kNone,
                 {hermes, "{\"a\": 1}", "{\"a\":2}"},
                 {"words", "{\"b\": 1}", "{\"a\": 1} words", "<tool_call>\n{\"name\": \"wether\"",
                  "{\"a\": 1}<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": "
                  "\"Rome\"}}\n</tool_call>"}});
  all.push_back(
      {"a call, or a value, by control tokens",
       "mistral-v13",
       ToolChoice::kAuto,
       form(Kind::kJsonSchema, schema),
       nullptr,
       Thinking::kNone,
       {call, "{\"a\": 1}"},
       {"words", "[TOOL_CALLS]", "{\"a\": 1}[TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}"}});
  all.push_back({"a demanded call in place of a value",
                 "mistral-v13",
                 ToolChoice::kRequired,
                 form(Kind::kJsonSchema, schema),
                 nullptr,
                 Thinking::kNone,
                 {call},
                 {"{\"a\": 1}", "words"}});
  all.push_back({"thoughts, then a call or a value",
                 "mistral-v13",
                 ToolChoice::kAuto,
                 form(Kind::kJsonSchema, schema),
                 &kControls,
                 Thinking::kPossible,
                 {call, "{\"a\": 1}", "[THINK]x[/THINK]{\"a\": 1}",
                  "[THINK]x[/THINK][TOOL_CALLS]weather[ARGS]{\"city\": \"Rome\"}"},
                 {"[THINK]x[/THINK]words", "[THINK]x[/THINK]"}});
  return all;
}

Result<CompiledConstraint> compiled(const FrameCase& c, ConstraintCompiler& compiler) {
  AnswerConstraint wanted = c.form;
  if (c.marks) {
    wanted.frame.name = std::string(c.marks->open) + std::to_string(static_cast<int>(c.state));
    wanted.frame.before =
        std::make_shared<const constraint::Part>(thinking_part(*c.marks, c.state));
  }
  constraint::CompileBudget budget;
  if (!c.dialect) return compiler.compile(wanted, budget);
  return tool_constraint(*find_dialect(c.dialect), tools(c.choice), wanted, tokenizer(), compiler,
                         budget);
}

bool allows(constraint::Matcher matcher, std::string_view text) {
  for (const text::TokenId id : tokenizer().encode_trusted(text))
    if (!matcher.accept(id)) return false;
  return matcher.is_accepting();
}

TEST(AnswerFrame, HoldsAnswersToTheirFormBehindThoughtsAndBesideCalls) {
  ConstraintCompiler compiler(tokenizer(), {2});
  for (int round = 0; round < 2; ++round)  // made, then kept
    for (const FrameCase& c : frame_cases()) {
      const auto made = compiled(c, compiler);
      ASSERT_TRUE(made.ok()) << c.name << ": " << made.error().message;
      for (const char* one : c.valid)
        EXPECT_TRUE(allows(made->matcher, one)) << c.name << "\n" << one;
      for (const char* one : c.invalid)
        EXPECT_FALSE(allows(made->matcher, one)) << c.name << "\n" << one;
    }
}

TEST(AnswerFrame, ErrorsNameWhatIsWrong) {
  ConstraintCompiler compiler(tokenizer(), {2});
  using Kind = AnswerConstraint::Kind;
  const char* bad = R"({"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}})";
  FrameCase c{
      "", "hermes", ToolChoice::kAuto, form(Kind::kJsonSchema, bad), &kTags, Thinking::kPossible,
      {}, {}};
  auto made = compiled(c, compiler);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().param, "response_format");
  EXPECT_NE(made.error().message.find("/properties/a"), std::string::npos) << made.error().message;
  c.form.best_effort = true;
  made = compiled(c, compiler);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->left_out->size(), 1u);
  EXPECT_TRUE(allows(made->matcher, "<think>x</think>{\"a\": 1}"));
}

}  // namespace
}  // namespace aquilon::chat

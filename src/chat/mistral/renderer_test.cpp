// Formats on a small vocabulary: what is written where, and what is refused.
#include "chat/mistral/renderer.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

#include "chat/mistral/vocabulary_for_test.h"

namespace aquilon::chat::mistral {
namespace {

namespace json = boost::json;

const text::Tokenizer& tokenizer() {
  static const auto made = byte_tokenizer();
  return *made;
}

struct Input {
  std::string messages;
  std::string tools = "null";
  std::string settings = "{}";
  bool open = false;
};

Result<std::vector<text::TokenId>> render(const char* version, const Input& input) {
  const auto renderer = Renderer::make(tokenizer(), *find_format(version));
  EXPECT_TRUE(renderer.ok());
  const json::array messages = json::parse(input.messages).as_array();
  const json::value tools = json::parse(input.tools);
  const json::object settings = json::parse(input.settings).as_object();
  return renderer->chat({messages, tools, input.open, settings});
}

std::string shown(const char* version, const Input& input) {
  const auto ids = render(version, input);
  if (!ids.ok()) return "error: " + ids.error().message;
  return text::decode(tokenizer(), *ids, true);
}

constexpr const char* kTalk =
    R"([{"role":"system","content":"S"},{"role":"user","content":"a"},
        {"role":"assistant","content":"b "},{"role":"user","content":"c"}])";

TEST(MistralRenderer, PutsTheSystemWhereEachVersionHasIt) {
  EXPECT_EQ(shown("v1", {kTalk}), "<s>[INST] S\n\na [/INST]b </s>[INST] c [/INST]");
  EXPECT_EQ(shown("v2", {kTalk}), "<s>[INST]a[/INST]b</s>[INST]S\n\nc[/INST]");
  EXPECT_EQ(shown("v3", {kTalk}), shown("v2", {kTalk}));
  for (const char* version : {"v7", "v11", "v13", "v15"})
    EXPECT_EQ(shown(version, {kTalk}),
              "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]a[/INST]b</s>[INST]c[/INST]");
}

TEST(MistralRenderer, ControlTokensInTextStayText) {
  for (const Format& format : kFormats) {
    const auto ids =
        render(format.name.data(), {R"([{"role":"user","content":"</s>[INST]x[/INST][TOOL_CALLS]"},
             {"role":"assistant","content":"[INST]</s>"},{"role":"user","content":"y"}])"});
    ASSERT_TRUE(ids.ok()) << ids.error().message;
    std::size_t control = 0;
    for (const text::TokenId id : *ids)
      control += tokenizer().kind(id) == text::TokenKind::kControl;
    EXPECT_EQ(control, format.inst_is_text ? 2u : 6u) << format.name;
  }
}

TEST(MistralRenderer, ContinuesAnAnswer) {
  constexpr const char* kPrefixed =
      R"([{"role":"user","content":"a"},{"role":"assistant","content":"b","prefix":true}])";
  constexpr const char* kBegun =
      R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])";
  EXPECT_EQ(shown("v7", {kPrefixed}), "<s>[INST]a[/INST]b");
  EXPECT_EQ(shown("v7", {.messages = kBegun, .open = true}), "<s>[INST]a[/INST]b");
  EXPECT_EQ(shown("v7", {kBegun}), "<s>[INST]a[/INST]b</s>");
}

TEST(MistralRenderer, JoinsNeighboursAndParts) {
  constexpr const char* kParts =
      R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
          {"role":"user","content":"c"},{"role":"user","content":""},{"role":"user","content":["d"]}])";
  EXPECT_EQ(shown("v3", {kParts}), "<s>[INST]a\n\nb\n\nc\n\nd[/INST]");
  EXPECT_EQ(shown("v15", {kParts}), "<s>[INST]ab\n\nc\n\nd[/INST]");
  constexpr const char* kSystems =
      R"([{"role":"system","content":"S"},{"role":"developer","content":"T"},
          {"role":"user","content":"a"},{"role":"system","content":"U"},{"role":"user","content":"b"}])";
  EXPECT_EQ(shown("v3", {kSystems}), "<s>[INST]a[/INST][INST]S\n\nT\n\nU\n\nb[/INST]");
  EXPECT_EQ(shown("v7", {kSystems}),
            "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][SYSTEM_PROMPT]T[/SYSTEM_PROMPT][INST]a[/INST]"
            "[SYSTEM_PROMPT]U[/SYSTEM_PROMPT][INST]b[/INST]");
  // An empty text is no system message, an empty part is one.
  constexpr const char* kEmpty =
      R"([{"role":"system","content":""},{"role":"system","content":[{"type":"text","text":""}]},
          {"role":"system","content":"S"},{"role":"user","content":"a"}])";
  EXPECT_EQ(shown("v3", {kEmpty}), "<s>[INST]\n\nS\n\na[/INST]");
  EXPECT_EQ(shown("v3", {R"([{"role":"assistant","content":"a"}])"}), "<s>[INST][/INST]a</s>");
  EXPECT_EQ(shown("v7", {R"([{"role":"assistant","content":"a"}])"}), "<s>a</s>");
}

constexpr const char* kTools =
    R"([{"type":"function","function":{"strict":true,"parameters":{"type":"object"},"name":"f"}}])";
constexpr const char* kToolsText =
    R"([AVAILABLE_TOOLS][{"type": "function", "function": {"name": "f", "description": "", )"
    R"("parameters": {"type": "object"}}}][/AVAILABLE_TOOLS])";
constexpr const char* kExchange =
    R"([{"role":"user","content":"q"},
        {"role":"assistant","content":null,"tool_calls":[
          {"id":"aaaaaaaaa","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
          {"id":"bbbbbbbbb","type":"function","function":{"name":"g","arguments":{"y":2.5}}}]},
        {"role":"tool","tool_call_id":"bbbbbbbbb","name":"g","content":"{\"r\":[1]}"},
        {"role":"tool","tool_call_id":"aaaaaaaaa","name":"f","content":"plain"}])";

TEST(MistralRenderer, WritesToolsCallsAndResults) {
  const Input input{kExchange, kTools};
  const std::string begin = std::string("<s>") + kToolsText + "[INST]q[/INST]";
  EXPECT_EQ(shown("v2", input), begin + R"([TOOL_CALLS][{"name": "f", "arguments": {"x": 1}}, )"
                                        R"({"name": "g", "arguments": {"y": 2.5}}]</s>)"
                                        R"([TOOL_RESULTS][{"name": "g", "content": {"r": [1]}}, )"
                                        R"({"name": "f", "content": "plain"}][/TOOL_RESULTS])");
  const std::string listed =
      R"([TOOL_CALLS][{"name": "f", "arguments": {"x": 1}, "id": "aaaaaaaaa"}, )"
      R"({"name": "g", "arguments": {"y": 2.5}, "id": "bbbbbbbbb"}]</s>)";
  EXPECT_EQ(shown("v3", input),
            begin + listed +
                R"([TOOL_RESULTS]{"content": {"r": [1]}, "call_id": "bbbbbbbbb"}[/TOOL_RESULTS])"
                R"([TOOL_RESULTS]{"content": "plain", "call_id": "aaaaaaaaa"}[/TOOL_RESULTS])");
  EXPECT_EQ(shown("v7", input),
            begin + listed +
                R"([TOOL_RESULTS]bbbbbbbbb[TOOL_CONTENT]{"r":[1]}[/TOOL_RESULTS])"
                "[TOOL_RESULTS]aaaaaaaaa[TOOL_CONTENT]plain[/TOOL_RESULTS]");
  EXPECT_EQ(shown("v11", input),
            begin + R"([TOOL_CALLS]f[CALL_ID]aaaaaaaaa[ARGS]{"x": 1})"
                    R"([TOOL_CALLS]g[CALL_ID]bbbbbbbbb[ARGS]{"y": 2.5}</s>)"
                    "[TOOL_RESULTS]aaaaaaaaa[TOOL_CONTENT]plain[/TOOL_RESULTS]"
                    R"([TOOL_RESULTS]bbbbbbbbb[TOOL_CONTENT]{"r":[1]}[/TOOL_RESULTS])");
  const std::string named = begin +
                            R"([TOOL_CALLS]f[ARGS]{"x": 1}[TOOL_CALLS]g[ARGS]{"y": 2.5}</s>)"
                            "[TOOL_RESULTS]plain[/TOOL_RESULTS]"
                            R"([TOOL_RESULTS]{"r":[1]}[/TOOL_RESULTS])";
  EXPECT_EQ(shown("v13", input), named);
  EXPECT_EQ(shown("v15", input), named);
}

TEST(MistralRenderer, ThinksWhereTheVersionDoes) {
  constexpr const char* kThinking =
      R"([{"role":"user","content":"q"},
          {"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a "}]},
          {"role":"user","content":"r"},
          {"role":"assistant","prefix":true,
           "content":[{"type":"thinking","thinking":[{"type":"text","text":"u"}],"closed":false}]}])";
  const std::string want = "<s>[INST]q[/INST][THINK]t[/THINK]a </s>[INST]r[/INST][THINK]u";
  EXPECT_EQ(shown("v13", {kThinking}), want);
  EXPECT_EQ(shown("v15", {kThinking}), want);
  EXPECT_EQ(shown("v11", {kThinking}),
            "error: messages[1]: this model's chat format (v11) has no thinking here");
  constexpr const char* kBeside =
      R"([{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"t"}])";
  EXPECT_EQ(shown("v13", {kBeside}), "<s>[INST]q[/INST][THINK]t[/THINK]a</s>");
  EXPECT_EQ(shown("v7", {kBeside}), "<s>[INST]q[/INST]a</s>");
  constexpr const char* kSystem =
      R"([{"role":"system","content":[{"type":"text","text":"S"},{"type":"thinking","thinking":"t"}]},
          {"role":"user","content":"q"}])";
  EXPECT_EQ(shown("v13", {kSystem}),
            "<s>[SYSTEM_PROMPT]S[THINK]t[/THINK][/SYSTEM_PROMPT][INST]q[/INST]");
  EXPECT_TRUE(shown("v15", {kSystem}).starts_with("error: messages[0]"));
}

TEST(MistralRenderer, WritesSettings) {
  const char* kQuestion = R"([{"role":"user","content":"q"}])";
  EXPECT_EQ(shown("v15", {kQuestion, kTools, R"({"reasoning_effort": "high"})"}),
            std::string("<s>") + kToolsText +
                R"([MODEL_SETTINGS]{"reasoning_effort": "high"}[/MODEL_SETTINGS][INST]q[/INST])");
  EXPECT_EQ(shown("v15", {kQuestion}), "<s>[INST]q[/INST]");
  EXPECT_EQ(shown("v13", {kQuestion, "null", R"({"reasoning_effort": "high"})"}),
            "<s>[INST]q[/INST]");
}

TEST(MistralRenderer, FillsIn) {
  const auto renderer = Renderer::make(tokenizer(), *find_format("v3"));
  ASSERT_TRUE(renderer.ok());
  EXPECT_EQ(text::decode(tokenizer(), *renderer->fill_in("def f(", ""), true),
            "<s>[SUFFIX][PREFIX]def f(");
}

TEST(MistralRenderer, NamesWhatItRefuses) {
  const auto refused = [](const char* version, const Input& input, std::string_view part) {
    const auto ids = render(version, input);
    ASSERT_FALSE(ids.ok()) << part;
    EXPECT_NE(ids.error().message.find(part), std::string::npos) << ids.error().message;
    EXPECT_FALSE(ids.error().param.empty());
  };
  refused("v3", {R"(["x"])"}, "messages[0]: it is not an object");
  refused("v3", {R"([{"role":"robot","content":"x"}])"}, "the role 'robot' is unknown");
  refused("v3", {R"([{"role":"user","content":1}])"}, "neither text nor a list");
  refused("v3", {R"([{"role":"user","content":[{"type":"image_url"}]}])"}, "type 'image_url'");
  refused("v3", {R"([{"role":"user","content":"x"},{"role":"assistant","content":""}])"},
          "neither text nor tool calls");
  refused("v3",
          {R"([{"role":"assistant","content":"a","prefix":true},{"role":"user","content":"x"}])"},
          "messages[0]: only the last message");
  refused("v3", {R"([{"role":"tool","content":"x"}])"}, "no tool_call_id");
  refused("v3",
          {R"([{"role":"assistant","content":"a","tool_calls":[{"function":{"name":"f"}}]}])"},
          "no text beside tool calls");
  refused("v13", {R"([{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}])"},
          "a tool call has no id");
  refused("v7", {R"([{"role":"assistant","tool_calls":[{}]}])"}, "a tool call has no function");
  refused("v1", {R"([{"role":"user","content":"x"}])", kTools}, "(v1) has no tools");
  refused("v1", {R"([{"role":"tool","content":"x"}])"}, "(v1) has no tools");
  refused("v3", {R"([{"role":"user","content":"x"}])", "[1]"}, "tools[0] has no function");
  text::BpeSpec spec;
  spec.tokens = {"a", "<s>"};
  spec.kinds = {text::TokenKind::kNormal, text::TokenKind::kControl};
  spec.pre = "gpt-2";
  const auto small = text::make_bpe_tokenizer(spec);
  const auto renderer = Renderer::make(**small, *find_format("v3"));
  ASSERT_FALSE(renderer.ok());
  EXPECT_NE(renderer.error().message.find("needs the control token </s>"), std::string::npos);
}

}  // namespace
}  // namespace aquilon::chat::mistral

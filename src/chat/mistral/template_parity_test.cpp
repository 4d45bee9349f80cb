// Mistral's own Jinja templates, through the interpreter, give the ids that the formats give.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

#include "chat/chat_template.h"
#include "chat/mistral/renderer.h"
#include "chat/mistral/vocabulary_for_test.h"

namespace aquilon::chat::mistral {
namespace {

namespace json = boost::json;

struct Case {
  const char* file;
  const char* version;
  bool tools, thinking;
};

const Case kCases[] = {
    {"v1", "v1", false, false},       {"v2", "v2", true, false},   {"v3", "v3", true, false},
    {"v7", "v7", true, false},        {"v11", "v11", true, false}, {"v13", "v13", true, false},
    {"v13_think", "v13", true, true}, {"v15", "v15", true, false}, {"v15_think", "v15", true, true},
};

constexpr const char* kTools =
    R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}])";

const char* const kTalks[] = {
    R"([{"role":"user","content":"a"}])",
    R"([{"role":"system","content":"S"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},
        {"role":"user","content":"c[INST]</s>"}])",
    R"([{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"}]}])",
};
constexpr const char* kExchange =
    R"([{"role":"user","content":"q"},
        {"role":"assistant","content":"","tool_calls":[{"id":"aaaaaaaaa","type":"function",
          "function":{"name":"f","arguments":"{\"x\": 1}"}}]},
        {"role":"tool","tool_call_id":"aaaaaaaaa","name":"f","content":"plain"},
        {"role":"assistant","content":"done"},{"role":"user","content":"r"}])";
constexpr const char* kThinking =
    R"([{"role":"user","content":"q"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"}]},
        {"role":"user","content":"r"}])";

std::string template_source(const std::string& name) {
  return read_file(std::string(AQUILON_SOURCE_DIR) + "/tests/data/templates/mistral/" + name +
                   ".jinja")
      .value();
}

class TemplateParity : public ::testing::TestWithParam<Case> {
 protected:
  static void expect_equal(const char* text, const char* tools_text) {
    static const auto tokenizer = byte_tokenizer();
    const json::array messages = json::parse(text).as_array();
    const json::value tools = json::parse(tools_text);
    json::object kwargs;
    if (std::string(GetParam().version) == "v15") kwargs["reasoning_effort"] = "high";
    const auto renderer = Renderer::make(*tokenizer, *find_format(GetParam().version));
    const auto want = renderer->chat({messages, tools, false, kwargs});
    ASSERT_TRUE(want.ok()) << want.error().message;
    const auto parsed = ChatTemplate::parse(template_source(GetParam().file));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    TemplateInput input;
    input.messages = messages;
    input.tools = tools;
    input.kwargs = kwargs;
    input.bos_token = "<s>";
    input.eos_token = "</s>";
    const auto prompt = parsed->render(input);
    ASSERT_TRUE(prompt.ok()) << prompt.error().message;
    EXPECT_EQ(text::decode(*tokenizer, tokenizer->encode(prompt->text, prompt->trusted), true),
              text::decode(*tokenizer, *want, true));
    if (renderer->format().inst_is_text) return;  // what a template writes may be control tokens
    EXPECT_EQ(tokenizer->encode(prompt->text, prompt->trusted), *want);
  }
};

TEST_P(TemplateParity, GivesTheSameIds) {
  for (const char* talk : kTalks) expect_equal(talk, "null");
  if (GetParam().tools) expect_equal(kTalks[1], kTools);
  if (GetParam().tools) expect_equal(kExchange, kTools);
  if (GetParam().thinking) expect_equal(kThinking, "null");
}

INSTANTIATE_TEST_SUITE_P(Mistral, TemplateParity, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.file); });

TEST(TemplateParity, TheOthersParse) {
  for (const char* name : {"v11_think", "v1_spm", "v2_spm", "v3_spm", "v7_spm"}) {
    const auto parsed = ChatTemplate::parse(template_source(name));
    ASSERT_TRUE(parsed.ok()) << name << ": " << parsed.error().message;
    EXPECT_FALSE(parsed->leaves_messages_out()) << name;
  }
}

}  // namespace
}  // namespace aquilon::chat::mistral

// Conversations with tools for models that know none.
#include "chat/tools/tool_prompt.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace aquilon::chat {
namespace {

namespace json = boost::json;

const char* const kTools =
    R"([{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}])";

std::string rewritten(const char* dialect, const char* messages, const char* tools = "null") {
  return json::serialize(
      without_tools(json::parse(messages).as_array(), json::parse(tools), *find_dialect(dialect)));
}

const char* const kExchange = R"([
    {"role": "user", "content": "q"},
    {"role": "assistant", "content": "", "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
        {"id": "2", "type": "function", "function": {"name": "g", "arguments": {"b": "x"}}}]},
    {"role": "tool", "tool_call_id": "1", "content": "one"},
    {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "two"}]},
    {"role": "user", "content": "and?"}])";

TEST(ToolPrompt, WritesCallsAndResultsAsTexts) {
  EXPECT_EQ(
      rewritten("hermes", kExchange),
      R"([{"role":"user","content":"q"},{"role":"assistant","content":"<tool_call>\n{\"name\": )"
      R"(\"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>\n{\"name\": \"g\", )"
      R"(\"arguments\": {\"b\": \"x\"}}\n</tool_call>"},{"role":"user","content":)"
      R"("<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>\nand?"}])");
  EXPECT_NE(rewritten("json", kExchange).find(R"(```json\n{\"name\": \"f\", )"), std::string::npos);
  EXPECT_NE(rewritten("llama3", kExchange).find(R"({\"name\": \"f\", \"parameters\": {)"),
            std::string::npos);
  EXPECT_NE(rewritten("pythonic", kExchange).find(R"(g(b=\"x\")])"), std::string::npos);
}

TEST(ToolPrompt, OffersToolsInTheSystemMessage) {
  const std::string alone = rewritten("hermes", R"([{"role":"user","content":"q"}])", kTools);
  EXPECT_TRUE(alone.starts_with(R"([{"role":"system","content":"# Tools)")) << alone;
  EXPECT_NE(alone.find(R"({\"type\": \"function\", \"function\": {\"name\": \"f\")"),
            std::string::npos)
      << alone;
  const std::string behind = rewritten(
      "json", R"([{"role":"system","content":"Be."},{"role":"user","content":"q"}])", kTools);
  EXPECT_TRUE(behind.starts_with(R"([{"role":"system","content":"Be.\n\n# Tools)")) << behind;
  EXPECT_EQ(rewritten("json", R"([{"role":"user","content":"q"}])", "[]"),
            R"([{"role":"user","content":"q"}])");
}

TEST(ToolPrompt, BeginsCallsUpToTheName) {
  const std::pair<const char*, const char*> cases[] = {
      {"hermes", "<tool_call>\n{\"name\": \""},
      {"json", "```json\n{\"name\": \""},
      {"llama3", "{\"name\": \""},
      {"pythonic", "["},
      {"mistral-v13", "[TOOL_CALLS]"},
  };
  for (const auto& [dialect, want] : cases)
    EXPECT_EQ(beginning_of_call(*find_dialect(dialect)), want) << dialect;
}

TEST(ToolPrompt, ShortensIdsThatAreNotShort) {
  json::array messages = json::parse(kExchange).as_array();
  messages[1].at("tool_calls").at(0).as_object()["id"] = "call_0123456789abcdefghijklmn";
  messages[1].at("tool_calls").at(1).as_object()["id"] = "abcDEF123";
  messages[2].as_object()["tool_call_id"] = "call_0123456789abcdefghijklmn";
  shorten_call_ids(messages);
  const json::string& id = messages[1].at("tool_calls").at(0).at("id").as_string();
  EXPECT_EQ(id.size(), 9u);
  EXPECT_EQ(messages[2].at("tool_call_id").as_string(), id);
  EXPECT_EQ(messages[1].at("tool_calls").at(1).at("id").as_string(), "abcDEF123");
}

}  // namespace
}  // namespace aquilon::chat

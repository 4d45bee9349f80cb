// Tools that are programs: their file, their words, what they print.
#include "apps/command_tools.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace aquilon::apps {
namespace {

Result<CommandTools> load(const std::string& text) {
  const std::string path = testing::TempDir() + "command_tools_test.json";
  std::ofstream(path) << text;
  return load_command_tools(path);
}

TEST(CommandTools, AreReadFromTheirFile) {
  const auto tools = load(R"({"tools": [
      {"name": "say", "description": "d", "parameters": {"type": "object"},
       "command": ["echo", "-n", "{text}: {count}", "{", "{none}"]}]})");
  ASSERT_TRUE(tools.ok()) << tools.error().message;
  EXPECT_EQ(tools->use.names(), std::vector<std::string>{"say"});
  EXPECT_EQ(tools->shown.at(0).at("function").at("description"), "d");
  const auto words = tools->words_of({"say", R"({"text": "a b; rm -r x", "count": 2})", ""});
  ASSERT_TRUE(words.ok());
  EXPECT_EQ(*words, (std::vector<std::string>{"echo", "-n", "a b; rm -r x: 2", "{", ""}));
  EXPECT_EQ(shown_words(*words), "echo -n 'a b; rm -r x: 2' '{' ''");
  EXPECT_FALSE(tools->words_of({"shout", "{}", ""}).ok());
}

TEST(CommandTools, SayWhatIsMissing) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "no JSON"},
      {"{}", "no list \"tools\""},
      {R"({"tools": [1]})", "tools[0]: an object"},
      {R"({"tools": [{"command": ["a"]}]})", "\"name\" is missing"},
      {R"({"tools": [{"name": "a"}]})", "\"command\" is missing"},
      {R"({"tools": [{"name": "a", "command": [1]}]})", "list of texts"},
      {R"({"tools": [{"name": "a", "command": ["a"]}, {"name": "a", "command": ["a"]}]})",
       "another tool's"},
  };
  for (const auto& [text, says] : cases) {
    const auto tools = load(text);
    ASSERT_FALSE(tools.ok()) << text;
    EXPECT_NE(tools.error().message.find(says), std::string::npos) << tools.error().message;
  }
}

TEST(CommandTools, RunWithTheirArguments) {
  EXPECT_EQ(*run_tool({"cat"}, "{\"a\": 1}"), "{\"a\": 1}");
  EXPECT_EQ(*run_tool({"printf", "%s-%s", "a b", "$HOME"}, ""), "a b-$HOME");
  EXPECT_EQ(*run_tool({"sh", "-c", "echo out; echo err >&2; exit 3"}, ""),
            "out\nerr\n\n(it failed with status 3)");
  const auto much = run_tool({"yes"}, "");
  ASSERT_TRUE(much.ok());
  EXPECT_LT(much->size(), 40'000u);
  EXPECT_NE(much->find("it was ended"), std::string::npos);
  const auto none = run_tool({"no-such-program-here"}, "");
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("no-such-program-here"), std::string::npos);
}

}  // namespace
}  // namespace aquilon::apps

// Prompts equal to those that llama.cpp renders with the same templates. Two models' cases lie in
// the tree; more of them, where they are at hand, under $AQUILON_SHARED/data/oracle/llamacpp.
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "chat/chat_template.h"

namespace aquilon::chat {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string text_of(const json::object& object, const char* key) {
  return std::string(object.at(key).as_string());
}

// Renders every line of templates.jsonl with the template of run.json; returns how many there were.
int check_model(const fs::path& folder) {
  const json::object run = json::parse(read_file(folder / "run.json")).as_object();
  auto chat_template = ChatTemplate::parse(text_of(run, "chat_template"));
  EXPECT_TRUE(chat_template.ok()) << chat_template.error().message;
  if (!chat_template.ok()) return 0;
  std::istringstream lines(read_file(folder / "templates.jsonl"));
  int cases = 0;
  for (std::string line; std::getline(lines, line); ++cases) {
    const json::object entry = json::parse(line).as_object();
    TemplateInput input;
    input.messages = entry.at("messages");
    input.tools = entry.at("tools");
    input.bos_token = text_of(run, "bos_token");
    input.eos_token = text_of(run, "eos_token");
    const json::value* generation = entry.if_contains("add_generation_prompt");
    input.add_generation_prompt = !generation || generation->as_bool();
    // llama.cpp takes a last message of the assistant as the beginning of the answer.
    const json::array& messages = entry.at("messages").as_array();
    input.continue_final_message = messages.back().at("role") == "assistant";
    const auto prompt = chat_template->render(input);
    EXPECT_TRUE(prompt.ok()) << text_of(entry, "name") << ": " << prompt.error().message;
    if (!prompt.ok()) continue;
    EXPECT_EQ(prompt->text, text_of(entry, "prompt")) << text_of(entry, "name");
  }
  return cases;
}

TEST(ChatTemplateOracle, TemplatesInTheTree) {
  const fs::path root = fs::path(AQUILON_SOURCE_DIR) / "tests/data/templates";
  EXPECT_EQ(check_model(root / "smollm2-135m-instruct-q4_1"), 20);
  EXPECT_EQ(check_model(root / "qwen2.5-coder-0.5b-instruct-q4_k_m"), 20);
}

TEST(ChatTemplateOracle, SharedModels) {
  const char* shared = std::getenv("AQUILON_SHARED");
  const fs::path root =
      fs::path(shared ? shared : AQUILON_SOURCE_DIR "/../shared") / "data/oracle/llamacpp";
  if (!fs::is_directory(root)) GTEST_SKIP() << "no oracle prompts here: set AQUILON_SHARED";
  int models = 0;
  for (const auto& folder : fs::directory_iterator(root)) {
    if (!fs::exists(folder.path() / "templates.jsonl")) continue;
    EXPECT_GT(check_model(folder.path()), 0) << folder.path();
    ++models;
  }
  EXPECT_GT(models, 0);
}

}  // namespace
}  // namespace aquilon::chat

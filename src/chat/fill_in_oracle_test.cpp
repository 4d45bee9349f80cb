// Prompts that fill in, equal to those which llama.cpp's server was given, on real models'
// vocabularies (AQUILON_TEST_MODELS, AQUILON_SHARED).
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "chat/prompt_writer.h"
#include "model/model.h"

namespace aquilon::chat {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// What stands between two marks, or behind the first where there is no second.
std::string between(std::string_view text, std::string_view first, std::string_view second) {
  const std::size_t begin = text.find(first) + first.size();
  return std::string(text.substr(begin, text.find(second) - begin));
}

int check_samples(const model::Model& model, const json::array& samples) {
  const auto writer = PromptWriter::choose({.tokenizer = model.tokenizer(),
                                            .bos = model.special().bos,
                                            .add_bos = model.special().add_bos,
                                            .fill_in = model.special().fill_in,
                                            .own_template = model.chat_template()});
  EXPECT_TRUE(writer.ok() && writer->can_fill_in());
  int checked = 0;
  for (const json::value& sample : samples) {
    const std::string prompt(sample.at("prompt").as_string());
    const auto ids = writer->fill_in(between(prompt, "<|fim_prefix|>", "<|fim_suffix|>"),
                                     between(prompt, "<|fim_suffix|>", "<|fim_middle|>"));
    EXPECT_TRUE(ids.ok()) << ids.error().message;
    EXPECT_EQ(*ids, json::value_to<std::vector<text::TokenId>>(sample.at("prompt_ids")));
    ++checked;
  }
  return checked;
}

TEST(FillInOracle, PromptsOfCodeModels) {
  const char* models = std::getenv("AQUILON_TEST_MODELS");
  const char* home = std::getenv("HOME");
  const char* shared = std::getenv("AQUILON_SHARED");
  const fs::path folder =
      models ? fs::path(models) : fs::path(home ? home : "") / ".cache/aquilon/test-models";
  const fs::path root =
      fs::path(shared ? shared : AQUILON_SOURCE_DIR "/../shared") / "data/oracle/llamacpp";
  int checked = 0;
  for (const char* name :
       {"qwen2.5-coder-0.5b-instruct-q4_k_m", "qwen2.5-coder-1.5b-instruct-q4_k_m"}) {
    const fs::path file = folder / (std::string(name) + ".gguf");
    std::ifstream in(root / name / "samples.json");
    if (!fs::exists(file) || !in) continue;
    std::ostringstream text;
    text << in.rdbuf();
    const auto model = model::Model::load(file.string(), {.threads = 2});
    ASSERT_TRUE(model.ok()) << model.error().message;
    checked += check_samples(**model, json::parse(text.str()).at("fim").as_array());
  }
  if (checked == 0) GTEST_SKIP() << "no code model or no recorded prompts: set AQUILON_SHARED";
}

}  // namespace
}  // namespace aquilon::chat

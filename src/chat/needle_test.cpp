// A fact in the middle of a long text is found again: positions, attention and pages all the way.
// Needs the 1.5B (AQUILON_TEST_MODELS); one of 2K always, the others in ./run soak.
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <random>
#include <string>

#include "chat/local_generator.h"

namespace aquilon::chat {
namespace {

struct Needle {
  int tokens;  // of the prompt, about
  int depth;   // percent of the text before the fact
};

// Plain sentences, never the same one twice in a row; some 15 tokens each.
std::string hay(int sentences, std::mt19937& rng) {
  static constexpr const char* kWho[] = {"The baker",     "A fisherman", "My neighbour",
                                         "The old clerk", "A gardener",  "The teacher",
                                         "One traveller"};
  static constexpr const char* kDid[] = {
      "carried a basket of apples", "repaired the wooden gate", "wrote a letter to his brother",
      "watched the boats",          "counted the chairs",       "painted a small window blue"};
  static constexpr const char* kWhen[] = {"before the rain came", "while the bells were ringing",
                                          "on a quiet Sunday", "after the market had closed",
                                          "long before anybody was awake"};
  std::string text;
  for (int i = 0; i < sentences; ++i)
    text += std::string(kWho[rng() % 7]) + ' ' + kDid[rng() % 6] + ' ' + kWhen[rng() % 5] + ". ";
  return text;
}

std::string answer(Generator& generator, std::string question) {
  GenerationRequest request;
  ChatPrompt prompt;
  prompt.messages = {boost::json::object{{"role", "user"}, {"content", std::move(question)}}};
  request.prompt = std::move(prompt);
  request.sampling.temperature = 0;
  request.max_tokens = 24;
  std::string text;
  std::promise<void> done;
  auto generation = generator.start(std::move(request), [&](GenerationEvent event) {
    text += event.text;
    if (event.usage) done.set_value();
  });
  if (!generation.ok()) return generation.error().message;
  done.get_future().wait();
  return text;
}

class NeedleTest : public testing::TestWithParam<Needle> {};

#if defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

TEST_P(NeedleTest, IsFound) {
  if (kSanitized) GTEST_SKIP() << "minutes with sanitizers; what it runs is covered by small tests";
  const char* set = std::getenv("AQUILON_TEST_MODELS");
  const char* home = std::getenv("HOME");
  const std::string folder =
      set != nullptr ? set
                     : std::string(home != nullptr ? home : "") + "/.cache/aquilon/test-models";
  const std::string path = folder + "/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs " << path;
  const auto [tokens, depth] = GetParam();
  if ((tokens > 2048 || depth != 50) && std::getenv("AQUILON_SOAK") == nullptr)
    GTEST_SKIP() << "long: ./run soak runs it (AQUILON_SOAK)";

  const auto generator = make_local_generator({.path = path, .id = "needle", .parallel = 1});
  ASSERT_TRUE(generator.ok()) << generator.error().message;
  std::mt19937 rng(static_cast<unsigned>(tokens + depth));
  const int sentences = tokens / 15;
  const std::string text =
      "Read this text; a question follows.\n\n" + hay(sentences * depth / 100, rng) +
      "The secret number of the lighthouse is 7351. " +
      hay(sentences - sentences * depth / 100, rng) +
      "\n\nWhat is the secret number of the lighthouse? Answer with the number alone.";
  const std::string found = answer(**generator, text);
  EXPECT_NE(found.find("7351"), std::string::npos) << "the answer was: " << found;
}

INSTANTIATE_TEST_SUITE_P(Lengths, NeedleTest,
                         testing::Values(Needle{2048, 10}, Needle{2048, 50}, Needle{2048, 90},
                                         Needle{8192, 10}, Needle{8192, 50}, Needle{8192, 90},
                                         Needle{24576, 10}, Needle{24576, 50}, Needle{24576, 90},
                                         Needle{30720, 10}, Needle{30720, 50}, Needle{30720, 90}),
                         [](const auto& info) {
                           return std::to_string(info.param.tokens) + "_" +
                                  std::to_string(info.param.depth);
                         });

}  // namespace
}  // namespace aquilon::chat

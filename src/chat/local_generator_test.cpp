// What a chat becomes for the model: its prompt's ids, and templates that are refused.
#include "chat/local_generator.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <future>

#include "model/tiny_model_for_test.h"

namespace aquilon::chat {
namespace {

constexpr const char* kTemplate =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

Result<std::unique_ptr<Generator>> load(const std::string& chat_template) {
  return make_local_generator(
      {.path = AQUILON_SOURCE_DIR "/tests/data/oracle/llama-gqa/model-f32.gguf",
       .id = "tiny",
       .threads = 1,
       .parallel = 1,
       .chat_template = chat_template});
}

std::vector<text::TokenId> prompt_ids(Generator& generator, Prompt prompt) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = 1;
  auto done = std::make_shared<std::promise<void>>();
  auto generation = generator.start(std::move(request), [done](GenerationEvent event) {
    if (event.usage) done->set_value();
  });
  if (!generation.ok()) {
    ADD_FAILURE() << generation.error().message;
    return {};
  }
  done->get_future().wait();
  return (*generation)->prompt_ids();
}

ChatPrompt chat(const char* messages, bool continues) {
  ChatPrompt prompt;
  prompt.messages = boost::json::parse(messages).as_array();
  prompt.continue_final_message = continues;
  return prompt;
}

TEST(LocalGeneratorTest, ItsTokenizerIsThereForItself) {
  const auto loaded = load(kTemplate);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Generator& generator = **loaded;
  const ChatPrompt asked = chat(R"([{"role":"user","content":"he"}])", false);
  const auto ids = generator.prompt_ids(asked);
  ASSERT_TRUE(ids.ok());
  EXPECT_EQ(*ids, prompt_ids(**loaded, asked));
  const auto text = generator.prompt_text(asked);
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(text->ends_with("<user>he</><assistant>")) << *text;
  EXPECT_EQ(*generator.decode(*ids, true), *text);

  const auto with_bos = *generator.encode(*text, {.bos = true, .control = true});
  EXPECT_EQ(with_bos, *ids);  // BOS stands there once, whoever writes it
  const auto plain = *generator.encode("he", {});
  ASSERT_FALSE(plain.empty());
  EXPECT_EQ(*generator.decode(plain, false), "he");
  EXPECT_EQ(generator.token_bytes(plain.front()), "he");
  const auto outside = generator.decode(std::vector<text::TokenId>{1 << 30}, true);
  ASSERT_FALSE(outside.ok());
  EXPECT_EQ(outside.error().param, "tokens");
}

TEST(LocalGeneratorTest, AnAnswerIsBegunOrContinued) {
  const auto generator = load(kTemplate);
  ASSERT_TRUE(generator.ok()) << generator.error().message;
  const auto is_prompt = [&](const char* messages, bool continues, const char* text) {
    const auto ids = prompt_ids(**generator, chat(messages, continues));
    EXPECT_GT(ids.size(), 8u);
    EXPECT_EQ(ids, prompt_ids(**generator, std::string(text))) << text;
  };
  is_prompt(R"([{"role":"user","content":"he"}])", false, "<user>he</><assistant>");
  const char* begun = R"([{"role":"user","content":"he"},{"role":"assistant","content":"the t"}])";
  is_prompt(begun, true, "<user>he</><assistant>the t");
  is_prompt(begun, false, "<user>he</><assistant>the t</><assistant>");
}

TEST(LocalGeneratorTest, RefusesATemplateThatLeavesTheMessagesOut) {
  for (const char* deaf : {"hello", "{{ messages | length }}<assistant>",
                           "{% for m in messages %}<{{ m.role }}>{% endfor %}<assistant>"}) {
    const auto generator = load(deaf);
    ASSERT_FALSE(generator.ok()) << deaf;
    EXPECT_EQ(generator.error().code, Code::kInvalidArgument);
    EXPECT_NE(
        generator.error().message.find("--chat-template: a prompt made with it does not hold"),
        std::string::npos)
        << generator.error().message;
  }
  // One that refuses the probe, or wants a variable of the request's, may still be right.
  for (const char* strict :
       {"{{ raise_exception('tools are missing') }}", "{{ style + messages[0].content }}"})
    EXPECT_TRUE(load(strict).ok()) << strict;
}

// A draft model changes no answer, and is refused where it speaks another language.
TEST(LocalGeneratorTest, ADraftModelHasTheSameVocabulary) {
  const auto load_with = [](const std::string& draft, bool speculate = true) {
    return make_local_generator(
        {.path = AQUILON_SOURCE_DIR "/tests/data/oracle/llama-gqa/model-f32.gguf",
         .id = "tiny",
         .threads = 1,
         .parallel = 1,
         .speculate = speculate,
         .draft_path = draft});
  };
  const std::string same = AQUILON_SOURCE_DIR "/tests/data/oracle/llama-yarn/model-f32.gguf";
  EXPECT_TRUE(load_with(same).ok());

  const std::string other = testing::TempDir() + "/other_vocabulary.gguf";
  model::write_tiny_model(other, tensor::DType::kQ8_0);
  const auto refused = load_with(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  for (const std::string& words : {other, std::string("llama-gqa"), std::string("token 0 is ")})
    EXPECT_NE(refused.error().message.find(words), std::string::npos) << refused.error().message;

  const auto contradiction = load_with(same, false);
  ASSERT_FALSE(contradiction.ok());
  EXPECT_NE(contradiction.error().message.find("--no-speculate"), std::string::npos);
  const auto missing = load_with("/nowhere.gguf");
  ASSERT_FALSE(missing.ok());
  EXPECT_TRUE(missing.error().message.starts_with("the draft model: ")) << missing.error().message;
}

}  // namespace
}  // namespace aquilon::chat

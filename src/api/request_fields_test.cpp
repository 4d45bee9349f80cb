// The tables as such; what each field accepts is in tests/api/errors.case.
#include "api/request_fields.h"

#include <gtest/gtest.h>

#include <set>

#include "api/body_schema.h"

namespace aquilon::api {
namespace {

void expect_sound(std::span<const Field> own, std::span<const Field> shared = shared_fields()) {
  std::set<std::string_view> names;
  for (const std::span<const Field> table : {shared, own}) {
    for (const Field& field : table) {
      EXPECT_TRUE(names.insert(field.name).second) << field.name << " is declared twice";
      EXPECT_FALSE(field.type.empty()) << field.name;
      EXPECT_LE(field.min, field.max) << field.name;
      const bool silent = std::holds_alternative<Ignored>(field.target) ||
                          std::holds_alternative<Refused>(field.target);
      EXPECT_TRUE(silent || !field.help.empty()) << field.name;
    }
  }
}

TEST(RequestFieldsTest, TablesAreSound) {
  expect_sound(chat_fields());
  expect_sound(text_fields());
  expect_sound(fim_fields());
  expect_sound(embedding_fields(), {});
}

TEST(RequestFieldsTest, ChoicesOfToolsReachTheRequest) {
  struct Case {
    const char* choice;
    bool must_call, parallel;
    std::size_t tools;
  };
  constexpr const char* kNamed = R"({"type":"function","function":{"name":"f"}})";
  constexpr const char* kAllowed = R"({"type":"allowed_tools","allowed_tools":{"mode":"required",
      "tools":[{"type":"function","function":{"name":"g"}}]}})";
  for (const Case& c : {Case{R"("auto")", false, true, 2},
                        {R"("required")", true, true, 2},
                        {kNamed, true, false, 1},
                        {kAllowed, true, true, 1}}) {
    CompletionRequest request;
    const auto body = fmt::format(
        R"({{"model":"m","messages":[{{"role":"user","content":"u"}}],"tool_choice":{},
            "parallel_tool_calls":true,"tools":[{{"type":"function","function":{{"name":"f"}}}},
            {{"type":"function","function":{{"name":"g"}}}}]}})",
        c.choice);
    ASSERT_FALSE(read_body(chat_body(), body, {}, request)) << c.choice;
    const auto& chat = std::get<chat::ChatPrompt>(request.prompts.at(0));
    EXPECT_EQ(chat.must_call, c.must_call) << c.choice;
    EXPECT_EQ(request.generation.tools.parallel, c.parallel) << c.choice;
    EXPECT_EQ(request.generation.tools.tools.size(), c.tools) << c.choice;
  }
}

TEST(RequestFieldsTest, ValuesReachTheRequest) {
  CompletionRequest request;
  ASSERT_FALSE(read_body(
      chat_body(),
      R"({"model":"m","messages":[{"role":"developer","content":"s"},{"role":"user","content":"u"}],
          "temperature":0.25,"top_p":0,"top_k":-1,"seed":-1,"stop":"x","stop_token_ids":[4],
          "logit_bias":{"7":-2.5},"n":3,"ignore_eos":true,"logprobs":true,"top_logprobs":4,
          "chat_template_kwargs":{"a":1},"stream":true,"stream_options":{"include_usage":true}})",
      {}, request));
  const chat::GenerationRequest& g = request.generation;
  EXPECT_EQ(g.sampling.temperature, 0.25);
  EXPECT_GT(g.sampling.top_p, 0);
  EXPECT_EQ(g.sampling.top_k, 0);
  EXPECT_EQ(g.sampling.seed, UINT64_MAX);
  EXPECT_EQ(g.sampling.logit_bias, (std::vector<std::pair<text::TokenId, float>>{{7, -2.5f}}));
  EXPECT_EQ(g.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(g.stop_tokens, std::vector<text::TokenId>{4});
  EXPECT_EQ(g.n, 3);
  EXPECT_TRUE(g.ignore_eos);
  EXPECT_EQ(g.top_logprobs, 4);
  EXPECT_FALSE(g.max_tokens);
  EXPECT_TRUE(request.stream && request.include_usage);
  const auto& chat = std::get<chat::ChatPrompt>(request.prompts.at(0));
  EXPECT_EQ(chat.messages.at(0).at("role").as_string(), "system");
  EXPECT_EQ(chat.template_kwargs.at("a").as_int64(), 1);
}

}  // namespace
}  // namespace aquilon::api

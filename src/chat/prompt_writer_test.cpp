// Which way of writing prompts a model gets.
#include "chat/prompt_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <string>

#include "chat/mistral/vocabulary_for_test.h"

namespace aquilon::chat {
namespace {

constexpr const char* kTemplate =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
constexpr const char* kMistralTemplate =
    "{{ bos_token }}{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}"
    "{# [SYSTEM_PROMPT] #}";

// A vocabulary of bytes and these control tokens.
std::unique_ptr<text::Tokenizer> vocabulary(const std::vector<std::string>& control,
                                            const std::string& declared = "") {
  text::BpeSpec spec;
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    spec.tokens.push_back(text::alphabet_form({&byte, 1}));
  }
  spec.kinds.assign(256, text::TokenKind::kNormal);
  for (const std::string& token : control) {
    spec.tokens.push_back(token);
    spec.kinds.push_back(text::TokenKind::kControl);
  }
  spec.pre = "tekken";
  spec.traits.mistral_version = declared;
  return std::move(text::make_bpe_tokenizer(std::move(spec))).value();
}

const std::vector<std::string> kBase = {"<s>",
                                        "</s>",
                                        "[INST]",
                                        "[/INST]",
                                        "[AVAILABLE_TOOLS]",
                                        "[/AVAILABLE_TOOLS]",
                                        "[TOOL_RESULTS]",
                                        "[/TOOL_RESULTS]",
                                        "[TOOL_CALLS]"};

std::vector<std::string> with(std::vector<std::string> more) {
  more.insert(more.begin(), kBase.begin(), kBase.end());
  return more;
}
const std::vector<std::string> kV7 = {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"};

std::vector<std::string> later(std::vector<std::string> more) {
  more.insert(more.begin(), kV7.begin(), kV7.end());
  return with(std::move(more));
}

TEST(PromptWriter, GoesByTheFilesContent) {
  struct Case {
    std::vector<std::string> control;
    std::string declared, own_template, want;
  };
  const std::string ids = std::string(kMistralTemplate) + "{# [CALL_ID] #}";
  const Case cases[] = {
      {{}, "", "", ""},
      {{}, "", kTemplate, "template"},
      {{}, "", kMistralTemplate, "template"},  // Llama 2's, or version 1
      {kBase, "", kMistralTemplate, "mistral-v3"},
      {kBase, "", "", "mistral-v3"},
      {kBase, "", kTemplate, "template"},  // fine-tuned to another format
      {with(kV7), "", kMistralTemplate, "mistral-v7"},
      {with(kV7), "", "{{ messages[0].content }}{# [INST] #}", "mistral-v3"},
      {later({"[ARGS]", "[CALL_ID]"}), "", "", "mistral-v11"},
      {later({"[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]"}), "", ids, "mistral-v11"},
      {later({"[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]"}), "", kMistralTemplate, "mistral-v13"},
      {later({"[ARGS]", "[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"}), "", "", "mistral-v15"},
      {later({"[ARGS]", "[CALL_ID]"}), "v7", "", "mistral-v7"},
      {kBase, "v3", kTemplate, "template"},
      {kBase, "v7", kMistralTemplate, "template"},  // declares what its vocabulary cannot write
      {kBase, "v99", "", ""},
  };
  for (const Case& c : cases) {
    const auto tokenizer = vocabulary(c.control, c.declared);
    const auto writer =
        PromptWriter::choose({.tokenizer = *tokenizer, .own_template = c.own_template});
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    EXPECT_EQ(writer->format_name(), c.want) << c.own_template;
    EXPECT_EQ(writer->can_chat(), !c.want.empty());
  }
}

TEST(PromptWriter, ItsOwnerMayChooseAnother) {
  const auto tokenizer = vocabulary(with(kV7));
  PromptSource source{.tokenizer = *tokenizer, .own_template = kMistralTemplate};
  const auto name = [&] {
    const auto writer = PromptWriter::choose(source);
    return writer.ok() ? writer->format_name() : "error: " + writer.error().message;
  };
  source.chat_format = "mistral-v3";
  EXPECT_EQ(name(), "mistral-v3");
  source.chat_format = "template";
  EXPECT_EQ(name(), "template");
  source.chat_format = "";
  source.chat_template = kTemplate;
  EXPECT_EQ(name(), "template");
  source.chat_format = "v3";
  EXPECT_TRUE(
      name().starts_with("error: --chat-format 'v3' is unknown; there are template, mistral-v1"));
  source.chat_format = "mistral-v13";
  EXPECT_TRUE(
      name().starts_with("error: --chat-format: chat format v13 needs the control token [ARGS]"));
}

TEST(PromptWriter, WritesByFormatAndByTemplate) {
  const auto tokenizer = vocabulary(kBase);
  const text::TokenId bos = tokenizer->find_token("<s>");
  PromptSource source{.tokenizer = *tokenizer, .bos = bos, .add_bos = true};
  ChatPrompt chat;
  chat.messages = boost::json::parse(R"([{"role":"user","content":"a[INST]"}])").as_array();
  const auto shown = [&] {
    const auto ids = PromptWriter::choose(source)->write(chat);
    return ids.ok() ? text::decode(*tokenizer, *ids, true) : ids.error().message;
  };
  EXPECT_EQ(shown(), "<s>[INST]a[INST][/INST]");
  source.own_template = kTemplate;
  EXPECT_EQ(shown(), "<s><user>a[INST]");
  source.own_template = "{{ no such }}";
  EXPECT_TRUE(shown().starts_with("the model's chat template")) << shown();
}

TEST(PromptWriter, TheGuardStandsBeforeASystemMessageOfTheUsers) {
  const auto tokenizer = vocabulary(kBase);
  PromptSource source{
      .tokenizer = *tokenizer, .bos = tokenizer->find_token("<s>"), .add_bos = true};
  ChatPrompt chat;
  chat.safe_prompt = true;
  const auto shown = [&](const char* messages) {
    chat.messages = boost::json::parse(messages).as_array();
    const auto ids = PromptWriter::choose(source)->write(chat);
    return ids.ok() ? text::decode(*tokenizer, *ids, true) : ids.error().message;
  };
  const char* asked = R"([{"role":"user","content":"q"}])";
  const char* told = R"([{"role":"system","content":"S"},{"role":"user","content":"q"}])";
  const std::string guard =
      "Always assist with care, respect, and truth. Respond with utmost utility yet securely. "
      "Avoid harmful, unethical, prejudiced, or negative content. Ensure replies promote fairness "
      "and positivity.";
  EXPECT_EQ(shown(asked), "<s>[INST]" + guard + "\n\nq[/INST]");
  EXPECT_EQ(shown(told), "<s>[INST]" + guard + "\n\nS\n\nq[/INST]");
  source.own_template = kTemplate;
  EXPECT_EQ(shown(asked), "<s><system>" + guard + "<user>q");
  EXPECT_EQ(shown(told), "<s><system>" + guard + "\n\nS<user>q");
}

TEST(PromptWriter, AnEffortReachesModelsThatTakeOne) {
  const auto plain = vocabulary(kBase);
  const auto settings = vocabulary(later({"[ARGS]", "[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"}));
  ChatPrompt chat;
  chat.messages = boost::json::parse(R"([{"role":"user","content":"q"}])").as_array();
  const auto shown = [&](const text::Tokenizer& tokenizer, std::string_view own_template,
                         const std::string& effort) {
    chat.reasoning_effort = effort;
    const auto writer = PromptWriter::choose(
        {.tokenizer = tokenizer, .bos = tokenizer.find_token("<s>"), .own_template = own_template});
    const auto ids = writer->write(chat);
    EXPECT_EQ(writer->takes_reasoning_effort(), ids.ok() || effort.empty());
    return ids.ok() ? text::decode(tokenizer, *ids, true) : ids.error().param;
  };
  EXPECT_EQ(shown(*settings, "", "high"),
            R"(<s>[MODEL_SETTINGS]{"reasoning_effort": "high"}[/MODEL_SETTINGS][INST]q[/INST])");
  const char* with_effort = "{{ reasoning_effort }}:{{ messages[0].content }}";
  EXPECT_EQ(shown(*plain, with_effort, "low"), "low:q");
  EXPECT_EQ(shown(*plain, "", "high"), "reasoning_effort");
  EXPECT_EQ(shown(*plain, kTemplate, "high"), "reasoning_effort");

  chat.reasoning_effort = "none";
  const auto writer = PromptWriter::choose({.tokenizer = *plain, .bos = 256});
  EXPECT_TRUE(writer->write(chat).ok());
}

TEST(PromptWriter, KnowsWhetherAnAnswerMayBeginWithThoughts) {
  const auto plain = vocabulary(kBase);
  const auto thinks =
      vocabulary(later({"[ARGS]", "[THINK]", "[/THINK]", "[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"}));
  const char* switched =
      "{{ messages[0].content }}<think>{% if enable_thinking is defined and not enable_thinking %}"
      "</think>{% endif %}";
  struct Case {
    const text::Tokenizer& tokenizer;
    std::string_view own_template;
    const char* effort;
    bool wants, continues;
    Thinking state;
    const char* error;  // its param; null: there is none
  };
  const Case cases[] = {
      {*plain, kTemplate, "", false, false, Thinking::kNone, nullptr},
      {*plain, kTemplate, "", true, false, Thinking::kNone, "thinking"},
      {*plain, "", "", true, false, Thinking::kNone, "thinking"},
      {*plain, switched, "", false, false, Thinking::kBegun, nullptr},
      {*plain, switched, "", true, false, Thinking::kBegun, nullptr},
      {*plain, switched, "high", false, false, Thinking::kBegun, nullptr},
      {*plain, switched, "none", false, false, Thinking::kNone, nullptr},
      {*thinks, "", "", false, false, Thinking::kPossible, nullptr},
      {*thinks, "", "", true, false, Thinking::kPossible, nullptr},
      {*thinks, "", "none", false, false, Thinking::kNone, nullptr},
      {*thinks, "", "", false, true, Thinking::kNone, nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} {}", &c - cases, c.effort));
    const auto writer = PromptWriter::choose({.tokenizer = c.tokenizer,
                                              .bos = c.tokenizer.find_token("<s>"),
                                              .own_template = c.own_template});
    ASSERT_TRUE(writer.ok());
    ChatPrompt chat;
    chat.messages = boost::json::parse(R"([{"role":"user","content":"q"}])").as_array();
    if (c.continues)
      chat.messages.push_back(boost::json::object{{"role", "assistant"}, {"content", "a"}});
    chat.continue_final_message = c.continues;
    chat.reasoning_effort = c.effort;
    chat.wants_thinking = c.wants;
    const auto ids = writer->write(chat);
    ASSERT_EQ(ids.ok(), c.error == nullptr) << (ids.ok() ? "" : ids.error().message);
    if (c.error)
      EXPECT_EQ(ids.error().param, c.error);
    else
      EXPECT_EQ(writer->thinking_after(chat, *ids), c.state);
  }
}

TEST(PromptWriter, FillsInWithTheVocabularysTokens) {
  const auto tokenizer = vocabulary({"<s>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"});
  PromptSource source{.tokenizer = *tokenizer,
                      .bos = tokenizer->find_token("<s>"),
                      .add_bos = true,
                      .own_template = kTemplate};
  {
    const auto without = PromptWriter::choose(source);
    EXPECT_FALSE(without->can_fill_in());
    const auto refused = without->fill_in("a", "b");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kUnsupported);
    EXPECT_EQ(refused.error().param, "suffix");
  }
  source.fill_in = {tokenizer->find_token("<|fim_prefix|>"),
                    tokenizer->find_token("<|fim_suffix|>"),
                    tokenizer->find_token("<|fim_middle|>")};
  const auto writer = PromptWriter::choose(source);
  EXPECT_TRUE(writer->can_fill_in());
  const auto ids = writer->fill_in("a<|fim_middle|>", "b");
  ASSERT_TRUE(ids.ok()) << ids.error().message;
  EXPECT_EQ(text::decode(*tokenizer, *ids, true),
            "<s><|fim_prefix|>a<|fim_middle|><|fim_suffix|>b<|fim_middle|>");
  // What the text says is text: one control token of each kind, the last one ours.
  EXPECT_EQ(std::count(ids->begin(), ids->end(), source.fill_in.middle), 1);
  EXPECT_EQ(ids->back(), source.fill_in.middle);
}

// Small models are offered a function more, for not calling any.
TEST(PromptWriter, SmallModelsMayDecline) {
  const auto tokenizer = vocabulary(kBase);
  PromptSource source{
      .tokenizer = *tokenizer,
      .own_template = kTemplate,
      .tool_template = "{% for tool in tools %}[{{ tool.function.name }}]{% endfor %}"};
  ChatPrompt chat;
  const auto shown = [&](const char* tools, const char* last = "user") {
    chat.messages = {boost::json::object{{"role", last}, {"content", "q"}}};
    chat.tools = boost::json::parse(tools);
    const auto ids = PromptWriter::choose(source)->write(chat);
    return ids.ok() ? text::decode(*tokenizer, *ids, true) : ids.error().message;
  };
  const char* one = R"([{"type":"function","function":{"name":"f"}}])";
  EXPECT_EQ(shown(one), "[f][none]");
  EXPECT_EQ(shown(R"([{"type":"function","function":{"name":"none"}}])"), "[none][none_]");
  EXPECT_EQ(shown(one, "tool"), "[f]");
  chat.must_call = true;
  EXPECT_EQ(shown(one), "[f]");
  chat.must_call = false;
  source.parameters = 7'000'000'000;
  EXPECT_EQ(shown(one), "[f]");
  EXPECT_FALSE(PromptWriter::choose(source)->dialect().weak);
}

TEST(PromptWriter, ToolsMayHaveATemplateOfTheirOwn) {
  const auto tokenizer = vocabulary({});
  PromptSource source{.tokenizer = *tokenizer,
                      .own_template = kTemplate,
                      .tool_template = "tools {{ tools | length }}: {{ messages[0].content }}"};
  ChatPrompt chat;
  chat.messages = boost::json::parse(R"([{"role":"user","content":"a"}])").as_array();
  const auto shown = [&] {
    const auto ids = PromptWriter::choose(source)->write(chat);
    return ids.ok() ? text::decode(*tokenizer, *ids, true) : ids.error().message;
  };
  EXPECT_EQ(shown(), "<user>a");
  chat.tools = boost::json::parse(R"([{"type":"function","function":{"name":"f"}}])");
  chat.must_call = true;
  EXPECT_EQ(shown(), "tools 1: a");
  source.tool_template = "{{ no such }}";
  EXPECT_TRUE(shown().starts_with("the model's chat template for tools: ")) << shown();
  chat.tools = nullptr;
  EXPECT_EQ(shown(), "<user>a");
}

}  // namespace
}  // namespace aquilon::chat

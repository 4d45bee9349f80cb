// Mistral's own vectors, id for id, where they are at hand (AQUILON_SHARED).
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "chat/mistral/renderer.h"
#include "chat/mistral/vocabulary_for_test.h"

namespace aquilon::chat::mistral {
namespace {

namespace json = boost::json;
using Ids = std::vector<text::TokenId>;

json::value read_json(const std::string& name) {
  return json::parse(*read_file(text::shared_tokenizer_for_test(name)));
}

std::string string_of(const json::value& value) {
  return std::string(value.as_string());
}

Renderer renderer_for(const std::string& version) {
  const Format* format = find_format(version.substr(0, version.find('-')));
  auto made = Renderer::make(shared_tokenizer(version), *format);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return std::move(made).value();
}

// Ids as the vectors show them: pieces as they are written, control tokens too.
std::string shown(const text::Tokenizer& tokenizer, const Ids& ids) {
  std::string out;
  for (const text::TokenId id : ids) {
    std::string bytes(tokenizer.token_bytes(id));
    if (tokenizer.kind(id) == text::TokenKind::kByte) {
      out += fmt::format("<0x{:02X}>", static_cast<unsigned char>(bytes[0]));
      continue;
    }
    if (tokenizer.traits().space_in_front)
      for (std::size_t at; (at = bytes.find(' ')) != bytes.npos;) bytes.replace(at, 1, "\u2581");
    out += bytes;
  }
  return out;
}

// Each message a turn of its own, as a request to mistral-common's inner encoder has them.
Conversation unjoined(const json::array& messages, const Format& format) {
  Conversation conversation;
  for (const json::value& message : messages) {
    auto one = read_conversation({message}, false, format);
    EXPECT_TRUE(one.ok());
    conversation.turns.push_back(one->turns.at(0));
  }
  return conversation;
}

Result<Ids> render(const Renderer& renderer, const json::object& c) {
  const json::array messages = c.at("messages").as_array();
  const json::value tools = c.contains("tools") ? c.at("tools") : json::value();
  const json::object settings =
      c.contains("settings") ? c.at("settings").as_object() : json::object();
  const ChatRequest request{messages, tools, false, settings};
  const std::string name = string_of(c.at("name"));
  if (name.find("users not merged") != name.npos)
    return renderer.chat(unjoined(messages, renderer.format()), request);
  return renderer.chat(request);
}

TEST(MistralVectors, EveryFormatVector) {
  if (!have_shared_tokenizers()) GTEST_SKIP() << "needs AQUILON_SHARED";
  const json::value file = read_json("format_vectors.json");
  for (const json::value& entry : file.at("cases").as_array()) {
    const json::object& c = entry.as_object();
    const std::string version = string_of(c.at("version"));
    const Renderer renderer = renderer_for(version);
    Result<Ids> ids = c.contains("fim") ? renderer.fill_in(string_of(c.at("fim").at("prompt")),
                                                           string_of(c.at("fim").at("suffix")))
                                        : render(renderer, c);
    ASSERT_TRUE(ids.ok()) << c.at("name") << ": " << ids.error().message;
    std::string want = string_of(c.at("expected_text"));
    if (!want.starts_with("<s>")) want = "<s>" + want;  // of the assistant's message alone
    EXPECT_EQ(shown(shared_tokenizer(version), *ids), want) << c.at("name");
  }
  EXPECT_EQ(file.at("cases").as_array().size(), 20u);
}

struct Sample {
  const char* name;
  std::vector<const char*> versions;
};

TEST(MistralVectors, EverySample) {
  if (!have_shared_tokenizers()) GTEST_SKIP() << "needs AQUILON_SHARED";
  const Sample samples[] = {
      {"no_tools", {"v1", "v2", "v3"}},         {"get_weather_full", {"v2", "v3"}},
      {"get_weather_no_history", {"v2", "v3"}}, {"get_weather_no_system_prompt", {"v2", "v3"}},
      {"parallel_calls", {"v2", "v3"}},         {"several_calls", {"v2", "v3"}}};
  for (const Sample& sample : samples) {
    const std::string folder = std::string("mistral_common_samples/") + sample.name + "/";
    json::object request = read_json(folder + "sample.json").as_object();
    request["name"] = sample.name;
    for (const std::string version : sample.versions) {
      const auto ids = render(renderer_for(version), request);
      ASSERT_TRUE(ids.ok()) << sample.name << ": " << ids.error().message;
      const json::value want = read_json(folder + "tokens_" + version + ".json");
      EXPECT_EQ(*ids, json::value_to<Ids>(want.at("tokens"))) << sample.name << ", " << version;
    }
  }
}

TEST(MistralVectors, EveryPublishedPromptCount) {
  if (!have_shared_tokenizers()) GTEST_SKIP() << "needs AQUILON_SHARED";
  const json::value file = read_json("usage_vectors.json");
  std::size_t counted = 0;
  for (const json::value& entry : file.at("chat").as_array()) {
    json::object c = entry.as_object();
    if (c.at("published_prompt_tokens").is_null()) continue;
    const std::string format = string_of(c.at("format"));
    const bool fifteen = format == "v15";
    if (fifteen) c["settings"] = json::object{{"reasoning_effort", "high"}};
    std::vector<std::string> versions = {"v3-tekken", "v7-tekken", "v13"};
    if (fifteen) versions = {"v15"};
    if (format.starts_with("v3-tekken (") || format.starts_with("v3-tekken;"))
      versions = {"v3-tekken"};
    for (const std::string& version : versions) {
      const auto ids = render(renderer_for(version), c);
      ASSERT_TRUE(ids.ok()) << ids.error().message;
      EXPECT_EQ(static_cast<std::int64_t>(ids->size()), c.at("published_prompt_tokens").as_int64())
          << c.at("name") << ", " << version;
    }
    ++counted;
  }
  EXPECT_EQ(counted, 15u);
  for (const json::value& c : file.at("embeddings").as_array()) {
    std::size_t tokens = 0;
    for (const json::value& text : c.at("input").as_array())
      tokens += shared_tokenizer("v1").encode(string_of(text)).size() + 2;
    EXPECT_EQ(static_cast<std::int64_t>(tokens), c.at("published_prompt_tokens").as_int64());
  }
}

}  // namespace
}  // namespace aquilon::chat::mistral

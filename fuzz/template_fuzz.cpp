// A chat template, "\n---\n", and JSON: {"messages", "tools", "kwargs"}. Whatever both are, parsing
// and rendering end with a Result, and no byte of the JSON's text is ever trusted.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "chat/chat_template.h"

using namespace aquilon;
namespace json = boost::json;

namespace {

constexpr std::string_view kSeparator = "\n---\n";
// A character that stands for the user's in every text. Templates that could spell it are not
// asked.
constexpr std::string_view kUser = "\uE000";

// A copy whose texts all contain the user's character, but for roles, which templates compare.
json::value marked(const json::value& value, bool is_role = false) {
  if (const auto* text = value.if_string(); text && !is_role) {
    return json::value(std::string(kUser) + std::string(*text) + std::string(kUser));
  }
  if (const auto* list = value.if_array()) {
    json::array copy;
    for (const auto& item : *list) copy.push_back(marked(item));
    return copy;
  }
  if (const auto* object = value.if_object()) {
    json::object copy;
    for (const auto& [key, member] : *object) copy[key] = marked(member, key == "role");
    return copy;
  }
  return value;
}

void check_prompt(const chat::RenderedPrompt& prompt, bool marks_are_the_users) {
  std::size_t end = 0;
  for (const text::ByteRange& range : prompt.trusted) {
    AQ_CHECK(range.begin < range.end && range.end <= prompt.text.size());
    AQ_CHECK(range.begin > end || (end == 0 && range.begin == 0));
    end = range.end;
    if (!marks_are_the_users) continue;
    const std::string_view trusted(prompt.text.data() + range.begin, range.end - range.begin);
    AQ_CHECK(trusted.find(kUser) == std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = bytes.find(kSeparator);
  const std::string_view source = bytes.substr(0, cut);
  auto parsed = chat::ChatTemplate::parse(source);
  if (!parsed.ok()) {
    AQ_CHECK(!parsed.error().message.empty());
    return 0;
  }
  chat::TemplateInput input;
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  input.messages = json::array{json::object{{"role", "user"}, {"content", kUser.data()}}};
  if (cut != std::string_view::npos) {
    boost::system::error_code error;
    const json::value given = json::parse(bytes.substr(cut + kSeparator.size()), error);
    if (error || !given.is_object()) return 0;
    const auto member = [&](const char* name) -> json::value {
      const json::value* found = given.as_object().if_contains(name);
      return found ? marked(*found) : json::value();
    };
    input.messages = member("messages");
    input.tools = member("tools");
    if (json::value kwargs = member("kwargs"); kwargs.is_object()) {
      input.kwargs = std::move(kwargs.get_object());
    }
  }
  const bool unspelled =
      source.find('\xEE') == std::string_view::npos && source.find('\\') == std::string_view::npos;
  const auto prompt = parsed->render(input);
  if (prompt.ok()) check_prompt(*prompt, unspelled);
  return 0;
}

// Writes conversations in one of Mistral's chat formats, straight to ids: control tokens are ids,
// and no text that a client sends can become one.
#pragma once

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/mistral/conversation.h"
#include "chat/mistral/format.h"
#include "text/tokenizer.h"

namespace aquilon::chat::mistral {

struct ChatRequest {
  const boost::json::array& messages;   // OpenAI's or Mistral's shape
  const boost::json::value& tools;      // array, or null
  bool continue_final_message = false;  // the last message begins the answer
  // "reasoning_effort" of formats with settings (v15); nothing else counts.
  const boost::json::object& settings;
};

// Immutable. Keeps a reference to the tokenizer. Threads: safe from any.
class Renderer {
 public:
  // Errors: kUnsupported names the first control token of the format that the vocabulary lacks.
  static Result<Renderer> make(const text::Tokenizer& tokenizer, const Format& format);

  const Format& format() const { return format_; }

  // The prompt, BOS included. Errors: kInvalidArgument and kUnsupported, with `param`.
  Result<std::vector<text::TokenId>> chat(const ChatRequest& request) const;
  // The same of a conversation that is already in turns; its messages are not read.
  Result<std::vector<text::TokenId>> chat(const Conversation& conversation,
                                          const ChatRequest& request) const;

  bool can_fill_in() const { return has(Control::kPrefix) && has(Control::kSuffix); }
  // The prompt for what stands between two texts. Errors: kUnsupported where the vocabulary has no
  // tokens for it.
  Result<std::vector<text::TokenId>> fill_in(std::string_view before, std::string_view after) const;

 private:
  struct Places;  // of the first and last user's turns

  Renderer(const text::Tokenizer& tokenizer, const Format& format)
      : tokenizer_(tokenizer), format_(format) {}

  using Ids = std::vector<text::TokenId>;
  bool has(Control control) const { return ids_[static_cast<std::size_t>(control)] >= 0; }
  void put(Control control, Ids& out) const;
  void put(std::string_view text, Ids& out) const;
  Status put_parts(const std::vector<Part>& parts, Ids& out) const;

  Status put_system(const Turn& turn, Ids& out) const;
  void put_user(const Turn& turn, std::string_view before, Ids& out) const;
  Status put_assistant(const Turn& turn, Ids& out) const;
  void put_calls(const std::vector<Call>& calls, Ids& out) const;
  void put_result(const Turn& turn, Ids& out) const;
  void put_results(std::span<const Turn> turns, Ids& out) const;
  Result<Ids> tools_and_settings(const ChatRequest& request) const;

  const text::Tokenizer& tokenizer_;
  const Format& format_;
  std::array<text::TokenId, kControls> ids_;
};

}  // namespace aquilon::chat::mistral

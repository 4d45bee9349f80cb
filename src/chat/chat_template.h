// Chat templates: a sandboxed interpreter of the Jinja subset that published models use. It has no
// input or output, no attribute escape, and budgets on steps, output and recursion. It tracks where
// each byte of the output came from: only bytes written by the template itself (its literals, and
// bos_token and eos_token) are trusted to spell control tokens.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"  // ByteRange

namespace aquilon::chat {

// A rendered prompt.
struct RenderedPrompt {
  std::string text;
  std::vector<text::ByteRange> trusted;  // sorted, disjoint, adjacent ones merged
};

// What a template sees. Before rendering, messages take the shape that this template can read
// (found out once, by trying it): content parts become one text or the other way round, arguments
// of tool calls objects instead of JSON texts, null content an empty text.
struct TemplateInput {
  boost::json::value messages;  // array of objects
  boost::json::value tools;     // array, or null: then templates see none, as in transformers
  boost::json::object kwargs;   // chat_template_kwargs: extra variables, may not hide the others
  std::string bos_token;
  std::string eos_token;
  bool add_generation_prompt = true;
  // The last message is the beginning of the answer: the prompt ends with its text, without what
  // the template puts after a message. Takes the place of add_generation_prompt.
  bool continue_final_message = false;
  std::optional<std::chrono::system_clock::time_point> now = {};  // for strftime_now; absent: now
};

// A parsed template. Immutable. Threads: render is safe from any.
class ChatTemplate {
 public:
  // Time linear in `source` (at most 1 MiB), plus a few small renderings.
  // Errors: kInvalidArgument with line and what was expected; kUnsupported names the Jinja feature.
  static Result<ChatTemplate> parse(std::string_view source);

  // Errors: kInvalidArgument: the template refused the messages (raise_exception, in its own
  // words), an undefined variable was used, a budget ran out (jinja/budget_internal.h), kwargs hide
  // a variable; kUnsupported: a Jinja feature, or a content part that is not text for a template of
  // texts. Time and memory: bounded by the budgets whatever the template and the messages are.
  Result<RenderedPrompt> render(const TemplateInput& input) const;

  // Whether tools, and calls of them, reach the prompt.
  bool takes_tools() const;

  // Whether a user's text is missing from the prompt. False when the template refuses the probe: it
  // may want what only real requests bring. Threads and cost: as render.
  bool leaves_messages_out() const;

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

 private:
  struct Program;
  explicit ChatTemplate(std::unique_ptr<const Program> program);
  std::unique_ptr<const Program> program_;
};

}  // namespace aquilon::chat

// Chat templates: a sandboxed interpreter of the Jinja subset that published models use. It has no
// input or output, no attribute escape, and budgets on steps, output and recursion. It tracks where
// each byte of the output came from: only bytes written by the template itself (its literals, and
// bos_token and eos_token) are trusted to spell control tokens.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <memory>
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

// What a template sees. `messages` and `tools` are plain JSON in OpenAI's shape.
struct TemplateInput {
  boost::json::value messages;       // array of objects
  boost::json::value tools;          // array, or null: then the variable is undefined... see .cpp
  boost::json::object kwargs;        // chat_template_kwargs: extra variables, may not hide the others
  std::string bos_token;
  std::string eos_token;
  bool add_generation_prompt = true;
};

// A parsed template. Immutable. Threads: render is safe from any.
class ChatTemplate {
 public:
  // Errors: kInvalidArgument with line and what was expected; kUnsupported names the Jinja feature.
  static Result<ChatTemplate> parse(std::string_view source);

  // Errors: kInvalidArgument: the template refused the messages (raise_exception, with its own words),
  // an undefined variable was used, a budget ran out.
  Result<RenderedPrompt> render(const TemplateInput& input) const;

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

 private:
  struct Node;
  explicit ChatTemplate(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

}  // namespace aquilon::chat

// The bodies of the tokenizer's routes, and of those that name a model alone: llama-server's names
// and vLLM's.
#include <limits>

#include "api/body_schema.h"
#include "api/field_readers_internal.h"

namespace aquilon::api {
namespace {

using C = CompletionRequest;
using T = TokenOptions;

constexpr double kIntMax = std::numeric_limits<int>::max();

// llama-server's name of the text; it adds no BOS by itself, vLLM's `prompt` does.
Refusal read_content(const Field& field, const boost::json::value& value, CompletionRequest& out) {
  if (!out.tokens.add_special) out.tokens.add_special = false;
  return read_one_text(field, value, out);
}

// clang-format off
constexpr Field kModel[] = {
    {"model", "string", &C::model, 0, 0, false, "default: the first model"},
};

constexpr Field kConversation[] = {
    {"messages", "[message]", &read_messages, 0, 0, false, "a conversation"},
    {"chat_template_kwargs", "object", &read_template_kwargs, 0, 0, false, "variables for the chat template"},
    {"tools", "[tool]", &read_tools, 0, 0, false, "functions that the conversation's prompt tells of"},
    {"add_generation_prompt", "boolean", Refused{"true"}},
    {"continue_final_message", "boolean", Refused{"false"}},
};

constexpr Field kTokenize[] = {
    {"add_special", "boolean", &T::add_special, 0, 0, false, "the model's BOS in front of a text; default: not of content, but of prompt"},
    {"add_special_tokens", "boolean", &T::add_special, 0, 0, false, "vLLM's name of add_special"},
    {"parse_special", "boolean", &T::parse_special, 0, 0, false, "control tokens written in the text count as such (true)"},
    {"content", "string", &read_content, 0, 0, false, "a text"},
    {"prompt", "string", &read_one_text, 0, 0, false, "vLLM's name of the text; content, prompt or messages, one of them"},
    {"with_pieces", "boolean", &T::with_pieces, 0, 0, false, "objects of id and piece instead of ids"},
    {"return_token_strs", "boolean", &T::token_strs, 0, 0, false, "token_strs beside the ids"},
};

constexpr Field kDetokenize[] = {
    {"tokens", "[integer]", &read_tokens, 0, kIntMax, true, "ids"},
    {"skip_special_tokens", "boolean", &T::skip_special, 0, 0, false, "control tokens are left out instead of written out"},
};
// clang-format on

Refusal finish_tokenize(CompletionRequest& out) {
  const std::size_t given = out.prompts.size() + (out.chat.messages.empty() ? 0 : 1);
  if (given == 1) return {};
  return bad_request("content", given == 0 ? "missing_required_parameter" : "invalid_value",
                     "one of 'content', 'prompt' and 'messages' is expected");
}

Refusal finish_alone(CompletionRequest&) {
  return {};
}

Refusal finish_template(CompletionRequest& out) {
  if (!out.chat.messages.empty()) return {};
  return bad_request("messages", "missing_required_parameter",
                     "'messages' is missing from the body");
}

}  // namespace

const BodySchema& tokenize_body() {
  static const BodySchema schema{
      "TokenizeRequest", {kModel, kTokenize, kConversation}, &finish_tokenize};
  return schema;
}

const BodySchema& detokenize_body() {
  static const BodySchema schema{"DetokenizeRequest", {kModel, kDetokenize}, &finish_alone};
  return schema;
}

const BodySchema& template_body() {
  static const BodySchema schema{"ApplyTemplateRequest", {kModel, kConversation}, &finish_template};
  return schema;
}

const BodySchema& model_body() {
  static const BodySchema schema{"ModelRequest", {kModel}, &finish_alone};
  return schema;
}

}  // namespace aquilon::api

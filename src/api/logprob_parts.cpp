// Log-probabilities in the newer forms: OpenAI's and Mistral's lists, vLLM's tables of a prompt.
#include "api/json_text.h"
#include "api/shape_parts_internal.h"

namespace aquilon::api {
namespace {

void append_token(std::string& out, const chat::TokenLogprob& token) {
  out += "{\"token\":";
  append_json_string(out, token.bytes);
  out += ",\"logprob\":";
  append_json_number(out, token.logprob);
  out += ",\"bytes\":[";
  for (std::size_t i = 0; i < token.bytes.size(); ++i) {
    if (i > 0) out += ',';
    out += fmt::format_int(static_cast<unsigned char>(token.bytes[i])).str();
  }
  out += fmt::format("],\"token_id\":{}", token.id);  // Mistral's libraries drop entries without it
}

}  // namespace

void append_chat_logprobs(std::string& out, std::span<const chat::TokenLogprobs> tokens) {
  out += "{\"content\":[";
  for (const chat::TokenLogprobs& token : tokens) {
    // The content has no ending and no control token.
    if (token.hidden > 0 && token.hidden == token.chosen.bytes.size()) continue;
    if (out.back() != '[') out += ',';
    append_token(out, token.chosen);
    out += ",\"top_logprobs\":[";
    for (std::size_t k = 0; k < token.top.size(); ++k) {
      if (k > 0) out += ',';
      append_token(out, token.top[k]);
      out += '}';
    }
    out += "]}";
  }
  out += "],\"refusal\":null}";
}

namespace {

// "id":{"logprob":...,"rank":...,"decoded_token":...}
void append_ranked(std::string& out, const chat::TokenLogprob& token, int rank) {
  out += fmt::format("\"{}\":{{\"logprob\":", token.id);
  append_json_number(out, token.logprob);
  out += fmt::format(",\"rank\":{},\"decoded_token\":", rank);
  append_json_string(out, token.bytes);
  out += '}';
}

// The token that stands there, and the likeliest ones.
void append_position(std::string& out, const chat::TokenLogprobs& token) {
  out += '{';
  append_ranked(out, token.chosen, token.rank);
  for (std::size_t i = 0; i < token.top.size(); ++i) {
    if (token.top[i].id == token.chosen.id) continue;
    out += ',';
    append_ranked(out, token.top[i], static_cast<int>(i) + 1);
  }
  out += '}';
}

}  // namespace

void append_prompt_logprobs(std::string& out, const ChoicePart& part) {
  if (!part.prompt_logprobs) return;
  out += ",\"prompt_logprobs\":";
  const std::span tokens(part.prompt_logprobs->tokens);
  if (!part.prompt_logprobs->as_vllm) {
    append_chat_logprobs(out, tokens.subspan(tokens.empty() ? 0 : 1));
    return;
  }
  out += "[null";
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    out += ',';
    append_position(out, tokens[i]);
  }
  out += ']';
}

}  // namespace aquilon::api

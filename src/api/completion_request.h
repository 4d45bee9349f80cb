// What the generating routes ask for, read from their bodies. The fields
// are declared in tables (request_fields.h); body_schema.h reads by them.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/answer_shape.h"
#include "api/api_error.h"
#include "chat/generator.h"

namespace aquilon::api {

inline constexpr std::size_t kMaxMessages = 10'000;
inline constexpr std::size_t kMaxStops = 16;
inline constexpr std::size_t kMaxStopBytes = 256;
inline constexpr std::size_t kMaxStopTokens = 128;
inline constexpr std::size_t kMaxLogitBias = 1024;
inline constexpr int kMaxChoices = 128;          // prompts times n
inline constexpr std::size_t kMaxInputs = 2048;  // to embed

// What the tokenizer's routes ask beside a text or messages.
struct TokenOptions {
  std::vector<text::TokenId> ids;   // to be decoded
  std::optional<bool> add_special;  // BOS in front; absent: by the form of the request
  bool parse_special = true;        // control tokens in the text count
  bool with_pieces = false;
  bool token_strs = false;
  bool skip_special = false;  // of decoding: control tokens are left out
};

// What a request says of calling its tools.
struct ToolRules {
  chat::ToolChoice choice = chat::ToolChoice::kAuto;
  std::vector<std::string> names;  // only these; empty: all
  bool parallel = true;
  bool one_named = false;  // a call of it, and no other
};

struct CompletionRequest {
  std::string model;
  bool stream = false;
  bool include_usage = false;          // stream_options: one more chunk with usage and no choices
  std::vector<chat::Prompt> prompts;   // one for a chat
  chat::GenerationRequest generation;  // its prompt is unset
  bool echo = false;                   // the answer begins with the prompt
  bool return_token_ids = false;
  std::string cache_salt;                // as vLLM has it; empty: none
  int prompt_logprobs = -1;              // alternatives a token of the prompt; -1: none
  bool prompt_logprobs_as_vllm = false;  // the form of the answer
  EmbeddingForm embedding;               // of the route that embeds
  std::string answer_prefix;             // every answer begins with it, before what is generated

  bool thinking_parts = false;   // thoughts are parts of a chat's content, as Mistral has them
  std::string reasoning_effort;  // empty: the model's own
  std::string instructions;      // of /v1/responses, which repeats them
  std::string text_format;       // likewise its text.format, as JSON; empty: text
  std::string tools_echo;        // ... its tools, as JSON
  std::string choice_echo;       // ... and the choice among them
  bool may_call = false;         // answers may have calls
  bool may_think = false;        // or thoughts

  // Steps of the reading, of no use afterwards.
  std::string suffix;  // empty: none
  bool safe_prompt = false;
  bool chat_logprobs = false;
  std::optional<int> chat_top_logprobs;
  std::optional<int> top_prompt_logprobs;
  chat::ChatPrompt chat;
  TokenOptions tokens;
  ToolRules tool_rules;

  // Prompts in order, n choices each.
  int choice_count() const { return static_cast<int>(prompts.size()) * generation.n; }
};

}  // namespace aquilon::api

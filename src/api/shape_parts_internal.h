// Pieces that the shapes share.
#pragma once

#include <string>
#include <string_view>

#include "api/answer_shape.h"

namespace aquilon::api {

// {"id":...,"object":...,"created":...,"model":...,"system_fingerprint":..., without the closing
// brace.
std::string answer_start(const AnswerHead& head, std::string_view object);

// ,"usage":{...}
void append_usage(std::string& out, const chat::Usage& usage);

// ,"token_ids":[...] and ,"prompt_token_ids":[...] where they are wanted: vLLM has the second in
// the choices of a text, in the answer of a chat.
void append_ids(std::string& out, const ChoicePart& part);
void append_prompt_ids(std::string& out, const ChoicePart& part);

// {"content":[...],"refusal":null}: a list of tokens with their alternatives.
void append_chat_logprobs(std::string& out, std::span<const chat::TokenLogprobs> tokens);

// ,"prompt_logprobs":... where it is wanted. Mistral has it in the choices, vLLM in those of a text
// and in the answer of a chat.
void append_prompt_logprobs(std::string& out, const ChoicePart& part);

// "stop", "length", "error", "tool_calls" or null. The end of the context is "length", as OpenAI
// has it; Mistral's "model_length" is unknown to the other clients. An answer that ends by itself
// and has called: "tool_calls". Behind it ,"error":{...} of a choice that failed alone.
void append_finish_reason(std::string& out, const ChoicePart& part);

// [{"index":...,"id":...,"type":"function","function":{...}}]
void append_tool_calls(std::string& out, const ChoicePart& part);

}  // namespace aquilon::api

#include "api/request_fields.h"

#include <array>
#include <limits>

#include "api/field_readers_internal.h"

namespace aquilon::api {
namespace {

using S = engine::SamplingParams;
using G = chat::GenerationRequest;
using C = CompletionRequest;

constexpr double kIntMax = std::numeric_limits<int>::max();
constexpr double kSeedMin = -0x1p63;  // a negative seed counts modulo 2^64, as -1 and 2^64 - 1
constexpr double kSeedMax = 0x1p64;   // read_integer keeps it below

// clang-format off
constexpr Field kShared[] = {
    {"model", "string", &C::model, 0, 0, true, "id or alias from /v1/models"},
    {"stream", "boolean", &C::stream, 0, 0, false, "server-sent events instead of one answer"},
    {"stream_options", "stream_options", &read_stream_options, 0, 0, false, "include_usage: one more chunk with usage"},
    {"n", "integer", &G::n, 1, kMaxChoices, false, "answers to the same prompt"},
    {"temperature", "number", &S::temperature, 0, 2, false, "0 is greedy"},
    {"top_p", "number", &read_top_p, 0, 1, false, "nucleus sampling"},
    {"top_k", "integer", &S::top_k, -1, kIntMax, false, "0 and -1 are off"},
    {"min_p", "number", &S::min_p, 0, 1, false, "least share of the best token's probability"},
    {"typical_p", "number", &S::typical_p, 0.001, 1, false, "locally typical sampling"},
    {"repetition_penalty", "number", &S::repetition_penalty, 0.01, 10, false, "on tokens of prompt and answer; 1 is off"},
    {"presence_penalty", "number", &S::presence_penalty, -2, 2, false, "on tokens of the answer"},
    {"frequency_penalty", "number", &S::frequency_penalty, -2, 2, false, "on tokens of the answer, by count"},
    {"logit_bias", "object", &read_logit_bias, -100, 100, false, "token id to bias, at most 1024"},
    {"seed", "integer", &read_seed, kSeedMin, kSeedMax, false, "-2^63 to 2^64 - 1; same seed and request: same answer"},
    {"random_seed", "integer", &read_seed, 0, kSeedMax, false, "Mistral's name of seed; 0 to 2^64 - 1"},
    {"stop", "string | [string]", &read_stop, 0, 0, false, "at most 16 of 256 bytes; not part of the answer"},
    {"stop_token_ids", "[integer]", &read_stop_token_ids, 0, kIntMax, false, "at most 128 ids that end the answer"},
    {"ignore_eos", "boolean", &G::ignore_eos, 0, 0, false, "end-of-generation tokens do not end the answer"},
    {"min_tokens", "integer", &G::min_tokens, 0, kIntMax, false, "before which no end-of-generation token, stop string or stop token ends the answer"},
    {"return_token_ids", "boolean", &C::return_token_ids, 0, 0, false, "ids of prompt and answer, as vLLM has them: prompt_token_ids, token_ids"},
    {"prompt_logprobs", "boolean | integer", &read_prompt_logprobs, 0, 20, false, "log-probabilities of the prompt's tokens: true as Mistral has them, alternatives per token as vLLM does"},
    {"top_prompt_logprobs", "integer", &C::top_prompt_logprobs, 0, 20, false, "alternatives per token; needs prompt_logprobs: true"},
    {"guided_json", "object | string", &read_guided_json, 0, 0, false, "vLLM's: the answer is a value of this JSON Schema"},
    {"guided_regex", "string", &read_guided_regex, 0, 0, false, "vLLM's: the whole answer matches this regular expression"},
    {"guided_choice", "[string]", &read_guided_choice, 0, 0, false, "vLLM's: the answer is one of these"},
    {"guided_grammar", "string", &read_guided_grammar, 0, 0, false, "vLLM's: the answer is of this grammar, in GBNF or Lark's notation"},
    {"structured_outputs", "structured_outputs", &read_structured_outputs, 0, 0, false, "vLLM's newer form of the same"},
    {"grammar", "string", &read_guided_grammar, 0, 0, false, "llama.cpp's: the answer is of this grammar, in GBNF"},
    {"json_schema", "object", &read_guided_json, 0, 0, false, "llama.cpp's: the answer is a value of this JSON Schema"},
    {"json_whitespace", "string", &read_json_whitespace, 0, 0, false, "between the tokens of JSON that is asked for: flexible, within bounds, or compact, none"},
    {"cache_salt", "string", &C::cache_salt, 0, 0, false, "what is computed of the prompt is shared only with requests of the same key and the same salt"},
    {"lora", "[lora]", &read_lora, -100, 100, false, "llama.cpp's way to choose an adapter (serve --lora), in place of the one whose name is the model's; an empty list is none"},
    {"user", "string", Ignored{}},
    {"metadata", "object", Ignored{}},
    {"service_tier", "string", Refused{"\"auto\"|\"default\"|\"standard_only\""}},
    {"prompt_cache_key", "string", Ignored{}},
    {"safety_identifier", "string", Ignored{}},
};

constexpr Field kChat[] = {
    {"messages", "[message]", &read_messages, 0, 0, true, "the conversation; the last one is the user's, or the assistant's with prefix: true"},
    {"max_tokens", "integer", &G::max_tokens, 1, kIntMax, false, "default: up to the end of the context"},
    {"max_completion_tokens", "integer", &G::max_tokens, 1, kIntMax, false, "OpenAI's name of max_tokens; wins over it"},
    {"logprobs", "boolean", &C::chat_logprobs, 0, 0, false, "log-probabilities of the answer's tokens"},
    {"top_logprobs", "integer", &C::chat_top_logprobs, 0, 20, false, "alternatives per token; needs logprobs"},
    {"chat_template_kwargs", "object", &read_template_kwargs, 0, 0, false, "variables for the chat template"},
    {"store", "boolean", Refused{"false"}},
    {"tools", "[tool]", &read_tools, 0, 0, false, "functions that the answer may call, at most 512"},
    {"tool_choice", "string | tool_choice", &read_tool_choice, 0, 0, false, "auto, none, required or any (one call at least), one tool, or allowed_tools"},
    {"parallel_tool_calls", "boolean", &ToolRules::parallel, 0, 0, false, "false: one call at most"},
    {"functions", "array", Refused{"[]"}},
    {"function_call", "string | object", Refused{"\"none\"|\"auto\""}},
    {"response_format", "response_format", &read_response_format, 0, 0, false, "text, any JSON object, or a value of a JSON Schema"},
    {"prediction", "prediction", &read_prediction, 0, 0, false, "what the answer may say, as a hint: where it does, it comes sooner"},
    {"reasoning_effort", "string", &C::reasoning_effort, 0, 0, false, "how long models think that are told so; \"none\" is of every model"},
    {"prompt_mode", "string", Refused{}},
    {"safe_prompt", "boolean", &C::safe_prompt, 0, 0, false, "Mistral's guardrail text as the first system message"},
    {"safe_mode", "boolean", &C::safe_prompt, 0, 0, false, "the older name of safe_prompt"},
    {"guardrails", "array", Refused{"[]"}},
    {"audio", "object", Refused{}},
    {"modalities", "[string]", Refused{"[\"text\"]|[]"}},
    {"verbosity", "string", Refused{"\"medium\""}},
    {"web_search_options", "object", Refused{}},
};

constexpr Field kText[] = {
    {"prompt", "string | [string] | [integer] | [[integer]]", &read_prompt, 0, kIntMax, true, "text or token ids to continue; several prompts give n choices each"},
    {"max_tokens", "integer", &G::max_tokens, 0, kIntMax, false, "default: up to the end of the context; 0 only with echo"},
    {"logprobs", "integer", &G::top_logprobs, 0, 5, false, "alternatives per token"},
    {"echo", "boolean", &C::echo, 0, 0, false, "the answer begins with the prompt; with logprobs, those of its tokens too"},
    {"suffix", "string", &C::suffix, 0, 0, false, "what follows the answer: models that can fill in write what stands between"},
    {"best_of", "integer", Refused{"1"}},
};

constexpr Field kFim[] = {
    {"prompt", "string", &read_one_text, 0, 0, true, "the text before the answer"},
    {"suffix", "string", &C::suffix, 0, 0, false, "the text behind it"},
    {"max_tokens", "integer", &G::max_tokens, 1, kIntMax, false, "default: up to the end of the context"},
};

constexpr Field kEmbedding[] = {
    {"model", "string", &C::model, 0, 0, true, "id or alias from /v1/models"},
    {"input", "string | [string] | [integer] | [[integer]]", &read_inputs, 0, kIntMax, true, "one text, or up to 2048, as text or token ids"},
    {"encoding_format", "string", &read_encoding_format, 0, 0, false, "float, or base64 of the numbers' bytes"},
    {"dimensions", "integer", &read_dimension, 1, kIntMax, false, "OpenAI's name of output_dimension"},
    {"output_dimension", "integer", &read_dimension, 1, kIntMax, false, "the first numbers only, scaled to length 1"},
    {"output_dtype", "string", &read_output_dtype, 0, 0, false, "float, int8, uint8, binary or ubinary: 127 times the number, that plus 128, its sign as a bit"},
    {"user", "string", Ignored{}},
    {"metadata", "object", Ignored{}},
};
// clang-format on

}  // namespace

std::span<const Field> shared_fields() {
  return kShared;
}
std::span<const Field> chat_fields() {
  return kChat;
}
std::span<const Field> text_fields() {
  return kText;
}
std::span<const Field> fim_fields() {
  return kFim;
}
std::span<const Field> embedding_fields() {
  return kEmbedding;
}

}  // namespace aquilon::api

// Any bytes are the body of a request: refused with a valid error body in every form, or read into
// a request within its ranges. The first byte chooses the route and how strict it is.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/body_schema.h"
#include "api/json_reader.h"
#include "base/check.h"

using namespace aquilon;

namespace {

void check_refusal(const api::ApiError& error) {
  AQ_CHECK(error.status == 400 || error.status == 422);
  boost::json::object body;
  AQ_CHECK(!api::read_json_object(api::error_body(error), body));
  AQ_CHECK(body.contains("error") && body.contains("detail") == (error.status == 422));
  AQ_CHECK(!api::read_json_object(api::anthropic_error_body(error, "id"), body));
}

void check_messages(const chat::ChatPrompt& chat) {
  for (const auto& message : chat.messages)
    AQ_CHECK(message.at("role").is_string() && message.at("content").is_string());
}

void check_request(const api::CompletionRequest& request) {
  const engine::SamplingParams& sampling = request.generation.sampling;
  const int most = request.generation.embed ? int{api::kMaxInputs} : api::kMaxChoices;
  AQ_CHECK(request.choice_count() <= most);
  AQ_CHECK(sampling.temperature >= 0 && sampling.temperature <= 2);
  AQ_CHECK(sampling.top_p > 0 && sampling.top_p <= 1 && sampling.top_k >= 0);
  AQ_CHECK(sampling.min_p >= 0 && sampling.min_p <= 1 && sampling.typical_p > 0);
  AQ_CHECK(sampling.repetition_penalty > 0);
  AQ_CHECK(!request.generation.max_tokens ||
           *request.generation.max_tokens >= (request.echo ? 0 : 1));
  AQ_CHECK(request.generation.min_tokens >= 0);
  AQ_CHECK(request.generation.top_logprobs >= -1 && request.generation.top_logprobs <= 20);
  for (const std::string& stop : request.generation.stop)
    AQ_CHECK(!stop.empty() && stop.size() <= api::kMaxStopBytes);
  for (const chat::Prompt& prompt : request.prompts)
    if (const auto* chat = std::get_if<chat::ChatPrompt>(&prompt)) {
      AQ_CHECK(!chat->messages.empty());
      check_messages(*chat);
    }
  check_messages(request.chat);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const api::BodySchema& (*const bodies[])() = {
      &api::chat_body,      &api::text_body,         &api::fim_body,      &api::messages_body,
      &api::responses_body, &api::count_tokens_body, &api::tokenize_body, &api::detokenize_body,
      &api::template_body,  &api::embedding_body};
  const api::BodySchema& schema = bodies[data[0] % std::size(bodies)]();
  const api::BodyRules rules{.strict = data[0] >= 128, .default_model = data[0] & 64 ? "m" : ""};
  api::CompletionRequest request;
  const api::Refusal refusal = api::read_body(schema, body, rules, request);
  if (refusal)
    check_refusal(*refusal);
  else
    check_request(request);
  return 0;
}

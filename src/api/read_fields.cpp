// Walks a field table over a body.
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "api/body_schema.h"
#include "api/field_values_internal.h"
#include "api/json_reader.h"
#include "api/request_fields.h"
#include "api/tool_fields_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

bool is_neutral(std::string_view neutral, const json::value& value) {
  // Neutral values are short: a long value need not be written out to be told from them.
  if (value.is_array() && value.get_array().size() > 1) return false;
  if (value.is_object() && value.get_object().size() > 1) return false;
  const std::string text = json::serialize(value);
  while (!neutral.empty()) {
    const std::size_t end = std::min(neutral.find('|'), neutral.size());
    if (neutral.substr(0, end) == text) return true;
    neutral.remove_prefix(std::min(end + 1, neutral.size()));
  }
  return false;
}

ApiError refusal_of(const Field& field, std::string_view neutral) {
  if (neutral.empty() || neutral == "[]" || neutral == "false" || neutral == "\"\"")
    return unsupported_field(field.name, "leave it out");
  std::string choices(neutral);
  std::replace(choices.begin(), choices.end(), '|', ' ');
  return unsupported_field(field.name, "leave it out, or use one of: " + choices);
}

// One overload a kind of target.
struct FieldAssigner {
  const Field& field;
  const json::value& value;
  CompletionRequest& out;

  Location where() const { return {std::string(field.name)}; }

  Refusal operator()(Ignored) const { return {}; }
  Refusal operator()(Refused refused) const {
    if (is_neutral(refused.neutral, value)) return {};
    return refusal_of(field, refused.neutral);
  }
  Refusal operator()(FieldReader reader) const { return reader(field, value, out); }

  Refusal operator()(double engine::SamplingParams::*member) const {
    return read_number(value, where(), field.min, field.max, out.generation.sampling.*member);
  }
  Refusal operator()(int engine::SamplingParams::*member) const {
    return integer(out.generation.sampling.*member);
  }
  Refusal operator()(int chat::GenerationRequest::*member) const {
    return integer(out.generation.*member);
  }
  Refusal operator()(std::optional<int> chat::GenerationRequest::*member) const {
    return integer(out.generation.*member);
  }
  Refusal operator()(std::optional<int> CompletionRequest::*member) const {
    return integer(out.*member);
  }
  Refusal operator()(bool chat::GenerationRequest::*member) const {
    return read_bool(value, where(), out.generation.*member);
  }
  Refusal operator()(bool CompletionRequest::*member) const {
    return read_bool(value, where(), out.*member);
  }
  Refusal operator()(std::string CompletionRequest::*member) const {
    return read_string(value, where(), out.*member);
  }
  Refusal operator()(bool TokenOptions::*member) const {
    return read_bool(value, where(), out.tokens.*member);
  }
  Refusal operator()(bool ToolRules::*member) const {
    return read_bool(value, where(), out.tool_rules.*member);
  }
  Refusal operator()(std::optional<bool> TokenOptions::*member) const {
    return read_bool(value, where(), (out.tokens.*member).emplace());
  }

 private:
  template <class Integer>  // int or optional<int>; the range of the row fits an int
  Refusal integer(Integer& target) const {
    std::int64_t number = 0;
    if (Refusal refusal = read_integer(value, where(), field.min, field.max, number))
      return refusal;
    target = static_cast<int>(number);
    return {};
  }
};

// What depends on several fields.
Refusal finish_prompt_logprobs(CompletionRequest& out) {
  const int top = out.top_prompt_logprobs.value_or(0);
  if (top == 0) return {};
  if (out.prompt_logprobs < 0 || out.prompt_logprobs_as_vllm)
    return bad_request("top_prompt_logprobs", "invalid_value",
                       "'top_prompt_logprobs' needs 'prompt_logprobs' to be true");
  out.prompt_logprobs = top;
  return {};
}

Refusal finish_chat(CompletionRequest& out) {
  if (Refusal refusal = finish_prompt_logprobs(out)) return refusal;
  if (out.chat_top_logprobs && !out.chat_logprobs)
    return bad_request("top_logprobs", "invalid_value",
                       "'top_logprobs' needs 'logprobs' to be true");
  if (Refusal refusal = finish_tools(out)) return refusal;
  if (out.chat_logprobs) out.generation.top_logprobs = out.chat_top_logprobs.value_or(0);
  out.chat.reasoning_effort = out.reasoning_effort;
  out.chat.safe_prompt = out.safe_prompt;
  out.prompts.emplace_back(std::move(out.chat));
  return {};
}

Refusal finish_fim(CompletionRequest& out) {
  if (Refusal refusal = finish_prompt_logprobs(out)) return refusal;
  auto& before = std::get<std::string>(out.prompts.front());
  out.prompts.front() = chat::FillInPrompt{std::move(before), std::move(out.suffix)};
  return {};
}

Refusal finish_embedding(CompletionRequest& out) {
  out.generation.embed = true;
  return {};
}

// A suffix makes every text a gap to fill.
Refusal take_suffix(CompletionRequest& out) {
  if (out.suffix.empty()) return {};
  for (chat::Prompt& prompt : out.prompts) {
    auto* before = std::get_if<std::string>(&prompt);
    if (!before)
      return bad_request("suffix", "invalid_value",
                         "'suffix' needs a prompt of text: token ids are continued as they are");
    prompt = chat::FillInPrompt{std::move(*before), out.suffix};
  }
  return {};
}

Refusal finish_text(CompletionRequest& out) {
  if (Refusal refusal = finish_prompt_logprobs(out)) return refusal;
  if (Refusal refusal = take_suffix(out)) return refusal;
  if (out.echo && !out.suffix.empty())
    return bad_request("echo", "invalid_value", "'echo' and 'suffix' exclude each other");
  if (out.generation.max_tokens == 0 && !out.echo)
    return bad_request("max_tokens", "invalid_value",
                       "'max_tokens' 0 needs 'echo': there would be nothing to answer");
  if (out.prompts.size() * static_cast<std::size_t>(out.generation.n) <= kMaxChoices) return {};
  return invalid_value({"prompt"}, "too_long",
                       fmt::format("{} prompts times n = {} are more than {} answers",
                                   out.prompts.size(), out.generation.n, kMaxChoices));
}

}  // namespace

Refusal read_fields(std::span<const Field> fields, const json::object& body,
                    CompletionRequest& out) {
  for (const Field& field : fields) {
    const json::value* value = body.if_contains(field.name);
    if (!value || value->is_null()) {
      if (!field.required) continue;
      return bad_request(field.name, "missing_required_parameter", "'{}' is missing from the body",
                         field.name);
    }
    if (Refusal refusal = std::visit(FieldAssigner{field, *value, out}, field.target))
      return refusal;
  }
  return {};
}

const BodySchema& chat_body() {
  static const BodySchema schema{
      "ChatCompletionRequest", {shared_fields(), chat_fields()}, &finish_chat};
  return schema;
}

const BodySchema& text_body() {
  static const BodySchema schema{
      "CompletionRequest", {shared_fields(), text_fields()}, &finish_text};
  return schema;
}

const BodySchema& fim_body() {
  static const BodySchema schema{
      "FIMCompletionRequest", {shared_fields(), fim_fields()}, &finish_fim};
  return schema;
}

const BodySchema& embedding_body() {
  static const BodySchema schema{"EmbeddingRequest", {embedding_fields()}, &finish_embedding};
  return schema;
}

Refusal read_body(const BodySchema& schema, std::string_view text, const BodyRules& rules,
                  CompletionRequest& out) {
  json::object body;
  if (Refusal refusal = read_json_object(text, body)) return refusal;
  const json::value* model = body.if_contains("model");
  if (!rules.fixed_model.empty()) {
    body["model"] = rules.fixed_model;
  } else if (!rules.default_model.empty() && (!model || model->is_null())) {
    body["model"] = rules.default_model;
  }
  for (const std::span<const Field> table : schema.tables)
    if (Refusal refusal = read_fields(table, body, out)) return refusal;
  if (rules.strict)
    if (Refusal refusal = check_known_fields(schema.tables, body)) return refusal;
  if (out.generation.sampling.top_k < 0) out.generation.sampling.top_k = 0;
  return schema.finish(out);
}

}  // namespace aquilon::api

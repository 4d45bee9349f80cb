// Walks a field table over a body.
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "api/field_values_internal.h"
#include "api/json_reader.h"
#include "api/request_fields.h"

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
Refusal finish_chat(CompletionRequest& out) {
  if (out.chat_top_logprobs && !out.chat_logprobs)
    return bad_request("top_logprobs", "invalid_value",
                       "'top_logprobs' needs 'logprobs' to be true");
  if (out.chat_logprobs) out.generation.top_logprobs = out.chat_top_logprobs.value_or(0);
  out.prompts.emplace_back(std::move(out.chat));
  return {};
}

Refusal finish_fim(CompletionRequest& out) {
  auto& before = std::get<std::string>(out.prompts.front());
  out.prompts.front() = chat::FillInPrompt{std::move(before), std::move(out.suffix)};
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

Refusal read_request(std::string_view text, std::span<const Field> own, CompletionRequest& out) {
  json::object body;
  if (Refusal refusal = read_json_object(text, body)) return refusal;
  if (Refusal refusal = read_fields(shared_fields(), body, out)) return refusal;
  if (Refusal refusal = read_fields(own, body, out)) return refusal;
  if (out.generation.sampling.top_k < 0) out.generation.sampling.top_k = 0;
  return {};
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

Refusal read_chat_request(std::string_view body, CompletionRequest& out) {
  if (Refusal refusal = read_request(body, chat_fields(), out)) return refusal;
  return finish_chat(out);
}

Refusal read_fim_request(std::string_view body, CompletionRequest& out) {
  if (Refusal refusal = read_request(body, fim_fields(), out)) return refusal;
  return finish_fim(out);
}

Refusal read_embedding_request(std::string_view text, CompletionRequest& out) {
  json::object body;
  if (Refusal refusal = read_json_object(text, body)) return refusal;
  if (Refusal refusal = read_fields(embedding_fields(), body, out)) return refusal;
  out.generation.embed = true;
  return {};
}

Refusal read_text_request(std::string_view body, CompletionRequest& out) {
  if (Refusal refusal = read_request(body, text_fields(), out)) return refusal;
  return finish_text(out);
}

}  // namespace aquilon::api

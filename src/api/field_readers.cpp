#include <algorithm>
#include <array>
#include <charconv>

#include "api/field_readers_internal.h"
#include "api/field_values_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

constexpr double kMaxAdapterId = 65535;

Location at(const Field& field) {
  return {std::string(field.name)};
}

Refusal read_ids(const Field& field, const json::array& array, const Location& where,
                 std::vector<std::int32_t>& out) {
  out.reserve(array.size());
  for (std::size_t i = 0; i < array.size(); ++i) {
    std::int64_t id = 0;
    if (Refusal refusal = read_integer(array[i], step(where, i), 0, field.max, id)) return refusal;
    out.push_back(static_cast<std::int32_t>(id));
  }
  return {};
}

// One element of a list of prompts.
Refusal read_one_prompt(const Field& field, const json::value& value, const Location& where,
                        CompletionRequest& out) {
  if (value.is_string()) {
    out.prompts.emplace_back(std::string(std::string_view(value.get_string())));
    return {};
  }
  if (!value.is_array() || value.get_array().empty())
    return invalid_value(where, "prompt_type",
                         "a text or a list of at least one token id is expected");
  std::vector<std::int32_t> ids;
  if (Refusal refusal = read_ids(field, value.get_array(), where, ids)) return refusal;
  out.prompts.emplace_back(std::move(ids));
  return {};
}

Refusal read_prompts(const Field& field, const json::value& value, std::size_t most,
                     CompletionRequest& out) {
  const bool list_of_prompts =
      value.is_array() && !value.get_array().empty() && !value.get_array().front().is_number();
  if (!list_of_prompts) return read_one_prompt(field, value, at(field), out);
  const json::array& list = value.get_array();
  if (list.size() > most)
    return invalid_value(at(field), "too_long", fmt::format("at most {} are possible", most));
  for (std::size_t i = 0; i < list.size(); ++i)
    if (Refusal refusal = read_one_prompt(field, list[i], step(at(field), i), out)) return refusal;
  return {};
}

Refusal read_one_stop(const json::value& value, const Location& where, CompletionRequest& out) {
  std::string stop;
  if (Refusal refusal = read_string(value, where, stop)) return refusal;
  if (stop.empty())
    return invalid_value(where, "string_too_short", "a stop string must not be empty");
  if (stop.size() > kMaxStopBytes)
    return invalid_value(where, "string_too_long",
                         fmt::format("a stop string has at most {} bytes", kMaxStopBytes));
  out.generation.stop.push_back(std::move(stop));
  return {};
}

// One entry of `lora`.
Refusal read_one_adapter(const Field& field, const json::value& value, const Location& where,
                         chat::AdapterChoice& out) {
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::object& entry = value.get_object();
  for (const std::string_view name : {"id", "scale"})
    if (!entry.contains(name))
      return invalid_value(step(where, name), "missing", "the field is missing");
  std::int64_t id = 0;
  if (Refusal refusal = read_integer(entry.at("id"), step(where, "id"), 0, kMaxAdapterId, id))
    return refusal;
  out.index = static_cast<std::size_t>(id);
  return read_number(entry.at("scale"), step(where, "scale"), field.min, field.max, out.scale);
}

}  // namespace

Refusal read_prompt(const Field& field, const json::value& value, CompletionRequest& out) {
  return read_prompts(field, value, kMaxChoices, out);
}

Refusal read_inputs(const Field& field, const json::value& value, CompletionRequest& out) {
  return read_prompts(field, value, kMaxInputs, out);
}

Refusal read_one_text(const Field& field, const json::value& value, CompletionRequest& out) {
  std::string text;
  if (Refusal refusal = read_string(value, at(field), text)) return refusal;
  out.prompts.emplace_back(std::move(text));
  return {};
}

Refusal read_tokens(const Field& field, const json::value& value, CompletionRequest& out) {
  if (!value.is_array())
    return invalid_value(at(field), "list_type", "a list of token ids is expected");
  return read_ids(field, value.get_array(), at(field), out.tokens.ids);
}

Refusal read_stop(const Field& field, const json::value& value, CompletionRequest& out) {
  if (!value.is_array()) return read_one_stop(value, at(field), out);
  const json::array& list = value.get_array();
  if (list.size() > kMaxStops)
    return invalid_value(at(field), "too_long", fmt::format("at most {} stop strings", kMaxStops));
  for (std::size_t i = 0; i < list.size(); ++i)
    if (Refusal refusal = read_one_stop(list[i], step(at(field), i), out)) return refusal;
  return {};
}

Refusal read_stop_token_ids(const Field& field, const json::value& value, CompletionRequest& out) {
  if (!value.is_array())
    return invalid_value(at(field), "list_type", "a list of token ids is expected");
  if (value.get_array().size() > kMaxStopTokens)
    return invalid_value(at(field), "too_long", fmt::format("at most {} ids", kMaxStopTokens));
  return read_ids(field, value.get_array(), at(field), out.generation.stop_tokens);
}

Refusal read_seed(const Field& field, const json::value& value, CompletionRequest& out) {
  std::int64_t seed = 0;
  if (Refusal refusal = read_integer(value, at(field), field.min, field.max, seed)) return refusal;
  out.generation.sampling.seed = static_cast<std::uint64_t>(seed);
  return {};
}

Refusal read_top_p(const Field& field, const json::value& value, CompletionRequest& out) {
  double top_p = 1;
  if (Refusal refusal = read_number(value, at(field), field.min, field.max, top_p)) return refusal;
  // 0 keeps the best token alone, as the smallest positive share does.
  out.generation.sampling.top_p = std::max(top_p, 1e-9);
  return {};
}

Refusal read_logit_bias(const Field& field, const json::value& value, CompletionRequest& out) {
  if (!value.is_object())
    return invalid_value(at(field), "dict_type", "an object of token id to bias is expected");
  const json::object& object = value.get_object();
  if (object.size() > kMaxLogitBias)
    return invalid_value(at(field), "too_long", fmt::format("at most {} entries", kMaxLogitBias));
  for (const auto& [key, bias] : object) {
    const Location where = step(at(field), std::string_view(key));
    std::int32_t id = -1;
    const auto [end, ec] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (ec != std::errc() || end != key.data() + key.size() || id < 0)
      return invalid_value(where, "int_parsing", "the key must be a token id");
    double number = 0;
    if (Refusal refusal = read_number(bias, where, field.min, field.max, number)) return refusal;
    out.generation.sampling.logit_bias.emplace_back(id, static_cast<float>(number));
  }
  return {};
}

// Mistral's is a boolean beside top_prompt_logprobs, vLLM's the number of alternatives.
Refusal read_prompt_logprobs(const Field& field, const json::value& value, CompletionRequest& out) {
  if (value.is_bool()) {
    if (value.get_bool()) out.prompt_logprobs = 0;
    return {};
  }
  std::int64_t count = 0;
  if (Refusal refusal = read_integer(value, at(field), field.min, field.max, count)) return refusal;
  out.prompt_logprobs = static_cast<int>(count);
  out.prompt_logprobs_as_vllm = true;
  return {};
}

Refusal read_lora(const Field& field, const json::value& value, CompletionRequest& out) {
  if (!value.is_array())
    return invalid_value(at(field), "list_type", "a list of {id, scale} is expected");
  chat::AdapterChoice& chosen = out.generation.adapter.emplace();
  chosen.scale = 0;
  const json::array& list = value.get_array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    chat::AdapterChoice one;
    if (Refusal refusal = read_one_adapter(field, list[i], step(at(field), i), one)) return refusal;
    if (one.scale == 0) continue;
    if (chosen.scale != 0)
      return bad_request("lora", "unsupported_parameter",
                         "'lora' chooses one adapter: the scales of all others must be 0");
    chosen = one;
  }
  return {};
}

Refusal read_stream_options(const Field& field, const json::value& value, CompletionRequest& out) {
  if (!value.is_object()) return invalid_value(at(field), "dict_type", "an object is expected");
  const json::value* include = value.get_object().if_contains("include_usage");
  if (!include || include->is_null()) return {};
  return read_bool(*include, step(at(field), "include_usage"), out.include_usage);
}

Refusal read_template_kwargs(const Field& field, const json::value& value, CompletionRequest& out) {
  // What the server itself gives to the template may not be replaced from outside.
  static constexpr std::array<std::string_view, 6> kReserved = {
      "messages", "tools", "documents", "bos_token", "eos_token", "add_generation_prompt"};
  if (!value.is_object()) return invalid_value(at(field), "dict_type", "an object is expected");
  for (const std::string_view name : kReserved)
    if (value.get_object().contains(name))
      return invalid_value(step(at(field), name), "extra_forbidden",
                           "this variable is the server's own");
  out.chat.template_kwargs = value.get_object();
  return {};
}

}  // namespace aquilon::api

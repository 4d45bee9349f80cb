#include "api/limits.h"

#include <algorithm>

namespace aquilon::api {
namespace {

std::int64_t whole_seconds(std::int64_t ms) {
  return std::max<std::int64_t>((ms + 999) / 1000, 1);
}

ApiError too_much(const Account& account, const Exceeded& exceeded) {
  const std::int64_t wait_s = whole_seconds(exceeded.wait_ms);
  ApiError error{.status = 429, .type = "rate_limit_error"};
  error.code = exceeded.daily ? "insufficient_quota" : "rate_limit_exceeded";
  if (exceeded.never) {
    error.message = fmt::format("this request alone is more than the {} {} of the key '{}'",
                                exceeded.limit, exceeded.what, account.name);
    error.retry_after_s = 0;
  } else {
    error.message = fmt::format("the key '{}' has used its {} {}: try again in {} s", account.name,
                                exceeded.limit, exceeded.what, wait_s);
    error.retry_after_s = wait_s;
  }
  return error;
}

void append(std::vector<Header>& headers, std::string_view name, std::int64_t value) {
  headers.push_back({std::string(name), std::to_string(value)});
}

// As Go writes durations, which is how OpenAI writes them: "59s".
std::string duration(std::int64_t ms) {
  return ms == 0 ? "0s" : fmt::format("{}s", whole_seconds(ms));
}

// One limit of a minute: as OpenAI calls it, and as Mistral does.
void append_minute(std::vector<Header>& headers, std::string_view openai, std::string_view mistral,
                   std::int64_t limit, std::int64_t left, std::int64_t reset_ms) {
  if (limit == 0) return;
  append(headers, fmt::format("x-ratelimit-limit-{}", openai), limit);
  append(headers, fmt::format("x-ratelimit-remaining-{}", openai), left);
  headers.push_back({fmt::format("x-ratelimit-reset-{}", openai), duration(reset_ms)});
  append(headers, fmt::format("x-ratelimit-limit-{}-minute", mistral), limit);
  append(headers, fmt::format("x-ratelimit-remaining-{}-minute", mistral), left);
}

}  // namespace

Refusal take_request(const Account& account) {
  if (!account.meter) return {};
  const auto exceeded = account.meter->take_request(account.limits, MeterTime::now());
  return exceeded ? Refusal(too_much(account, *exceeded)) : Refusal();
}

Refusal reserve_tokens(const Account& account, std::int64_t prompt_tokens,
                       std::int64_t answer_tokens, Reservation& out) {
  if (!account.meter) return {};
  const auto exceeded =
      account.meter->reserve(account.limits, prompt_tokens, answer_tokens, MeterTime::now(), out);
  return exceeded ? Refusal(too_much(account, *exceeded)) : Refusal();
}

void append_limit_headers(const Account* account, std::vector<Header>& headers) {
  if (!account || !account->meter) return;
  const store::KeyLimits& limits = account->limits;
  const LimitState state = account->meter->state(limits, MeterTime::now());
  append_minute(headers, "requests", "req", limits.requests_per_minute, state.requests_left,
                state.requests_reset_ms);
  append_minute(headers, "tokens", "tokens", limits.tokens_per_minute, state.tokens_left,
                state.tokens_reset_ms);
  if (limits.requests_per_day > 0) {
    append(headers, "x-ratelimit-limit-req-day", limits.requests_per_day);
    append(headers, "x-ratelimit-remaining-req-day", state.day_requests_left);
  }
  if (limits.tokens_per_day > 0) {
    append(headers, "x-ratelimit-limit-tokens-day", limits.tokens_per_day);
    append(headers, "x-ratelimit-remaining-tokens-day", state.day_tokens_left);
  }
}

Refusal check_model(const Account* account, const chat::ModelStatus& model) {
  if (!account || account->may_use(model.card.id, model.aliases)) return {};
  return ApiError{.status = 403,
                  .type = "permission_error",
                  .message = fmt::format("this API key may not use the model '{}'", model.card.id),
                  .param = "model",
                  .code = "model_not_allowed"};
}

}  // namespace aquilon::api

#include "api/request_usage.h"

#include <algorithm>
#include <utility>

#include "api/limits.h"

namespace aquilon::api {
namespace {

// That a running answer reserves at a time.
constexpr std::int64_t kGrowTokens = 16;

}  // namespace

RequestUsage::RequestUsage(Accounts* accounts, const HttpRequest& request)
    : accounts_(accounts), account_(request.account) {
  row_.endpoint = request.route;
  row_.started_ms = MeterTime::now().unix_ms;
  if (!account_) return;
  row_.key_id = account_->key_id;
  row_.key = account_->name;
}

void RequestUsage::set_model(const std::string& id) {
  const std::lock_guard lock(mutex_);
  row_.model = id;
}

Refusal RequestUsage::reserve(std::int64_t prompt_tokens, std::int64_t answer_tokens) {
  const std::lock_guard lock(mutex_);
  if (ended_ || !account_ || !account_->meter) return {};  // ended: its client has left meanwhile
  Reservation reservation;
  if (Refusal refusal = reserve_tokens(*account_, prompt_tokens, answer_tokens, reservation))
    return refusal;
  reserved_.push_back(reservation);
  reserved_tokens_ += reservation.tokens;
  made_tokens_ += prompt_tokens;
  return {};
}

void RequestUsage::add_prompt(std::int64_t prompt_tokens) {
  const std::lock_guard lock(mutex_);
  if (!ended_) row_.prompt_tokens += prompt_tokens;
}

void RequestUsage::add_answer(std::size_t tokens) {
  const std::lock_guard lock(mutex_);
  if (tokens > 0 && row_.first_token_ms == 0) row_.first_token_ms = MeterTime::now().unix_ms;
  row_.completion_tokens += static_cast<std::int64_t>(tokens);
}

bool RequestUsage::take_token() {
  if (!account_ || !account_->meter) return true;
  const std::lock_guard lock(mutex_);
  ++made_tokens_;
  if (ended_ || made_tokens_ < reserved_tokens_) return true;
  const Reservation more = account_->meter->grow(account_->limits, kGrowTokens, MeterTime::now());
  if (more.tokens > 0) reserved_.push_back(more);
  reserved_tokens_ += more.tokens;
  return made_tokens_ < reserved_tokens_;
}

Refusal RequestUsage::check_key() const {
  if (!account_ || !account_->meter) return {};
  const KeyMeter::Life life = account_->meter->life(MeterTime::now().unix_ms);
  if (life == KeyMeter::Life::kLive) return {};
  const bool expired = life == KeyMeter::Life::kExpired;
  return ApiError{.status = 401,
                  .type = "authentication_error",
                  .message = expired ? "this API key has expired: ask for a new one"
                                     : "this API key is not valid",
                  .code = expired ? "expired_api_key" : "invalid_api_key"};
}

void RequestUsage::end(const Ending& ending, store::Writer::OnWritten written) {
  std::unique_lock lock(mutex_);
  if (std::exchange(ended_, true)) return;
  const MeterTime now = MeterTime::now();
  row_.id = ending.id;
  row_.ended = ending.ended;
  row_.status = ending.status;
  row_.code = ending.code;
  row_.ended_ms = now.unix_ms;
  if (ending.usage) {
    row_.prompt_tokens = ending.usage->prompt_tokens;
    row_.completion_tokens = ending.usage->completion_tokens;
    row_.cached_tokens = ending.usage->cached_tokens;
  }
  std::int64_t used = row_.prompt_tokens + row_.completion_tokens;
  for (const Reservation& reservation : reserved_) {
    const bool last = &reservation == &reserved_.back();
    const std::int64_t part = last ? used : std::min(used, reservation.tokens);
    account_->meter->settle(reservation, part, now);
    used -= part;
  }
  store::UsageRecord row = std::move(row_);
  lock.unlock();
  if (!accounts_) return;
  if (row.ended != "refused" || row.prompt_tokens > 0)
    return accounts_->record(std::move(row), std::move(written));
  accounts_->record_refusal(row);
  if (written) written({});
}

}  // namespace aquilon::api

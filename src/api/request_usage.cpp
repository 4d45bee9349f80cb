#include "api/request_usage.h"

#include "api/limits.h"

namespace aquilon::api {

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

Refusal RequestUsage::add_prompt(std::int64_t prompt_tokens, std::int64_t answer_tokens) {
  const std::lock_guard lock(mutex_);
  if (ended_) return {};  // its client has left meanwhile
  if (account_ && account_->meter) {
    Reservation reservation;
    if (Refusal refusal = reserve_tokens(*account_, prompt_tokens, answer_tokens, reservation))
      return refusal;
    reserved_.push_back(reservation);
  }
  row_.prompt_tokens += prompt_tokens;
  return {};
}

void RequestUsage::add_answer(std::size_t tokens) {
  const std::lock_guard lock(mutex_);
  if (tokens > 0 && row_.first_token_ms == 0) row_.first_token_ms = MeterTime::now().unix_ms;
  row_.completion_tokens += static_cast<std::int64_t>(tokens);
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
  for (const Reservation& reservation : reserved_)
    account_->meter->settle(reservation, std::exchange(used, 0), now);
  store::UsageRecord row = std::move(row_);
  lock.unlock();
  if (accounts_) accounts_->record(std::move(row), std::move(written));
}

}  // namespace aquilon::api

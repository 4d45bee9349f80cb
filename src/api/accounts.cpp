#include "api/accounts.h"

#include "api/tenant.h"
#include "store/key_hash.h"

namespace aquilon::api {
namespace {

// Whoever keeps the book can enter it by hand.
std::string lost_row(const store::UsageRecord& row) {
  return fmt::format(
      "usage is lost: id {}, key {} '{}', model '{}', {} requests, {} prompt tokens ({} "
      "cached), {} completion tokens, {}, status {}, started {} ms after 1970",
      row.id, row.key_id, row.key, row.model, row.requests, row.prompt_tokens, row.cached_tokens,
      row.completion_tokens, row.ended, row.status, row.started_ms);
}

store::Writer::Listener listener_of(const Accounts::Report& report) {
  store::Writer::Listener listener;
  if (!report) return listener;
  listener.on_health = [report](const Status& status) {
    if (status.ok()) return report("usage is recorded again", false);
    report("usage cannot be recorded, requests are refused: " + status.error().message, true);
  };
  listener.on_lost = [report](const store::UsageRecord& row) { report(lost_row(row), true); };
  return listener;
}

}  // namespace

Result<std::unique_ptr<Accounts>> Accounts::open(const std::string& folder, Report report) {
  store::Database database = AQ_TRY(store::Database::open(folder, store::Database::Open::kCreate));
  std::unique_ptr<Accounts> accounts(new Accounts());
  accounts->pepper_ = database.pepper();
  store::Writer::Listener listener = listener_of(report);
  listener.on_keys = [a = accounts.get()](std::vector<store::KeyState> keys) {
    a->take(std::move(keys));
  };
  listener.on_requests = [a = accounts.get()](const std::vector<store::KeyRequest>& requests) {
    a->take_requests(requests);
  };
  listener.on_others = [a = accounts.get()](const std::vector<store::DayUse>& uses) {
    a->take_others(uses);
  };
  accounts->writer_ = AQ_TRY(store::Writer::start(std::move(database), std::move(listener)));
  return accounts;
}

Accounts::~Accounts() = default;

bool Accounts::has_keys() const {
  const std::lock_guard lock(mutex_);
  return has_keys_;
}

std::shared_ptr<const Account> Accounts::find(std::string_view credential) const {
  const std::string hash = store::key_hash(pepper_, credential);
  const std::lock_guard lock(mutex_);
  const auto found = by_hash_.find(hash);
  return found == by_hash_.end() ? nullptr : found->second;
}

void Accounts::take_requests(const std::vector<store::KeyRequest>& requests) {
  const MeterTime now = MeterTime::now();
  const std::lock_guard lock(mutex_);
  for (const store::KeyRequest& request : requests)
    if (const auto meter = meters_.find(request.key_id); meter != meters_.end())
      meter->second->add_other(request, now);
}

void Accounts::take_others(const std::vector<store::DayUse>& uses) {
  const std::lock_guard lock(mutex_);
  for (const store::DayUse& use : uses)
    if (const auto meter = meters_.find(use.key_id); meter != meters_.end())
      meter->second->set_others(use.day, use.use);
}

std::shared_ptr<KeyMeter> Accounts::new_meter(const store::KeyState& state) {
  auto meter = std::make_shared<KeyMeter>(
      [this, id = state.key.id](std::int64_t day, const store::KeyUse& more) {
        writer_->count({id, day, more});
      });
  const MeterTime now = MeterTime::now();
  for (const store::KeyRequest& request : state.lately) meter->add_other(request, now);
  return meter;
}

void Accounts::take(std::vector<store::KeyState> keys) {
  const std::lock_guard lock(mutex_);
  has_keys_ = has_keys_ || !keys.empty();
  by_hash_.clear();
  for (store::KeyState& state : keys) {
    store::KeyRecord& key = state.key;
    if (key.revoked_ms != 0) {
      if (const auto meter = meters_.find(key.id); meter != meters_.end())
        meter->second->set_end(true, key.expires_ms);
      meters_.erase(key.id);
      continue;
    }
    std::shared_ptr<KeyMeter>& meter = meters_[key.id];
    if (!meter) meter = new_meter(state);
    meter->set_end(false, key.expires_ms);
    Account account{.key_id = key.id, .name = key.name, .tenant = tenant_of_name(key.name)};
    account.scopes = std::move(key.scopes);
    account.models = std::move(key.models);
    account.expires_ms = key.expires_ms;
    account.limits = key.limits;
    account.meter = meter;
    by_hash_[key.hash] = std::make_shared<const Account>(std::move(account));
  }
}

}  // namespace aquilon::api

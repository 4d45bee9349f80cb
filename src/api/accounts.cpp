#include "api/accounts.h"

#include "api/tenant.h"
#include "store/key_hash.h"

namespace aquilon::api {

Result<std::unique_ptr<Accounts>> Accounts::open(const std::string& folder,
                                                 std::function<void(const std::string&)> report) {
  store::Database database = AQ_TRY(store::Database::open(folder, store::Database::Open::kCreate));
  std::unique_ptr<Accounts> accounts(new Accounts());
  accounts->pepper_ = database.pepper();
  store::Writer::Listener listener;
  listener.on_keys = [a = accounts.get()](std::vector<store::KeyState> keys) {
    a->take(std::move(keys));
  };
  listener.on_requests = [a = accounts.get()](const std::vector<store::KeyRequest>& requests) {
    a->take_requests(requests);
  };
  listener.on_health = [report = std::move(report)](const Status& status) {
    if (!report) return;
    report(status.ok()
               ? "usage is recorded again"
               : "usage cannot be recorded, requests are refused: " + status.error().message);
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

void Accounts::take(std::vector<store::KeyState> keys) {
  const std::lock_guard lock(mutex_);
  has_keys_ = !keys.empty();
  by_hash_.clear();
  for (store::KeyState& state : keys) {
    store::KeyRecord& key = state.key;
    if (key.revoked_ms != 0) {
      meters_.erase(key.id);
      continue;
    }
    std::shared_ptr<KeyMeter>& meter = meters_[key.id];
    if (!meter) {
      const MeterTime now = MeterTime::now();
      meter = std::make_shared<KeyMeter>(state.today, now.unix_ms);
      for (const store::KeyRequest& request : state.lately) meter->add_known(request, now);
    }
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

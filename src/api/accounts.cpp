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
    if (!meter) meter = std::make_shared<KeyMeter>(state.today, MeterTime::now().unix_ms);
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

// The keys of a data folder as a running server knows them, and the book of what they use.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/account.h"
#include "store/writer.h"

namespace aquilon::api {

// Keys that are made, changed or revoked by another process count within half a second.
// Threads: every member is safe from any thread.
class Accounts {
 public:
  // Told in a sentence when usage cannot be recorded (grave), of each row that is lost (grave), and
  // when it can be again; any thread.
  using Report = std::function<void(const std::string& line, bool grave)>;
  // Errors: those of store::Database::open.
  static Result<std::unique_ptr<Accounts>> open(const std::string& folder, Report report);
  ~Accounts();

  // A key was made once: from then on requests need one, though all may be revoked.
  bool has_keys() const;
  // Null: no live key is this. Found by its keyed hash, so that the time tells nothing of others.
  std::shared_ptr<const Account> find(std::string_view credential) const;

  // Usage can be recorded, as far as is known. While it cannot nothing should be begun.
  bool recording() const { return writer_->healthy(); }
  // See store::Writer::record.
  void record(store::UsageRecord row, store::Writer::OnWritten written) {
    writer_->record(std::move(row), std::move(written));
  }
  // See store::Writer::record_refusal.
  void record_refusal(const store::UsageRecord& row) { writer_->record_refusal(row); }

 private:
  Accounts() = default;
  void take(std::vector<store::KeyState> keys);
  void take_requests(const std::vector<store::KeyRequest>& requests);
  void take_others(const std::vector<store::DayUse>& uses);
  std::shared_ptr<KeyMeter> new_meter(const store::KeyState& state);

  std::string pepper_;
  mutable std::mutex mutex_;
  bool has_keys_ = false;
  std::map<std::string, std::shared_ptr<const Account>, std::less<>> by_hash_;  // live keys
  std::map<std::int64_t, std::shared_ptr<KeyMeter>> meters_;
  std::unique_ptr<store::Writer> writer_;  // last: calls take()
};

}  // namespace aquilon::api

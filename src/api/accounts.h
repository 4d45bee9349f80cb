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
  // `report` is told in a sentence when usage cannot be recorded, and when it can again; any
  // thread. Errors: those of store::Database::open.
  static Result<std::unique_ptr<Accounts>> open(const std::string& folder,
                                                std::function<void(const std::string&)> report);
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

 private:
  Accounts() = default;
  void take(std::vector<store::KeyState> keys);
  void take_requests(const std::vector<store::KeyRequest>& requests);

  std::string pepper_;
  mutable std::mutex mutex_;
  bool has_keys_ = false;
  std::map<std::string, std::shared_ptr<const Account>, std::less<>> by_hash_;  // live keys
  std::map<std::int64_t, std::shared_ptr<KeyMeter>> meters_;
  std::unique_ptr<store::Writer> writer_;  // last: calls take()
};

}  // namespace aquilon::api

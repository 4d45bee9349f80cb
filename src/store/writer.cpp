#include "store/writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace aquilon::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kWatch{250};   // between two looks at the keys
constexpr std::chrono::milliseconds kRetry{1000};  // between two tries of a disk that failed
constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::size_t kMostRefusals = 10'000;  // rows of them that wait for a disk
constexpr std::int64_t kKnownDays = 2;         // today and yesterday: clocks are set back

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::int64_t today() {
  return now_ms() / kDayMs;
}

void add(DayUses& uses, const DayUses& more) {
  for (const auto& [of, use] : more) {
    uses[of].requests += use.requests;
    uses[of].tokens += use.tokens;
  }
}

}  // namespace

Writer::Writer(Database database, Listener listener)
    : listener_(std::move(listener)), database_(std::move(database)) {}

Result<std::unique_ptr<Writer>> Writer::start(Database database, Listener listener) {
  std::unique_ptr<Writer> writer(new Writer(std::move(database), std::move(listener)));
  writer->heard_ = AQ_TRY(last_row(writer->database_.connection()));
  AQ_RETURN_IF_ERROR(writer->load_keys());
  AQ_RETURN_IF_ERROR(writer->load_uses());
  writer->thread_ = std::thread([w = writer.get()] { w->run(); });
  return writer;
}

Writer::~Writer() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::record(UsageRecord row, OnWritten written) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.rows.push_back({std::move(row), std::move(written)});
  }
  wake_.notify_one();
}

void Writer::record_refusal(const UsageRecord& row) {
  const std::lock_guard lock(mutex_);
  if (inbox_.refusals.size() < kMostRefusals) add_refusal(inbox_.refusals, row);
}

void Writer::count(const DayUse& use) {
  const std::lock_guard lock(mutex_);
  add(inbox_.uses, {{{use.key_id, use.day}, use.use}});
}

Writer::Inbox Writer::wait(Clock::time_point until, bool& stop) {
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, until, [this] { return stop_ || !inbox_.rows.empty(); });
  stop = stop_;
  return std::exchange(inbox_, {});
}

void Writer::run() {
  auto next_watch = Clock::now() + kWatch;
  auto next_retry = Clock::time_point::max();
  for (bool stop = false; !stop;) {
    write(wait(std::min(next_watch, next_retry), stop));
    if (Clock::now() >= next_watch) {
      watch();
      next_watch = Clock::now() + kWatch;
    }
    if (!healthy_ && (stop || Clock::now() >= next_retry)) retry();
    if (healthy_) {
      next_retry = Clock::time_point::max();
    } else if (next_retry <= Clock::now() || next_retry == Clock::time_point::max()) {
      next_retry = Clock::now() + kRetry;
    }
  }
  lose_rest();
  (void)database_.checkpoint();
}

void Writer::write(Inbox inbox) {
  for (const auto& [id, row] : inbox.refusals)
    if (refusals_.size() < kMostRefusals) add_refusal(refusals_, row);
  add(uses_, inbox.uses);
  if (inbox.rows.empty() && (!healthy_ || (refusals_.empty() && uses_.empty()))) return;
  std::vector<UsageRecord> rows;
  for (const Waiting& waiting : inbox.rows) rows.push_back(waiting.row);
  const Status status = write_rows(rows);
  set_health(status);
  if (!status.ok()) {
    for (UsageRecord& row : rows) {
      if (row.ended == "finished") {  // its client is told of a failure now
        row.ended = "failed";
        row.status = 503;
        row.code = "usage_not_recorded";
      }
      unwritten_.push_back(std::move(row));
    }
  }
  for (const Waiting& waiting : inbox.rows)
    if (waiting.written) waiting.written(status);
}

Status Writer::write_rows(const std::vector<UsageRecord>& rows) {
  std::int64_t last = heard_;
  AQ_RETURN_IF_ERROR(database_.write([&](Connection& c) -> Status {
    AQ_RETURN_IF_ERROR(hear_others(c));
    AQ_RETURN_IF_ERROR(insert_usage(c, rows));
    AQ_RETURN_IF_ERROR(insert_refusals(c, refusals_));
    AQ_RETURN_IF_ERROR(add_day_uses(c, uses_));
    last = AQ_TRY(last_row(c));
    return {};
  }));
  heard_ = last;
  refusals_.clear();
  add(own_, std::exchange(uses_, {}));
  return {};
}

// Nobody writes between this and what follows in a transaction.
Status Writer::hear_others(Connection& connection) {
  const std::int64_t last = AQ_TRY(last_row(connection));
  if (last == heard_) return {};
  std::vector<KeyRequest> requests = AQ_TRY(requests_after(connection, heard_));
  heard_ = last;
  if (listener_.on_requests) listener_.on_requests(std::move(requests));
  return {};
}

// With a connection of its own: of one that saw its disk fail nothing is taken for granted.
void Writer::retry() {
  auto fresh = database_.open_again();
  if (!fresh.ok()) return set_health(std::move(fresh).error());
  database_ = std::move(fresh).value();
  keys_version_ = data_version_ = -1;  // it may be a backup that was put in its place
  const Status status = write_rows(unwritten_);
  if (status.ok()) unwritten_.clear();
  set_health(status);
}

void Writer::lose_rest() {
  if (!listener_.on_lost) return;
  for (const UsageRecord& row : unwritten_) listener_.on_lost(row);
  for (const auto& [id, row] : refusals_) listener_.on_lost(row);
}

void Writer::set_health(const Status& status) {
  if (healthy_.exchange(status.ok()) != status.ok() && listener_.on_health)
    listener_.on_health(status);
}

void Writer::watch() {
  if (!healthy_) return;
  if (Status there = database_.still_there(); !there.ok()) return set_health(there);
  const auto data = database_.connection().integer("PRAGMA data_version");
  if (!data.ok() || data->value_or(0) == data_version_) return;
  data_version_ = data->value_or(0);
  (void)hear_others(database_.connection());
  const auto version = keys_version(database_.connection());
  if (version.ok() && *version != keys_version_) (void)load_keys();
  (void)load_uses();
}

Status Writer::load_keys() {
  Connection& connection = database_.connection();
  const std::int64_t version = AQ_TRY(keys_version(connection));
  std::vector<KeyState> keys;
  for (KeyRecord& key : AQ_TRY(list_keys(connection))) {
    auto lately = AQ_TRY(requests_since(connection, key.id, now_ms() - kMinuteMs, heard_));
    keys.push_back({std::move(key), std::move(lately)});
  }
  keys_version_ = version;
  if (listener_.on_keys) listener_.on_keys(std::move(keys));
  return {};
}

// The sums of the folder, less what this process has put there.
Status Writer::load_uses() {
  std::vector<DayUse> others = AQ_TRY(day_uses(database_.connection(), today() - kKnownDays + 1));
  for (DayUse& other : others) {
    const auto own = own_.find({other.key_id, other.day});
    if (own == own_.end()) continue;
    other.use.requests -= own->second.requests;
    other.use.tokens -= own->second.tokens;
  }
  std::erase_if(own_, [](const auto& own) { return own.first.second < today() - kKnownDays; });
  if (listener_.on_others) listener_.on_others(others);
  return {};
}

}  // namespace aquilon::store

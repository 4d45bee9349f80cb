#include "store/writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace aquilon::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kWatch{250};   // between two looks at the keys
constexpr std::chrono::milliseconds kRetry{1000};  // between two tries of a disk that failed
constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kMinuteMs = 60'000;

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}
std::int64_t day_began_ms() {
  const std::int64_t now = now_ms();
  return now - now % kDayMs;
}
std::int64_t minute_ago_ms() {
  return now_ms() - kMinuteMs;
}

}  // namespace

Writer::Writer(Database database, Listener listener)
    : listener_(std::move(listener)), database_(std::move(database)) {}

Result<std::unique_ptr<Writer>> Writer::start(Database database, Listener listener) {
  std::unique_ptr<Writer> writer(new Writer(std::move(database), std::move(listener)));
  writer->heard_ = AQ_TRY(last_row(writer->database_.connection()));
  AQ_RETURN_IF_ERROR(writer->load_keys());
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
    waiting_.push_back({std::move(row), std::move(written)});
  }
  wake_.notify_one();
}

void Writer::run() {
  auto next_watch = Clock::now() + kWatch;
  auto next_retry = Clock::time_point::max();
  while (true) {
    std::vector<Waiting> batch;
    bool stop = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, std::min(next_watch, next_retry),
                       [this] { return stop_ || !waiting_.empty(); });
      batch = std::exchange(waiting_, {});
      stop = stop_;
    }
    if (!batch.empty()) write(std::move(batch));
    const auto now = Clock::now();
    if (!unwritten_.empty() && (stop || now >= next_retry)) retry();
    if (stop) {
      (void)database_.checkpoint();
      return;
    }
    if (unwritten_.empty()) {
      next_retry = Clock::time_point::max();
    } else if (now >= next_retry || next_retry == Clock::time_point::max()) {
      next_retry = Clock::now() + kRetry;
    }
    if (now < next_watch) continue;
    watch_keys();
    next_watch = Clock::now() + kWatch;
  }
}

void Writer::write(std::vector<Waiting> batch) {
  std::vector<UsageRecord> rows;
  for (const Waiting& waiting : batch) rows.push_back(waiting.row);
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
  for (const Waiting& waiting : batch)
    if (waiting.written) waiting.written(status);
}

Status Writer::write_rows(const std::vector<UsageRecord>& rows) {
  std::int64_t last = heard_;
  const Status status = database_.write([&](Connection& c) -> Status {
    AQ_RETURN_IF_ERROR(hear_others(c));
    AQ_RETURN_IF_ERROR(insert_usage(c, rows));
    last = AQ_TRY(last_row(c));
    return {};
  });
  if (status.ok()) heard_ = last;
  return status;
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
  const Status status = write_rows(unwritten_);
  if (status.ok()) unwritten_.clear();
  set_health(status);
}

void Writer::set_health(const Status& status) {
  if (healthy_.exchange(status.ok()) != status.ok() && listener_.on_health)
    listener_.on_health(status);
}

void Writer::watch_keys() {
  (void)hear_others(database_.connection());
  const auto version = keys_version(database_.connection());
  if (version.ok() && *version != keys_version_) (void)load_keys();
}

Status Writer::load_keys() {
  Connection& connection = database_.connection();
  const std::int64_t version = AQ_TRY(keys_version(connection));
  std::vector<KeyState> states;
  const std::int64_t since_ms = day_began_ms();
  for (KeyRecord& key : AQ_TRY(list_keys(connection))) {
    const KeyUse today = AQ_TRY(key_use(connection, key.id, since_ms));
    auto lately = AQ_TRY(requests_since(connection, key.id, minute_ago_ms(), heard_));
    states.push_back({std::move(key), today, std::move(lately)});
  }
  keys_version_ = version;
  if (listener_.on_keys) listener_.on_keys(std::move(states));
  return {};
}

}  // namespace aquilon::store

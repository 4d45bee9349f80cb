#include "store/usage.h"

#include <algorithm>

namespace aquilon::store {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::size_t kPageRows = 1000;
constexpr int kPruneRows = 5000;  // of one transaction: servers wait for it

constexpr const char* kWhere =
    " WHERE started_ms >= ?1 AND (?2 = 0 OR started_ms < ?2) AND (?3 = '' OR key = ?3)"
    " AND (?4 = '' OR model = ?4)";

Status bind_filter(Statement& statement, const UsageFilter& filter) {
  return statement.bind(filter.since_ms, filter.until_ms, filter.key, filter.model);
}

Result<std::vector<KeyRequest>> read_requests(Statement& rows) {
  std::vector<KeyRequest> requests;
  while (AQ_TRY(rows.step()))
    requests.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(3)});
  return requests;
}

const char* group_column(UsageGroup group) {
  switch (group) {
    case UsageGroup::kKey:
      return "key";
    case UsageGroup::kModel:
      return "model";
    case UsageGroup::kDay:
      return "date(started_ms / 1000, 'unixepoch')";
  }
  return "key";
}

UsageRecord record_of(const Statement& rows) {
  UsageRecord r{.id = rows.text(0),
                .key_id = rows.integer(1),
                .key = rows.text(2),
                .model = rows.text(3),
                .endpoint = rows.text(4)};
  r.prompt_tokens = rows.integer(5);
  r.completion_tokens = rows.integer(6);
  r.cached_tokens = rows.integer(7);
  r.started_ms = rows.integer(8);
  r.first_token_ms = rows.integer(9);
  r.ended_ms = rows.integer(10);
  r.ended = rows.text(11);
  r.status = static_cast<int>(rows.integer(12));
  r.code = rows.text(13);
  r.requests = rows.integer(14);
  return r;
}

}  // namespace

Status insert_usage(Connection& connection, const std::vector<UsageRecord>& rows) {
  Statement insert = AQ_TRY(connection.prepare(
      "INSERT INTO usage (id, key_id, key, model, endpoint, prompt_tokens, completion_tokens,"
      " cached_tokens, started_ms, first_token_ms, ended_ms, ended, status, code)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
      " ON CONFLICT (id) DO NOTHING"));
  for (const UsageRecord& r : rows)
    AQ_RETURN_IF_ERROR(insert.run(r.id, r.key_id, r.key, r.model, r.endpoint, r.prompt_tokens,
                                  r.completion_tokens, r.cached_tokens, r.started_ms,
                                  r.first_token_ms, r.ended_ms, r.ended, r.status, r.code));
  return {};
}

void add_refusal(Refusals& refusals, const UsageRecord& row) {
  std::string id = fmt::format("refused-{}-{}-{}-{}-{}", row.key_id, row.started_ms / kMinuteMs,
                               row.status, row.code, row.model);
  const auto [entry, is_new] = refusals.try_emplace(id, row);
  UsageRecord& sum = entry->second;
  if (is_new) {
    sum.id = std::move(id);
    return;
  }
  sum.requests += row.requests;
  sum.ended_ms = std::max(sum.ended_ms, row.ended_ms);
}

Status insert_refusals(Connection& connection, const Refusals& refusals) {
  if (refusals.empty()) return {};
  Statement insert = AQ_TRY(connection.prepare(
      "INSERT INTO usage (id, key_id, key, model, endpoint, prompt_tokens, completion_tokens,"
      " cached_tokens, started_ms, first_token_ms, ended_ms, ended, status, code, requests)"
      " VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, ?6, 0, ?7, 'refused', ?8, ?9, ?10)"
      " ON CONFLICT (id) DO UPDATE SET requests = requests + excluded.requests,"
      " ended_ms = max(ended_ms, excluded.ended_ms)"));
  for (const auto& [id, r] : refusals)
    AQ_RETURN_IF_ERROR(insert.run(r.id, r.key_id, r.key, r.model, r.endpoint, r.started_ms,
                                  r.ended_ms, r.status, r.code, r.requests));
  return {};
}

Status read_usage(Connection& connection, const UsageFilter& filter,
                  const std::function<bool(const UsageRecord&)>& take) {
  const std::int64_t last = AQ_TRY(connection.integer("SELECT max(number) FROM usage")).value_or(0);
  Statement rows = AQ_TRY(connection.prepare(
      fmt::format("SELECT id, key_id, key, model, endpoint, prompt_tokens, completion_tokens,"
                  " cached_tokens, started_ms, first_token_ms, ended_ms, ended, status, code,"
                  " requests, number FROM usage{} AND number > ?5 AND number <= ?6"
                  " ORDER BY number LIMIT {}",
                  kWhere, kPageRows)
          .c_str()));
  std::int64_t read = 0;
  for (std::vector<UsageRecord> page;; page.clear()) {
    AQ_RETURN_IF_ERROR(
        rows.bind(filter.since_ms, filter.until_ms, filter.key, filter.model, read, last));
    while (AQ_TRY(rows.step())) {
      page.push_back(record_of(rows));
      read = rows.integer(15);
    }
    rows.reset();  // lets go of what it read from
    for (const UsageRecord& row : page)
      if (!take(row)) return {};
    if (page.size() < kPageRows) return {};
  }
}

Result<std::vector<UsageSum>> sum_usage(Connection& connection, const UsageFilter& filter,
                                        UsageGroup group, bool by_model) {
  Statement rows = AQ_TRY(connection.prepare(
      fmt::format("SELECT {} AS name, {} AS part, sum(requests), sum(prompt_tokens),"
                  " sum(completion_tokens), sum(cached_tokens) FROM usage{}"
                  " GROUP BY 1, 2 ORDER BY 1, 2",
                  group_column(group), by_model ? "model" : "''", kWhere)
          .c_str()));
  AQ_RETURN_IF_ERROR(bind_filter(rows, filter));
  std::vector<UsageSum> sums;
  while (AQ_TRY(rows.step()))
    sums.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.integer(3), rows.integer(4),
                    rows.integer(5)});
  return sums;
}

Status add_day_uses(Connection& connection, const DayUses& more) {
  if (more.empty()) return {};
  Statement insert = AQ_TRY(
      connection.prepare("INSERT INTO day_use VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key_id, day)"
                         " DO UPDATE SET requests = requests + excluded.requests,"
                         " tokens = tokens + excluded.tokens"));
  for (const auto& [of, use] : more)
    AQ_RETURN_IF_ERROR(insert.run(of.first, of.second, use.requests, use.tokens));
  return {};
}

Result<std::vector<DayUse>> day_uses(Connection& connection, std::int64_t since_day) {
  Statement rows = AQ_TRY(
      connection.prepare("SELECT key_id, day, requests, tokens FROM day_use WHERE day >= ?1"));
  AQ_RETURN_IF_ERROR(rows.bind(since_day));
  std::vector<DayUse> uses;
  while (AQ_TRY(rows.step()))
    uses.push_back({rows.integer(0), rows.integer(1), {rows.integer(2), rows.integer(3)}});
  return uses;
}

Result<std::int64_t> prune_usage(Database& database, std::int64_t before_ms, std::int64_t now_ms) {
  const std::int64_t first_day = std::min(before_ms, now_ms - kDayMs) / kDayMs;
  std::int64_t requests = 0;
  for (bool more = true; more;) {
    AQ_RETURN_IF_ERROR(database.write([&](Connection& c) -> Status {
      Statement old = AQ_TRY(c.prepare(
          fmt::format("DELETE FROM usage WHERE number IN (SELECT number FROM usage"
                      " WHERE started_ms < ?1 ORDER BY number LIMIT {}) RETURNING requests",
                      kPruneRows)
              .c_str()));
      AQ_RETURN_IF_ERROR(old.bind(before_ms));
      int rows = 0;
      for (; AQ_TRY(old.step()); ++rows) requests += old.integer(0);
      more = rows == kPruneRows;
      Statement days = AQ_TRY(c.prepare("DELETE FROM day_use WHERE day < ?1"));
      return days.run(first_day);
    }));
  }
  return requests;
}

Result<std::int64_t> last_row(Connection& connection) {
  return AQ_TRY(connection.integer("SELECT max(number) FROM usage")).value_or(0);
}

Result<std::vector<KeyRequest>> requests_after(Connection& connection, std::int64_t number) {
  Statement rows = AQ_TRY(connection.prepare(
      "SELECT key_id, started_ms, prompt_tokens + completion_tokens, requests FROM usage"
      " WHERE number > ?1"));
  AQ_RETURN_IF_ERROR(rows.bind(number));
  return read_requests(rows);
}

Result<std::vector<KeyRequest>> requests_since(Connection& connection, std::int64_t key_id,
                                               std::int64_t since_ms, std::int64_t number) {
  Statement rows = AQ_TRY(connection.prepare(
      "SELECT key_id, started_ms, prompt_tokens + completion_tokens, requests FROM usage"
      " WHERE key_id = ?1 AND started_ms >= ?2 AND number <= ?3"));
  AQ_RETURN_IF_ERROR(rows.bind(key_id, since_ms, number));
  return read_requests(rows);
}

}  // namespace aquilon::store

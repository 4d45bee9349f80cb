#include "store/usage.h"

namespace aquilon::store {
namespace {

constexpr const char* kWhere =
    " WHERE started_ms >= ?1 AND (?2 = 0 OR started_ms < ?2) AND (?3 = '' OR key = ?3)"
    " AND (?4 = '' OR model = ?4)";

Status bind_filter(Statement& statement, const UsageFilter& filter) {
  return statement.bind(filter.since_ms, filter.until_ms, filter.key, filter.model);
}

Result<std::vector<KeyRequest>> read_requests(Statement& rows) {
  std::vector<KeyRequest> requests;
  while (AQ_TRY(rows.step()))
    requests.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(3) != 0});
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

Status read_usage(Connection& connection, const UsageFilter& filter,
                  const std::function<void(const UsageRecord&)>& take) {
  Statement rows = AQ_TRY(connection.prepare(
      fmt::format("SELECT id, key_id, key, model, endpoint, prompt_tokens, completion_tokens,"
                  " cached_tokens, started_ms, first_token_ms, ended_ms, ended, status, code"
                  " FROM usage{} ORDER BY number",
                  kWhere)
          .c_str()));
  AQ_RETURN_IF_ERROR(bind_filter(rows, filter));
  while (AQ_TRY(rows.step())) {
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
    take(r);
  }
  return {};
}

Result<std::vector<UsageSum>> sum_usage(Connection& connection, const UsageFilter& filter,
                                        UsageGroup group, bool by_model) {
  Statement rows = AQ_TRY(
      connection.prepare(fmt::format("SELECT {} AS name, {} AS part, count(*), sum(prompt_tokens),"
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

Result<KeyUse> key_use(Connection& connection, std::int64_t key_id, std::int64_t since_ms) {
  Statement sum = AQ_TRY(connection.prepare(
      "SELECT count(*), coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage"
      " WHERE key_id = ?1 AND started_ms >= ?2 AND ended <> 'refused'"));
  AQ_RETURN_IF_ERROR(sum.bind(key_id, since_ms));
  if (!AQ_TRY(sum.step())) return KeyUse();
  return KeyUse{sum.integer(0), sum.integer(1)};
}

Result<std::int64_t> last_row(Connection& connection) {
  return AQ_TRY(connection.integer("SELECT max(number) FROM usage")).value_or(0);
}

Result<std::vector<KeyRequest>> requests_after(Connection& connection, std::int64_t number) {
  Statement rows = AQ_TRY(connection.prepare(
      "SELECT key_id, started_ms, prompt_tokens + completion_tokens, ended = 'refused' FROM usage"
      " WHERE number > ?1"));
  AQ_RETURN_IF_ERROR(rows.bind(number));
  return read_requests(rows);
}

Result<std::vector<KeyRequest>> requests_since(Connection& connection, std::int64_t key_id,
                                               std::int64_t since_ms, std::int64_t number) {
  Statement rows = AQ_TRY(connection.prepare(
      "SELECT key_id, started_ms, prompt_tokens + completion_tokens, ended = 'refused' FROM usage"
      " WHERE key_id = ?1 AND started_ms >= ?2 AND number <= ?3"));
  AQ_RETURN_IF_ERROR(rows.bind(key_id, since_ms, number));
  return read_requests(rows);
}

}  // namespace aquilon::store

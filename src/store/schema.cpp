#include "store/schema.h"

#include <array>
#include <string>

namespace aquilon::store {
namespace {

// A released step is never changed: a new one is added. Times are in milliseconds since 1970,
// limits of 0 are none.
constexpr const char* kSteps[] = {
    // 1: keys.
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "INSERT INTO counters VALUES ('keys_version', 0);"
    "CREATE TABLE keys ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL,"
    "  prefix TEXT NOT NULL,"
    "  hash TEXT NOT NULL UNIQUE,"
    "  scopes TEXT NOT NULL,"
    "  models TEXT NOT NULL,"
    "  requests_per_minute INTEGER NOT NULL,"
    "  tokens_per_minute INTEGER NOT NULL,"
    "  requests_per_day INTEGER NOT NULL,"
    "  tokens_per_day INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  revoked_ms INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE revoked_ms = 0;",

    // 2: usage, one row a request.
    "CREATE TABLE usage ("
    "  number INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  key_id INTEGER NOT NULL,"
    "  key TEXT NOT NULL,"
    "  model TEXT NOT NULL,"
    "  endpoint TEXT NOT NULL,"
    "  prompt_tokens INTEGER NOT NULL,"
    "  completion_tokens INTEGER NOT NULL,"
    "  cached_tokens INTEGER NOT NULL,"
    "  started_ms INTEGER NOT NULL,"
    "  first_token_ms INTEGER NOT NULL,"
    "  ended_ms INTEGER NOT NULL,"
    "  ended TEXT NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  code TEXT NOT NULL) STRICT;"
    "CREATE INDEX usage_of_key ON usage (key_id, started_ms);",

    // 3: refusals with their number, and what daily budgets count: every request, also those that
    // have no row of their own.
    "ALTER TABLE usage ADD COLUMN requests INTEGER NOT NULL DEFAULT 1;"
    "CREATE TABLE day_use ("
    "  key_id INTEGER NOT NULL,"
    "  day INTEGER NOT NULL,"  // since 1970
    "  requests INTEGER NOT NULL,"
    "  tokens INTEGER NOT NULL,"
    "  PRIMARY KEY (key_id, day)) STRICT, WITHOUT ROWID;"
    "INSERT INTO day_use SELECT key_id, started_ms / 86400000, count(*),"
    "  sum(prompt_tokens + completion_tokens) FROM usage WHERE key_id <> 0 AND ended <> 'refused'"
    "  GROUP BY 1, 2;",
};

}  // namespace

std::int64_t newest_schema() {
  return static_cast<std::int64_t>(std::size(kSteps));
}

Result<std::int64_t> schema_version(Connection& connection) {
  return AQ_TRY(connection.integer("PRAGMA user_version")).value_or(0);
}

Status migrate(Connection& connection, std::int64_t target) {
  const std::int64_t version = AQ_TRY(schema_version(connection));
  if (version > newest_schema())
    return make_error(
        Code::kUnsupported,
        "{} is of a newer aquilon (its tables have version {}, this program knows {}): "
        "run that one",
        sqlite3_db_filename(connection.get(), "main"), version, newest_schema());
  if (version >= target) return {};
  AQ_RETURN_IF_ERROR(connection.run("BEGIN IMMEDIATE"));
  Status done;
  for (std::int64_t step = version; step < target && done.ok(); ++step)
    done = connection.run(kSteps[step]);
  if (done.ok())
    done = connection.run(fmt::format("PRAGMA user_version={}; COMMIT", target).c_str());
  if (!done.ok()) (void)connection.run("ROLLBACK");
  return done;
}

}  // namespace aquilon::store

// The table of usage: one row a request, never changed once it is there, but for refusals, which
// are counted. And the table of what the days of keys have used, which their budgets are held to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/database.h"
#include "store/sqlite.h"

namespace aquilon::store {

struct UsageRecord {
  std::string id;           // of the answer, as the client saw it; no two rows have the same
  std::int64_t key_id = 0;  // 0: the request had no key of the database
  std::string key;          // its name; empty: none
  std::string model;        // the served model's id; empty: none was found
  std::string endpoint;     // "/v1/chat/completions"
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;   // of the prompt, that were computed already
  std::int64_t started_ms = 0;      // since 1970
  std::int64_t first_token_ms = 0;  // 0: none came
  std::int64_t ended_ms = 0;
  std::string ended;          // "finished", "cancelled" (the client left), "failed" or "refused"
  int status = 200;           // HTTP's
  std::string code;           // of the error; empty: none
  std::int64_t requests = 1;  // more: of refusals, which are one row a minute
};

// In a transaction of the caller's. A row whose id is there already is left out: it is a
// repetition.
Status insert_usage(Connection& connection, const std::vector<UsageRecord>& rows);

// Which rows; empty and 0: all.
struct UsageFilter {
  std::int64_t since_ms = 0;  // that started then or later
  std::int64_t until_ms = 0;  // that started before
  std::string key;
  std::string model;
};

// Requests that were refused before anything was computed: of each key, model, status, code and
// minute one row, by its id. A retry after a disk that failed may count them twice.
using Refusals = std::map<std::string, UsageRecord>;
void add_refusal(Refusals& refusals, const UsageRecord& row);
Status insert_refusals(Connection& connection, const Refusals& refusals);

// Calls `take` for each, oldest first; false ends it. Constant memory, and between its pages
// nothing is held: a `take` that waits does not keep the database's log from being emptied. Rows
// that come meanwhile are not read.
Status read_usage(Connection& connection, const UsageFilter& filter,
                  const std::function<bool(const UsageRecord&)>& take);

struct UsageSum {
  std::string name;   // of the group
  std::string model;  // where models are summed apart as well
  std::int64_t requests = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;
};

enum class UsageGroup { kKey, kModel, kDay };  // days of UTC, "2026-11-26"

// A sum a group, or a group and model where `by_model`, sorted by both names.
Result<std::vector<UsageSum>> sum_usage(Connection& connection, const UsageFilter& filter,
                                        UsageGroup group, bool by_model);

inline constexpr std::int64_t kDayMs = 86'400'000;

// Of a key and a day (UTC, since 1970) what its budget counts: all requests that were let in,
// tokens.
struct KeyUse {
  std::int64_t requests = 0;
  std::int64_t tokens = 0;
};
using DayUses = std::map<std::pair<std::int64_t, std::int64_t>, KeyUse>;  // by key and day
struct DayUse {
  std::int64_t key_id = 0;
  std::int64_t day = 0;
  KeyUse use;
};
Status add_day_uses(Connection& connection, const DayUses& more);
Result<std::vector<DayUse>> day_uses(Connection& connection, std::int64_t since_day);

// Removes the rows that started before, some thousand a transaction, and what days before have used
// if they are not today or yesterday. Returns how many requests they were.
Result<std::int64_t> prune_usage(Database& database, std::int64_t before_ms, std::int64_t now_ms);

// A request of a key, as its limits count it.
struct KeyRequest {
  std::int64_t key_id = 0;
  std::int64_t started_ms = 0;
  std::int64_t tokens = 0;
  std::int64_t requests = 1;  // of refusals more
};

// The newest row's number, 0 if there is none: rows are numbered in the order of their writing.
Result<std::int64_t> last_row(Connection& connection);
// Those of rows behind `number`; and those of one key up to it that started since then.
Result<std::vector<KeyRequest>> requests_after(Connection& connection, std::int64_t number);
Result<std::vector<KeyRequest>> requests_since(Connection& connection, std::int64_t key_id,
                                               std::int64_t since_ms, std::int64_t number);

}  // namespace aquilon::store

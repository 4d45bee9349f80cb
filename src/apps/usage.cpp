// `aquilon usage`: who used what, from a data folder's book. A server may be writing it meanwhile.
#include "store/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <map>

#include "apps/command.h"
#include "apps/price_table.h"
#include "apps/printable.h"
#include "apps/time_text.h"
#include "base/nearest.h"
#include "store/database.h"
#include "store/keys.h"

namespace aquilon::apps {
namespace {

namespace json = boost::json;
using store::Database;
using store::UsageGroup;
using store::UsageRecord;
using store::UsageSum;

struct UsageOptions {
  std::string data, by, since, until, key, model, prices;
  bool json = false;

  template <class V>
  void visit(V& v) {
    v(data,
      {.flag = "data", .help = "data folder of the server", .unit = "FOLDER", .required = true});
    v(json, {.flag = "json",
             .help = "one JSON object a line: of each request, or of each sum with --by"});
    v(by, {.flag = "by",
           .help = "what to sum by: key, model or day (UTC); without --json the default is key",
           .unit = "WHAT"});
    v(since, {.flag = "since",
              .help = "requests that started then or later: 2027-01-31, 2027-01-31T12:00:00Z, or "
                      "30d, 12h ago",
              .unit = "TIME"});
    v(until, {.flag = "until", .help = "requests that started before", .unit = "TIME"});
    v(key, {.flag = "only-key", .help = "requests with the key of that name", .unit = "NAME"});
    v(model, {.flag = "only-model", .help = "requests for that model", .unit = "NAME"});
    v(prices, {.flag = "prices",
               .help = "JSON file with the prices of a million tokens, model by model (members "
                       "prompt, cached and completion); adds what it costs",
               .unit = "FILE"});
  }
};

json::value text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::value(text);
}

json::value moment_or_null(std::int64_t ms) {
  if (ms == 0) return nullptr;
  return json::value(moment_text(ms));
}

std::string request_line(const UsageRecord& r, const PriceTable& prices) {
  json::object out{{"id", r.id},
                   {"key", text_or_null(r.key)},
                   {"model", text_or_null(r.model)},
                   {"endpoint", r.endpoint},
                   {"prompt_tokens", r.prompt_tokens},
                   {"completion_tokens", r.completion_tokens},
                   {"cached_tokens", r.cached_tokens},
                   {"started_at", moment_text(r.started_ms)},
                   {"first_token_at", moment_or_null(r.first_token_ms)},
                   {"ended_at", moment_text(r.ended_ms)},
                   {"ended", r.ended},
                   {"status", r.status},
                   {"code", text_or_null(r.code)},
                   {"requests", r.requests}};
  if (!prices.empty())
    out["cost"] = prices.cost(r.model, r.prompt_tokens, r.cached_tokens, r.completion_tokens);
  return json::serialize(out);
}

// A sum as it is printed.
struct Total {
  std::int64_t requests = 0, prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;
  double cost = 0;

  void add(const UsageSum& sum, const PriceTable& prices) {
    requests += sum.requests;
    prompt_tokens += sum.prompt_tokens;
    completion_tokens += sum.completion_tokens;
    cached_tokens += sum.cached_tokens;
    cost += prices.cost(sum.model, sum.prompt_tokens, sum.cached_tokens, sum.completion_tokens);
  }
};

std::string total_line(const std::string& what, const std::string& name, const Total& total,
                       bool with_cost) {
  json::object out{{what, text_or_null(name)},
                   {"requests", total.requests},
                   {"prompt_tokens", total.prompt_tokens},
                   {"completion_tokens", total.completion_tokens},
                   {"cached_tokens", total.cached_tokens}};
  if (with_cost) out["cost"] = total.cost;
  return json::serialize(out);
}

std::string total_row(const std::string& name, const Total& total, bool with_cost) {
  std::string row =
      fmt::format("{:<28} {:>9} {:>13} {:>13} {:>13}", printable(name), total.requests,
                  total.prompt_tokens, total.cached_tokens, total.completion_tokens);
  return with_cost ? row + fmt::format(" {:>12.4f}", total.cost) : row;
}

Result<UsageGroup> group_of(const std::string& by) {
  if (by == "key" || by.empty()) return UsageGroup::kKey;
  if (by == "model") return UsageGroup::kModel;
  if (by == "day") return UsageGroup::kDay;
  return make_error(Code::kInvalidArgument, "--by is key, model or day, not '{}'", by);
}

Status print_sums(Database& database, const store::UsageFilter& filter, const UsageOptions& options,
                  const PriceTable& prices) {
  const UsageGroup group = AQ_TRY(group_of(options.by));
  // By model as well: each has its price.
  std::map<std::string, Total> totals;
  for (const UsageSum& sum : AQ_TRY(store::sum_usage(database.connection(), filter, group, true)))
    totals[sum.name].add(sum, prices);
  const std::string what = options.by.empty() ? "key" : options.by;
  const bool with_cost = !prices.empty();
  if (!options.json)
    fmt::print("{:<28} {:>9} {:>13} {:>13} {:>13}{}\n", what, "requests", "prompt", "(cached)",
               "completion", with_cost ? "         cost" : "");
  for (const auto& [name, total] : totals)
    fmt::print("{}\n", options.json ? total_line(what, name, total, with_cost)
                                    : total_row(name.empty() ? "(none)" : name, total, with_cost));
  return {};
}

// Of a key that is or was there, or has used something.
Status check_key(Database& database, const std::string& name) {
  std::vector<std::string> known;
  for (const store::KeyRecord& key : AQ_TRY(store::list_keys(database.connection())))
    known.push_back(key.name);
  for (const UsageSum& sum :
       AQ_TRY(store::sum_usage(database.connection(), {.key = name}, UsageGroup::kKey, false)))
    known.push_back(sum.name);
  if (std::find(known.begin(), known.end(), name) != known.end()) return {};
  return make_error(Code::kNotFound, "there is no key '{}'{}", name, did_you_mean(name, known));
}

Status run_usage(const UsageOptions& options) {
  std::signal(SIGPIPE, SIG_DFL);  // a reader that has enough, as head, ends this quietly
  const std::int64_t now = unix_ms_now();
  store::UsageFilter filter{.key = options.key, .model = options.model};
  if (!options.since.empty())
    filter.since_ms = AQ_TRY(parse_moment(options.since, "--since", -1, now));
  if (!options.until.empty())
    filter.until_ms = AQ_TRY(parse_moment(options.until, "--until", -1, now));
  PriceTable prices;
  if (!options.prices.empty()) prices = AQ_TRY(PriceTable::read(options.prices));
  Database database = AQ_TRY(Database::open(options.data, Database::Open::kExisting));
  if (!options.key.empty()) AQ_RETURN_IF_ERROR(check_key(database, options.key));
  if (!options.json || !options.by.empty()) return print_sums(database, filter, options, prices);
  return store::read_usage(database.connection(), filter, [&](const UsageRecord& row) {
    return std::fputs((request_line(row, prices) + "\n").c_str(), stdout) >= 0;
  });
}

struct PruneOptions {
  std::string data, before;

  template <class V>
  void visit(V& v) {
    v(data,
      {.flag = "data", .help = "data folder of the server", .unit = "FOLDER", .required = true});
    v(before, {.flag = "before",
               .help = "requests that started before: 2027-01-31, 2027-01-31T12:00:00Z, or 90d ago",
               .unit = "TIME",
               .required = true});
  }
};

Status run_prune(const PruneOptions& options) {
  const std::int64_t now = unix_ms_now();
  const std::int64_t before = AQ_TRY(parse_moment(options.before, "--before", -1, now));
  Database database = AQ_TRY(Database::open(options.data, Database::Open::kExisting));
  const std::int64_t requests = AQ_TRY(store::prune_usage(database, before, now));
  AQ_RETURN_IF_ERROR(database.checkpoint());
  fmt::print("{} requests from before {} are removed; the room they took is used again\n", requests,
             moment_text(before));
  return {};
}

}  // namespace

void register_usage(Commands& commands) {
  commands.add<UsageOptions>(
      "usage", "Tell who used what: each request, or sums by key, model or day", run_usage);
  commands.add<PruneOptions>(
      "usage prune", "Remove the requests before a time from the book, for good", run_prune);
}

}  // namespace aquilon::apps

// `aquilon keys`: API keys of a data folder, made, listed, limited and revoked. A server of that
// folder need not be stopped.
#include "store/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "api/account.h"
#include "apps/command.h"
#include "apps/printable.h"
#include "apps/time_text.h"
#include "base/descriptor.h"
#include "base/nearest.h"

namespace aquilon::apps {
namespace {

namespace json = boost::json;
using store::Database;
using store::KeyRecord;

constexpr double kMostLimit = 1e15;  // exact in a double

// What create and limit have in common; absent: as it is.
struct LimitOptions {
  std::optional<std::int64_t> rpm, tpm, requests_per_day, tokens_per_day;
  std::vector<std::string> models, scopes;
  std::string expires;

  template <class V>
  void visit(V& v) {
    const auto number = [&v](auto& member, std::string_view flag, std::string_view help) {
      v(member, {.flag = flag, .help = help, .min = 0, .max = kMostLimit});
    };
    number(rpm, "rpm", "requests a minute; 0: no limit");
    number(tpm, "tpm", "tokens a minute, of prompts and answers together; 0: no limit");
    number(requests_per_day, "requests-per-day", "requests a day (UTC); 0: no limit");
    number(tokens_per_day, "tokens-per-day", "tokens a day (UTC); 0: no limit");
    v(models, {.flag = "models",
               .help = "models that the key may use, by id or alias, with commas between or the "
                       "flag repeated; default: all, which is also written *",
               .unit = "NAMES"});
    v(scopes, {.flag = "scopes",
               .help = "what the key may do, with commas between: inference (answers, embeddings, "
                       "tokens, the list of models), admin (load and unload models, metrics), "
                       "metrics (read /metrics); default: inference",
               .unit = "NAMES"});
    v(expires, {.flag = "expires",
                .help = "when it ends: 2027-01-31, 2027-01-31T12:00:00Z, 30d, 12h, or never",
                .unit = "TIME"});
  }
};

struct CreateOptions {
  std::string data, name;
  LimitOptions limits;

  template <class V>
  void visit(V& v) {
    v(data, {.flag = "data",
             .help = "data folder of the server; made if it is not there",
             .unit = "FOLDER",
             .required = true});
    v(name, {.flag = "name",
             .help = "whose key it is: in the list of usage, and as tenant in the server's queue",
             .unit = "NAME",
             .required = true});
    limits.visit(v);
  }
};

struct ListOptions {
  std::string data;
  bool all = false;
  bool json = false;

  template <class V>
  void visit(V& v) {
    v(data,
      {.flag = "data", .help = "data folder of the server", .unit = "FOLDER", .required = true});
    v(all, {.flag = "all", .help = "revoked keys as well"});
    v(json, {.flag = "json", .help = "print JSON"});
  }
};

// Which key: NAME or --name.
struct NamedOptions {
  std::string data, positional, name;

  template <class V>
  void visit(V& v) {
    v(positional, {.flag = "KEY", .help = "name or number of the key", .positional = true});
    v(name, {.flag = "name", .help = "the same as a flag", .unit = "NAME"});
    v(data,
      {.flag = "data", .help = "data folder of the server", .unit = "FOLDER", .required = true});
  }

  Result<std::string> key() const {
    if (positional.empty() == name.empty())
      return make_error(Code::kInvalidArgument, "name one key: `aquilon keys list` shows them");
    return positional.empty() ? name : positional;
  }
};

struct LimitCommand {
  NamedOptions named;
  LimitOptions limits;

  template <class V>
  void visit(V& v) {
    named.visit(v);
    limits.visit(v);
  }
};

// "a,b" and "c" -> a, b, c. An empty name is refused: it would widen what a key may do.
Result<std::vector<std::string>> split(std::string_view flag,
                                       const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    std::size_t begin = 0;
    for (std::size_t end = 0; end != text.npos; begin = end + 1) {
      end = text.find(',', begin);
      const std::string item = text.substr(begin, end == text.npos ? end : end - begin);
      const std::size_t first = item.find_first_not_of(' ');
      if (first == item.npos)
        return make_error(Code::kInvalidArgument, "{} '{}' has an empty name in it", flag, text);
      out.push_back(item.substr(first, item.find_last_not_of(' ') + 1 - first));
    }
  }
  return out;
}

// None are all, which has to be said: *.
Result<std::vector<std::string>> models_of(const std::vector<std::string>& texts) {
  std::vector<std::string> models = AQ_TRY(split("--models", texts));
  const bool any = std::find(models.begin(), models.end(), "*") != models.end();
  if (any && models.size() > 1)
    return make_error(Code::kInvalidArgument,
                      "--models has * beside other names: give one of both");
  if (any) models.clear();
  return models;
}

Result<std::vector<std::string>> scopes_of(const std::vector<std::string>& texts) {
  const std::vector<std::string> scopes = AQ_TRY(split("--scopes", texts));
  const std::vector<std::string>& known = api::scope_names();
  for (const std::string& scope : scopes)
    if (std::find(known.begin(), known.end(), scope) == known.end())
      return make_error(Code::kInvalidArgument, "there is no scope '{}': the scopes are {}{}",
                        scope, fmt::join(known, ", "), did_you_mean(scope, known));
  return scopes;
}

Result<std::int64_t> expiry_of(const std::string& text) {
  if (text.empty() || text == "never") return 0;
  const std::int64_t now = unix_ms_now();
  const std::int64_t at = AQ_TRY(parse_moment(text, "--expires", 1, now));
  if (at <= now)
    return make_error(Code::kInvalidArgument, "--expires {} has passed: it is {}", text,
                      moment_text(now));
  return at;
}

std::string limit_text(const store::KeyLimits& limits) {
  std::string text;
  const auto add = [&text](std::int64_t limit, std::string_view what) {
    if (limit > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", limit, what);
  };
  add(limits.requests_per_minute, "requests a minute");
  add(limits.tokens_per_minute, "tokens a minute");
  add(limits.requests_per_day, "requests a day");
  add(limits.tokens_per_day, "tokens a day");
  return text.empty() ? "no limits" : text;
}

std::string state_of(const KeyRecord& key) {
  if (key.revoked_ms > 0) return "revoked";
  if (key.expires_ms > 0 && key.expires_ms <= unix_ms_now()) return "expired";
  return "live";
}

// A key that nobody has seen is of no use, and should not be in force.
Status show(Database& database, const std::string& name, const std::string& text) {
  if (std::fputs((text + "\n").c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return {};
  const Error unseen = errno_error("print", "the key");
  std::clearerr(stdout);  // main() need not say it again
  AQ_RETURN_IF_ERROR(store::revoke_key(database, name, unix_ms_now()));
  return Error(unseen).with_context("it is revoked again");
}

Status run_create(const CreateOptions& options) {
  const LimitOptions& given = options.limits;
  KeyRecord key{.name = options.name};
  key.scopes = AQ_TRY(scopes_of(given.scopes));
  if (key.scopes.empty()) key.scopes = {"inference"};
  key.models = AQ_TRY(models_of(given.models));
  key.limits = {given.rpm.value_or(0), given.tpm.value_or(0), given.requests_per_day.value_or(0),
                given.tokens_per_day.value_or(0)};
  key.expires_ms = AQ_TRY(expiry_of(given.expires));
  key.created_ms = unix_ms_now();
  Database database = AQ_TRY(Database::open(options.data, Database::Open::kCreate));
  const std::string text = AQ_TRY(store::create_key(database, key));
  fmt::print(stderr, "key '{}': {}. It is shown this once; only a hash of it is kept.\n",
             printable(key.name), limit_text(key.limits));
  return show(database, key.name, text);
}

json::object key_json(const KeyRecord& key) {
  const auto moment = [](std::int64_t ms) -> json::value {
    if (ms == 0) return nullptr;
    return json::value(moment_text(ms));
  };
  const auto limit = [](std::int64_t value) -> json::value {
    if (value == 0) return nullptr;
    return value;
  };
  const auto list = [](const std::vector<std::string>& items) {
    json::array array;
    for (const std::string& item : items) array.push_back(json::value(item));
    return array;
  };
  return {{"id", key.id},
          {"name", key.name},
          {"prefix", key.prefix},
          {"state", state_of(key)},
          {"scopes", list(key.scopes)},
          {"models", key.models.empty() ? json::value(nullptr) : json::value(list(key.models))},
          {"rpm", limit(key.limits.requests_per_minute)},
          {"tpm", limit(key.limits.tokens_per_minute)},
          {"requests_per_day", limit(key.limits.requests_per_day)},
          {"tokens_per_day", limit(key.limits.tokens_per_day)},
          {"created", moment(key.created_ms)},
          {"expires", moment(key.expires_ms)},
          {"revoked", moment(key.revoked_ms)}};
}

std::string key_line(const KeyRecord& key) {
  std::string line = fmt::format("{:<4} {:<20} {}...  {:<7} {}", key.id, printable(key.name),
                                 key.prefix, state_of(key), limit_text(key.limits));
  line += fmt::format("; {}", fmt::join(key.scopes, ", "));
  if (!key.models.empty())
    line += fmt::format("; models {}", printable(fmt::format("{}", fmt::join(key.models, ", "))));
  if (key.expires_ms > 0) line += "; until " + moment_text(key.expires_ms);
  return line;
}

Status run_list(const ListOptions& options) {
  Database database = AQ_TRY(Database::open(options.data, Database::Open::kExisting));
  std::vector<KeyRecord> keys = AQ_TRY(store::list_keys(database.connection()));
  if (!options.all) std::erase_if(keys, [](const KeyRecord& key) { return key.revoked_ms > 0; });
  if (options.json) {
    json::array array;
    for (const KeyRecord& key : keys) array.push_back(key_json(key));
    fmt::print("{}\n", json::serialize(array));
    return {};
  }
  if (keys.empty()) fmt::print("No keys; `aquilon keys create` makes one\n");
  for (const KeyRecord& key : keys) fmt::print("{}\n", key_line(key));
  return {};
}

Status run_revoke(const NamedOptions& options) {
  const std::string key = AQ_TRY(options.key());
  Database database = AQ_TRY(Database::open(options.data, Database::Open::kExisting));
  AQ_RETURN_IF_ERROR(store::revoke_key(database, key, unix_ms_now()));
  fmt::print("{} is revoked; running servers refuse it within a second\n", printable(key));
  return {};
}

Status run_limit(const LimitCommand& options) {
  const std::string key = AQ_TRY(options.named.key());
  const LimitOptions& given = options.limits;
  store::KeyChange change{.requests_per_minute = given.rpm,
                          .tokens_per_minute = given.tpm,
                          .requests_per_day = given.requests_per_day,
                          .tokens_per_day = given.tokens_per_day};
  if (!given.expires.empty()) change.expires_ms = AQ_TRY(expiry_of(given.expires));
  if (!given.models.empty()) change.models = AQ_TRY(models_of(given.models));
  if (!given.scopes.empty()) change.scopes = AQ_TRY(scopes_of(given.scopes));
  Database database = AQ_TRY(Database::open(options.named.data, Database::Open::kExisting));
  AQ_RETURN_IF_ERROR(store::change_key(database, key, change));
  for (const KeyRecord& now : AQ_TRY(store::list_keys(database.connection())))
    if (now.revoked_ms == 0 && (now.name == key || std::to_string(now.id) == key))
      fmt::print("{}\n", key_line(now));
  return {};
}

}  // namespace

void register_keys(Commands& commands) {
  commands.add<CreateOptions>("keys create",
                              "Make an API key; it is printed this once, alone on "
                              "the last line",
                              run_create);
  commands.add<ListOptions>("keys list", "List API keys", run_list);
  commands.add<NamedOptions>("keys revoke", "Refuse an API key from now on", run_revoke);
  commands.add<LimitCommand>("keys limit", "Change what an API key may do, and how much",
                             run_limit);
}

}  // namespace aquilon::apps

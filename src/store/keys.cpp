#include "store/keys.h"

#include <algorithm>
#include <sstream>

#include "base/hidden_text.h"
#include "store/key_hash.h"

namespace aquilon::store {
namespace {

constexpr std::size_t kMaxNameBytes = 128;

// Lists are kept as lines: names of scopes and models have none.
std::string lines(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : "\n") + item;
  return text;
}

std::vector<std::string> of_lines(const std::string& text) {
  std::vector<std::string> list;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) list.push_back(line);
  return list;
}

// Is shown as what it is, and shows something.
bool is_printable(std::string_view text) {
  bool shows = false;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    const char32_t code = code_point(text, length);
    if (is_control(code) || is_line_control(code)) return false;
    shows = shows || !is_blank(code);
    text.remove_prefix(length);
  }
  return shows;
}

Status check_name(const std::string& name) {
  if (name.empty() || name.size() > kMaxNameBytes || !is_printable(name))
    return make_error(Code::kInvalidArgument,
                      "a key's name is 1 to {} bytes of text, more than blanks and without control "
                      "characters, such as those that change the direction of text",
                      kMaxNameBytes);
  if (name.find_first_not_of("0123456789") == name.npos)
    return make_error(Code::kInvalidArgument,
                      "'{}' would be taken for the number of a key: give it a name with a letter",
                      name);
  return {};
}

Status check_list(const std::vector<std::string>& list) {
  const bool good = std::all_of(list.begin(), list.end(), [](const std::string& item) {
    return !item.empty() && is_printable(item);
  });
  if (good) return {};
  return make_error(
      Code::kInvalidArgument,
      "names of models and scopes are more than blanks and have no control characters");
}

Status bump_version(Connection& connection) {
  return connection.run("UPDATE counters SET value = value + 1 WHERE name = 'keys_version'");
}

// The number of the key that is meant; live ones only by name.
Result<std::int64_t> find_key(Connection& connection, const std::string& name) {
  Statement find = AQ_TRY(connection.prepare(
      "SELECT id FROM keys WHERE revoked_ms = 0 AND (name = ?1 OR CAST(id AS TEXT) = ?1)"));
  AQ_RETURN_IF_ERROR(find.bind(name));
  if (AQ_TRY(find.step())) return find.integer(0);
  return make_error(Code::kNotFound,
                    "no key '{}' is in use: `aquilon keys list --all` shows them all", name);
}

Status insert_key(Connection& c, const KeyRecord& key, const std::string& text,
                  const std::string& pepper) {
  Statement taken = AQ_TRY(c.prepare("SELECT 1 FROM keys WHERE name = ?1 AND revoked_ms = 0"));
  AQ_RETURN_IF_ERROR(taken.bind(key.name));
  if (AQ_TRY(taken.step()))
    return make_error(Code::kInvalidArgument,
                      "a key '{}' is in use: choose another name, or revoke that one first",
                      key.name);
  Statement insert = AQ_TRY(
      c.prepare("INSERT INTO keys (name, prefix, hash, scopes, models, requests_per_minute,"
                " tokens_per_minute, requests_per_day, tokens_per_day, created_ms, expires_ms,"
                " revoked_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)"));
  AQ_RETURN_IF_ERROR(insert.run(
      key.name, key_prefix(text), key_hash(pepper, text), lines(key.scopes), lines(key.models),
      key.limits.requests_per_minute, key.limits.tokens_per_minute, key.limits.requests_per_day,
      key.limits.tokens_per_day, key.created_ms, key.expires_ms));
  return bump_version(c);
}

// One member, if it is to be changed. `column`: of our own.
Status set_number(Connection& c, std::int64_t id, const char* column,
                  const std::optional<std::int64_t>& value) {
  if (!value) return {};
  Statement set =
      AQ_TRY(c.prepare(fmt::format("UPDATE keys SET {} = ?1 WHERE id = ?2", column).c_str()));
  return set.run(*value, id);
}

Status set_list(Connection& c, std::int64_t id, const char* column,
                const std::optional<std::vector<std::string>>& list) {
  if (!list) return {};
  AQ_RETURN_IF_ERROR(check_list(*list));
  Statement set =
      AQ_TRY(c.prepare(fmt::format("UPDATE keys SET {} = ?1 WHERE id = ?2", column).c_str()));
  return set.run(lines(*list), id);
}

}  // namespace

Result<std::string> create_key(Database& database, const KeyRecord& key) {
  AQ_RETURN_IF_ERROR(check_name(key.name));
  AQ_RETURN_IF_ERROR(check_list(key.scopes));
  AQ_RETURN_IF_ERROR(check_list(key.models));
  const std::string text = AQ_TRY(make_key());
  AQ_RETURN_IF_ERROR(
      database.write([&](Connection& c) { return insert_key(c, key, text, database.pepper()); }));
  return text;
}

Status change_key(Database& database, const std::string& name, const KeyChange& change) {
  return database.write([&](Connection& c) -> Status {
    const std::int64_t id = AQ_TRY(find_key(c, name));
    AQ_RETURN_IF_ERROR(set_number(c, id, "requests_per_minute", change.requests_per_minute));
    AQ_RETURN_IF_ERROR(set_number(c, id, "tokens_per_minute", change.tokens_per_minute));
    AQ_RETURN_IF_ERROR(set_number(c, id, "requests_per_day", change.requests_per_day));
    AQ_RETURN_IF_ERROR(set_number(c, id, "tokens_per_day", change.tokens_per_day));
    AQ_RETURN_IF_ERROR(set_number(c, id, "expires_ms", change.expires_ms));
    AQ_RETURN_IF_ERROR(set_list(c, id, "scopes", change.scopes));
    AQ_RETURN_IF_ERROR(set_list(c, id, "models", change.models));
    return bump_version(c);
  });
}

Status revoke_key(Database& database, const std::string& name, std::int64_t now_ms) {
  return database.write([&](Connection& c) -> Status {
    const std::int64_t id = AQ_TRY(find_key(c, name));
    AQ_RETURN_IF_ERROR(set_number(c, id, "revoked_ms", now_ms));
    return bump_version(c);
  });
}

Result<std::vector<KeyRecord>> list_keys(Connection& connection) {
  Statement rows = AQ_TRY(
      connection.prepare("SELECT id, name, prefix, hash, scopes, models, requests_per_minute,"
                         " tokens_per_minute, requests_per_day, tokens_per_day, created_ms,"
                         " expires_ms, revoked_ms FROM keys ORDER BY id"));
  std::vector<KeyRecord> keys;
  while (AQ_TRY(rows.step())) {
    KeyRecord key{.id = rows.integer(0),
                  .name = rows.text(1),
                  .prefix = rows.text(2),
                  .hash = rows.text(3),
                  .scopes = of_lines(rows.text(4)),
                  .models = of_lines(rows.text(5))};
    key.limits = {rows.integer(6), rows.integer(7), rows.integer(8), rows.integer(9)};
    key.created_ms = rows.integer(10);
    key.expires_ms = rows.integer(11);
    key.revoked_ms = rows.integer(12);
    keys.push_back(std::move(key));
  }
  // None is ever taken out: without this a table that was lost would let everybody in.
  if (keys.empty() && AQ_TRY(keys_version(connection)) > 0)
    return make_error(Code::kCorrupt,
                      "{} has had keys, but none is there: put a backup in its place",
                      sqlite3_db_filename(connection.get(), "main"));
  return keys;
}

Result<std::int64_t> keys_version(Connection& connection) {
  return AQ_TRY(connection.integer("SELECT value FROM counters WHERE name = 'keys_version'"))
      .value_or(0);
}

}  // namespace aquilon::store

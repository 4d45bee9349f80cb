// The table of API keys: whose they are, what they may do, how much.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"

namespace aquilon::store {

// How much a key may use; 0: no limit. Tokens are those of prompts and answers together; days are
// those of UTC.
struct KeyLimits {
  std::int64_t requests_per_minute = 0;
  std::int64_t tokens_per_minute = 0;
  std::int64_t requests_per_day = 0;
  std::int64_t tokens_per_day = 0;
};

struct KeyRecord {
  std::int64_t id = 0;
  std::string name;                 // of those that are not revoked no two have the same
  std::string prefix;               // its first letters
  std::string hash;                 // store/key_hash.h
  std::vector<std::string> scopes;  // what it may do
  std::vector<std::string> models;  // that it may use; empty: all
  KeyLimits limits;
  std::int64_t created_ms = 0;  // since 1970
  std::int64_t expires_ms = 0;  // 0: never
  std::int64_t revoked_ms = 0;  // 0: not
};

// What is to be changed of a key; absent: stays.
struct KeyChange {
  std::optional<std::int64_t> requests_per_minute, tokens_per_minute;
  std::optional<std::int64_t> requests_per_day, tokens_per_day;
  std::optional<std::int64_t> expires_ms;
  std::optional<std::vector<std::string>> scopes, models;
};

// Each is one transaction. Servers of the folder see it within a second.

// Puts the key in, with `created_ms` as given; returns the text of the key, which is not kept.
// Errors: kInvalidArgument (the name: empty, too long, taken, with control characters).
Result<std::string> create_key(Database& database, const KeyRecord& key);
// `name`: of a key that is not revoked, or the number of any. Errors: kNotFound.
Status change_key(Database& database, const std::string& name, const KeyChange& change);
Status revoke_key(Database& database, const std::string& name, std::int64_t now_ms);

// All, oldest first. Errors: kCorrupt (some were made, but none is there).
Result<std::vector<KeyRecord>> list_keys(Connection& connection);
// Grows with every change of a key.
Result<std::int64_t> keys_version(Connection& connection);

}  // namespace aquilon::store

// Whose request it is and what it may do: an API key as the server knows it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/key_meter.h"
#include "store/keys.h"

namespace aquilon::api {

// What a route needs before its handler runs. A route that declares none is not registered.
enum class Scope {
  kUndeclared,
  kPublic,  // no key: health, the page and its files
  kApi,     // a key, where there are any, that may "inference": answers, embeddings, tokens, models
  kMetrics,  // one that may "metrics" or "admin": everybody's counts and times
  kAdmin,    // one that may "admin": loading and unloading models
};

// The names that keys carry: "inference", "admin" and "metrics".
const std::vector<std::string>& scope_names();

// The one that a route's scope asks for; empty: none.
std::string_view scope_name(Scope scope);

// Threads: safe; immutable but for what the meter counts.
struct Account {
  std::int64_t key_id = 0;  // in the database; 0: a key of the command line
  std::string name;
  std::uint64_t tenant = 0;  // api/tenant.h
  std::vector<std::string> scopes;
  std::vector<std::string> models;  // ids or aliases; empty: all
  std::int64_t expires_ms = 0;      // since 1970; 0: never
  store::KeyLimits limits;
  std::shared_ptr<KeyMeter> meter;  // null: without limits

  bool may(Scope scope) const;
  // A model goes by several names: one of them on the list is enough.
  bool may_use(std::string_view id, const std::vector<std::string>& aliases) const;
};

}  // namespace aquilon::api

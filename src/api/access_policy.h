// Who may ask: the host a request is addressed to, the web page it comes from, the key it carries.
// Decided on the parsed request that the router sees, never on raw text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/account.h"  // Account, Scope
#include "api/api_error.h"
#include "api/http_message.h"

namespace aquilon::api {

class Accounts;

struct AccessConfig {
  // With neither of both none is needed.
  std::vector<std::string> api_keys;  // may do everything; each is a tenant
  Accounts* accounts = nullptr;       // keys of a data folder, and the book of their use
  std::string bind_host = "127.0.0.1";
  std::vector<std::string> allowed_hosts;  // besides the automatic ones; "*" is any
  std::vector<std::string> cors_origins;  // pages that may call: "https://chat.example", "*" is any
};

// What could not work as it stands: origins that no browser sends, names that are none, and keys
// too short for an address that others reach (`is_public`). Errors: kInvalidArgument.
Status check_access(const AccessConfig& config, bool is_public);

// "127.0.0.1", "::1", "localhost" and the like, without port.
bool is_loopback_host(std::string_view host);

// Threads: safe; immutable.
class AccessPolicy {
 public:
  explicit AccessPolicy(AccessConfig config);

  // 403 unless the Host is allowed: loopback names and the bound name always; any address literal
  // when bound to a public address (DNS rebinding needs a name); --allow-host. Against DNS
  // rebinding.
  Refusal check_host(const HttpRequest& request) const;

  // 403 when a browser says that a page of another origin made the request, unless CORS allows that
  // origin. Public GETs pass.
  Refusal check_origin(const HttpRequest& request, Scope scope) const;

  // 401 unless the request carries a key as `Authorization: Bearer`, `x-api-key` or `api-key` that
  // has not expired; sets its account and tenant. A request that carries several needs all of them
  // right and the same. Compared in constant time. 403 where the key's scopes are others.
  Refusal check_key(HttpRequest& request, Scope scope) const;

  // Requests need a key.
  bool needs_key() const;
  Accounts* accounts() const { return config_.accounts; }

  // For logs: text from a client without anything that has the shape of a key, or is one of
  // config.api_keys.
  std::string without_keys(std::string_view text) const;

  // The Access-Control-* and Vary fields for an answer; none without an allowed Origin.
  std::vector<Header> cors_headers(const HttpRequest& request) const;

 private:
  bool cors_allows(std::string_view origin) const;
  std::shared_ptr<const Account> account_of(std::string_view credential) const;

  AccessConfig config_;
  std::vector<std::shared_ptr<const Account>> given_;  // of config_.api_keys
};

}  // namespace aquilon::api

// Who may ask: the host a request is addressed to, the web page it comes from, the key it carries.
// Decided on the parsed request that the router sees, never on raw text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/api_error.h"
#include "api/http_message.h"

namespace aquilon::api {

// What a route needs before its handler runs.
enum class Scope {
  kPublic,  // no key: health, the page and its files
  kApi,     // the API key, where one is set
};

struct AccessConfig {
  std::vector<std::string> api_keys;  // none: none needed; each is a tenant
  std::string bind_host = "127.0.0.1";
  std::vector<std::string> allowed_hosts;  // besides the automatic ones; "*" is any
  std::vector<std::string> cors_origins;  // pages that may call: "https://chat.example", "*" is any
};

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

  // 401 unless the request carries a key as `Authorization: Bearer`, `x-api-key` or `api-key`; sets
  // its tenant. A request that carries several needs all of them right and the same. Compared in
  // constant time.
  Refusal check_key(HttpRequest& request, Scope scope) const;

  // The Access-Control-* and Vary fields for an answer; none without an allowed Origin.
  std::vector<Header> cors_headers(const HttpRequest& request) const;

 private:
  bool cors_allows(std::string_view origin) const;
  std::uint64_t tenant_of(std::string_view credential) const;

  AccessConfig config_;
  std::vector<std::uint64_t> tenants_;  // of the keys
};

}  // namespace aquilon::api

#include "api/access_policy.h"

#include <algorithm>

#include "api/accounts.h"
#include "api/http_head.h"
#include "api/key_mask.h"
#include "api/tenant.h"

namespace aquilon::api {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::any_of(list.begin(), list.end(),
                     [item](const std::string& s) { return s == "*" || s == item; });
}

std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_address_literal(std::string_view host) {
  if (host.starts_with('[')) return true;
  return !host.empty() && host.find_first_not_of("0123456789.") == host.npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

// Every byte of `given` is looked at, whatever differs; the time depends on its length alone.
bool equal_in_constant_time(std::string_view given, std::string_view key) {
  unsigned difference = given.size() == key.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference |=
        static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(key[i % key.size()]);
  return difference == 0;
}

// The credential a field carries; false for fields that carry none.
bool credential_of(const Header& field, std::string_view& credential) {
  if (field.name == "x-api-key" || field.name == "api-key") {
    credential = field.value;
    return true;
  }
  if (field.name != "authorization") return false;
  std::string scheme = field.value.substr(0, 7);
  for (char& c : scheme) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  credential = scheme == "bearer " ? std::string_view(field.value).substr(7) : std::string_view();
  return true;
}

template <class... Args>
Error invalid(std::string_view flag, fmt::format_string<Args...> format, Args&&... args) {
  Error error = make_error(Code::kInvalidArgument, format, std::forward<Args>(args)...);
  error.param = flag;
  return error;
}

ApiError forbidden(std::string_view code, std::string message) {
  return {.status = 403,
          .type = "permission_error",
          .message = std::move(message),
          .code = std::string(code)};
}

// A key of the command line: may do everything.
std::shared_ptr<const Account> given_account(const std::string& key, std::size_t number) {
  Account account{.name = number == 1 ? "api-key" : fmt::format("api-key-{}", number),
                  .tenant = tenant_of_key(key),
                  .scopes = scope_names()};
  return std::make_shared<const Account>(std::move(account));
}

ApiError unauthorized(std::string message, std::string_view code = "invalid_api_key") {
  return {.status = 401,
          .type = "authentication_error",
          .message = std::move(message),
          .code = std::string(code)};
}

// `other`: null, or perhaps read a moment earlier.
bool same_key(const Account& account, const Account* other) {
  return other && account.key_id == other->key_id && account.tenant == other->tenant;
}

bool is_expired(const Account& account) {
  return account.expires_ms > 0 && MeterTime::now().unix_ms >= account.expires_ms;
}

// "http://host:port" -> "host:port" without a default port; empty for "null" and what is not
// http(s).
std::string authority_of(std::string_view origin) {
  if (origin.starts_with("http://")) return normal_authority(origin.substr(7), "80");
  if (origin.starts_with("https://")) return normal_authority(origin.substr(8), "443");
  return {};
}

}  // namespace

Status check_access(const AccessConfig& config, bool is_public) {
  constexpr std::size_t kShortestKey = 16;  // of a public server
  for (const std::string& origin : config.cors_origins) {
    const std::string authority = authority_of(origin);
    const std::string scheme = origin.substr(0, origin.find("://"));
    if (origin == "*" || (!authority.empty() && origin == scheme + "://" + authority)) continue;
    return invalid(
        "cors-origin",
        "--cors-origin '{}' is no origin as browsers send it: give http:// or https:// "
        "and a name in lower case, with a port if it is not the scheme's own and nothing "
        "behind it, such as https://chat.example, or *",
        origin);
  }
  for (const std::string& host : config.allowed_hosts)
    if (host != "*" && normal_authority(host, "").empty())
      return invalid("allow-host",
                     "--allow-host '{}' is no host name: give one such as ai.example, without "
                     "scheme and path, or *",
                     host);
  for (const std::string& key : config.api_keys)
    if (is_public && key.size() < kShortestKey)
      return invalid("api-key",
                     "an --api-key (AQUILON_API_KEY) of {} characters can be guessed where others "
                     "reach the server: give one of at least {}, such as `openssl rand -hex 32` "
                     "prints",
                     key.size(), kShortestKey);
  return {};
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (host == "::1" || host == "[::1]") return true;
  return host.starts_with("127.") && is_address_literal(host);
}

AccessPolicy::AccessPolicy(AccessConfig config) : config_(std::move(config)) {
  for (std::string& host : config_.allowed_hosts)
    if (host != "*") host = without_port(normal_authority(host, ""));
  std::erase(config_.api_keys, "");
  for (const std::string& key : config_.api_keys)
    given_.push_back(given_account(key, given_.size() + 1));
}

Refusal AccessPolicy::check_host(const HttpRequest& request) const {
  const std::string_view host = without_port(request.host);
  if (is_loopback_host(host) || host == config_.bind_host) return {};
  if (!is_loopback_host(config_.bind_host) && is_address_literal(host)) return {};
  if (contains(config_.allowed_hosts, host)) return {};
  return forbidden("host_not_allowed",
                   fmt::format("this server does not answer as '{}': start it with --allow-host {}",
                               host, host));
}

bool AccessPolicy::cors_allows(std::string_view origin) const {
  return contains(config_.cors_origins, origin);
}

Refusal AccessPolicy::check_origin(const HttpRequest& request, Scope scope) const {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (scope == Scope::kPublic && reads) return {};
  const std::string_view origin = request.header("origin");
  if (origin.empty()) {
    const std::string_view site = request.header("sec-fetch-site");
    if (site != "cross-site" && site != "same-site") return {};
    return forbidden("origin_not_allowed", "a web page of another site may not call this server");
  }
  const std::string authority = authority_of(origin);
  if (!authority.empty() && authority == request.host) return {};
  // The Host had port 80 taken off; a page on https drops 443 instead.
  if (origin.starts_with("https://") && request.host == authority + ":443") return {};
  if (cors_allows(origin)) return {};
  return forbidden("origin_not_allowed",
                   "this web page's origin may not call this server: start it with --cors-origin");
}

// Null: no key is this. All of the command line's are compared, whichever it is.
std::shared_ptr<const Account> AccessPolicy::account_of(std::string_view credential) const {
  std::shared_ptr<const Account> account;
  for (std::size_t i = 0; i < given_.size(); ++i)
    if (equal_in_constant_time(credential, config_.api_keys[i])) account = given_[i];
  if (!account && config_.accounts) account = config_.accounts->find(credential);
  return account;
}

bool AccessPolicy::needs_key() const {
  return !given_.empty() || (config_.accounts && config_.accounts->has_keys());
}

Refusal AccessPolicy::check_key(HttpRequest& request, Scope scope) const {
  if (scope == Scope::kPublic || !needs_key()) return {};
  bool carries = false;
  bool wrong = false;
  for (const Header& field : request.headers) {
    std::string_view credential;
    if (!credential_of(field, credential)) continue;
    const std::shared_ptr<const Account> account = account_of(credential);
    wrong = wrong || !account || (carries && !same_key(*account, request.account.get()));
    request.account = account;
    carries = true;
  }
  if (!carries) return unauthorized("an API key is needed: send 'Authorization: Bearer <key>'");
  if (wrong) {
    request.account = nullptr;
    return unauthorized("this API key is not valid");
  }
  if (is_expired(*request.account))
    return unauthorized("this API key has expired: ask for a new one", "expired_api_key");
  if (!request.account->may(scope))
    return forbidden(
        "scope_not_allowed",
        fmt::format("this API key may not do that: it needs the scope '{}'", scope_name(scope)));
  request.tenant = request.account->tenant;
  return {};
}

std::string AccessPolicy::without_keys(std::string_view text) const {
  constexpr std::size_t kShortest = 8;  // of those that no word is
  std::string out = api::without_keys(text);
  for (const std::string& key : config_.api_keys)
    for (std::size_t at = 0; key.size() >= kShortest && (at = out.find(key, at)) != out.npos; ++at)
      out.replace(at, key.size(), "***");
  return out;
}

std::vector<Header> AccessPolicy::cors_headers(const HttpRequest& request) const {
  if (config_.cors_origins.empty()) return {};
  std::vector<Header> headers = {{"Vary", "Origin"}};
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !cors_allows(origin)) return headers;
  headers.push_back({"Access-Control-Allow-Origin", std::string(origin)});
  headers.push_back(
      {"Access-Control-Expose-Headers",
       "x-request-id, x-aquilon-id, retry-after, x-unenforced, x-ratelimit-limit-requests, "
       "x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
       "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, "
       "x-ratelimit-reset-tokens"});
  if (request.method == "OPTIONS") {
    headers.push_back({"Access-Control-Allow-Methods", "GET, POST, OPTIONS"});
    headers.push_back({"Access-Control-Allow-Headers",
                       "authorization, content-type, api-key, x-api-key, x-request-id, "
                       "extra-parameters, last-event-id, x-stream-resume, "
                       "x-ms-client-request-id, anthropic-version, "
                       "anthropic-beta, anthropic-dangerous-direct-browser-access, "
                       "x-stainless-arch, x-stainless-lang, x-stainless-os, "
                       "x-stainless-package-version, x-stainless-retry-count, "
                       "x-stainless-runtime, x-stainless-runtime-version, x-stainless-timeout"});
    headers.push_back({"Access-Control-Max-Age", "600"});
  }
  return headers;
}

}  // namespace aquilon::api

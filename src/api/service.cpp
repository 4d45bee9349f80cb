#include "api/service.h"

#include <sys/random.h>

#include <array>

#include "api/limits.h"
#include "api/trace_context.h"
#include "base/check.h"

namespace aquilon::api {
namespace {

ApiError not_found(const HttpRequest& request) {
  return {.status = 404,
          .type = "invalid_request_error",
          .message = fmt::format("there is nothing at {}", request.path.substr(0, 256)),
          .code = "unknown_url"};
}

ApiError not_allowed(const HttpRequest& request, const std::string& allowed) {
  return {.status = 405,
          .type = "invalid_request_error",
          .message = fmt::format("{} does not know {}: it knows {}", request.path.substr(0, 256),
                                 request.method.substr(0, 32), allowed),
          .code = "method_not_allowed"};
}

bool is_json_type(std::string_view type) {
  std::string text(type.substr(0, type.find(';')));
  while (text.ends_with(' ')) text.pop_back();
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text.empty() || text == "application/json" || text == "text/json" ||
         (text.starts_with("application/") && text.ends_with("+json"));
}

}  // namespace

std::variant<const Route*, HttpResponse> Service::answer_options(const HttpRequest& request) const {
  const std::string allowed = router_.allowed_methods(request.path);
  if (allowed.empty() && request.path != "*") return error_response(not_found(request));
  if (const Refusal refusal = access_.check_origin(request, Scope::kApi))
    return error_response(*refusal);
  HttpResponse response{.status = 204};
  response.headers.push_back({"Allow", allowed.empty() ? "GET, HEAD, POST, OPTIONS" : allowed});
  return response;
}

std::variant<const Route*, HttpResponse> Service::admit(HttpRequest& request) const {
  if (const Refusal refusal = access_.check_host(request)) return error_response(*refusal);
  if (request.method == "OPTIONS") return answer_options(request);
  const Route* route = router_.find(request.method, request.path, request.tail);
  if (!route) {
    const std::string allowed = router_.allowed_methods(request.path);
    if (allowed.empty()) return error_response(not_found(request));
    HttpResponse response = error_response(not_allowed(request, allowed));
    response.headers.push_back({"Allow", allowed});
    return response;
  }
  if (const Refusal refusal = check(request, *route))
    return error_response(*refusal, route->errors, request.id);
  request.route = route->pattern;
  return route;
}

Refusal Service::check(HttpRequest& request, const Route& route) const {
  if (Refusal refusal = access_.check_origin(request, route.scope)) return refusal;
  if (Refusal refusal = access_.check_key(request, route.scope)) return refusal;
  if (request.method == "POST" && !is_json_type(request.header("content-type")))
    return ApiError{.status = 415,
                    .type = "invalid_request_error",
                    .message = "send the body as 'Content-Type: application/json'",
                    .code = "unsupported_media_type"};
  // Last: what is refused for another reason does not count. Looking at models is free.
  if (request.method == "POST" && request.account) return take_request(*request.account);
  return {};
}

std::string Service::told_id(const HttpRequest& request) const {
  std::string id = answered_request_id(request);
  return without_keys(id) == id ? id : request.id;
}

std::vector<Header> Service::common_headers(const HttpRequest& request) const {
  const std::string& id = request.told_id;
  std::vector<Header> headers = {{"x-request-id", id}, {"X-Content-Type-Options", "nosniff"}};
  // The one of the row of usage, which no client can choose.
  if (id != request.id) headers.push_back({"x-aquilon-id", request.id});
  // The name that Anthropic's libraries look for.
  if (request.path.starts_with("/v1/messages")) headers.push_back({"request-id", id});
  if (const auto trace = trace_context(request))
    headers.push_back({"traceparent", fmt::format("00-{}-{}-{}", trace->trace_id,
                                                  span_id(request.id), trace->flags)});
  // Azure's libraries know their request again by it.
  const std::string_view client_id = request.header("x-ms-client-request-id");
  if (!client_id.empty() && client_id.size() <= 128)
    headers.push_back({"x-ms-client-request-id", std::string(client_id)});
  for (Header& header : access_.cors_headers(request)) headers.push_back(std::move(header));
  return headers;
}

std::string random_id() {
  std::array<unsigned char, 16> bytes;
  AQ_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  std::string id;
  for (const unsigned char byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

}  // namespace aquilon::api

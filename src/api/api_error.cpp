#include "api/api_error.h"

#include <algorithm>

#include "api/json_text.h"
#include "base/error_codes.h"

namespace aquilon::api {
namespace {

void append_members(std::string& out, const ApiError& error) {
  out += "\"message\":";
  append_json_string(out, error.message);
  out += ",\"type\":";
  append_json_string(out, error.type);
  out += ",\"param\":";
  append_json_string_or_null(out, error.param);
  out += ",\"code\":";
  append_json_string_or_null(out, error.code);
}

bool is_index(std::string_view step) {
  return !step.empty() && step.find_first_not_of("0123456789") == step.npos;
}

void append_detail(std::string& out, const ApiError& error) {
  out += ",\"detail\":[{\"type\":";
  append_json_string(out, error.reason);
  out += ",\"loc\":[\"body\"";
  for (const std::string& step : error.location) {
    out += ',';
    if (is_index(step)) {
      out += step;
    } else {
      append_json_string(out, step);
    }
  }
  out += "],\"msg\":";
  append_json_string(out, error.message);
  if (!error.input.empty()) out += ",\"input\":" + error.input;
  out += "}]";
}

// Absolute paths become "a file": they are the server's own, for its log.
std::string without_paths(std::string_view message) {
  constexpr std::string_view kBefore = " '\"(=:";
  std::string out;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const bool begins =
        message[i] == '/' && (i == 0 || kBefore.find(message[i - 1]) != kBefore.npos);
    const std::size_t end = std::min(message.find_first_of(" '\"(),;", i), message.size());
    if (!begins || end - i < 2) {
      out += message[i];
      continue;
    }
    out += message[end - 1] == ':' ? "a file:" : "a file";
    i = end - 1;
  }
  return out;
}

std::string_view anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

}  // namespace

ApiError unsupported_field(std::string_view param, std::string_view advice) {
  return bad_request(param, "unsupported_parameter", "'{}' is not supported by this server: {}",
                     param, advice);
}

ApiError internal_failure() {
  return from_error(Error{Code::kInternal, "the server failed to answer this request"});
}

ApiError invalid_value(std::vector<std::string> location, std::string_view reason,
                       std::string_view what) {
  ApiError error{.status = 422, .type = "invalid_request_error"};
  error.param = location.empty() ? "body" : location.front();
  std::string dotted;
  for (const std::string& step : location) {
    if (!dotted.empty()) dotted += '.';
    dotted += step;
  }
  error.message = fmt::format("{}: {}", dotted.empty() ? "body" : dotted, what);
  error.code = "invalid_value";
  error.location = std::move(location);
  error.reason = reason;
  return error;
}

ApiError unknown_model(std::string_view name) {
  return {
      .status = 404,
      .type = "invalid_request_error",
      .message = fmt::format("no model '{}' is served here: see /v1/models", name.substr(0, 256)),
      .param = "model",
      .code = "model_not_found"};
}

ApiError from_error(const Error& error) {
  const CodeInfo& info = code_info(error.code);
  ApiError api{.status = info.http_status, .type = std::string(info.api_type)};
  // What a client sent wrong may hold slashes of its own; what failed here may name our files.
  api.message = info.http_status < 500 ? error.message : without_paths(error.message);
  api.param = error.param;
  api.code = error.detail.empty() ? std::string(info.name) : error.detail;
  return api;
}

std::string error_object(const ApiError& error) {
  std::string out = "{";
  append_members(out, error);
  out += '}';
  return out;
}

std::string error_body(const ApiError& error) {
  std::string out = "{\"object\":\"error\",";
  append_members(out, error);
  if (error.status == 422) append_detail(out, error);
  out += ",\"error\":{";
  append_members(out, error);
  out += "}}";
  return out;
}

std::string anthropic_error_body(const ApiError& error, std::string_view request_id) {
  std::string out = fmt::format("{{\"type\":\"error\",\"error\":{{\"type\":\"{}\",\"message\":",
                                anthropic_type(error.status));
  append_json_string(out, error.message);
  out += "},\"request_id\":";
  append_json_string_or_null(out, request_id);
  out += '}';
  return out;
}

HttpResponse error_response(const ApiError& error, ErrorForm form, std::string_view request_id) {
  HttpResponse response{.status = error.status};
  if (error.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  if (error.status == 429 || error.status == 503) {
    if (error.retry_after_s > 0)
      response.headers.push_back({"Retry-After", std::to_string(error.retry_after_s)});
    else
      response.headers.push_back({"x-should-retry", "false"});
  }
  if (form == ErrorForm::kAnthropic) {
    if (error.status == 422) response.status = 400;
    response.body = anthropic_error_body(error, request_id);
    return response;
  }
  if (form == ErrorForm::kAzure && !error.code.empty())
    response.headers.push_back({"x-ms-error-code", error.code});
  response.body = error_body(error);
  return response;
}

}  // namespace aquilon::api

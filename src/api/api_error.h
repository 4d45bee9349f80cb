// The API's errors: one body that the OpenAI, Mistral and Azure libraries all read.
//   {"object":"error","message":...,"type":...,"param":...,"code":...,"detail":[...] on 422 only,
//    "error":{"message":...,"type":...,"param":...,"code":...}}
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http_message.h"
#include "base/result.h"

namespace aquilon::api {

struct ApiError {
  int status = 500;
  std::string type = "server_error";
  std::string message = {};
  std::string param = {};                  // empty: null
  std::string code = {};                   // empty: null
  std::vector<std::string> location = {};  // 422: where in the body ("messages", "0", "role")
  std::string reason = {};                 // 422: detail[].type ("int_parsing", "less_than_equal")
  std::string input = {};                  // 422: the refused value as JSON; empty: not told
  std::int64_t retry_after_s = 2;          // 429 and 503; 0: to try again is of no use
};

// Which libraries a route answers: its errors have the form that they read.
enum class ErrorForm {
  kCommon,     // OpenAI's and Mistral's: the body above
  kAzure,      // the same, and the code in x-ms-error-code
  kAnthropic,  // {"type":"error","error":{"type","message"},"request_id"}; a 422 is a 400 there
};

// Absent: nothing wrong.
using Refusal = std::optional<ApiError>;

// 400: well-formed, but not something we can do as asked.
template <class... Args>
ApiError bad_request(std::string_view param, std::string_view code,
                     fmt::format_string<Args...> format, Args&&... args) {
  return {.status = 400,
          .type = "invalid_request_error",
          .message = fmt::format(format, std::forward<Args>(args)...),
          .param = std::string(param),
          .code = std::string(code)};
}

// 400: a valid field whose meaning this server does not have (yet).
ApiError unsupported_field(std::string_view param, std::string_view advice);

// 500: an invariant of ours broke, or memory ran out. The log has more.
ApiError internal_failure();

// 422: a value of the wrong type or out of its range. `location` are the steps into the body; the
// message is "<dotted location>: <what>".
ApiError invalid_value(std::vector<std::string> location, std::string_view reason,
                       std::string_view what);

// 404: no model has this id or alias.
ApiError unknown_model(std::string_view name);

// Errors of lower layers, by base/error_codes.h; those of the server itself without the paths of
// its files.
ApiError from_error(const Error& error);

// {"message":...,"type":...,"param":...,"code":...}
std::string error_object(const ApiError& error);
// The whole body.
std::string error_body(const ApiError& error);
// The body in Anthropic's form.
std::string anthropic_error_body(const ApiError& error, std::string_view request_id);
// With Retry-After on 429 and 503 (x-should-retry: false where it is of no use), WWW-Authenticate
// on 401.
HttpResponse error_response(const ApiError& error, ErrorForm form = ErrorForm::kCommon,
                            std::string_view request_id = {});

}  // namespace aquilon::api

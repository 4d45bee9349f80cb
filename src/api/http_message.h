// Requests and answers as routes see them: no socket, no parser. A request has passed the framing
// and host checks before it becomes one of these.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace aquilon::api {

struct Account;

struct Header {
  std::string name;  // in requests lower case
  std::string value;
};

// What became of a request that a model answered, for the log. Written and read on the connection's
// thread.
struct AnswerOutcome {
  std::string model;  // as the client named it; empty: none was asked
  int prompt_tokens = 0;
  int cached_tokens = 0;
  int completion_tokens = 0;
  std::string finish;              // of the first choice: "stop", "length", ...
  std::string error;               // the code that the client got
  double first_token_seconds = 0;  // since the body was there; 0: none came
};

struct HttpRequest {
  std::string method;           // "GET"
  std::string path;             // percent-decoded, without query; begins with '/'
  std::string query;            // as sent, without '?'
  std::string tail;             // what the open end of the route's pattern matched
  std::string_view route = {};  // that pattern; empty: there was none
  std::uint64_t tenant = 0;     // whose key it carries (api/tenant.h); 0: none is asked for
  std::shared_ptr<const Account> account = {};  // of that key; null: none
  std::string host;  // authority of the Host field, lower case, without default port
  std::vector<Header> headers;
  std::string body;
  std::string id;       // 32 hex digits: of the answer and its row of usage
  std::string told_id;  // what the client gets as x-request-id: its own, or `id`
  std::shared_ptr<AnswerOutcome> outcome = {};  // for the handler to fill in; may be null

  // The value of the first field named `name` (lower case); empty when absent.
  std::string_view header(std::string_view name) const {
    for (const Header& h : headers)
      if (h.name == name) return h.value;
    return {};
  }
};

// Static files are sent from where they lie; everything else is a string.
using Body = std::variant<std::string, std::span<const unsigned char>>;

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers;
  Body body;
};

inline std::string_view body_view(const Body& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return *text;
  const auto bytes = std::get<1>(body);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace aquilon::api

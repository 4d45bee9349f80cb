#include "api/json_reader.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <string>
#include <vector>

namespace aquilon::api {
namespace {

namespace json = boost::json;

// Builds the value as Boost's own parser does, and watches keys and numbers on the way.
struct StrictHandler {
  using error_code = boost::system::error_code;
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  json::value_stack stack;
  std::vector<std::vector<std::string>> open_keys;  // one list an open object
  std::string key;                                  // the one being read
  std::string problem;

  StrictHandler() { stack.reset(); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) {
    open_keys.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t n, error_code& ec) {
    std::vector<std::string>& keys = open_keys.back();
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) return fail(fmt::format("the key '{}' is given twice", *twice), ec);
    open_keys.pop_back();
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code&) {
    stack.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    key.append(part.data(), part.size());
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    key.append(part.data(), part.size());
    open_keys.back().push_back(std::move(key));
    key.clear();
    stack.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, error_code&) {
    stack.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t i, json::string_view, error_code&) {
    stack.push_int64(i);
    return true;
  }
  bool on_uint64(std::uint64_t u, json::string_view, error_code&) {
    stack.push_uint64(u);
    return true;
  }
  bool on_double(double d, json::string_view, error_code& ec) {
    if (!std::isfinite(d)) return fail("a number is too large", ec);
    stack.push_double(d);
    return true;
  }
  bool on_bool(bool b, error_code&) {
    stack.push_bool(b);
    return true;
  }
  bool on_null(error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  bool fail(std::string what, error_code& ec) {
    problem = std::move(what);
    ec = json::error::syntax;
    return false;
  }
};

ApiError json_error(std::string what) {
  ApiError error{.status = 400, .type = "invalid_request_error", .code = "invalid_json"};
  error.message = std::move(what);
  return error;
}

}  // namespace

Refusal read_json_object(std::string_view text, json::object& out) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::basic_parser<StrictHandler> parser(options);
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = json::error::extra_data;
  if (ec) {
    std::string what = parser.handler().problem;
    if (what.empty()) what = ec.message();
    return json_error(fmt::format("the body is not valid JSON: {} (at byte {})", what, used));
  }
  json::value value = parser.handler().stack.release();
  if (!value.is_object()) return json_error("the body is JSON, but no object");
  out = std::move(value.get_object());
  return {};
}

}  // namespace aquilon::api

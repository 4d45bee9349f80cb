#include "api/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace aquilon::api {
namespace {

namespace http = boost::beast::http;

// A chunk's size line and the trailers must fit into this.
constexpr std::size_t kMaxChunkLineBytes = 16 * 1024;

ApiError parse_error(const boost::system::error_code& ec) {
  ApiError error{.status = 400, .type = "invalid_request_error", .code = "bad_http_request"};
  error.message = "the request is not well-formed HTTP/1.1: " + ec.message();
  if (ec == http::error::bad_version) {
    error.status = 505;
  } else if (ec == http::error::header_limit) {
    error.status = 431;
    error.message = "the request's head is longer than 16 KiB";
  } else if (ec == http::error::body_limit) {
    error.status = 413;
    error.code = "body_too_large";
    error.message = "the request's body is larger than this server accepts";
  }
  return error;
}

std::string lower_name(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

struct HttpParser::State {
  http::request_parser<http::string_body> parser;
};

HttpParser::HttpParser() : state_(std::make_unique<State>()) {
  state_->parser.header_limit(kMaxHeadBytes);
  state_->parser.body_limit(boost::none);
}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

Refusal HttpParser::read_head(std::string_view head, RawHead& out) {
  auto& parser = state_->parser;
  boost::system::error_code ec;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec) return parse_error(ec);
  if (!parser.is_header_done()) return parse_error(http::error::partial_message);
  const auto& message = parser.get();
  out.method = view(message.method_string());
  out.target = view(message.target());
  out.version = static_cast<int>(message.version());
  out.keep_alive = parser.keep_alive();
  for (const auto& field : message)
    out.fields.push_back({lower_name(view(field.name_string())), std::string(view(field.value()))});
  parser.eager(true);
  return {};
}

Refusal HttpParser::read_body(std::string_view bytes, std::uint64_t limit, std::size_t& used) {
  auto& parser = state_->parser;
  parser.body_limit(limit);
  used = 0;
  boost::system::error_code ec;
  while (!parser.is_done() && used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    used += parser.put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    if (ec == http::error::need_more) {
      if (bytes.size() - used > kMaxChunkLineBytes) return parse_error(http::error::bad_chunk);
      return {};
    }
    if (ec) return parse_error(ec);
    if (parser.get().body().size() > limit) return parse_error(http::error::body_limit);
  }
  return {};
}

bool HttpParser::done() const {
  return state_->parser.is_done();
}

std::string HttpParser::take_body() {
  return std::move(state_->parser.get().body());
}

}  // namespace aquilon::api

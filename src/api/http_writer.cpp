#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "api/http_writer_internal.h"

namespace aquilon::api {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text;
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return std::string(text.data(), size);
}

// Values come from tables and parsed fields; a control character would end the field early.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  std::copy_if(value.begin(), value.end(), std::back_inserter(out),
               [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
  out += "\r\n";
}

}  // namespace

std::string response_head(const HttpResponse& response, std::span<const Header> more,
                          const ResponseFraming& framing) {
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  append_field(out, "Date", http_date());
  const bool empty = response.status == 204 || response.status == 304;
  if (!empty) append_field(out, "Content-Type", response.content_type);
  bool cached = false;
  for (const Header& header : response.headers) {
    append_field(out, header.name, header.value);
    cached = cached || header.name == "Cache-Control";
  }
  if (!cached) append_field(out, "Cache-Control", "no-store");
  for (const Header& header : more) append_field(out, header.name, header.value);
  if (framing.length) {
    if (!empty) append_field(out, "Content-Length", fmt::to_string(*framing.length));
  } else if (framing.http11) {
    append_field(out, "Transfer-Encoding", "chunked");
  }
  if (!framing.keep_alive) {
    append_field(out, "Connection", "close");
  } else if (!framing.http11) {
    append_field(out, "Connection", "keep-alive");
  }
  out += "\r\n";
  return out;
}

void append_event(std::string& out, std::string_view data, std::string_view name,
                  std::string_view id) {
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  if (!name.empty()) out.append("event: ").append(name).append("\n");
  out.append("data: ").append(data).append("\n\n");
}

}  // namespace aquilon::api

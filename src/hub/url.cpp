#include "hub/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace aquilon::hub {
namespace {

constexpr std::size_t kMaxUrlBytes = 8192;

struct FreeCurlu {
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
using CurluHandle = std::unique_ptr<CURLU, FreeCurlu>;

// Spaces and control bytes end or split header lines; no address needs them.
bool is_plain(std::string_view text) {
  return text.size() <= kMaxUrlBytes && std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte > 0x20 && byte != 0x7F && byte != '\\';
         });
}

std::string part(CURLU* handle, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

Result<Url> Url::read(void* raw) {
  auto* handle = static_cast<CURLU*>(raw);
  Url url;
  curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
  url.text_ = part(handle, CURLUPART_URL);
  url.scheme_ = part(handle, CURLUPART_SCHEME);
  url.host_ = part(handle, CURLUPART_HOST);
  url.port_ = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::transform(url.host_.begin(), url.host_.end(), url.host_.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (url.scheme_ != "http" && url.scheme_ != "https")
    return make_error(Code::kInvalidArgument, "'{}': only http and https are supported", url.text_);
  if (url.host_.empty()) return make_error(Code::kInvalidArgument, "'{}' names no host", url.text_);
  return url;
}

Result<Url> Url::parse(std::string_view text) {
  if (!is_plain(text))
    return make_error(Code::kInvalidArgument, "not an address: it has spaces or control bytes");
  const CurluHandle handle(curl_url());
  const CURLUcode code =
      curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_DISALLOW_USER);
  if (code != CURLUE_OK)
    return make_error(Code::kInvalidArgument, "'{}' is not an address: {}", text,
                      curl_url_strerror(code));
  return read(handle.get());
}

Result<Url> Url::follow(std::string_view location) const {
  const CurluHandle handle(curl_url());
  CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, text_.c_str(), CURLU_DISALLOW_USER);
  if (code == CURLUE_OK && is_plain(location))
    code = curl_url_set(handle.get(), CURLUPART_URL, std::string(location).c_str(),
                        CURLU_DISALLOW_USER);
  else
    code = CURLUE_MALFORMED_INPUT;
  if (code != CURLUE_OK)
    return make_error(Code::kCorrupt, "{} redirects to what is not an address", host_);
  Result<Url> target = read(handle.get());
  if (!target.ok())
    return make_error(Code::kPermissionDenied, "{} redirects away from http: {}", host_,
                      target.error().message);
  if (is_https() && !target->is_https())
    return make_error(Code::kPermissionDenied, "{} redirects from https to plain http at {}", host_,
                      target->host_);
  if (!target->is_https() && !target->is_loopback())
    return make_error(Code::kPermissionDenied, "{} redirects to plain http at {}", host_,
                      target->host_);
  return target;
}

Result<Url> Url::with_path(std::string_view path_and_query) const {
  const std::size_t end = text_.find('?');
  std::string base = text_.substr(0, end);
  while (base.ends_with('/')) base.pop_back();
  return parse(base + std::string(path_and_query));
}

std::string Url::origin() const {
  return fmt::format("{}://{}:{}", scheme_, host_, port_);
}

bool Url::is_loopback() const {
  if (host_ == "localhost" || host_ == "[::1]") return true;
  return host_.starts_with("127.") && std::all_of(host_.begin(), host_.end(), [](char c) {
           return (c >= '0' && c <= '9') || c == '.';
         });
}

std::string encode_path(std::string_view path) {
  std::string encoded;
  for (const char c : path) {
    if (is_unreserved(c) || c == '/')
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace aquilon::hub

#include "hub/http_client.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/check.h"

namespace aquilon::hub {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr long kLowSpeedBytesPerSecond = 1000;

using Headers = std::vector<std::pair<std::string, std::string>>;

void initialise_curl_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  AQ_CHECK(code == CURLE_OK);
}

std::string_view find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// What a failed transfer means to a person.
Error transport_error(CURLcode code, const Url& url, const char* details) {
  const std::string why = *details != '\0' ? details : curl_easy_strerror(code);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: {
      Error error =
          make_error(Code::kUnavailable, "cannot reach {}: no network? ({})", url.host(), why);
      error.detail = kUnreachable;
      return error;
    }
    case CURLE_OPERATION_TIMEDOUT:
      return make_error(Code::kDeadline, "{} is too slow: {}", url.host(), why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return make_error(Code::kPermissionDenied, "{} has no trustworthy certificate: {}",
                        url.host(), why);
    case CURLE_FILESIZE_EXCEEDED:
      return make_error(Code::kCorrupt, "{} sends more than it announced", url.host());
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return make_error(Code::kCorrupt, "{} answered what is not HTTP: {}", url.host(), why);
    default:
      return make_error(Code::kUnavailable, "the transfer from {} broke off: {}", url.host(), why);
  }
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  return find_header(headers, name);
}
std::string_view HttpResponse::origin_header(std::string_view name) const {
  return find_header(origin_headers, name);
}

// One request on the wire, and what its callbacks gathered.
struct HttpClient::Transfer {
  CURL* easy = nullptr;
  const HttpRequest* request = nullptr;
  HttpResponse& response;
  std::size_t header_bytes = 0;
  std::uint64_t body_bytes = 0;
  bool head_given = false;
  Status stopped;  // an error of ours that ended the transfer
  char details[CURL_ERROR_SIZE] = "";

  bool stop(Error error) {
    stopped = std::move(error);
    return false;
  }

  bool take_header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kMaxHeaderBytes)
      return stop(make_error(Code::kCorrupt, "the server's headers are too long"));
    if (line.starts_with("HTTP/")) {  // also after an interim answer
      response.headers.clear();
      return true;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    response.headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
    return true;
  }

  void read_status() {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    response.status = static_cast<int>(status);
  }

  // Once, before the first byte of the body or at its empty end.
  bool give_head() {
    if (head_given) return true;
    head_given = true;
    read_status();
    if (response.from_origin) response.origin_headers = response.headers;
    if (response.status / 100 != 2 || !request->on_head) return true;
    Status status = request->on_head(response);
    return status.ok() || stop(std::move(status).error());
  }

  bool take_body(std::string_view piece) {
    if (!give_head()) return false;
    body_bytes += piece.size();
    if (response.status / 100 != 2) return body_bytes <= kMaxHeaderBytes;  // dropped
    if (body_bytes > request->max_body)
      return stop(
          make_error(Code::kCorrupt, "the server sends more than {} bytes", request->max_body));
    if (!request->on_body) return true;
    Status status = request->on_body(piece);
    return status.ok() || stop(std::move(status).error());
  }

  static std::size_t header_callback(char* data, std::size_t size, std::size_t n, void* self) {
    const std::size_t bytes = size * n;
    return static_cast<Transfer*>(self)->take_header({data, bytes}) ? bytes : 0;
  }
  static std::size_t body_callback(char* data, std::size_t size, std::size_t n, void* self) {
    const std::size_t bytes = size * n;
    if (static_cast<Transfer*>(self)->take_body({data, bytes})) return bytes;
    return bytes == 0 ? 1 : 0;
  }
  static int progress_callback(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto* transfer = static_cast<Transfer*>(self);
    if (!transfer->request->keep_going || transfer->request->keep_going()) return 0;
    transfer->stop(make_error(Code::kCancelled, "interrupted"));
    return 1;
  }
};

void HttpClient::FreeEasy::operator()(void* easy) const {
  curl_easy_cleanup(easy);
}

HttpClient::HttpClient(HttpSettings settings, Credential credential)
    : settings_(std::move(settings)), credential_(std::move(credential)) {
  initialise_curl_once();
  easy_.reset(curl_easy_init());
  AQ_CHECK(easy_ != nullptr);
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

void HttpClient::set_options(const Url& url, Transfer& transfer) {
  CURL* easy = easy_.get();
  curl_easy_reset(easy);  // keeps the open connections
  curl_easy_setopt(easy, CURLOPT_URL, url.text().c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, url.is_https() ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, settings_.connect_timeout_ms);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kLowSpeedBytesPerSecond);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, settings_.silence_s);
  curl_easy_setopt(
      easy, CURLOPT_MAXFILESIZE_LARGE,
      static_cast<curl_off_t>(std::min<std::uint64_t>(transfer.request->max_body, INT64_MAX)));
  if (!settings_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, settings_.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "aquilon/" AQUILON_VERSION);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.details);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::header_callback);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::body_callback);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::progress_callback);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

Status HttpClient::get_once(const Url& url, const HttpRequest& request, HttpResponse& response) {
  response.headers.clear();
  Transfer transfer{.easy = easy_.get(), .request = &request, .response = response};
  set_options(url, transfer);

  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, FreeList> headers;
  const auto add = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  add("Accept-Encoding: identity");
  if (request.range_from != 0) add(fmt::format("Range: bytes={}-", request.range_from));
  if (!credential_.token.empty() && url.origin() == credential_.origin)
    add("Authorization: Bearer " + credential_.token);
  curl_easy_setopt(transfer.easy, CURLOPT_HTTPHEADER, headers.get());

  const CURLcode code = curl_easy_perform(transfer.easy);
  curl_easy_setopt(transfer.easy, CURLOPT_HTTPHEADER, nullptr);
  if (!transfer.stopped.ok()) return std::move(transfer.stopped);
  transfer.read_status();
  // The head of a failure or redirect is enough, whatever became of its body.
  if (code != CURLE_OK && response.status < 300)
    return transport_error(code, url, transfer.details);
  if (!transfer.give_head()) return std::move(transfer.stopped);
  return {};
}

Result<HttpResponse> HttpClient::get(const Url& start, const HttpRequest& request) {
  Url url = start;
  HttpResponse response;
  for (int hop = 0; hop <= settings_.max_redirects; ++hop) {
    response.from_origin = url.origin() == start.origin();
    AQ_RETURN_IF_ERROR(get_once(url, request, response));
    if (!is_redirect(response.status)) return response;
    const std::string location(response.header("location"));
    if (location.empty()) return make_error(Code::kCorrupt, "{} redirects to nowhere", url.host());
    url = AQ_TRY(url.follow(location));
  }
  return make_error(Code::kCorrupt, "{} redirects more than {} times", start.host(),
                    settings_.max_redirects);
}

Result<HttpClient::Text> HttpClient::get_text(const Url& url, std::uint64_t max_body,
                                              const std::function<bool()>& keep_going) {
  Text text;
  HttpRequest request;
  request.max_body = max_body;
  request.keep_going = keep_going;
  request.on_body = [&](std::string_view piece) -> Status {
    text.body += piece;
    return {};
  };
  text.response = AQ_TRY(get(url, request));
  return text;
}

}  // namespace aquilon::hub

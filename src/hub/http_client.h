// HTTP GET over libcurl: bounded in time, size, headers and redirects; credentials never leave the
// host that they are for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hub/url.h"

namespace aquilon::hub {

struct HttpSettings {
  long connect_timeout_ms = 15'000;
  long silence_s = 30;  // a transfer slower than 1 kB a second for so long is given up
  int max_redirects = 8;
  std::string ca_file;  // certificates to trust instead of the system's, empty: those
};

// A secret and the only origin that may see it.
struct Credential {
  std::string origin;  // Url::origin()
  std::string token;   // empty: none
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in small letters
  // Those of the last answer by the host that was asked first: before it sends to another one, a
  // hub says size and checksum there.
  std::vector<std::pair<std::string, std::string>> origin_headers;
  bool from_origin = true;  // this answer is by that host

  // Empty when absent.
  std::string_view header(std::string_view name) const;
  std::string_view origin_header(std::string_view name) const;
};

struct HttpRequest {
  std::uint64_t range_from = 0;  // "Range: bytes=N-" when not 0
  std::uint64_t max_body = 0;    // more is an error
  // A successful answer's head, before its body; an Error ends the transfer and is returned.
  std::function<Status(const HttpResponse&)> on_head;
  // A piece of a successful answer's body; an Error ends the transfer and is returned.
  std::function<Status(std::string_view)> on_body;
  // Asked about every second and between pieces; false cancels.
  std::function<bool()> keep_going;
};

// The error's `detail` when no connection could be made at all.
inline constexpr std::string_view kUnreachable = "unreachable";

// One connection pool. Movable, not thread-safe.
class HttpClient {
 public:
  HttpClient(HttpSettings settings, Credential credential);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // The final answer, whatever its status; bodies of other than 2xx answers are dropped.
  // Errors: kUnavailable (no connection, broken transfer: worth another try), kDeadline (too slow),
  // kCorrupt (too large, malformed), kPermissionDenied (forbidden redirect), kCancelled, and those
  // of the callbacks.
  Result<HttpResponse> get(const Url& url, const HttpRequest& request);

  // A whole small body. `status` must be checked by the caller.
  struct Text {
    HttpResponse response;
    std::string body;
  };
  Result<Text> get_text(const Url& url, std::uint64_t max_body,
                        const std::function<bool()>& keep_going = {});

 private:
  struct Transfer;
  Status get_once(const Url& url, const HttpRequest& request, HttpResponse& response);
  void set_options(const Url& url, Transfer& transfer);

  struct FreeEasy {
    void operator()(void* easy) const;
  };
  HttpSettings settings_;
  Credential credential_;
  std::unique_ptr<void, FreeEasy> easy_;  // CURL
};

}  // namespace aquilon::hub

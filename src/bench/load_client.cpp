#include "bench/load_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "base/check.h"
#include "bench/child_process.h"  // steady_seconds

namespace aquilon::bench {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostBody = 1u << 20;  // of an error, and of the list of models
constexpr std::size_t kMostTold = 200;       // bytes of an error that is no JSON

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using Headers = std::unique_ptr<curl_slist, FreeList>;

Easy make_easy(const std::string& url) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  AQ_CHECK(ready == CURLE_OK);
  Easy easy(curl_easy_init());
  AQ_CHECK(easy != nullptr);
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  return easy;
}

Headers make_headers(const std::string& key) {
  curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
  list = curl_slist_append(list, "Expect:");  // a body is sent without asking first
  if (!key.empty()) list = curl_slist_append(list, ("Authorization: Bearer " + key).c_str());
  return Headers(list);
}

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

void set_limit(CURL* easy, double seconds) {
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::ceil(seconds * 1000)));
}

std::string text_of(const json::value& body, const char* pointer) {
  boost::system::error_code problem;
  const json::value* found = body.find_pointer(pointer, problem);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// What the body of a refusal says.
std::string refusal(const std::string& text) {
  boost::system::error_code problem;
  const json::value body = json::parse(text, problem);
  if (!problem)
    for (const char* pointer : {"/error/message", "/message", "/detail", "/error"})
      if (std::string told = text_of(body, pointer); !told.empty()) return told;
  return text.substr(0, kMostTold);
}

Error status_error(const std::string& url, long status, const std::string& body) {
  const Code code = status == 429 || status == 503 ? Code::kExhausted
                    : status >= 500                ? Code::kUnavailable
                                                   : Code::kInvalidArgument;
  return make_error(code, "{} answered {}: {}", url, status, refusal(body));
}

Error transfer_error(const std::string& url, CURLcode code, double limit_s) {
  if (code == CURLE_OPERATION_TIMEDOUT)
    return make_error(Code::kDeadline, "{} had not answered within {:g} s", url, limit_s);
  return make_error(Code::kUnavailable, "{}: {}", url, curl_easy_strerror(code));
}

}  // namespace

struct LoadClient::Request {
  LoadRecord record;
  std::string body;
  std::string refused;  // the body of an answer that is not 200
  Easy easy;

  static std::size_t on_body(char* bytes, std::size_t, std::size_t n, void* user) {
    auto& self = *static_cast<Request*>(user);
    if (status_of(self.easy.get()) == 200)
      self.record.answer.take({bytes, n}, steady_seconds());
    else if (self.refused.size() + n <= kMostBody)
      self.refused.append(bytes, n);
    return n;
  }
};

struct LoadClient::Multi {
  CURLM* handle = curl_multi_init();
  Headers headers;
  ~Multi() { curl_multi_cleanup(handle); }
};

LoadClient::LoadClient(LoadTarget target)
    : target_(std::move(target)),
      address_(target_.url +
               (target_.route == LoadRoute::kChat ? "/v1/chat/completions" : "/v1/completions")),
      multi_(std::make_unique<Multi>()) {
  AQ_CHECK(multi_->handle != nullptr);
  multi_->headers = make_headers(target_.key);
}

LoadClient::~LoadClient() {
  while (!requests_.empty()) cancel(requests_.begin()->first);
}

std::size_t LoadClient::send(std::string body) {
  auto request = std::make_unique<Request>();
  request->easy = make_easy(address_);
  request->body = std::move(body);
  CURL* const easy = request->easy.get();
  const std::size_t id = next_++;
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, multi_->headers.get());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(request->body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Request::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request.get());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, request.get());
  set_limit(easy, target_.limit_s);
  request->record.id = id;
  request->record.sent = steady_seconds();
  curl_multi_add_handle(multi_->handle, easy);
  requests_.emplace(id, std::move(request));
  return id;
}

std::vector<LoadRecord> LoadClient::wait(double seconds) {
  std::vector<LoadRecord> ended;
  const auto perform = [&] {
    int running = 0;
    curl_multi_perform(multi_->handle, &running);
    for (int left = 0; const CURLMsg* message = curl_multi_info_read(multi_->handle, &left);) {
      Request* request = nullptr;
      const CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
      ended.push_back(finish(request->record.id, code));
    }
  };
  perform();  // what was just sent goes out
  if (!ended.empty()) return ended;
  curl_multi_poll(multi_->handle, nullptr, 0, static_cast<int>(std::ceil(seconds * 1000)), nullptr);
  perform();
  return ended;
}

LoadRecord LoadClient::finish(std::size_t id, int curl_code) {
  const auto at = requests_.find(id);
  Request& request = *at->second;
  LoadRecord& record = request.record;
  CURL* const easy = request.easy.get();
  record.ended = steady_seconds();
  record.answer.end(record.ended);
  const auto code = static_cast<CURLcode>(curl_code);
  const long status = status_of(easy);
  if (code != CURLE_OK)
    record.error = transfer_error(address_, code, target_.limit_s);
  else if (status != 200)
    record.error = status_error(address_, status, request.refused);
  else if (!record.answer.error.empty())
    record.error = make_error(Code::kUnavailable, "{}: an answer broke off: {}", address_,
                              record.answer.error);
  else if (record.answer.finish_reason.empty())
    record.error = make_error(Code::kUnavailable, "{}: an answer ended before its end", address_);
  curl_multi_remove_handle(multi_->handle, easy);
  LoadRecord out = std::move(record);
  requests_.erase(at);
  return out;
}

const LoadRecord& LoadClient::at(std::size_t id) const {
  return requests_.at(id)->record;
}

void LoadClient::cancel(std::size_t id) {
  const auto at = requests_.find(id);
  if (at == requests_.end()) return;
  curl_multi_remove_handle(multi_->handle, at->second->easy.get());
  requests_.erase(at);
}

Result<std::string> server_url(std::string_view text) {
  std::string url(text);
  const auto drop = [&](std::string_view end) {
    if (url.ends_with(end)) url.resize(url.size() - end.size());
  };
  drop("/");
  drop("/v1");
  drop("/");
  const std::size_t scheme = url.find("://");
  const std::string_view name = std::string_view(url).substr(0, std::min(scheme, url.size()));
  if ((name == "http" || name == "https") && url.size() > scheme + 3) return url;
  return make_error(Code::kInvalidArgument,
                    "'{}' is no address of a server: http://127.0.0.1:8080 is one", text);
}

Result<std::string> served_model(const LoadTarget& target) {
  const std::string url = target.url + "/v1/models";
  const Easy easy = make_easy(url);
  const Headers headers = make_headers(target.key);
  std::string body;
  set_limit(easy.get(), target.limit_s);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(
      easy.get(), CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t, std::size_t n, void* user) {
        auto& text = *static_cast<std::string*>(user);
        if (text.size() + n > kMostBody) return std::size_t{0};
        text.append(bytes, n);
        return n;
      });
  if (const CURLcode code = curl_easy_perform(easy.get()); code != CURLE_OK)
    return transfer_error(url, code, target.limit_s);
  if (const long status = status_of(easy.get()); status != 200)
    return status_error(url, status, body);
  boost::system::error_code problem;
  const json::value list = json::parse(body, problem);
  const std::string id = problem ? "" : text_of(list, "/data/0/id");
  if (id.empty()) return make_error(Code::kUnavailable, "{} names no model", url);
  return id;
}

bool server_is_healthy(const std::string& url) {
  const Easy easy = make_easy(url + "/health");
  set_limit(easy.get(), 2);
  curl_easy_setopt(
      easy.get(), CURLOPT_WRITEFUNCTION,
      +[](char*, std::size_t, std::size_t n, void*) { return n; });
  return curl_easy_perform(easy.get()) == CURLE_OK && status_of(easy.get()) == 200;
}

}  // namespace aquilon::bench

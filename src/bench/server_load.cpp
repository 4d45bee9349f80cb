#include "bench/server_load.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <random>

#include "base/check.h"
#include "bench/child_process.h"  // steady_seconds

namespace aquilon::bench {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostBody = 1u << 20;  // of an error, and of one line
constexpr int kPollMs = 100;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;

struct Stream {
  Easy easy;
  std::string request;
  std::string error_body;
  StreamedAnswer answer;
};

Easy make_easy(const std::string& url) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  AQ_CHECK(ready == CURLE_OK);
  Easy easy(curl_easy_init());
  AQ_CHECK(easy != nullptr);
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  return easy;
}

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t on_body(char* bytes, std::size_t, std::size_t n, void* user) {
  auto& stream = *static_cast<Stream*>(user);
  if (status_of(stream.easy.get()) == 200) {
    stream.answer.take({bytes, n}, steady_seconds());
  } else if (stream.error_body.size() + n <= kMostBody) {
    stream.error_body.append(bytes, n);
  }
  return n;
}

std::string request_body(const std::string& model, const ServerTest& test, std::mt19937& random) {
  json::array prompt;
  for (std::size_t i = 0; i < test.prompt; ++i) prompt.push_back(10 + random() % 240);
  return json::serialize(json::object{{"model", model},
                                      {"prompt", std::move(prompt)},
                                      {"max_tokens", test.generate},
                                      {"temperature", 0},
                                      {"stream", true},
                                      {"ignore_eos", true}});
}

// The first of GET /v1/models.
Result<std::string> served_model(const ServerLoadOptions& options) {
  const std::string url = options.url + "/v1/models";
  const Easy easy = make_easy(url);
  std::string body;
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(options.limit_s * 1000));
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(
      easy.get(), CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t, std::size_t n, void* user) {
        auto& text = *static_cast<std::string*>(user);
        if (text.size() + n > kMostBody) return std::size_t{0};
        text.append(bytes, n);
        return n;
      });
  if (const CURLcode code = curl_easy_perform(easy.get()); code != CURLE_OK)
    return make_error(Code::kUnavailable, "{}: {}", url, curl_easy_strerror(code));
  boost::system::error_code problem;
  const json::value list = json::parse(body, problem);
  const json::value* id = problem ? nullptr : list.find_pointer("/data/0/id", problem);
  if (id == nullptr || !id->is_string())
    return make_error(Code::kUnavailable, "{} names no model", url);
  return std::string(id->get_string());
}

std::string refusal(const Stream& stream) {
  boost::system::error_code problem;
  const json::value body = json::parse(stream.error_body, problem);
  if (!problem)
    if (const json::value* message = body.find_pointer("/error/message", problem))
      if (message->is_string()) return std::string(message->get_string());
  return stream.error_body.substr(0, 200);
}

Status check_stream(const Stream& stream, CURLcode code, const std::string& url) {
  if (code == CURLE_OPERATION_TIMEDOUT)
    return make_error(Code::kDeadline, "{} had not answered in time", url);
  if (code != CURLE_OK)
    return make_error(Code::kUnavailable, "{}: {}", url, curl_easy_strerror(code));
  const long status = status_of(stream.easy.get());
  if (status != 200)
    return make_error(Code::kInvalidArgument, "{} answered {}: {}", url, status, refusal(stream));
  if (stream.answer.finish_reason != "length")
    return make_error(Code::kUnavailable, "{}: an answer ended by '{}' before its length", url,
                      stream.answer.finish_reason);
  return {};
}

// Runs all streams to their ends.
Status transfer(std::vector<Stream>& streams, const ServerLoadOptions& options) {
  const std::unique_ptr<CURLM, FreeMulti> multi(curl_multi_init());
  const auto detach = [&](std::vector<Stream>* all) {
    for (Stream& stream : *all) curl_multi_remove_handle(multi.get(), stream.easy.get());
  };
  const std::unique_ptr<std::vector<Stream>, decltype(detach)> attached(&streams, detach);
  for (Stream& stream : streams) curl_multi_add_handle(multi.get(), stream.easy.get());
  for (int running = 1; running > 0;) {
    curl_multi_perform(multi.get(), &running);
    for (int left = 0; const CURLMsg* message = curl_multi_info_read(multi.get(), &left);) {
      const auto at = std::find_if(streams.begin(), streams.end(), [&](const Stream& stream) {
        return stream.easy.get() == message->easy_handle;
      });
      AQ_RETURN_IF_ERROR(check_stream(*at, message->data.result, options.url));
    }
    if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, kPollMs, nullptr);
    if (!options.keep_going()) return Error{Code::kCancelled, "interrupted"};
  }
  return {};
}

Status run_test(const ServerTest& test, const ServerLoadOptions& options, const std::string& model,
                std::mt19937& random, Speeds& speeds) {
  const std::unique_ptr<curl_slist, FreeList> headers(
      curl_slist_append(nullptr, "Content-Type: application/json"));
  std::vector<Stream> streams(test.streams);
  for (Stream& stream : streams) {
    stream.easy = make_easy(options.url + "/v1/completions");
    stream.request = request_body(model, test, random);
    CURL* const easy = stream.easy.get();
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(stream.request.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, stream.request.c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.limit_s * 1000));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &stream);
  }
  const double begin = steady_seconds();
  AQ_RETURN_IF_ERROR(transfer(streams, options));
  double first = streams[0].answer.first, all_first = first, last = first;
  for (const Stream& stream : streams) {
    first = std::min(first, stream.answer.first);
    all_first = std::max(all_first, stream.answer.first);
    last = std::max(last, stream.answer.last);
  }
  if (last <= first)
    return make_error(Code::kUnavailable, "{}: {} tokens came in one piece", options.url,
                      test.generate);
  const auto n = static_cast<double>(test.streams);
  speeds[test.first_name()] = n * static_cast<double>(test.prompt) / (all_first - begin);
  speeds[test.write_name()] = n * static_cast<double>(test.generate - 1) / (last - first);
  return {};
}

std::string times(std::size_t streams) {
  return streams > 1 ? fmt::format("x{}", streams) : "";
}

}  // namespace

std::string ServerTest::first_name() const {
  return fmt::format("first{}{}", prompt, times(streams));
}
std::string ServerTest::write_name() const {
  return fmt::format("write{}@{}{}", generate, prompt, times(streams));
}

void StreamedAnswer::take(std::string_view bytes, double now) {
  constexpr std::string_view kData = "data:";
  for (const char c : bytes) {
    if (c != '\n') {
      if (line_.size() < kMostBody) line_ += c;
      continue;
    }
    if (line_.starts_with(kData)) take_event(std::string_view(line_).substr(kData.size()), now);
    line_.clear();
  }
}

void StreamedAnswer::take_event(std::string_view text, double now) {
  boost::system::error_code problem;
  const json::value event = json::parse(text, problem);
  if (problem) return;  // "[DONE]"
  const json::value* choice = event.find_pointer("/choices/0", problem);
  const json::object* object = choice != nullptr ? choice->if_object() : nullptr;
  if (object == nullptr) return;
  const json::value* piece = object->if_contains("text");
  if (piece != nullptr && piece->is_string() && !piece->get_string().empty()) {
    if (first == 0) first = now;
    last = now;
  }
  const json::value* reason = object->if_contains("finish_reason");
  if (reason != nullptr && reason->is_string()) finish_reason = std::string(reason->get_string());
}

Result<Speeds> measure_server(const std::vector<ServerTest>& tests,
                              const ServerLoadOptions& options) {
  const std::string model = AQ_TRY(served_model(options));
  std::mt19937 random(options.seed);
  Speeds speeds;
  Speeds warm_up;  // the first request after a start pays for first touches of memory
  AQ_RETURN_IF_ERROR(
      run_test({.prompt = 16, .generate = 16, .streams = 1}, options, model, random, warm_up));
  for (const ServerTest& test : tests)
    AQ_RETURN_IF_ERROR(run_test(test, options, model, random, speeds));
  return speeds;
}

bool server_is_healthy(const std::string& url) {
  const Easy easy = make_easy(url + "/health");
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, 2000L);
  curl_easy_setopt(
      easy.get(), CURLOPT_WRITEFUNCTION,
      +[](char*, std::size_t, std::size_t n, void*) { return n; });
  return curl_easy_perform(easy.get()) == CURLE_OK && status_of(easy.get()) == 200;
}

}  // namespace aquilon::bench

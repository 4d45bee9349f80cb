// Many streamed requests to one server at once, on one thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/answer_stream.h"

namespace aquilon::bench {

enum class LoadRoute { kChat, kCompletions };

struct LoadTarget {
  std::string url;  // "http://127.0.0.1:8080"
  std::string key;  // sent as Authorization: Bearer; empty: none
  LoadRoute route = LoadRoute::kCompletions;
  double limit_s = 600;  // of a request
};

// "http://host:1/v1/" as "http://host:1". Errors: kInvalidArgument where it is no http(s) URL.
Result<std::string> server_url(std::string_view text);

// One request, as it went. Times are seconds of steady_seconds().
struct LoadRecord {
  std::size_t id = 0;
  double sent = 0;
  double ended = 0;
  AnswerStream answer;
  // What went wrong: kUnavailable (no connection, or an answer that broke off), kInvalidArgument or
  // kExhausted (the server refused), kDeadline.
  std::optional<Error> error;
};

// Connections are kept and used again. Threads: one user at a time.
class LoadClient {
 public:
  explicit LoadClient(LoadTarget target);
  ~LoadClient();
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // Sends a JSON body, which asks for a stream. The request's number: 0, 1, ...
  std::size_t send(std::string body);
  // Waits for bytes, `seconds` at most; returns the requests that ended meanwhile.
  std::vector<LoadRecord> wait(double seconds);
  std::size_t running() const { return requests_.size(); }
  // What came of a request that runs.
  const LoadRecord& at(std::size_t id) const;
  // Closes the connection of a request that runs: it is no longer told of.
  void cancel(std::size_t id);

 private:
  struct Request;
  struct Multi;

  LoadRecord finish(std::size_t id, int curl_code);

  const LoadTarget target_;
  const std::string address_;
  std::unique_ptr<Multi> multi_;
  std::map<std::size_t, std::unique_ptr<Request>> requests_;
  std::size_t next_ = 0;
};

// The first of GET /v1/models. Errors: kUnavailable, kInvalidArgument (the key is wrong).
Result<std::string> served_model(const LoadTarget& target);

// Whether GET /health answers 200.
bool server_is_healthy(const std::string& url);

}  // namespace aquilon::bench

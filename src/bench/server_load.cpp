#include "bench/server_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <random>

#include "bench/child_process.h"  // steady_seconds
#include "bench/load_client.h"

namespace aquilon::bench {
namespace {

namespace json = boost::json;

constexpr double kPollSeconds = 0.1;

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

Status run_test(const ServerTest& test, const ServerLoadOptions& options, const std::string& model,
                std::mt19937& random, Speeds& speeds) {
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < test.streams; ++i)
    bodies.push_back(request_body(model, test, random));
  LoadClient client({.url = options.url, .limit_s = options.limit_s});
  const double begin = steady_seconds();
  for (std::string& body : bodies) client.send(std::move(body));
  std::vector<double> firsts, lasts;
  while (client.running() > 0) {
    for (const LoadRecord& record : client.wait(kPollSeconds)) {
      if (record.error) return *record.error;
      if (record.answer.finish_reason != "length" || record.answer.pieces.empty())
        return make_error(Code::kUnavailable, "{}: an answer ended by '{}' before its length",
                          options.url, record.answer.finish_reason);
      firsts.push_back(record.answer.pieces.front());
      lasts.push_back(record.answer.pieces.back());
    }
    if (!options.keep_going()) return Error{Code::kCancelled, "interrupted"};
  }
  const auto [first, all_first] = std::minmax_element(firsts.begin(), firsts.end());
  const double last = *std::max_element(lasts.begin(), lasts.end());
  if (last <= *first)
    return make_error(Code::kUnavailable, "{}: {} tokens came in one piece", options.url,
                      test.generate);
  const auto n = static_cast<double>(test.streams);
  speeds[test.first_name()] = n * static_cast<double>(test.prompt) / (*all_first - begin);
  speeds[test.write_name()] = n * static_cast<double>(test.generate - 1) / (last - *first);
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

Result<Speeds> measure_server(const std::vector<ServerTest>& tests,
                              const ServerLoadOptions& options) {
  const std::string model = AQ_TRY(served_model({.url = options.url, .limit_s = options.limit_s}));
  std::mt19937 random(options.seed);
  Speeds speeds;
  Speeds warm_up;  // the first request after a start pays for first touches of memory
  AQ_RETURN_IF_ERROR(
      run_test({.prompt = 16, .generate = 16, .streams = 1}, options, model, random, warm_up));
  for (const ServerTest& test : tests)
    AQ_RETURN_IF_ERROR(run_test(test, options, model, random, speeds));
  return speeds;
}

}  // namespace aquilon::bench

#include "apps/bench_serve_options.h"

#include <charconv>

namespace aquilon::apps {
namespace {

Result<std::vector<double>> parse_rates(std::string_view text) {
  std::vector<double> rates;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    double rate = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), rate);
    if (code != std::errc() || end != word.data() + word.size() || !(rate >= 1e-4 && rate <= 1e6))
      return make_error(Code::kInvalidArgument,
                        "--rate takes numbers from 0.0001 to 1000000 with commas between, not '{}'",
                        word);
    rates.push_back(rate);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return rates;
}

Result<bench::GoodputBounds> goodput_bounds(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + " ";
  return bench::parse_goodput(all);
}

Result<std::vector<bench::LoadPlan>> choose_plans(const BenchServeOptions& options) {
  const auto rates = AQ_TRY(parse_rates(options.rate));
  if (!rates.empty() && !options.clients.empty())
    return Error{Code::kInvalidArgument, "--clients and --rate are two sorts of load: give one"};
  const std::string_view clients = !options.clients.empty() ? std::string_view(options.clients)
                                   : options.join > 0       ? "3"
                                                            : "1";
  if (options.join > 0 && !rates.empty())
    return Error{Code::kInvalidArgument, "--join takes --clients, not --rate"};
  std::vector<bench::LoadPlan> plans;
  for (const double rate : rates) plans.push_back({.rate = rate});
  if (rates.empty())
    for (const std::size_t n : AQ_TRY(parse_counts(clients, "--clients", 1, 65536)))
      plans.push_back({.clients = n});
  if (options.join > 0 && plans.size() != 1)
    return Error{Code::kInvalidArgument, "--join takes one number of --clients"};
  for (bench::LoadPlan& plan : plans) {
    plan.seconds = options.seconds;
    plan.requests = static_cast<std::size_t>(options.requests);
    if (plan.requests > 0 || (plan.seconds > 0 && options.join == 0)) continue;
    plan.requests = options.join > 0 ? 3 : plan.rate > 0 ? 32 : 8 * plan.clients;
  }
  return plans;
}

Result<bench::LoadRoute> parse_route(const std::string& route) {
  if (route == "chat") return bench::LoadRoute::kChat;
  if (route == "completions") return bench::LoadRoute::kCompletions;
  return make_error(Code::kInvalidArgument, "--route is chat or completions, not '{}'", route);
}

}  // namespace

Result<std::vector<bench::LoadCase>> choose_loads(const BenchServeOptions& options) {
  bench::LoadCase load;
  load.url = AQ_TRY(bench::server_url(options.url));
  load.bounds = AQ_TRY(goodput_bounds(options.goodput));
  load.shape.route = AQ_TRY(parse_route(options.route));
  load.shape.model = options.model;
  load.shape.prompt = static_cast<std::size_t>(options.prompt);
  load.shape.generate = static_cast<std::size_t>(options.generate);
  load.shape.shared_prefix = static_cast<std::size_t>(options.shared_prefix);
  load.shape.shared_part = options.shared_part / 100;
  std::vector<bench::LoadCase> loads;
  for (const bench::LoadPlan& plan : AQ_TRY(choose_plans(options))) {
    load.plan = plan;
    loads.push_back(load);
  }
  return loads;
}

}  // namespace aquilon::apps

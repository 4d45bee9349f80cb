// /metrics, /livez and /readyz, and the dashboard that asks for them.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "api/http_client_for_test.h"
#include "api/metrics_text.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

std::string metrics_of(const ServerForTest& server) {
  ClientForTest client(server.port());
  const ClientAnswer answer = client.get("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return answer.body;
}

bool has_line(const std::string& text, std::string_view line) {
  return ("\n" + text).find(fmt::format("\n{}\n", line)) != std::string::npos;
}

TEST(MetricsTextTest, LabelsAreEscaped) {
  EXPECT_EQ(MetricsText::label("a", "b\"\\\n"), R"(a="b\"\\\n")");
}

TEST(MetricsTextTest, HistogramsAddUp) {
  constexpr double kBounds[] = {0.5, 1, 2};
  Histogram histogram(kBounds);
  for (const double value : {0.25, 0.5, 1.5, 9.0}) histogram.observe(value);
  MetricsText text;
  text.family("t", "histogram", "times");
  text.histogram("m=\"x\"", histogram);
  EXPECT_EQ(text.take(),
            "# HELP t times\n# TYPE t histogram\n"
            "t_bucket{m=\"x\",le=\"0.5\"} 2\nt_bucket{m=\"x\",le=\"1.0\"} 2\n"
            "t_bucket{m=\"x\",le=\"2.0\"} 3\nt_bucket{m=\"x\",le=\"+Inf\"} 4\n"
            "t_sum{m=\"x\"} 11.25\nt_count{m=\"x\"} 4\n");
}

// Every line is a comment, or a name, labels and a number; a family's lines stand together.
TEST(MetricsTest, TheFormatIsSound) {
  ServerForTest server;
  std::istringstream lines(metrics_of(server));
  std::set<std::string> families;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, second, name;
    words >> first >> second >> name;
    if (first == "#" && second == "HELP") {
      EXPECT_TRUE(families.insert(name).second) << name << " comes twice";
      family = name;
    }
    if (first == "#") {
      EXPECT_EQ(name, family);
      continue;
    }
    EXPECT_TRUE(line.starts_with(family)) << line;
    EXPECT_NO_THROW(std::stod(line.substr(line.rfind(' ') + 1))) << line;
  }
}

TEST(MetricsTest, RequestsAreCountedByRouteAndStatus) {
  ServerForTest server;
  {
    ClientForTest client(server.port());
    client.get("/health");
    client.get("/health");
    client.get("/nowhere");
    client.post("/v1/completions", "{");
    client.send("BREW /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.receive();
  }
  const std::string text = metrics_of(server);
  for (const std::string_view line :
       {R"(http_requests_total{handler="/health",method="GET",status="200"} 2)",
        R"(http_requests_total{handler="none",method="GET",status="404"} 1)",
        R"(http_requests_total{handler="none",method="other",status="405"} 1)",
        R"(http_requests_total{handler="/v1/completions",method="POST",status="400"} 1)",
        R"(http_request_duration_seconds_count{handler="/health"} 2)", "aquilon_ready 1"})
    EXPECT_TRUE(has_line(text, line)) << line << "\n in " << text;
  EXPECT_NE(text.find("process_resident_memory_bytes "), text.npos);
  EXPECT_NE(text.find("process_open_fds "), text.npos);
}

TEST(MetricsTest, EnginesAreToldUnderTheNamesThatDashboardsKnow) {
  ServerForTest server;
  server.metrics().running.set(3);
  server.metrics().kv_usage.set(0.5);
  server.metrics().prompt_tokens.add(7);
  server.metrics().endings[0].add(2);
  server.metrics().first_token.observe(0.03);
  const std::string text = metrics_of(server);
  for (
      const std::string_view line :
      {R"(vllm:num_requests_running{model_name="fake-model",engine="0"} 3)",
       R"(vllm:kv_cache_usage_perc{model_name="fake-model",engine="0"} 0.5)",
       R"(vllm:prompt_tokens_total{model_name="fake-model",engine="0"} 7)",
       R"(vllm:request_success_total{model_name="fake-model",engine="0",finished_reason="stop"} 2)",
       R"(vllm:time_to_first_token_seconds_bucket{model_name="fake-model",engine="0",le="0.04"} 1)",
       R"(vllm:time_to_first_token_seconds_bucket{model_name="fake-model",engine="0",le="0.02"} 0)",
       R"(vllm:time_to_first_token_seconds_count{model_name="fake-model",engine="0"} 1)",
       R"(aquilon_model_loaded{model_name="fake-model",engine="0"} 1)"})
    EXPECT_TRUE(has_line(text, line)) << line << "\n in " << text;
}

TEST(MetricsTest, TheyNeedTheKeyWhereThereIsOne) {
  ServerForTest server({.access = {.api_keys = {"k"}}});
  ClientForTest client(server.port());
  EXPECT_EQ(client.get("/metrics").status, 401);
  EXPECT_EQ(client.get("/metrics", "Authorization: Bearer k\r\n").status, 200);
  EXPECT_EQ(client.get("/livez").status, 200);
  EXPECT_EQ(client.get("/readyz").status, 200);
}

TEST(ProbesTest, UnreadyHasItsReason) {
  ServerForTest server({.longest_step = 1000}, {.ready = false});
  ClientForTest client(server.port());
  const ClientAnswer answer = client.get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.count("retry-after"), 1u);
  EXPECT_NE(answer.body.find("the engine of model 'fake-model' does not step"), std::string::npos);
  EXPECT_EQ(client.get("/livez").status, 200);
  EXPECT_TRUE(has_line(metrics_of(server), "aquilon_ready 0"));
}

TEST(ProbesTest, AStuckStepIsTheEndOfTheProcess) {
  ServerForTest server({.longest_step = 0.001});
  ClientForTest client(server.port());
  EXPECT_EQ(client.get("/livez").status, 200);
  server.metrics().begin_step();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const ClientAnswer answer = client.get("/livez");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("longer than --longest-step"), std::string::npos);
  server.metrics().end_step();
  EXPECT_EQ(client.get("/livez").status, 200);
}

TEST(ProbesTest, AStoppingServerIsNotReady) {
  ServerForTest server({.quiet_time = std::chrono::seconds(10)});
  ClientForTest client(server.port());
  client.get("/health");
  ClientForTest other(server.port());
  other.get("/health");
  server.begin_stop();
  for (bool open = true; open;) open = ClientForTest(server.port()).fd() >= 0;
  const ClientAnswer answer = client.get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("the server is stopping"), std::string::npos);
  EXPECT_EQ(other.get("/livez").status, 200);
}

// Names in queries: of metrics, not of functions or labels.
std::set<std::string> names_in(std::string_view query) {
  std::set<std::string> names;
  for (const std::string_view prefix : {"vllm:", "aquilon_", "http_", "process_"})
    for (std::size_t at = query.find(prefix); at != query.npos; at = query.find(prefix, at + 1)) {
      if (at > 0 &&
          (std::isalnum(static_cast<unsigned char>(query[at - 1])) || query[at - 1] == '_'))
        continue;
      const std::size_t end = query.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_:", at);
      names.insert(std::string(query.substr(at, end - at)));
    }
  return names;
}

void collect_queries(const json::value& value, std::vector<std::string>& out) {
  if (const json::array* array = value.if_array())
    for (const json::value& item : *array) collect_queries(item, out);
  const json::object* object = value.if_object();
  if (!object) return;
  for (const auto& [key, member] : *object) {
    if ((key == "expr" || key == "query") && member.is_string() && member != "prometheus")
      out.emplace_back(member.as_string());
    collect_queries(member, out);
  }
}

TEST(DashboardTest, EveryQueryNamesAMetricThatIsThere) {
  std::ifstream file(AQUILON_SOURCE_DIR "/ops/grafana.json");
  std::stringstream text;
  text << file.rdbuf();
  std::vector<std::string> queries;
  collect_queries(json::parse(text.str()), queries);
  ASSERT_GT(queries.size(), 20u);
  ServerForTest server({.tls = {}});
  const std::string metrics =
      metrics_of(server) + metrics_of(server);  // the first is in the second
  for (const std::string& query : queries) {
    const auto names = names_in(query);
    EXPECT_FALSE(names.empty()) << query;
    for (const std::string& name : names)
      EXPECT_TRUE(metrics.find("\n" + name + "{") != metrics.npos ||
                  metrics.find("\n" + name + " ") != metrics.npos ||
                  metrics.find("\n# TYPE " + name + " ") != metrics.npos)
          << name << " in " << query;
  }
}

}  // namespace
}  // namespace aquilon::api

// A network that means harm: floods, dripping clients, bodies that are never what they say. Single
// malformed requests are cases of tests/api/hostile.case and smuggling.case.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/json/parse.hpp>
#include <thread>

#include "api/http_client_for_test.h"
#include "api/server_for_test.h"
#include "base/check.h"
#include "base/process_usage.h"

namespace aquilon::api {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kText = "/v1/completions";

std::string text_body(std::string_view prompt, std::string_view more = "") {
  return fmt::format(R"({{"model":"fake-model","prompt":"{}"{}}})", prompt, more);
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
  return condition();
}

int well(const ServerForTest& server) {
  ClientForTest client(server.port());
  return client.post(kText, text_body("hi")).status;
}

int well_of(const ServerForTest& server, std::string_view path) {
  ClientForTest client(server.port());
  return client.get(path).status;
}

TEST(HostileTest, AHundredMegabytesAreRefusedBeforeTheyCome) {
  ServerForTest server;
  ClientForTest client(server.port());
  client.send(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n");
  EXPECT_EQ(client.receive().status, 413);
  EXPECT_EQ(well(server), 200);
}

TEST(HostileTest, AChunkedBodyWithoutEndIsCutOffAtTheLimit) {
  ServerForTest server({.max_body_bytes = 100'000});
  ClientForTest client(server.port());
  client.send(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "2710\r\n" + std::string(10'000, ' ') + "\r\n";
  for (int i = 0; i < 20 && client.send(chunk); ++i) continue;
  EXPECT_EQ(client.receive().status, 413);
  EXPECT_EQ(well(server), 200);
}

TEST(HostileTest, NestingWithoutEndIsRefused) {
  ServerForTest server;
  for (const std::string& open :
       {std::string("["), std::string("{\"a\":"), std::string("[{\"a\":")}) {
    std::string body;
    while (body.size() < 1'000'000) body += open;
    ClientForTest client(server.port());
    EXPECT_EQ(client.post(kText, body).status, 400) << open;
  }
  EXPECT_EQ(well(server), 200);
}

TEST(HostileTest, AMillionBytesOfOneKindEach) {
  ServerForTest server;
  std::string keys = "{";
  for (int i = 0; keys.size() < 900'000; ++i) keys += fmt::format("\"k{}\":0,", i);
  keys += "\"k0\":0}";  // given twice
  std::string numbers = R"({"model":"fake-model","prompt":[)" + std::string(900'000, '9') + "]}";
  std::string escapes = R"({"model":"fake-model","prompt":")";
  while (escapes.size() < 900'000) escapes += "\\u0041\\ud83d\\ude00";
  escapes += "\"}";
  std::string items = R"({"model":"fake-model","messages":[)";
  while (items.size() < 900'000) items += R"({"role":"user","content":""},)";
  items.back() = ']';
  items += '}';
  for (const auto& [path, body, status] :
       {std::tuple{kText, keys, 400}, std::tuple{kText, numbers, 422},
        std::tuple{kText, escapes, 200}, std::tuple{kText, std::string(1'000'000, '"'), 400},
        std::tuple{std::string_view("/v1/chat/completions"), items, 0}}) {
    ClientForTest client(server.port());
    const int got = client.post(path, body).status;
    EXPECT_TRUE(got == status || (status != 400 && got >= 200 && got < 500))
        << body.substr(0, 40) << " " << got;
  }
  EXPECT_EQ(well(server), 200);
}

TEST(HostileTest, DrippingClientsHoldNobodyElseUp) {
  ServerForTest server({.head_timeout = 1s, .body_timeout = 1s});
  std::vector<std::unique_ptr<ClientForTest>> heads, bodies;
  for (int i = 0; i < 150; ++i) {
    heads.push_back(std::make_unique<ClientForTest>(server.port()));
    heads.back()->send("GET /health HTTP/1.1\r\nHost: local");
    bodies.push_back(std::make_unique<ClientForTest>(server.port()));
    bodies.back()->send(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{");
    heads.back()->send("h");
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(well(server), 200);
  for (const auto& client : heads) EXPECT_EQ(client->receive().status, 408);
  for (const auto& client : bodies) EXPECT_EQ(client->receive().status, 408);
  EXPECT_TRUE(eventually([&] { return well(server) == 200; }));
}

TEST(HostileTest, TheDefaultsEndSlowHeadsAndBodiesWithinFiftySeconds) {
  const ServerConfig config;
  EXPECT_LT(config.head_timeout + config.body_timeout, 50s);
}

TEST(HostileTest, BodiesThatArriveTogetherAreBounded) {
  ServerForTest server({.max_arriving_bytes = 1'000'000});
  std::vector<std::unique_ptr<ClientForTest>> clients;
  int crowded = 0;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<ClientForTest>(server.port()));
    clients.back()->send(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n" +
        std::string(400'000, ' '));
  }
  EXPECT_TRUE(eventually([&] {
    crowded = 0;
    for (const auto& client : clients) crowded += client->wait_for(" 503 ", 20ms) ? 1 : 0;
    return crowded >= 1;
  }));
  EXPECT_LE(crowded, 2);  // those that were there stay
  clients.clear();
  EXPECT_TRUE(eventually([&] { return well(server) == 200; }));
}

TEST(HostileTest, PipelinesWithoutEndAreReadOnlyAsFarAsTheyAreAnswered) {
  ServerForTest server({.shutdown_grace = 100ms});
  ClientForTest client(server.port());
  client.send(post_request(kText, text_body("!wait")));
  ASSERT_TRUE(eventually([&] { return server.generator().running() == 1; }));
  const std::uint64_t before = process_usage().resident_bytes;
  std::thread flood([&] {
    const std::string requests(1 << 16, 'x');
    for (int i = 0; i < 1024 && client.send(requests); ++i) continue;
  });
  std::this_thread::sleep_for(200ms);
  // What the kernel's buffers do not take stays with the client.
  EXPECT_LT(process_usage().resident_bytes, before + (32u << 20));
  EXPECT_EQ(well(server), 200);
  server.stop();
  flood.join();
}

TEST(HostileTest, IdleConnectionsMakeRoomForOthersStrangersFirst) {
  ServerForTest server({.access = {.api_keys = {"sesame"}}, .max_connections = 8});
  constexpr const char* kKey = "x-api-key: sesame\r\n";
  ClientForTest known(server.port());
  EXPECT_EQ(known.get("/v1/models", kKey).status, 200);
  ClientForTest busy(server.port());
  busy.send(post_request(kText, text_body("!wait", R"(,"stream":true)"), kKey));
  ASSERT_TRUE(eventually([&] { return server.generator().running() == 1; }));
  std::vector<std::unique_ptr<ClientForTest>> crowd;
  for (int i = 0; i < 40; ++i) {
    crowd.push_back(std::make_unique<ClientForTest>(server.port()));
    if (i % 2 == 1) crowd.back()->send("GET /health HTTP/1.1\r\nHo");
    if (i % 3 == 1)
      crowd.back()->send("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
    if (i % 10 == 9) {
      EXPECT_EQ(well_of(server, "/livez"), 200) << i;
      ClientForTest other(server.port());
      EXPECT_EQ(other.post(kText, text_body("hi"), kKey).status, 200) << i;
    }
  }
  EXPECT_TRUE(crowd[0]->closed());
  EXPECT_EQ(known.get("/v1/models", kKey).status, 200);  // on the connection that it had
  EXPECT_TRUE(eventually([&] { return server.generator().running() == 1; }));
  EXPECT_EQ(server.generator().cancelled(), 0);
  const std::string metrics = known.get("/metrics", kKey).body;
  EXPECT_NE(metrics.find("aquilon_refused_connections_total 0"), std::string::npos) << metrics;
  EXPECT_EQ(metrics.find("aquilon_displaced_connections_total 0"), std::string::npos) << metrics;
}

TEST(HostileTest, AServerFullOfWorkStillAnswersProbes) {
  ServerForTest server({.max_connections = 2, .shutdown_grace = 100ms});
  std::vector<std::unique_ptr<ClientForTest>> busy;
  for (int i = 0; i < 2; ++i) {
    busy.push_back(std::make_unique<ClientForTest>(server.port()));
    busy.back()->send(post_request(kText, text_body("!wait", R"(,"stream":true)")));
  }
  ASSERT_TRUE(eventually([&] { return server.generator().running() == 2; }));
  std::vector<std::unique_ptr<ClientForTest>> crowd;
  for (int i = 0; i < 40; ++i) {
    crowd.push_back(std::make_unique<ClientForTest>(server.port()));
    EXPECT_EQ(well_of(server, "/livez"), 200) << i;
  }
  ClientForTest refused(server.port());
  const ClientAnswer answer = refused.post(kText, text_body("hi"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.count("retry-after"), 1u);
  EXPECT_TRUE(refused.closed());
  EXPECT_EQ(server.generator().running(), 2);
}

// One process has the descriptors of both sides here: the last one goes to the client.
TEST(HostileTest, WithoutDescriptorsConnectionsWait) {
  ServerForTest server;
  EXPECT_EQ(well(server), 200);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  const int probe = dup(0);
  close(probe);
  tight.rlim_cur = static_cast<rlim_t>(probe) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  ClientForTest client(server.port());
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_FALSE(client.wait_for("HTTP", 200ms));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(client.receive().status, 200);
}

TEST(HostileTest, ABrokenInvariantEndsItsRequestAlone) {
  ServerForTest server({}, {.steps_per_second = 50});
  const std::uint64_t broken = broken_invariants();
  ClientForTest stream(server.port());
  stream.send(post_request(kText, text_body("!say a b c d e f g h i j", R"(,"stream":true)")));
  ASSERT_TRUE(stream.wait_for("\"text\":\"a\""));
  for (const char* more : {"", R"(,"stream":true)"}) {
    ClientForTest client(server.port());
    const ClientAnswer answer = client.post(kText, text_body("!break", more));
    EXPECT_EQ(answer.status, 500);
    EXPECT_NE(answer.body.find("the server failed"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("invariant"), std::string::npos) << answer.body;
    EXPECT_EQ(boost::json::parse(answer.body).at("error").at("code").as_string(), "internal");
    const AccessRecord logged = server.log().back();
    EXPECT_EQ(logged.request_id, answer.headers.at("x-request-id"));
    EXPECT_EQ(logged.status, 500);
    EXPECT_EQ(logged.outcome.error, "internal");
    EXPECT_EQ(client.get("/health").status, 200);  // on the same connection
  }
  ClientForTest other(server.port());
  const ClientAnswer answer = other.post(
      "/v1/messages",
      R"({"model":"fake-model","max_tokens":9,"messages":[{"role":"user","content":"!break"}]})");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(boost::json::parse(answer.body).at("error").at("type").as_string(), "api_error");
  EXPECT_EQ(broken_invariants(), broken + 3);
  EXPECT_NE(other.get("/metrics")
                .body.find(fmt::format("aquilon_broken_invariants_total {}\n", broken + 3)),
            std::string::npos);
  EXPECT_EQ(stream.receive().events().back(), "[DONE]");
}

}  // namespace
}  // namespace aquilon::api

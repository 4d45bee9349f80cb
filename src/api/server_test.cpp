// The server over real sockets: clients that leave, dawdle, crowd, and a server that stops.
#include "api/server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "api/http_client_for_test.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kChat = "/v1/chat/completions";

std::string chat_body(std::string_view content, std::string_view more = "") {
  return fmt::format(R"({{"model":"fake-model","messages":[{{"role":"user","content":"{}"}}]{}}})",
                     content, more);
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

TEST(ServerTest, AnswersSeveralRequestsOnOneConnection) {
  ServerForTest server;
  ClientForTest client(server.port());
  EXPECT_EQ(client.get("/health").status, 200);
  const ClientAnswer answer = client.post(kChat, chat_body("hi"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("The north wind blows over the sea."), std::string::npos);
  EXPECT_EQ(client.get("/health").status, 200);
}

TEST(ServerTest, HealthFollowsTheGenerator) {
  ServerForTest server({}, {.ready = false});
  ClientForTest client(server.port());
  EXPECT_EQ(client.get("/health").status, 503);
  server.generator().set_ready(true);
  EXPECT_EQ(client.get("/health").status, 200);
}

TEST(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  ServerForTest server;
  ClientForTest client(server.port());
  std::string requests = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  requests += post_request(kChat, chat_body("!say one"));
  requests += post_request(kChat, chat_body("!say two", R"(,"stream":true)"));
  requests += "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_TRUE(client.send(requests));
  EXPECT_EQ(client.receive().body, R"({"status":"ok"})");
  EXPECT_NE(client.receive().body.find("\"one\""), std::string::npos);
  EXPECT_NE(client.receive().body.find("\"two\""), std::string::npos);
  EXPECT_NE(client.receive().body.find("\"object\":\"list\""), std::string::npos);
}

TEST(ServerTest, ClientThatLeavesAStreamCancelsTheGeneration) {
  ServerForTest server;
  ClientForTest client(server.port());
  client.send(post_request(kChat, chat_body("go", R"(,"stream":true,"ignore_eos":true)")));
  ASSERT_TRUE(client.wait_for("wind"));
  EXPECT_EQ(server.generator().running(), 1);
  client.close();
  EXPECT_TRUE(eventually([&] { return server.generator().running() == 0; }));
  EXPECT_EQ(server.generator().cancelled(), 1);
  EXPECT_TRUE(eventually([&] { return !server.log().empty(); }));
  EXPECT_EQ(server.log().back().status, 499);
}

TEST(ServerTest, ClientThatLeavesWhileWaitingCancelsTheGeneration) {
  ServerForTest server;
  ClientForTest client(server.port());
  client.send(post_request(kChat, chat_body("!wait")));
  ASSERT_TRUE(eventually([&] { return server.generator().running() == 1; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return server.generator().running() == 0; }));
  EXPECT_EQ(server.generator().cancelled(), 1);
}

TEST(ServerTest, ClientThatDoesNotReadIsCutOffAtTheBound) {
  ServerForTest server({.max_unsent_bytes = 4096}, {.steps_per_second = 100000});
  ClientForTest client(server.port());
  const std::string word(2000, 'w');
  client.send(
      post_request(kChat, chat_body("!say " + word, R"(,"stream":true,"ignore_eos":true,"n":16)")));
  EXPECT_TRUE(eventually([&] { return server.generator().cancelled() == 1; }));
}

TEST(ServerTest, SlowHeadsAndBodiesAreEnded) {
  ServerForTest server({.head_timeout = 100ms, .body_timeout = 100ms});
  ClientForTest silent(server.port());
  ClientForTest head(server.port());
  head.send("GET /health HT");
  ClientForTest body(server.port());
  body.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{");
  EXPECT_EQ(head.receive().status, 408);
  EXPECT_EQ(body.receive().status, 408);
  EXPECT_TRUE(silent.closed());
}

TEST(ServerTest, DripOfBytesDoesNotExtendTheHeadTimeout) {
  ServerForTest server({.head_timeout = 200ms});
  ClientForTest client(server.port());
  client.send("GET /health HTTP/1.1\r\n");
  bool open = true;
  const auto start = std::chrono::steady_clock::now();
  while ((open = client.send("X-A: b\r\n")) && std::chrono::steady_clock::now() - start < 60s)
    std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(open);  // usually after 2 s
}

TEST(ServerTest, IdleConnectionsAreClosed) {
  ServerForTest server({.idle_timeout = 100ms});
  ClientForTest client(server.port());
  EXPECT_EQ(client.get("/health").status, 200);
  EXPECT_TRUE(client.closed());
}

TEST(ServerTest, SilentStreamsCarryComments) {
  ServerForTest server({.heartbeat = 50ms});
  ClientForTest client(server.port());
  client.send(post_request(kChat, chat_body("!wait", R"(,"stream":true)")));
  EXPECT_TRUE(client.wait_for(": keep-alive\n\n\r\n"));
}

TEST(ServerTest, ExpectContinueIsAnswered) {
  ServerForTest server;
  ClientForTest client(server.port());
  const std::string body = chat_body("hi");
  client.send(
      fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                  "Content-Length: {}\r\n\r\n",
                  kChat, body.size()));
  ASSERT_TRUE(client.wait_for("100 Continue"));
  client.send(body);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.interim_answers(), 1);
}

TEST(ServerTest, TooLargeBodiesAreRefusedBeforeTheyAreSent) {
  ServerForTest server({.max_body_bytes = 1000});
  ClientForTest client(server.port());
  client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(client.receive().status, 413);
  ClientForTest chunked(server.port());
  chunked.send(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" +
      std::string(1001, ' '));
  EXPECT_EQ(chunked.receive().status, 413);
  ClientForTest exact(server.port());
  std::string body = chat_body("hi");
  body.resize(1000, ' ');
  EXPECT_EQ(exact.post(kChat, body).status, 200);
}

TEST(ServerTest, ManyStreamsAtOnce) {
  constexpr int kStreams = 256;
  ServerForTest server({}, {.steps_per_second = 200});
  std::vector<std::unique_ptr<ClientForTest>> clients;
  for (int i = 0; i < kStreams; ++i) {
    clients.push_back(std::make_unique<ClientForTest>(server.port()));
    clients.back()->send(post_request(kChat, chat_body("go", R"(,"stream":true)")));
  }
  for (const auto& client : clients) {
    const ClientAnswer answer = client->receive(30s);
    ASSERT_EQ(answer.status, 200);
    const std::vector<std::string> events = answer.events();
    ASSERT_EQ(events.size(), 10u);  // role, seven words, finish, [DONE]
    EXPECT_EQ(events.back(), "[DONE]");
  }
  EXPECT_EQ(server.generator().started(), kStreams);
  EXPECT_EQ(server.generator().cancelled(), 0);
}

TEST(ServerTest, StopLetsStreamsFinish) {
  ServerForTest server({}, {.steps_per_second = 50});
  ClientForTest idle(server.port());
  EXPECT_EQ(idle.get("/health").status, 200);
  ClientForTest client(server.port());
  client.send(post_request(kChat, chat_body("go", R"(,"stream":true)")));
  ASSERT_TRUE(client.wait_for("The"));
  server.begin_stop();
  EXPECT_TRUE(idle.closed());
  const ClientAnswer answer = client.receive();
  EXPECT_EQ(answer.events().back(), "[DONE]");
  EXPECT_EQ(server.generator().cancelled(), 0);
  server.join();
}

TEST(ServerTest, StopEndsWhatOutlivesTheGraceTime) {
  ServerForTest server({.shutdown_grace = 100ms});
  ClientForTest stream(server.port());
  stream.send(post_request(kChat, chat_body("!wait", R"(,"stream":true)")));
  ClientForTest whole(server.port());
  whole.send(post_request(kChat, chat_body("!wait")));
  ASSERT_TRUE(stream.wait_for("assistant"));
  ASSERT_TRUE(eventually([&] { return server.generator().running() == 2; }));
  server.stop();
  const std::vector<std::string> events = stream.receive().events();
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events.back(), "[DONE]");
  EXPECT_NE(events[events.size() - 2].find("\"finish_reason\":\"error\""), std::string::npos);
  EXPECT_EQ(whole.receive().status, 503);
  EXPECT_EQ(server.generator().cancelled(), 2);
}

TEST(ServerTest, SignalStopsAnIdleServer) {
  ServerForTest server({.handle_signals = true});
  ClientForTest client(server.port());
  EXPECT_EQ(client.get("/health").status, 200);
  client.close();
  ASSERT_TRUE(eventually([&] { return server.log().size() == 1; }));
  std::this_thread::sleep_for(50ms);
  kill(getpid(), SIGTERM);
  server.join();
}

TEST(ServerTest, SecondSignalEndsRunningAnswers) {
  ServerForTest server({.handle_signals = true});
  ClientForTest client(server.port());
  client.send(post_request(kChat, chat_body("!wait", R"(,"stream":true)")));
  ASSERT_TRUE(client.wait_for("assistant"));
  kill(getpid(), SIGTERM);
  ASSERT_TRUE(eventually([&] {  // the port is closed: the first signal has arrived
    ClientForTest late(server.port());
    return late.fd() < 0;
  }));
  kill(getpid(), SIGINT);
  EXPECT_EQ(client.receive().events().back(), "[DONE]");
  server.join();
}

TEST(ServerTest, PublicAddressNeedsAKey) {
  ServerConfig config{.access = {.bind_host = "0.0.0.0"}, .port = 0};
  const auto refused = Server::listen(config);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("--api-key"), std::string::npos);
  config.access.api_keys = {"0123456789abcdef"};
  EXPECT_TRUE(Server::listen(config).ok());
  config.access.api_keys.push_back("0123456789abcde");
  const auto guessed = Server::listen(config);
  ASSERT_FALSE(guessed.ok());
  EXPECT_EQ(guessed.error().param, "api-key");
  EXPECT_EQ(guessed.error().message.find("0123456789"), std::string::npos);
}

TEST(ServerTest, PortInUseIsNamed) {
  ServerForTest server;
  const auto refused = Server::listen({.port = server.port()});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find(fmt::format("port {}", server.port())), std::string::npos);
}

}  // namespace
}  // namespace aquilon::api

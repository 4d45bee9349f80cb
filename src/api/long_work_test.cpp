// Requests that take long to begin, as those of hard constraints do, beside others.
#include <gtest/gtest.h>

#include <deque>

#include "api/http_client_for_test.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kSchema = R"(,"guided_json":{"type":"string"})";

std::string body_of(std::string_view content, std::string_view more = "") {
  return fmt::format(R"({{"model":"fake-model","messages":[{{"role":"user","content":"{}"}}]{}}})",
                     content, more);
}

std::string key(std::string_view name) {
  return fmt::format("Authorization: Bearer {}\r\n", name);
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(LongWork, OfOneKeyHoldsUpNoOther) {
  ServerForTest server({.access = {.api_keys = {"anna", "ben"}}, .workers = 2});
  std::deque<ClientForTest> held;
  for (int i = 0; i < 4; ++i)
    held.emplace_back(server.port())
        .send(post_request(kChat, body_of("!hold", kSchema), key("anna")));
  ASSERT_TRUE(eventually([&] { return server.generator().held() == 1; }));
  ClientForTest client(server.port());
  struct Case {
    const char *path, *who;
    std::string body;
  };
  const Case cases[] = {
      {"/v1/chat/completions", "ben", body_of("hi")},
      {"/v1/chat/completions", "ben", body_of("hi", kSchema)},
      {"/v1/chat/completions", "anna", body_of("hi")},
      {"/tokenize", "anna", R"({"prompt":"hi"})"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(client.post(c.path, c.body, key(c.who)).status, 200) << c.path << " of " << c.who;
  EXPECT_EQ(server.generator().held(), 1);
  EXPECT_EQ(server.generator().started(), 3);
  // Whoever leaves makes room for the next.
  ClientForTest last(server.port());
  last.send(post_request(kChat, body_of("hi", kSchema), key("anna")));
  for (ClientForTest& one : held) one.close();
  EXPECT_EQ(last.receive().status, 200);
  EXPECT_TRUE(eventually([&] { return server.generator().held() == 0; }));
}

TEST(LongWork, EndsWithTheTimeOfARequest) {
  ServerForTest server({.max_seconds = 0.1});
  ClientForTest client(server.port());
  const ClientAnswer late = client.post(kChat, body_of("!hold", kSchema));
  EXPECT_EQ(late.status, 504);
  EXPECT_NE(late.body.find("0.1 s"), std::string::npos) << late.body;
  EXPECT_TRUE(eventually([&] { return server.generator().held() == 0; }));
}

TEST(LongWork, EndsWithTheServer) {
  ServerForTest server({.shutdown_grace = std::chrono::milliseconds(50)});
  ClientForTest client(server.port());
  client.send(post_request(kChat, body_of("!hold", kSchema)));
  ASSERT_TRUE(eventually([&] { return server.generator().held() == 1; }));
  server.begin_stop();
  EXPECT_EQ(client.receive().status, 503);
  server.join();
  EXPECT_EQ(server.generator().held(), 0);
}

}  // namespace
}  // namespace aquilon::api

// A client that closes its sending side: nothing tells it from one that has left
// (docs/DECISIONS.md), so work for it ends and it is told so; what needs no waiting is answered.
#include <gtest/gtest.h>

#include <thread>

#include "api/http_client_for_test.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

using namespace std::chrono_literals;

std::string completion(std::string_view more) {
  return post_request("/v1/completions",
                      fmt::format(R"({{"model":"fake-model","prompt":"!wait"{}}})", more));
}

template <class Condition>
bool soon(Condition condition) {
  for (int i = 0; i < 500 && !condition(); ++i) std::this_thread::sleep_for(10ms);
  return condition();
}

TEST(HalfCloseTest, WhatIsAnsweredAtOnceArrives) {
  ServerForTest server;
  for (const char* path : {"/health", "/v1/models", "/nowhere"}) {
    ClientForTest client(server.port());
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", path));
    client.half_close();
    EXPECT_GE(client.receive().status, 200) << path;
    EXPECT_TRUE(client.closed()) << path;
  }
}

TEST(HalfCloseTest, AGenerationIsCancelled) {
  ServerForTest server;
  for (const char* more : {"", R"(,"stream":true)"}) {
    const int before = server.generator().cancelled();
    ClientForTest client(server.port());
    client.send(completion(more));
    ASSERT_TRUE(soon([&] { return server.generator().running() == 1; })) << more;
    client.half_close();
    if (std::string_view(more).empty()) {
      const ClientAnswer told = client.receive();
      EXPECT_EQ(told.status, 400);
      EXPECT_NE(told.body.find("client_closed_request"), std::string::npos) << told.body;
    }
    EXPECT_TRUE(client.closed()) << more;
    EXPECT_TRUE(soon([&] { return server.generator().cancelled() == before + 1; })) << more;
    EXPECT_TRUE(soon([&] { return server.generator().running() == 0; })) << more;
  }
  for (const AccessRecord& record : server.log()) EXPECT_EQ(record.status, 499);
}

TEST(HalfCloseTest, ARequestThatIsNotWholeIsRefused) {
  ServerForTest server;
  for (const char* part :
       {"GET /health HT",
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
        "chunked\r\n\r\n1\r\n{"}) {
    ClientForTest client(server.port());
    client.send(part);
    client.half_close();
    EXPECT_EQ(client.receive().status, 400) << part;
    EXPECT_TRUE(client.closed()) << part;
  }
  ClientForTest silent(server.port());
  silent.half_close();
  EXPECT_EQ(silent.receive().status, 0);
  EXPECT_EQ(server.generator().started(), 0);
}

}  // namespace
}  // namespace aquilon::api

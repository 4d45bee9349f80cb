// Streams that go on on another connection, over real sockets.
#include "api/resumable_streams.h"

#include <gtest/gtest.h>

#include <sstream>

#include "api/http_client_for_test.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

using namespace std::chrono_literals;

constexpr const char* kBody =
    R"({"model":"fake-model","stream":true,"max_tokens":12,"ignore_eos":true,"prompt":"go"})";
constexpr const char* kResumable = "x-stream-resume: true\r\n";

std::vector<std::string> lines_with(const std::string& text, std::string_view start) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(start)) out.push_back(line.substr(start.size()));
  return out;
}

std::string last_event(const std::string& id) {
  return "Last-Event-ID: " + id + "\r\n";
}

// A client that loses its connection behind the third event; the ids that it saw.
std::vector<std::string> lose_after_three(ServerForTest& server, const std::string& fields = "") {
  ClientForTest client(server.port());
  client.send(post_request("/v1/completions", kBody, kResumable + fields));
  EXPECT_TRUE(client.wait_for(".2\n"));
  const auto ids = lines_with(client.seen(), "id: ");
  client.close();
  return ids;
}

TEST(ResumableStreamsTest, GoesOnBehindTheLastEventThatWasSeen) {
  ServerForTest server({}, {.steps_per_second = 200});
  ClientForTest whole_client(server.port());
  const ClientAnswer whole = whole_client.post("/v1/completions", kBody, kResumable);
  const auto whole_ids = lines_with(whole.body, "id: ");
  ASSERT_EQ(whole_ids.size(), 13u);  // 12 tokens and [DONE]
  EXPECT_TRUE(whole_ids.front().ends_with(".0") && whole_ids.back().ends_with(".12"));

  const auto seen = lose_after_three(server);
  ASSERT_GE(seen.size(), 3u);
  ClientForTest again(server.port());
  const ClientAnswer rest = again.post("/v1/completions", "{}", last_event(seen[1]));
  EXPECT_EQ(rest.status, 200);
  const auto rest_ids = lines_with(rest.body, "id: ");
  ASSERT_EQ(rest_ids.size(), 11u);
  EXPECT_EQ(rest_ids.front(), seen[2]);
  const auto text = [](const std::string& event) {
    return event == "[DONE]" ? event : event.substr(event.find("\"choices\""));
  };
  for (std::size_t i = 0; i < rest_ids.size(); ++i)
    EXPECT_EQ(text(rest.events()[i]), text(whole.events()[i + 2]));

  // The end can be asked for again: nobody knows whether it arrived.
  ClientForTest late(server.port());
  const ClientAnswer end = late.post("/v1/completions", "{}", last_event(rest_ids[9]));
  EXPECT_EQ(end.events(), std::vector<std::string>{"[DONE]"});
  EXPECT_EQ(server.generator().cancelled(), 0);
}

TEST(ResumableStreamsTest, IsItsOwnersAlone) {
  ServerForTest server({.access = {.api_keys = {"first", "second"}}}, {.steps_per_second = 200});
  const std::string first = "x-api-key: first\r\n";
  const std::string second = "x-api-key: second\r\n";
  const auto seen = lose_after_three(server, first);
  ASSERT_GE(seen.size(), 3u);
  const struct {
    const char* what;
    const char* path;
    std::string fields;
    int status;
  } cases[] = {
      {"another key", "/v1/completions", second, 404},
      {"no key", "/v1/completions", "", 401},
      {"another route", "/v1/chat/completions", first, 404},
      {"another name of the route", "/openai/v1/completions", first, 404},
      {"another deployment", "/openai/deployments/fake-model/completions", first, 404},
      {"the owner", "/v1/completions", first, 200},
      {"another key after the end", "/v1/completions", second, 404},
  };
  for (const auto& c : cases) {
    ClientForTest client(server.port());
    const ClientAnswer answer = client.post(c.path, "{}", c.fields + last_event(seen[0]));
    EXPECT_EQ(answer.status, c.status) << c.what << " " << answer.body;
    if (c.status == 404) {
      EXPECT_NE(answer.body.find("stream_not_found"), std::string::npos) << c.what;
    }
  }
  EXPECT_EQ(server.generator().started(), 1);
}

TEST(ResumableStreamsTest, WaitsForAShortTimeOnly) {
  ServerForTest server({.resume_time = 50ms}, {.steps_per_second = 20});
  const auto seen = lose_after_three(server);
  for (int i = 0; i < 200 && server.generator().cancelled() == 0; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server.generator().cancelled(), 1);
  ClientForTest again(server.port());
  const ClientAnswer gone = again.post("/v1/completions", "{}", last_event(seen.back()));
  EXPECT_EQ(gone.status, 404);
  EXPECT_NE(gone.body.find("stream_not_found"), std::string::npos);
}

TEST(ResumableStreamsTest, WhatIsNoLongerKeptIsNotSkipped) {
  ServerForTest server({.max_unsent_bytes = 700}, {.steps_per_second = 200});
  const auto seen = lose_after_three(server);
  for (int i = 0; i < 200 && server.generator().running() > 0; ++i)
    std::this_thread::sleep_for(10ms);
  ClientForTest again(server.port());
  EXPECT_EQ(again.post("/v1/completions", "{}", last_event(seen[0])).status, 404);
}

TEST(ResumableStreamsTest, RefusesWhatIsNoEventOfAStream) {
  ServerForTest server;
  const std::string id(32, 'a');
  for (const std::string& last : {id, id + ".0", id + ".", std::string(".1"), std::string("x"),
                                  id + ".18446744073709551615", id + ".-1"}) {
    ClientForTest client(server.port());
    EXPECT_EQ(client.post("/v1/completions", kBody, last_event(last)).status, 404) << last;
  }
  EXPECT_EQ(server.generator().started(), 0);
}

// Whoever knows its id, from a log perhaps, but has another key.
TEST(ResumableStreamsTest, AStreamIsOfTheKeyThatBeganIt) {
  ServerForTest server({.access = {.api_keys = {"mine", "other"}}}, {.steps_per_second = 200});
  const std::string mine = "Authorization: Bearer mine\r\n";
  ClientForTest client(server.port());
  client.send(post_request("/v1/completions", kBody, kResumable + mine));
  ASSERT_TRUE(client.wait_for(".2\n"));
  const std::string seen = lines_with(client.seen(), "id: ")[1];
  client.close();
  ClientForTest other(server.port());
  const ClientAnswer refused =
      other.post("/v1/completions", "{}", last_event(seen) + "Authorization: Bearer other\r\n");
  EXPECT_NE(refused.body.find("stream_not_found"), std::string::npos) << refused.body;
  ClientForTest again(server.port());
  EXPECT_EQ(again.post("/v1/completions", "{}", last_event(seen) + mine).events().back(), "[DONE]");
}

TEST(ResumableStreamsTest, AServerThatStopsWaitsForNobody) {
  ServerForTest server({.shutdown_grace = 5s}, {.steps_per_second = 20});
  lose_after_three(server);
  std::this_thread::sleep_for(50ms);
  const auto begun = std::chrono::steady_clock::now();
  server.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
  EXPECT_EQ(server.generator().cancelled(), 1);
}

}  // namespace
}  // namespace aquilon::api

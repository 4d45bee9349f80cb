#include "bench/server_load.h"

#include <gtest/gtest.h>

namespace aquilon::bench {
namespace {

TEST(ServerTest, NamesSayWhatIsMeasured) {
  const ServerTest one{.prompt = 512, .generate = 64, .streams = 1};
  EXPECT_EQ(one.first_name(), "first512");
  EXPECT_EQ(one.write_name(), "write64@512");
  const ServerTest four{.prompt = 16, .generate = 8, .streams = 4};
  EXPECT_EQ(four.first_name(), "first16x4");
  EXPECT_EQ(four.write_name(), "write8@16x4");
}

// The body of a streamed answer, as servers send it.
constexpr std::string_view kBody =
    ": a comment\n\n"
    "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":null}]}\n\n"
    "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":null}]}\r\n\r\n"
    "data:{\"choices\":[{\"text\":\"data: b\",\"finish_reason\":null}]}\n\n"
    "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{}}\n\n"
    "data: [DONE]\n\n";

TEST(StreamedAnswer, TimesPiecesOfTextWhereverTheBodyIsSplit) {
  for (std::size_t split = 0; split < kBody.size(); ++split) {
    StreamedAnswer answer;
    answer.take(kBody.substr(0, split), 1);
    answer.take(kBody.substr(split), 2);
    EXPECT_EQ(answer.finish_reason, "length") << split;
    const std::size_t a = kBody.find("\r\n") + 1, b = kBody.find("b\"");
    EXPECT_EQ(answer.first, split > a ? 1 : 2) << split;
    EXPECT_EQ(answer.last, split > kBody.find('\n', b) ? 1 : 2) << split;
  }
}

TEST(StreamedAnswer, WhatIsNoEventIsPassedOver) {
  StreamedAnswer answer;
  answer.take("data: {\ndata: 7\ndata: {\"choices\":7}\ndata: {\"choices\":[7]}\nnothing\n", 1);
  answer.take(std::string(3u << 20, 'x') + "\n", 1);
  answer.take("data: {\"choices\":[{\"text\":7,\"finish_reason\":8}]}\n", 1);
  EXPECT_EQ(answer.first, 0);
  EXPECT_EQ(answer.finish_reason, "");
}

TEST(ServerLoad, ServersThatAreNotThereAreNamed) {
  EXPECT_FALSE(server_is_healthy("http://127.0.0.1:1"));
  const auto speeds = measure_server(
      {{}}, {.url = "http://127.0.0.1:1", .limit_s = 5, .keep_going = [] { return true; }});
  ASSERT_FALSE(speeds.ok());
  EXPECT_EQ(speeds.error().code, Code::kUnavailable);
  EXPECT_NE(speeds.error().message.find("127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace aquilon::bench

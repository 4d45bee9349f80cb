#include "api/trace_context.h"

#include <gtest/gtest.h>

#include "api/http_client_for_test.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

constexpr std::string_view kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContextTest, ReadsWhatTheStandardAllows) {
  const auto context = parse_traceparent(kParent);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->flags, "01");
  EXPECT_TRUE(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
}

TEST(TraceContextTest, RefusesWhatItDoesNot) {
  for (const std::string_view wrong :
       {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
}

TEST(TraceContextTest, IdsComeBackAndIntoTheLog) {
  ServerForTest server;
  ClientForTest client(server.port());
  const ClientAnswer answer = client.get(
      "/health", fmt::format("traceparent: {}\r\nX-Request-Id: order-17/b\r\n", kParent));
  EXPECT_EQ(answer.headers.at("x-request-id"), "order-17/b");
  const std::string& back = answer.headers.at("traceparent");
  EXPECT_EQ(back.substr(0, 36), kParent.substr(0, 36));
  EXPECT_NE(back.substr(36, 16), kParent.substr(36, 16));
  const AccessRecord record = server.log().front();
  EXPECT_EQ(record.request_id, "order-17/b");
  EXPECT_EQ(record.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(record.span_id, back.substr(36, 16));
}

TEST(TraceContextTest, UnusableIdsAreReplaced) {
  ServerForTest server;
  ClientForTest client(server.port());
  const std::string long_id(129, 'a');
  for (const std::string& fields :
       {std::string("X-Request-Id: a b\r\n"), "X-Request-Id: " + long_id + "\r\n",
        std::string("X-Request-Id: a\r\nX-Request-Id: a\r\n"), std::string("X-Request-Id: \r\n")}) {
    const ClientAnswer answer = client.get("/health", fields);
    const std::string id = answer.headers.at("x-request-id");
    EXPECT_EQ(id.size(), 32u) << fields;
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos) << fields;
    EXPECT_EQ(answer.headers.count("traceparent"), 0u);
  }
}

}  // namespace
}  // namespace aquilon::api

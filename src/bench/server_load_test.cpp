#include "bench/server_load.h"

#include <gtest/gtest.h>

#include "bench/load_client.h"

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

TEST(ServerLoad, ServersThatAreNotThereAreNamed) {
  EXPECT_FALSE(server_is_healthy("http://127.0.0.1:1"));
  const auto speeds = measure_server(
      {{}}, {.url = "http://127.0.0.1:1", .limit_s = 5, .keep_going = [] { return true; }});
  ASSERT_FALSE(speeds.ok());
  EXPECT_EQ(speeds.error().code, Code::kUnavailable);
  EXPECT_NE(speeds.error().message.find("127.0.0.1:1"), std::string::npos);
}

TEST(LoadClient, AddressesOfServersAreReadAsPeopleWriteThem) {
  for (const char* text : {"http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"})
    EXPECT_EQ(server_url(text).value(), "http://h:1");
  EXPECT_EQ(server_url("https://h/prefix/v1").value(), "https://h/prefix");
  for (const char* text : {"", "h:1", "ftp://h", "http://", "http:///v1"}) {
    const auto url = server_url(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_NE(url.error().message.find("is no address of a server"), std::string::npos);
  }
}

TEST(LoadClient, RequestsThatFailAreReturnedWithTheReason) {
  LoadClient client({.url = "http://127.0.0.1:1", .limit_s = 5});
  EXPECT_EQ(client.send("{}"), 0u);
  EXPECT_EQ(client.send("{}"), 1u);
  client.cancel(1);
  std::vector<LoadRecord> ended;
  while (client.running() > 0)
    for (LoadRecord& record : client.wait(1)) ended.push_back(std::move(record));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].error.value().code, Code::kUnavailable);
  EXPECT_GE(ended[0].ended, ended[0].sent);
}

}  // namespace
}  // namespace aquilon::bench

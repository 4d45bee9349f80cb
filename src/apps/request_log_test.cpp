#include "apps/request_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace aquilon::apps {
namespace {

class RequestLogTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0); }
  void TearDown() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  std::string read_some() {
    std::array<char, 4096> buffer;
    const ssize_t n = read(ends_[0], buffer.data(), buffer.size());
    return std::string(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  }

  std::array<int, 2> ends_{};
};

TEST_F(RequestLogTest, LinesCarryTheTimeAndArriveBeforeTheEnd) {
  {
    RequestLog log(ends_[1]);
    log.write("GET / 200");
  }
  const std::string text = read_some();
  EXPECT_TRUE(text.ends_with("Z GET / 200\n")) << text;
  EXPECT_EQ(text.find('T'), 10u) << text;
}

TEST_F(RequestLogTest, ReaderThatDoesNotReadStopsNobody) {
  fcntl(ends_[1], F_SETFL, O_NONBLOCK);
  const auto start = std::chrono::steady_clock::now();
  {
    RequestLog log(ends_[1]);
    for (int i = 0; i < 20'000; ++i) log.write(std::string(100, 'x'));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));  // usually 1 s
}

TEST_F(RequestLogTest, ObjectsStandAlone) {
  {
    RequestLog log(ends_[1], LogFormat::kJson);
    log.write("started");
    log.write(api::AccessRecord{.method = "GET", .path = "/", .status = 200});
  }
  const std::string text = read_some();
  EXPECT_TRUE(text.starts_with("{\"ts\":\"")) << text;
  EXPECT_NE(text.find("\"message\":\"started\"}\n{\"ts\""), text.npos) << text;
}

TEST(LogFormatTest, AutoIsForPeopleOnATerminalOnly) {
  EXPECT_EQ(parse_log_format("auto", open("/dev/null", O_WRONLY)).value(), LogFormat::kJson);
  EXPECT_EQ(parse_log_format("text", 2).value(), LogFormat::kText);
  EXPECT_EQ(parse_log_format("json", 2).value(), LogFormat::kJson);
  EXPECT_FALSE(parse_log_format("xml", 2).ok());
}

}  // namespace
}  // namespace aquilon::apps

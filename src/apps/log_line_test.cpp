#include "apps/log_line.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace aquilon::apps {
namespace {

api::AccessRecord record() {
  return {.method = "POST",
          .path = "/v1/completions",
          .status = 200,
          .milliseconds = 12.34,
          .route = "/v1/completions",
          .request_id = "mine",
          .id = "0123",
          .outcome = {.model = "m",
                      .prompt_tokens = 7,
                      .cached_tokens = 3,
                      .completion_tokens = 5,
                      .finish = "stop",
                      .first_token_seconds = 0.25}};
}

TEST(LogLineTest, RequestsAreObjects) {
  const boost::json::object line = boost::json::parse(json_line(record())).as_object();
  EXPECT_EQ(line.at("event").as_string(), "request");
  EXPECT_EQ(line.at("level").as_string(), "info");
  EXPECT_EQ(line.at("request_id").as_string(), "mine");
  EXPECT_EQ(line.at("id").as_string(), "0123");
  EXPECT_EQ(line.at("status").as_int64(), 200);
  EXPECT_EQ(line.at("completion_tokens").as_int64(), 5);
  EXPECT_EQ(line.at("ttft_ms").as_double(), 250);
  EXPECT_FALSE(line.contains("trace_id"));
  EXPECT_FALSE(line.contains("err_code"));
}

TEST(LogLineTest, WithoutAModelThereAreNoTokens) {
  api::AccessRecord one = record();
  one.status = 500;
  one.outcome = {.error = "internal"};
  const boost::json::object line = boost::json::parse(json_line(one)).as_object();
  EXPECT_EQ(line.at("level").as_string(), "error");
  EXPECT_EQ(line.at("err_code").as_string(), "internal");
  EXPECT_FALSE(line.contains("prompt_tokens"));
}

TEST(LogLineTest, WhatComesFromOutsideIsEscapedAndShort) {
  api::AccessRecord one = record();
  one.path = "/\"\\" + std::string(9000, 'a');
  one.outcome.model = std::string(2000, '\xc3') + "\n";
  const std::string line = json_line(one);
  EXPECT_LT(line.size(), 8192u);
  EXPECT_EQ(line.find('\n'), line.npos);
  EXPECT_TRUE(boost::json::parse(line).is_object());
  EXPECT_LT(text_line(one).size(), 2048u);
}

TEST(LogLineTest, NothingSteersATerminalOrTurnsALineAround) {
  for (const char* hidden : {"\x1b[2J", "\r", "\n", "\x7f",
                             "\xc2\x9b"
                             "2J",
                             "\xc2\x85", "\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\xa8", "\xe2\x80\xae",
                             "\xe2\x81\xa6", "\xe2\x81\xa9"}) {
    api::AccessRecord one = record();
    one.path = std::string("/a") + hidden + "b";
    const std::string message = std::string("model ") + hidden;
    for (const std::string& line :
         {text_line(one), json_line(one), text_line(message, LogLevel::kWarning),
          json_line(message, LogLevel::kInfo)}) {
      for (const char c : line)
        EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << line;
      EXPECT_EQ(line.find(std::string_view(hidden).substr(0, 2)), line.npos) << line;
      EXPECT_NE(line.find('\\'), line.npos) << line;
    }
    EXPECT_EQ(boost::json::parse(json_line(one)).at("path").as_string(), one.path);
  }
  api::AccessRecord plain = record();
  plain.path = "/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_NE(text_line(plain).find(plain.path), std::string::npos);
  EXPECT_NE(json_line(plain).find(plain.path), std::string::npos);
}

TEST(LogLineTest, CutsBetweenCharacters) {
  api::AccessRecord one = record();
  one.path = std::string(1023, 'a') + "\xc3\xa4";
  EXPECT_EQ(boost::json::parse(json_line(one)).at("path").as_string().size(), 1023u);
}

TEST(LogLineTest, TheKeyIsNamed) {
  api::AccessRecord one = record();
  one.key = "ann";
  EXPECT_EQ(boost::json::parse(json_line(one)).at("key").as_string(), "ann");
  EXPECT_NE(text_line(one).find(" key ann"), std::string::npos);
}

TEST(LogLineTest, LevelsOfMessages) {
  EXPECT_EQ(boost::json::parse(json_line("x", LogLevel::kError)).at("level").as_string(), "error");
  EXPECT_EQ(boost::json::parse(json_line("x", LogLevel::kWarning)).at("level").as_string(),
            "warning");
  EXPECT_EQ(text_line("x", LogLevel::kError), "error: x");
  EXPECT_EQ(text_line("x", LogLevel::kInfo), "x");
}

TEST(LogLineTest, MessagesAreObjectsToo) {
  const boost::json::object line =
      boost::json::parse(json_line("a \"b\"", LogLevel::kInfo)).as_object();
  EXPECT_EQ(line.at("event").as_string(), "message");
  EXPECT_EQ(line.at("message").as_string(), "a \"b\"");
}

}  // namespace
}  // namespace aquilon::apps

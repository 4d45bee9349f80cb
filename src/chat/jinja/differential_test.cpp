// Every case of tests/data/jinja gives what Python's jinja2 gave (tools/jinja_differential.py).
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "chat/jinja/interpreter_internal.h"
#include "chat/jinja/parser_internal.h"

namespace aquilon::chat::jinja {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// As the tool's: 2024-07-06 09:05:03, local time.
std::chrono::system_clock::time_point fixed_now() {
  std::tm local{};
  local.tm_year = 124;
  local.tm_mon = 6;
  local.tm_mday = 6;
  local.tm_hour = 9;
  local.tm_min = 5;
  local.tm_sec = 3;
  local.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&local));
}

Result<TracedText> render(const json::object& entry) {
  const Block root = AQ_TRY(jinja::parse(entry.at("template").as_string()));
  Interpreter interpreter(fixed_now());
  for (const auto& [name, value] : entry.at("context").as_object()) {
    Value converted = AQ_TRY(from_json(value));
    interpreter.define(std::string(name), std::move(converted));
  }
  return interpreter.run(root);
}

void check(const json::object& entry) {
  SCOPED_TRACE(std::string(entry.at("template").as_string()));
  const auto text = render(entry);
  if (entry.contains("error")) {
    EXPECT_FALSE(text.ok()) << "expected " << entry.at("why") << ", got " << text->bytes();
    return;
  }
  ASSERT_TRUE(text.ok()) << text.error().message << "\nexpected " << entry.at("expected");
  EXPECT_EQ(text->bytes(), std::string(entry.at("expected").as_string()));
}

class Differential : public testing::TestWithParam<std::string> {};

TEST_P(Differential, GivesWhatJinja2Gives) {
  std::ifstream in(fs::path(AQUILON_SOURCE_DIR) / "tests/data/jinja" / (GetParam() + ".jsonl"));
  ASSERT_TRUE(in.good());
  int cases = 0;
  json::object before;
  for (std::string line; std::getline(in, line); ++cases) {
    json::object entry = json::parse(line).as_object();
    for (const char* same : {"template", "context"}) {
      if (!entry.contains(same)) entry[same] = before.at(same);
    }
    check(entry);
    before = std::move(entry);
  }
  EXPECT_GT(cases, 10);
}

INSTANTIATE_TEST_SUITE_P(Files, Differential,
                         testing::Values("expressions", "families", "filters", "tests", "methods",
                                         "statements", "whitespace"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace aquilon::chat::jinja

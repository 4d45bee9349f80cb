#include "base/strict_json.h"

#include <gtest/gtest.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <string>

namespace aquilon {
namespace {

void expect_error(std::string_view text, Code code, std::string_view words,
                  std::size_t max_values = std::size_t(-1)) {
  const auto parsed = parse_strict_json(text, "x.json", max_values);
  ASSERT_FALSE(parsed.ok()) << text;
  EXPECT_EQ(parsed.error().code, code) << parsed.error().message;
  EXPECT_EQ(parsed.error().message, "x.json: " + std::string(words));
}

TEST(StrictJson, GivesWhatBoostGives) {
  boost::json::monotonic_resource memory;
  const std::string texts[] = {
      R"({"a":[1,-2,0.5,true,null,"t\u00e9"],"b":{"a":{},"c":18446744073709551615}})", "[]", "7",
      "[\"" + std::string(100000, 'x') + "\"]"};
  for (const std::string& text : texts) {
    const auto parsed = parse_strict_json(text, "x.json", std::size_t(-1), &memory);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(*parsed, boost::json::parse(text));
  }
}

TEST(StrictJson, NamesAKeyThatIsGivenTwiceAndWhere) {
  expect_error(R"({"a":1,"b":2,"a":1})", Code::kCorrupt, "the key 'a' is given twice");
  expect_error(R"({"a":1,"\u0061":1})", Code::kCorrupt, "the key 'a' is given twice");
  expect_error(R"({"m":{"vocab":{"x":1,"y":2,"x":3}}})", Code::kCorrupt,
               "the key 'x' is given twice in 'm.vocab'");
  expect_error(R"({"list":[{"k":1},{"k":1,"k":2}]})", Code::kCorrupt,
               "the key 'k' is given twice in 'list'");
  EXPECT_TRUE(parse_strict_json(R"({"a":{"a":1},"b":[{"a":1},{"a":1}]})", "x.json").ok());
}

TEST(StrictJson, IsBounded) {
  expect_error("[1,2,3]", Code::kUnsupported, "more than the 3 values that are read", 3);
  EXPECT_TRUE(parse_strict_json("[1,2,3]", "x.json", 4).ok());
  EXPECT_TRUE(parse_strict_json(std::string(31, '[') + std::string(31, ']'), "x.json").ok());
  const auto deep = parse_strict_json(std::string(1 << 20, '['), "x.json");
  ASSERT_FALSE(deep.ok());
  EXPECT_NE(deep.error().message.find("too deep"), std::string::npos) << deep.error().message;
}

TEST(StrictJson, SaysWhereItIsNoJson) {
  for (const std::string text : {"", "{", "{\"a\":1}x", "{\"a\":}", "nul", "\"\xff\""}) {
    const auto parsed = parse_strict_json(text, "x.json");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kCorrupt);
    EXPECT_TRUE(parsed.error().message.starts_with("x.json: not valid JSON at byte "));
  }
}

}  // namespace
}  // namespace aquilon

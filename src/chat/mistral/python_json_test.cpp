#include "chat/mistral/python_json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

namespace aquilon::chat::mistral {
namespace {

struct Case {
  const char* text;
  const char* want;  // null: json.loads fails
};

// Every line tried in Python 3.11: json.dumps(json.loads(text), ensure_ascii=False).
const Case kCases[] = {
    {R"({"a":1,"b":[true,false,null]})", R"({"a": 1, "b": [true, false, null]})"},
    {" {\n\"a\" :\t1 , \"b\":{}}\r\n", R"({"a": 1, "b": {}})"},
    {"[]", "[]"},
    {"[ ]", "[]"},
    {R"("text")", R"("text")"},
    {"-0", "0"},
    {"-0.0", "-0.0"},
    {"123456789012345678901234567890", "123456789012345678901234567890"},
    {"1.0", "1.0"},
    {"1e5", "100000.0"},
    {"1E16", "1e+16"},
    {"0.00001", "1e-05"},
    {"0.1e1", "1.0"},
    {"1.10", "1.1"},
    {"3.141592653589793238", "3.141592653589793"},
    {"1e400", "Infinity"},
    {"-1e400", "-Infinity"},
    {"1e-400", "0.0"},
    {"NaN", "NaN"},
    {"[Infinity,-Infinity]", "[Infinity, -Infinity]"},
    {R"("\u00e9\/\b\f\n\r\t\"\\")", "\"\u00E9/\\b\\f\\n\\r\\t\\\"\\\\\""},
    {R"("\ud83d\ude00\u001f\u007f")", "\"\U0001F600\\u001f\x7F\""},
    {R"({"a":1,"b":2,"a":3})", R"({"a": 3, "b": 2})"},
    {R"({"a":{"x":1,"x":2},"\u0061":[1,{"y":1,"y":2}]})", R"({"a": [1, {"y": 2}]})"},
    {"\"\u65E5\u672C\"", "\"\u65E5\u672C\""},
    {"", nullptr},
    {"blabla", nullptr},
    {"{", nullptr},
    {"{\"a\":1,}", nullptr},
    {"[1,]", nullptr},
    {"{a:1}", nullptr},
    {"01", nullptr},
    {"1.", nullptr},
    {".5", nullptr},
    {"+1", nullptr},
    {"1e", nullptr},
    {"'a'", nullptr},
    {"\"a\nb\"", nullptr},
    {R"("\x41")", nullptr},
    {R"("\u12")", nullptr},
    {"\"open", nullptr},
    {"1 2", nullptr},
    {"\xEF\xBB\xBF{}", nullptr},
    {"\x0B{}", nullptr},
};

TEST(PythonJson, WritesWhatPythonWrites) {
  for (const Case& c : kCases) {
    const auto got = normalise_json(c.text);
    EXPECT_EQ(got.value_or("none"), c.want ? c.want : "none") << c.text;
  }
}

TEST(PythonJson, StopsAtDepth) {
  const std::string deep = std::string(512, '[') + std::string(512, ']');
  EXPECT_EQ(normalise_json(deep), deep);
  EXPECT_FALSE(normalise_json("[" + deep + "]"));
  EXPECT_FALSE(normalise_json(std::string(1 << 20, '[')));
}

TEST(PythonJson, DumpsValues) {
  EXPECT_EQ(dump_text("a\"\n\x01\u00E9"), "\"a\\\"\\n\\u0001\u00E9\"");
  const auto value = boost::json::parse(
      R"({"z": [1, -2, 1.5, 1e20, 18446744073709551615], "a": {"b": null, "c": true}, "d": []})");
  EXPECT_EQ(
      dump(value),
      R"({"z": [1, -2, 1.5, 1e+20, 18446744073709551615], "a": {"b": null, "c": true}, "d": []})");
}

}  // namespace
}  // namespace aquilon::chat::mistral

// Keywords alone and combined: what is let through, what is not, what is refused and how.
#include <gtest/gtest.h>

#include "constraint/grammar_for_test.h"

namespace aquilon::constraint {
namespace {

struct SchemaCase {
  const char* schema;
  std::vector<const char*> valid, invalid;
};

void check(const SchemaCase& c) {
  SchemaRefusal refusal;
  const auto grammar = Grammar::json_schema(boost::json::parse(c.schema), {}, &refusal);
  ASSERT_TRUE(grammar.ok()) << c.schema << ": " << grammar.error().message;
  for (const char* text : c.valid) EXPECT_TRUE(accepts(*grammar, text)) << c.schema << "\n" << text;
  for (const char* text : c.invalid)
    EXPECT_FALSE(accepts(*grammar, text)) << c.schema << "\n" << text;
}

class Schemas : public testing::TestWithParam<SchemaCase> {};

TEST_P(Schemas, LetThroughWhatIsValid) {
  check(GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Values, Schemas,
    testing::Values(
        SchemaCase{"true",
                   {"1", "-0.5e+3", "\"\\ud83d\\ude00\"", "[]", "{\"a\":[{}]}", "null"},
                   {"", "01", "\"\\ud83d\"", "\"\x01\"", "{\"a\":1,\"a\":2}", "[1,]", "{} "}},
        SchemaCase{R"({"type":"integer"})", {"5", "-0", "5.0"}, {"5.5", "\"5\"", "1e3", "5.00"}},
        SchemaCase{R"({"$schema":"http://json-schema.org/draft-04/schema#","type":"integer"})",
                   {"5"},
                   {"5.0"}},
        SchemaCase{R"({"type":["string","null"],"minLength":2,"maxLength":3})",
                   {"\"ab\"", "\"\\u0041\\n\u20ac\"", "null", "\"\U0001F600\U0001F600\""},
                   {"\"a\"", "\"abcd\"", "1"}},
        SchemaCase{R"({"enum":["a",1,null,{"x":[1]},[true]]})",
                   {"\"a\"", "1", "1.0", "null", "{\"x\": [1]}", "[true]"},
                   {"\"b\"", "2", "{}", "{\"x\":[2]}", "[false]", "{\"x\":[1],\"y\":1}"}},
        SchemaCase{R"({"const":"a\"b"})", {"\"a\\\"b\""}, {"\"ab\""}},
        SchemaCase{R"({"type":"number","minimum":-1.5,"exclusiveMaximum":10,"multipleOf":0.5})",
                   {"-1.5", "0", "9.5", "9.50"},
                   {"-2", "10", "0.25", "9.75"}},
        SchemaCase{R"({"minimum":5,"exclusiveMinimum":true,"type":"integer"})", {"6"}, {"5"}},
        SchemaCase{R"({"type":"string","pattern":"^a+$","maxLength":2})",
                   {"\"a\"", "\"aa\""},
                   {"\"aaa\"", "\"\"", "\"b\""}},
        SchemaCase{R"({"type":"string","format":"date"})",
                   {"\"2024-02-29\"", "\"2000-02-29\"", "\"2023-12-31\""},
                   {"\"2023-02-29\"", "\"1900-02-29\"", "\"2024-13-01\"", "\"2024-1-01\""}},
        SchemaCase{R"({"format":"ipv6"})",
                   {"\"::1\"", "\"1::d6:192.168.0.1\"", "\"1:2:3:4:5:6:7:8\"", "\"::\"", "7"},
                   {"\"1::2::3\"", "\"12345::\"", "\"1:2:3:4:5:6:7\"", "\":1\""}},
        SchemaCase{R"({"format":"hostname"})",
                   {"\"example.com\"", "\"a\"", "\"xn--a.b\"", "\"A-1.de\""},
                   {"\"-a\"", "\"a..b\"", "\"ab--c\"", "\"a-\"", "\"\""}},
        SchemaCase{R"({"type":"string","format":"email"})",
                   {"\"a.b@c.de\"", "\"\\\"a b\\\"@c.de\""},
                   {"\"a\"", "\"a@\"", "\"a..b@c\""}},
        SchemaCase{R"({"format":"uri"})",
                   {"\"http://a.b/c?d=e#f\"", "\"urn:x:y\"", "\"http://[::1]:80/\""},
                   {"\"a b\"", "\"//a.b\"", "\"http://a b\"", "\"%zz:\""}},
        SchemaCase{R"({"format":"duration"})",
                   {"\"P1Y2M3DT4H5M6S\"", "\"PT1S\"", "\"P4W\""},
                   {"\"P\"", "\"PT\"", "\"P1Y1W\"", "\"1D\""}},
        SchemaCase{R"({"format":"time"})",
                   {"\"23:59:59.5+01:00\"", "\"23:59:60Z\""},
                   {"\"24:00:00Z\"", "\"22:59:60Z\"", "\"10:00:00\""}},
        SchemaCase{R"({"format":"anything-of-ours"})", {"\"x\"", "1"}, {}}));

INSTANTIATE_TEST_SUITE_P(
    Objects, Schemas,
    testing::Values(
        SchemaCase{R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},
                       "required":["a"],"additionalProperties":false})",
                   {"{\"a\":1}", "{\"b\":\"x\",\"a\":1}", "{ \"a\" : 1 , \"b\" : \"\" }"},
                   {"{}", "{\"b\":\"x\"}", "{\"a\":1,\"c\":2}", "{\"a\":1,\"a\":1}", "[]"}},
        SchemaCase{R"({"required":["a"]})", {"{\"a\":0}", "{\"b\":1,\"a\":[]}", "3"}, {"{}"}},
        SchemaCase{R"({"type":"object","patternProperties":{"^s_":{"type":"string"},"e$":{"type":
                       ["string","integer"]}},"additionalProperties":{"type":"boolean"}})",
                   {"{\"s_x\":\"\",\"ae\":4,\"q\":true}", "{\"s_e\":\"x\"}"},
                   {"{\"s_x\":1}", "{\"s_e\":1}", "{\"q\":1}", "{\"ae\":true}"}},
        SchemaCase{R"({"type":"object","propertyNames":{"pattern":"^[ab]+$"},"minProperties":2,
                       "maxProperties":3})",
                   {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2,\"ab\":3}"},
                   {"{\"a\":1}", "{\"c\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"ab\":3,\"ba\":4}"}},
        SchemaCase{R"({"type":"object","dependentRequired":{"a":["b"]},
                       "dependencies":{"c":["d"],"e":{"required":["f"]}}})",
                   {"{\"a\":1,\"b\":2}", "{\"b\":1}", "{\"c\":1,\"d\":1}", "{\"f\":1,\"e\":1}"},
                   {"{\"a\":1}", "{\"c\":0}", "{\"e\":0}"}},
        SchemaCase{R"({"type":"object","properties":{"a":{}},"required":["a","b"],
                       "maxProperties":2})",
                   {"{\"a\":1,\"b\":2}"},
                   {"{\"c\":1,\"a\":2,\"b\":3}", "{\"c\":1,\"a\":1}"}},
        SchemaCase{R"({"type":"object","patternProperties":{"^[a-c]$":{}},
                       "additionalProperties":false,"minProperties":3})",
                   {"{\"c\":1,\"a\":2,\"b\":3}"},
                   {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2,\"d\":1}"}},
        SchemaCase{R"({"allOf":[{"properties":{"a":{"type":"integer"}}},{"required":["a"]}],
                       "properties":{"b":{"type":"null"}},"unevaluatedProperties":false})",
                   {"{\"a\":1}", "{\"b\":null,\"a\":2}"},
                   {"{\"a\":1,\"c\":1}", "{\"b\":null}", "{\"a\":\"x\"}"}},
        SchemaCase{R"({"anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},
                       {"properties":{"b":{"const":2}},"required":["b"]}],
                       "unevaluatedProperties":false})",
                   {"{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
                   {"{\"a\":1,\"b\":3}", "{\"a\":2,\"b\":2}", "{\"a\":1,\"c\":0}"}},
        SchemaCase{R"({"type":"object","properties":{"a/~\"":{"type":"null"}},
                       "additionalProperties":false})",
                   {"{\"a/~\\\"\":null}"},
                   {"{\"a/~\":null}"}}));

INSTANTIATE_TEST_SUITE_P(
    Arrays, Schemas,
    testing::Values(
        SchemaCase{R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":2})",
                   {"[1]", "[ 1 , 2 ]"},
                   {"[]", "[1,2,3]", "[\"a\"]"}},
        SchemaCase{R"({"prefixItems":[{"type":"integer"},{"type":"string"}],"items":false})",
                   {"[]", "[1]", "[1,\"a\"]"},
                   {"[\"a\"]", "[1,\"a\",2]"}},
        SchemaCase{R"({"items":[{"type":"integer"}],"additionalItems":{"type":"null"}})",
                   {"[1,null,null]"},
                   {"[1,1]", "[null]"}},
        SchemaCase{R"({"type":"array","contains":{"type":"integer"},"minContains":2,
                       "maxContains":3})",
                   {"[1,2]", "[\"a\",1,null,2]", "[1,1,1,\"b\"]"},
                   {"[1]", "[\"a\"]", "[1,2,3,4]"}},
        SchemaCase{R"({"type":"array","uniqueItems":true})",
                   {"[1,2]", "[{\"a\":1},{\"a\":2}]", "[1,\"1\"]", "[[1],[1,1]]"},
                   {"[1,1.0]", "[\"a\",\"\\u0061\"]", "[{\"a\":1,\"b\":2},{\"b\":2, \"a\":1}]",
                    "[[1],[1]]"}},
        SchemaCase{R"({"items":{"enum":["a","ab"]},"uniqueItems":true,"maxItems":5})",
                   {"[\"a\",\"ab\"]", "[\"ab\",\"a\"]"},
                   {"[\"a\",\"a\"]", "[\"a\",\"ab\",\"a\"]"}},
        SchemaCase{R"({"prefixItems":[true],"contains":{"type":"string"},
                       "unevaluatedItems":{"type":"null"}})",
                   {"[1,\"a\",null]", "[\"a\"]"},
                   {"[1,2,\"a\"]", "[1,null]"}}));

INSTANTIATE_TEST_SUITE_P(
    Logic, Schemas,
    testing::Values(
        SchemaCase{
            R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", {"1", "2.5", "\"x\""}, {"3", "1.5"}},
        SchemaCase{R"({"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]})",
                   {"{\"a\":1}", "{\"b\":1,\"c\":2}"},
                   {"{}", "{\"a\":1,\"b\":1}", "{\"b\":1,\"a\":1}"}},
        SchemaCase{
            R"({"not":{"type":["object","array","string"]}})", {"1", "null"}, {"{}", "\"\""}},
        SchemaCase{R"({"type":"object","not":{"required":["a"],"properties":{"a":{"const":1}}}})",
                   {"{}", "{\"a\":2}", "{\"b\":1}"},
                   {"{\"a\":1}", "{\"b\":0,\"a\":1}", "{\"a\":1.0}"}},
        SchemaCase{R"({"type":"object","not":{"additionalProperties":{"type":"integer"}}})",
                   {"{\"a\":\"x\"}", "{\"b\":1,\"a\":null}"},
                   {"{}", "{\"a\":1}"}},
        SchemaCase{R"({"type":"string","not":{"enum":["a","b"]}})",
                   {"\"c\"", "\"aa\"", "\"\""},
                   {"\"a\"", "\"b\""}},
        SchemaCase{R"({"type":"array","not":{"items":{"type":"integer"}}})",
                   {"[\"a\"]", "[1,null]"},
                   {"[]", "[1,2]"}},
        SchemaCase{R"({"if":{"properties":{"k":{"const":1}},"required":["k"]},
                       "then":{"required":["x"]},"else":{"required":["y"]}})",
                   {"{\"k\":1,\"x\":0}", "{\"y\":0}", "{\"k\":2,\"y\":0}", "3"},
                   {"{\"k\":1}", "{\"k\":1,\"y\":0}", "{}"}},
        SchemaCase{R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{
                       "kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},
                       "additionalProperties":false}},"minProperties":1})",
                   {"{\"kids\":[]}", "{\"kids\":[{\"kids\":[{}]}]}"},
                   {"{}", "{\"kids\":[1]}", "{\"x\":1}"}},
        SchemaCase{R"({"$id":"http://a.b/root","$defs":{"n":{"$id":"item","$anchor":"here",
                       "type":"integer"}},"items":{"$ref":"item#here"}})",
                   {"[1]"},
                   {"[\"a\"]"}},
        SchemaCase{R"({"$schema":"http://json-schema.org/draft-07/schema#",
                       "properties":{"a":{"$ref":"#/definitions/i","type":"string"}},
                       "definitions":{"i":{"type":"integer"}}})",
                   {"{\"a\":1}"},
                   {"{\"a\":\"x\"}"}},
        SchemaCase{R"({"type":"object","properties":{"a":{"anyOf":[{"type":"string"},false]},
                       "b":{"allOf":[{"type":"string"},{"type":"integer"}]}}})",
                   {"{\"a\":\"\"}"},
                   {"{\"b\":1}", "{\"b\":\"\"}", "{\"a\":1}"}}));

struct RefusalCase {
  const char* schema;
  const char* pointer;
  const char* keyword;
};

TEST(SchemaRefusals, NamePointerAndKeyword) {
  const RefusalCase cases[] = {
      {R"({"properties":{"a":{"$ref":"http://x.y/z"}}})", "/properties/a", "$ref"},
      {R"({"properties":{"a":{"$ref":"#/nowhere"}}})", "/properties/a", "$ref"},
      {R"({"items":{"type":"strin"}})", "/items", "type"},
      {R"({"anyOf":[{"pattern":"("}]})", "/anyOf/0", "pattern"},
      {R"({"properties":{"a~b":{"pattern":"(a)\\1"}}})", "/properties/a~0b", "pattern"},
      {R"({"$ref":"#"})", "", "$ref"},
      {R"({"minLength":-1})", "", "minLength"},
      {R"({"allOf":{}})", "", "allOf"},
      {R"({"type":"integer","multipleOf":0})", "", "multipleOf"},
      {R"({"type":"object","required":["a"],"properties":{"a":false}})", "", ""},
      {R"({"enum":[]})", "", ""},
      {R"({"items":{"enum":["a","b"]},"uniqueItems":true,"minItems":3,"type":"array"})", "", ""},
      {R"({"items":{"type":"integer","minimum":1,"maximum":3},"uniqueItems":true,"minItems":4,
           "type":"array"})",
       "", ""},
      {R"({"type":"array","not":{"uniqueItems":true}})", "/not", "uniqueItems"},
  };
  for (const RefusalCase& c : cases) {
    SchemaRefusal refusal;
    const auto grammar = Grammar::json_schema(boost::json::parse(c.schema), {}, &refusal);
    ASSERT_FALSE(grammar.ok()) << c.schema;
    EXPECT_EQ(refusal.pointer, c.pointer) << c.schema << ": " << refusal.reason;
    EXPECT_EQ(refusal.keyword, c.keyword) << c.schema << ": " << refusal.reason;
    EXPECT_FALSE(refusal.reason.empty());
  }
}

TEST(SchemaRefusals, DeepNegationsAreNone) {
  std::string deep = "true";
  for (int i = 0; i < 30; ++i)  // too deep for the parser's default, not for ours
    deep = "{\"not\":{\"properties\":{\"a\":" + deep + "}}}";
  EXPECT_TRUE(Grammar::json_schema(boost::json::parse(deep, {}, {.max_depth = 512})).ok());
}

TEST(KeyOrder, IsThatOfTheSchema) {
  const auto schema = boost::json::parse(
      R"({"type":"object","properties":{"b":{},"a":{},"c":{}},"required":["a"],"minProperties":2})");
  const auto ordered = Grammar::json_schema(schema, {.schema_key_order = true});
  ASSERT_TRUE(ordered.ok());
  for (const char* text : {R"({"b":1,"a":2})", R"({"a":1,"c":2,"x":3})", R"({"a":1,"x":2,"y":3})"})
    EXPECT_TRUE(accepts(*ordered, text)) << text;
  for (const char* text : {R"({"a":1,"b":2})", R"({"c":1,"a":2})", R"({"b":1,"c":2,"a":3})",
                           R"({"x":1,"a":2})", R"({"a":1,"x":2,"c":3})", R"({"a":1})"})
    EXPECT_FALSE(accepts(*ordered, text)) << text;
  EXPECT_TRUE(accepts(*Grammar::json_schema(schema), R"({"c":1,"x":2,"a":3,"b":4})"));
  const auto closed = Grammar::json_schema(
      boost::json::parse(R"({"type":"object","properties":{"b":{},"a":{},"c":{}},
                             "additionalProperties":false,"minProperties":2})"),
      {.schema_key_order = true});
  EXPECT_TRUE(accepts(*closed, R"({"a":1,"c":2})"));
  EXPECT_FALSE(accepts(*closed, R"({"c":1)"));  // none is left to come to two
}

TEST(Metaschemas, AreThere) {
  for (const char* uri :
       {"http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema"}) {
    const auto grammar = Grammar::json_schema(boost::json::object{{"$ref", uri}});
    ASSERT_TRUE(grammar.ok()) << uri << grammar.error().message;
    EXPECT_TRUE(accepts(*grammar, R"({"type":"object","properties":{"a":{"type":["null"]}}})"));
    EXPECT_FALSE(accepts(*grammar, R"({"properties":{"a":{"minLength":-1}}})")) << uri;
    EXPECT_FALSE(accepts(*grammar, R"({"type":"text"})")) << uri;
  }
}

TEST(Whitespace, IsBounded) {
  const auto flexible = Grammar::json_schema(boost::json::parse(R"({"type":"array"})"));
  EXPECT_TRUE(accepts(*flexible, "[\n  1,\n  2\n]"));
  EXPECT_TRUE(accepts(*flexible, "[        1]"));
  EXPECT_FALSE(accepts(*flexible, "[         1]"));
  EXPECT_FALSE(accepts(*flexible, "[\n\n1]"));
  EXPECT_FALSE(accepts(*flexible, "[1] "));
  const auto compact = Grammar::json_schema(boost::json::parse(R"({"type":"array"})"),
                                            {.whitespace = WhitespacePolicy::compact()});
  EXPECT_TRUE(accepts(*compact, "[1,2]"));
  EXPECT_FALSE(accepts(*compact, "[1, 2]"));
}

}  // namespace
}  // namespace aquilon::constraint

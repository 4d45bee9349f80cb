// What is left out of schemas that cannot be enforced: enough, named, and never so that fewer
// values come through.
#include "constraint/relaxed_schema.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "constraint/grammar_for_test.h"

namespace aquilon::constraint {
namespace {

struct RelaxedCase {
  const char* schema;
  std::vector<std::string> left_out;  // pointer keyword
  std::vector<std::string> valid, invalid;
};

TEST(RelaxedSchemas, LoseWhatCannotBeEnforced) {
  const RelaxedCase cases[] = {
      {R"({"type":"integer","minimum":3})", {}, {"3"}, {"2"}},
      {R"({"type":"string","pattern":"(a)\\1","minLength":2})",
       {" pattern"},
       {"\"bc\""},
       {"\"b\""}},
      {R"({"type":"object","properties":{"a/b":{"$ref":"http://x.y/z"},"c":{"const":1}}})",
       {"/properties/a~1b $ref"},
       {R"({"a/b":[7],"c":1})"},
       {R"({"c":2})"}},
      // Without its pattern the negation would refuse every text.
      {R"({"type":"string","not":{"pattern":"(a)\\1"}})", {" not"}, {"\"aa\""}, {"1"}},
      {R"({"not":{"properties":{"not":{"pattern":"(a)\\1"}}}})",
       {" not"},
       {"1", "{\"not\":\"\"}"},
       {}},
      {R"({"properties":{"not":{"type":"string","pattern":"(a)\\1"}}})",
       {"/properties/not pattern"},
       {R"({"not":"b"})"},
       {R"({"not":1})"}},
      // Branches that grow may overlap: one of them is as good as any.
      {R"({"oneOf":[{"type":"string","pattern":"(a)\\1"},{"type":"string","maxLength":1}]})",
       {" oneOf", "/anyOf/0 pattern"},
       {"\"a\"", "\"aa\""},
       {"1"}},
      {R"({"if":{"pattern":"(a)\\1"},"then":{"const":1},"type":["string","integer"]})",
       {" if", " then"},
       {"\"b\"", "2"},
       {"null"}},
      {R"({"type":"array","not":{"uniqueItems":true}})", {" not"}, {"[]", "[1,2]"}, {"1"}},
      // What a reference names may have grown, and then its negation shrinks.
      {R"({"$defs":{"a":{"type":"string","pattern":"(a)\\1"}},"properties":{"x":{"$ref":"#/$defs/a"}},
           "not":{"required":["y"],"properties":{"y":{"$ref":"#/$defs/a"}}}})",
       {"/$defs/a pattern", " not"},
       {R"({"x":"b","y":"b"})"},
       {R"({"x":1})"}},
      {R"({"patternProperties":{"(a)\\1":{"type":"integer"}},"additionalProperties":false})",
       {" patternProperties", " additionalProperties"},
       {R"({"aa":1})", R"({"b":1})"},
       {}},
      {R"({"properties":{"a":{"$ref":"#/nowhere"}},"unevaluatedProperties":false})",
       {"/properties/a $ref", " unevaluatedProperties"},
       {R"({"a":1,"b":1})"},
       {}},
  };
  for (const RelaxedCase& c : cases) {
    SCOPED_TRACE(c.schema);
    std::vector<SchemaRefusal> left_out;
    boost::json::value schema = boost::json::parse(c.schema);
    const auto grammar = relaxed_json_schema(schema, {}, left_out);
    ASSERT_TRUE(grammar.ok()) << grammar.error().message;
    std::vector<std::string> names;
    for (const SchemaRefusal& one : left_out) {
      names.push_back(one.pointer + " " + one.keyword);
      EXPECT_FALSE(one.reason.empty());
    }
    EXPECT_EQ(names, c.left_out);
    for (const std::string& text : c.valid) EXPECT_TRUE(accepts(*grammar, text)) << text;
    for (const std::string& text : c.invalid) EXPECT_FALSE(accepts(*grammar, text)) << text;
  }
}

TEST(RelaxedSchemas, StayRefusedWhereNothingIsToBlame) {
  for (const char* schema : {R"({"enum":[]})", R"(7)",
                             R"({"required":["a"],"properties":{"a":false},"type":"object"})"}) {
    std::vector<SchemaRefusal> left_out;
    boost::json::value parsed = boost::json::parse(schema);
    EXPECT_FALSE(relaxed_json_schema(parsed, {}, left_out).ok()) << schema;
    EXPECT_TRUE(left_out.empty());
  }
}

}  // namespace
}  // namespace aquilon::constraint

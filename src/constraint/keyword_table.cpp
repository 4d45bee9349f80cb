#include "constraint/keyword_table.h"

namespace aquilon::constraint {
namespace {

// clang-format off
constexpr KeywordRow kRows[] = {
    {"type", "", R"({"type":["integer","null"]})", "3", "3.5"},
    {"enum", "objects among the values in any order of keys", R"({"enum":["a",{"b":1}]})", R"({"b":1})", R"("c")"},
    {"const", "the same", R"({"const":[1,"a"]})", R"([1,"a"])", "[1]"},
    {"properties", "keys in any order, none twice", R"({"type":"object","properties":{"a":{"type":"null"}}})", R"({"b":1,"a":null})", R"({"a":1})"},
    {"required", "", R"({"type":"object","required":["a"]})", R"({"b":1,"a":2})", R"({"b":1})"},
    {"additionalProperties", "", R"({"type":"object","properties":{"a":{}},"additionalProperties":false})", R"({"a":1})", R"({"b":1})"},
    {"patternProperties", "at most 60 patterns about one object", R"({"type":"object","patternProperties":{"^x":{"type":"null"}}})", R"({"xy":null,"a":1})", R"({"xy":1})"},
    {"propertyNames", "", R"({"type":"object","propertyNames":{"maxLength":2}})", R"({"ab":1})", R"({"abc":1})"},
    {"minProperties", "", R"({"type":"object","minProperties":1})", R"({"a":1})", "{}"},
    {"maxProperties", "", R"({"type":"object","maxProperties":1})", R"({"a":1})", R"({"a":1,"b":2})"},
    {"dependencies", "", R"({"type":"object","dependencies":{"a":["b"]}})", R"({"a":1,"b":1})", R"({"a":1})"},
    {"dependentRequired", "", R"({"type":"object","dependentRequired":{"a":["b"]}})", R"({"b":1})", R"({"a":1})"},
    {"dependentSchemas", "", R"({"type":"object","dependentSchemas":{"a":{"required":["b"]}}})", R"({"b":1})", R"({"a":1})"},
    {"unevaluatedProperties", "not within a negation", R"({"type":"object","allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false})", R"({"a":1})", R"({"b":1})"},
    {"items", "as a list too", R"({"type":"array","items":{"type":"integer"}})", "[1,2]", "[1,null]"},
    {"prefixItems", "", R"({"type":"array","prefixItems":[{"type":"null"}]})", "[null,1]", "[1]"},
    {"additionalItems", "", R"({"$schema":"http://json-schema.org/draft-07/schema#","type":"array","items":[{}],"additionalItems":false})", "[1]", "[1,2]"},
    {"minItems", "", R"({"type":"array","minItems":2})", "[1,2]", "[1]"},
    {"maxItems", "", R"({"type":"array","maxItems":1})", "[1]", "[1,2]"},
    {"uniqueItems", "not within a negation; see the limits", R"({"type":"array","uniqueItems":true})", R"([1,"1"])", "[1,1.0]"},
    {"contains", "at most four about one array", R"({"type":"array","contains":{"type":"null"}})", "[1,null]", "[1]"},
    {"minContains", "", R"({"type":"array","contains":{"type":"null"},"minContains":2})", "[null,1,null]", "[null]"},
    {"maxContains", "", R"({"type":"array","contains":{"type":"null"},"maxContains":1})", "[null,1]", "[null,null]"},
    {"unevaluatedItems", "not within a negation", R"({"type":"array","allOf":[{"prefixItems":[{}]}],"unevaluatedItems":false})", "[1]", "[1,2]"},
    {"minLength", "in characters", R"({"type":"string","minLength":2})", R"("éé")", R"("é")"},
    {"maxLength", "in characters", R"({"type":"string","maxLength":1})", R"("é")", R"("éé")"},
    {"pattern", "of ECMA-262 without backreferences, lookbehind, `\\b`, and lookahead in repetitions", R"({"type":"string","pattern":"^a+$"})", R"("aa")", R"("ab")"},
    {"format", "date-time, date, time, duration, email, idn-email, hostname, ipv4, ipv6, uuid, uri, uri-reference, iri, iri-reference, json-pointer, relative-json-pointer, uri-template; all others are annotations", R"({"type":"string","format":"date"})", R"("2024-02-29")", R"("2023-02-29")"},
    {"minimum", "", R"({"type":"number","minimum":1.5})", "2", "1.25"},
    {"maximum", "", R"({"type":"integer","maximum":10})", "-7", "11"},
    {"exclusiveMinimum", "boolean too", R"({"type":"integer","exclusiveMinimum":3})", "4", "3"},
    {"exclusiveMaximum", "boolean too", R"({"$schema":"http://json-schema.org/draft-04/schema#","type":"integer","maximum":3,"exclusiveMaximum":true})", "2", "3"},
    {"multipleOf", "divisors of nine digits at most", R"({"type":"number","multipleOf":0.25})", "1.75", "1.8"},
    {"allOf", "within a budget of combinations", R"({"allOf":[{"type":"integer"},{"minimum":2}]})", "2", "1"},
    {"anyOf", "the same", R"({"anyOf":[{"type":"null"},{"const":1}]})", "1", "2"},
    {"oneOf", "the same", R"({"oneOf":[{"type":"integer"},{"type":"number","minimum":2}]})", "1", "3"},
    {"not", "the same", R"({"not":{"type":"string"}})", "1", R"("a")"},
    {"if", "the same", R"({"type":"integer","if":{"minimum":5},"then":{"multipleOf":2}})", "3", "7"},
    {"then", "the same", R"({"type":"integer","if":{"minimum":5},"then":{"multipleOf":2}})", "6", "9"},
    {"else", "the same", R"({"type":"integer","if":{"minimum":5},"else":{"const":1}})", "1", "2"},
    {"$ref", "within the document, recursive ones too", R"({"type":"array","items":{"$ref":"#"}})", "[[],[[]]]", "[1]"},
    {"$dynamicRef", "where only one target is possible", R"({"$dynamicAnchor":"n","type":"array","items":{"$dynamicRef":"#n"}})", "[[]]", "[1]"},
    {"$recursiveRef", "where only one target is possible", R"({"$schema":"https://json-schema.org/draft/2019-09/schema","type":"array","items":{"$recursiveRef":"#"}})", "[[]]", "[1]"},
};
// clang-format on

}  // namespace

std::span<const KeywordRow> keyword_table() {
  return kRows;
}

}  // namespace aquilon::constraint

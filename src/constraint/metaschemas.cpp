#include "constraint/metaschemas_internal.h"

namespace aquilon::constraint {
namespace {

// What all drafts share; the values' definitions differ.
constexpr std::string_view kShared = R"(
  "title":{"type":"string"},"description":{"type":"string"},"default":{},
  "maximum":{"type":"number"},"minimum":{"type":"number"},
  "maxLength":{"$ref":"#/definitions/count"},"minLength":{"$ref":"#/definitions/count"},
  "pattern":{"type":"string","format":"regex"},
  "maxItems":{"$ref":"#/definitions/count"},"minItems":{"$ref":"#/definitions/count"},
  "uniqueItems":{"type":"boolean"},
  "maxProperties":{"$ref":"#/definitions/count"},"minProperties":{"$ref":"#/definitions/count"},
  "required":{"$ref":"#/definitions/names"},
  "definitions":{"$ref":"#/definitions/schemas"},"properties":{"$ref":"#/definitions/schemas"},
  "patternProperties":{"$ref":"#/definitions/schemas"},
  "dependencies":{"type":"object",
    "additionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/names"}]}},
  "type":{"anyOf":[{"$ref":"#/definitions/type"},
    {"type":"array","items":{"$ref":"#/definitions/type"},"minItems":1,"uniqueItems":true}]},
  "format":{"type":"string"},
  "allOf":{"$ref":"#/definitions/list"},"anyOf":{"$ref":"#/definitions/list"},
  "oneOf":{"$ref":"#/definitions/list"},"not":{"$ref":"#"})";

constexpr std::string_view kDefinitions = R"("definitions":{
  "count":{"type":"integer","minimum":0},
  "list":{"type":"array","items":{"$ref":"#"},"minItems":1},
  "schemas":{"type":"object","additionalProperties":{"$ref":"#"}},
  "type":{"enum":["array","boolean","integer","null","number","object","string"]},
  "names":{"type":"array","items":{"type":"string"},"uniqueItems":true)";

constexpr std::string_view kDraft4 = R"(
  "id":{"type":"string"},"$schema":{"type":"string"},
  "multipleOf":{"type":"number","minimum":0,"exclusiveMinimum":true},
  "exclusiveMaximum":{"type":"boolean"},"exclusiveMinimum":{"type":"boolean"},
  "items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/list"}]},
  "additionalItems":{"anyOf":[{"type":"boolean"},{"$ref":"#"}]},
  "additionalProperties":{"anyOf":[{"type":"boolean"},{"$ref":"#"}]},
  "enum":{"type":"array","minItems":1,"uniqueItems":true})";

constexpr std::string_view kSince6 = R"(
  "$schema":{"type":"string","format":"uri"},"$ref":{"type":"string","format":"uri-reference"},
  "multipleOf":{"type":"number","exclusiveMinimum":0},
  "exclusiveMaximum":{"type":"number"},"exclusiveMinimum":{"type":"number"},
  "contains":{"$ref":"#"},"additionalProperties":{"$ref":"#"},"propertyNames":{"$ref":"#"},
  "const":{},"examples":{"type":"array"})";

constexpr std::string_view kUpTo2019 = R"(
  "items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/list"}]},"additionalItems":{"$ref":"#"})";

constexpr std::string_view kUpTo7 = R"("$id":{"type":"string","format":"uri-reference"})";

constexpr std::string_view kSince7 = R"(
  "$comment":{"type":"string"},"readOnly":{"type":"boolean"},"writeOnly":{"type":"boolean"},
  "if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"},
  "contentMediaType":{"type":"string"},"contentEncoding":{"type":"string"},
  "enum":{"type":"array"})";

constexpr std::string_view kSince2019 = R"(
  "$id":{"type":"string","format":"uri-reference","pattern":"^[^#]*#?$"},
  "$vocabulary":{"type":"object","propertyNames":{"format":"uri"},
    "additionalProperties":{"type":"boolean"}},
  "$defs":{"$ref":"#/definitions/schemas"},"dependentSchemas":{"$ref":"#/definitions/schemas"},
  "unevaluatedItems":{"$ref":"#"},"unevaluatedProperties":{"$ref":"#"},
  "maxContains":{"$ref":"#/definitions/count"},"minContains":{"$ref":"#/definitions/count"},
  "dependentRequired":{"type":"object","additionalProperties":{"$ref":"#/definitions/names"}},
  "deprecated":{"type":"boolean"},"contentSchema":{"$ref":"#"},
  "$recursiveRef":{"type":"string","format":"uri-reference"})";

constexpr std::string_view kOnly2019 = R"(
  "$recursiveAnchor":{"type":"boolean"},
  "$anchor":{"type":"string","pattern":"^[A-Za-z][-A-Za-z0-9.:_]*$"})";

constexpr std::string_view kOnly2020 = R"(
  "$anchor":{"type":"string","pattern":"^[A-Za-z_][-A-Za-z0-9._]*$"},
  "$dynamicAnchor":{"type":"string","pattern":"^[A-Za-z_][-A-Za-z0-9._]*$"},
  "$dynamicRef":{"type":"string","format":"uri-reference"},
  "prefixItems":{"$ref":"#/definitions/list"},"items":{"$ref":"#"})";

std::string document(std::string_view uri, std::initializer_list<std::string_view> keywords,
                     bool draft4) {
  std::string text = "{\"$schema\":\"" + std::string(uri) + "\",\"" + (draft4 ? "id" : "$id");
  text += "\":\"" + std::string(uri) +
          "\",\"type\":" + (draft4 ? "\"object\"" : "[\"object\",\"boolean\"]") +
          ",\"properties\":{";
  text += kShared;
  for (const std::string_view some : keywords) {
    text += ',';
    text += some;
  }
  text += "},";
  if (draft4)
    text += R"("dependencies":{"exclusiveMaximum":["maximum"],"exclusiveMinimum":["minimum"]},)";
  text += kDefinitions;
  if (draft4) text += ",\"minItems\":1";
  return text + "}}}";
}

}  // namespace

std::string metaschema(std::string_view uri) {
  if (uri.ends_with('#')) uri.remove_suffix(1);
  if (uri == "http://json-schema.org/draft-04/schema") return document(uri, {kDraft4}, true);
  if (uri == "http://json-schema.org/draft-06/schema")
    return document(uri, {kSince6, kUpTo2019, kUpTo7, R"("enum":{"type":"array"})"}, false);
  if (uri == "http://json-schema.org/draft-07/schema")
    return document(uri, {kSince6, kUpTo2019, kUpTo7, kSince7}, false);
  if (uri == "https://json-schema.org/draft/2019-09/schema")
    return document(uri, {kSince6, kUpTo2019, kSince7, kSince2019, kOnly2019}, false);
  if (uri == "https://json-schema.org/draft/2020-12/schema")
    return document(uri, {kSince6, kSince7, kSince2019, kOnly2020}, false);
  return {};
}

}  // namespace aquilon::constraint

// Constraints of texts, patterns, control tokens and values together.
#include <gtest/gtest.h>

#include "constraint/grammar_for_test.h"

namespace aquilon::constraint {
namespace {

using Kind = Part::Kind;

Part text(std::string of) {
  return {.kind = Kind::kText, .text = std::move(of)};
}
Part pattern(std::string of) {
  return {.kind = Kind::kPattern, .text = std::move(of)};
}
Part value(const char* schema) {
  return {.kind = Kind::kValue, .schema = boost::json::parse(schema)};
}
Part group(Kind kind, std::vector<Part> parts, std::uint32_t min = 0,
           std::uint32_t max = Part::kMany) {
  return {.kind = kind, .parts = std::move(parts), .min = min, .max = max};
}

struct PartCase {
  const char* name;
  Part part;
  std::vector<const char*> valid, invalid;
};

std::vector<PartCase> cases() {
  const Part call = group(
      Kind::kSequence,
      {text("<call>"),
       group(Kind::kChoice,
             {group(Kind::kSequence,
                    {text("f"), value(R"({"type":"object","properties":{"a":{"type":"integer"}},
                                          "required":["a"],"additionalProperties":false})")}),
              group(Kind::kSequence, {text("g"), value(R"({"type":"object","additionalProperties":
                                          {"$ref":"#/$defs/x"},"$defs":{"x":{"enum":[1,"y"]}}})")})}),
       text("</call>")});
  const Part words = group(Kind::kWithout, {text("<call>"), pattern("\\{\\s*\"n\"")});
  std::vector<PartCase> all;
  all.push_back(
      {"values between texts",
       call,
       {"<call>f{\"a\":1}</call>", "<call>f {\"a\": 12 }</call>",
        "<call>g{\"k\":1,\"l\":\"y\"}</call>"},
       {"<call>f{}</call>", "<call>f{\"a\":\"1\"}</call>", "<call>f{\"a\":1,\"b\":1}</call>",
        "<call>g{\"k\":2}</call>", "<call>g{\"k\":1,\"k\":1}</call>", "<call>h{}</call>",
        "<call>f{\"a\":1}", "f{\"a\":1}</call>"}});
  all.push_back({"words without a trigger",
                 words,
                 {"", "hello", "<cal", "<call", "{\"m\"", "\n<ca<cal\"n\""},
                 {"<call>", "a<call>b", "{ \"n\"", "x{\"n\"y"}});
  Part no_fence = words;
  no_fence.text = "\\s*(```|\\{)";
  all.push_back({"words that do not begin so",
                 no_fence,
                 {"a ``` {", "``", " `", "<cal"},
                 {"", " \n", "```", "\n```json", " {", "{", "a<call>"}});
  all.push_back(
      {"words, then calls",
       group(Kind::kSequence, {words, group(Kind::kRepeat, {pattern("\\s{0,2}"), call})}),
       {"hello", "hi <call>f{\"a\":1}</call>", "<call>f{\"a\":1}</call>\n<call>g{}</call>"},
       {"<call>", "hi <call>f{\"a\":1}</call> bye", "<call>f</call>"}});
  all.push_back({"each value has names of its own",
                 group(Kind::kRepeat, {value(R"({"type":"object"})"), text(";")}),
                 {"{\"a\":1};{\"a\":2};", "{\"a\":{\"a\":1}};"},
                 {"{\"a\":1,\"a\":2};", "{\"a\":1};{\"b\":{\"c\":1,\"c\":2}};"}});
  return all;
}

TEST(Parts, MatchTheirTexts) {
  for (const PartCase& c : cases()) {
    const auto grammar = Grammar::parts(c.part);
    ASSERT_TRUE(grammar.ok()) << c.name << ": " << grammar.error().message;
    for (const char* one : c.valid) EXPECT_TRUE(accepts(*grammar, one)) << c.name << "\n" << one;
    for (const char* one : c.invalid) EXPECT_FALSE(accepts(*grammar, one)) << c.name << "\n" << one;
  }
}

// Random answers under the masks: each comes to an end that is accepted, and masks from the cache
// are those without.
TEST(Parts, MasksLeadToTheirEnd) {
  std::mt19937_64 random(7);
  const auto vocabulary = vocabulary_for_test();
  for (const PartCase& c : cases()) {
    const auto grammar = Grammar::parts(c.part);
    ASSERT_TRUE(grammar.ok());
    for (int i = 0; i < 20; ++i) {
      Matcher matcher(*grammar, vocabulary);
      for (std::size_t n = 0; n < 400 && !matcher.is_finished(); ++n) {
        const auto mask = mask_of(matcher);
        EXPECT_EQ(mask, mask_of(matcher, false)) << c.name;
        const auto allowed = tokens_in(mask);
        ASSERT_FALSE(allowed.empty()) << c.name;
        ASSERT_TRUE(matcher.accept(choose_token(allowed, *vocabulary, n, 30, random)));
      }
      EXPECT_TRUE(matcher.is_finished()) << c.name;
    }
  }
}

TEST(Parts, ControlTokensHaveNoOtherSpelling) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 255; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  tokens.push_back(std::string(1, kControlMark) + "[CALL]");
  tokens.emplace_back();
  const auto vocabulary = *Vocabulary::make(std::move(tokens), {256});
  const Part control{.kind = Kind::kControl, .text = "[CALL]"};
  const Part words = group(Kind::kWithout, {control});
  const auto grammar = Grammar::parts(
      group(Kind::kSequence, {words, group(Kind::kRepeat, {control, text("f")}, 0, 1)}));
  ASSERT_TRUE(grammar.ok());
  Matcher matcher(*grammar, vocabulary);
  EXPECT_TRUE(matcher.accept_bytes("[CALL]g"));
  EXPECT_TRUE(matcher.accept(255));
  std::vector<MaskWord> mask(vocabulary->mask_words());
  ASSERT_TRUE(matcher.fill_mask(mask).ok());
  EXPECT_EQ(tokens_in(mask), std::vector<TokenId>{'f'});
}

TEST(Parts, SayWhatCannotBeEnforced) {
  const auto bad = Grammar::parts(value(R"({"type":"object","properties":{"a":{"$ref":"x.json"}},
                                            "required":["a"]})"));
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Code::kInvalidArgument);
  EXPECT_NE(bad.error().message.find("$ref"), std::string::npos) << bad.error().message;
}

}  // namespace
}  // namespace aquilon::constraint

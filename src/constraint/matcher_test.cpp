// Masks three ways, going back and branching off, and walks that must come to an end.
#include <gtest/gtest.h>

#include "constraint/grammar_for_test.h"

namespace aquilon::constraint {
namespace {

const char* const kSchemas[] = {
    "true",
    R"({"type":"object","properties":{"name":{"type":"string","minLength":2,"maxLength":9},
        "id":{"type":"integer","minimum":0,"maximum":300},"kind":{"enum":["a","ab","abc"]}},
        "required":["id","name"],"additionalProperties":false})",
    R"({"type":"object","properties":{"type":{"type":"string"}},"additionalProperties":
        {"type":["number","null"]},"minProperties":1,"maxProperties":4})",
    R"({"type":"object","propertyNames":{"pattern":"^[a-c]{2}$"},"minProperties":7,
        "additionalProperties":{"type":"boolean"}})",
    R"({"type":"array","items":{"enum":["a","ab","abc",1,12,123]},"uniqueItems":true,
        "minItems":4})",
    R"({"type":"array","items":{"type":"string","maxLength":3},"uniqueItems":true,"minItems":3})",
    R"({"oneOf":[{"properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind"]},
        {"properties":{"kind":{"const":"ab"},"y":{"pattern":"^[xy]+$"}},"required":["kind","y"]}],
        "type":"object","maxProperties":3})",
    R"({"type":"array","contains":{"const":1},"minContains":2,"maxItems":4,
        "items":{"type":["integer","string"]}})",
    R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"a":{"$ref":"#/$defs/t"},
        "value":{"format":"date-time"}},"additionalProperties":false}}})",
    R"({"type":"object","not":{"required":["a"]},"patternProperties":{"e$":{"multipleOf":5}}})",
    R"({"type":"string","minLength":3,"maxLength":140})",
    R"({"type":"array","items":{"type":"string","pattern":"^[^/#]*$"},"uniqueItems":true,
        "maxItems":3})",
    R"({"type":"object","patternProperties":{"^x":{"type":"string","pattern":"^.*$"},"e":{}},
        "additionalProperties":{"type":"string","pattern":"^\\S+( \\S+)*$","maxLength":12}})",
    R"({"anyOf":[{"type":"object","properties":{"a":{"type":"string"},"ab":{"type":"integer"},
        "a\"b":{"type":"null"}}},{"type":"array","items":{"anyOf":[{"type":"string","maxLength":4},
        {"type":"string","pattern":"^[a-zA-Z0-9 ]+$"},{"type":"string","pattern":"^http"}]}}]})",
    R"({"type":"array","items":{"type":"array","items":{"type":"string"},"uniqueItems":true},
        "uniqueItems":true,"maxItems":2})",
    R"({"type":"object","patternProperties":{"^[^/#]+$":{"type":"string","maxLength":40,
        "pattern":"^(?:\\S+\\s+){0,4}\\S+$"}},"additionalProperties":false,"minProperties":1})",
    R"({"type":"object","properties":{"debug":{"type":"boolean"}},"patternProperties":
        {"at|filter|[b-e]":{"format":"email"},"^[a-z]{3,30}$":{"format":"hostname"}},
        "additionalProperties":false,"minProperties":1})",
    R"({"type":"array","items":{"anyOf":[{"format":"uri"},{"pattern":"^[A-Z][a-z]+( [a-z]+){0,3}$"},
        {"pattern":"^[a-zA-Z]{0,7}$"},{"pattern":"^(https?|\\*)://[^/ ]+/"},
        {"pattern":"^[a-y\u00e9]{26,60}$"}]}})",
};

Grammar schema(const char* text, const GrammarOptions& options = {}) {
  auto grammar = Grammar::json_schema(boost::json::parse(text), options);
  EXPECT_TRUE(grammar.ok()) << text << grammar.error().message;
  return *grammar;
}

std::vector<Grammar> grammars() {
  std::vector<Grammar> all;
  for (const char* text : kSchemas) all.push_back(schema(text));
  all.push_back(schema(kSchemas[2], {.schema_key_order = true}));
  all.push_back(*Grammar::regex("(?:ab|a)*c{2,4}|\"the\" value"));
  all.push_back(*Grammar::regex("[a-zA-Z0-9 ]*x|[^\"/]+!"));
  all.push_back(*Grammar::gbnf("root ::= \"(\" root \")\" root | [a-c]+ | \"\""));
  all.push_back(*Grammar::choice(std::vector<std::string>{"name", "na", "the name"}));
  return all;
}

// One random answer; every mask is compared with the walk without shortcuts and with each token
// tried alone.
void walk_and_compare(const Grammar& grammar, std::uint64_t seed) {
  const auto vocabulary = vocabulary_for_test();
  std::mt19937_64 random(seed);
  Matcher matcher(grammar, vocabulary);
  std::size_t steps = 0;
  while (!matcher.is_finished()) {
    const std::vector<MaskWord> mask = mask_of(matcher);
    ASSERT_EQ(mask, mask_of(matcher, false)) << "step " << steps;
    const std::vector<TokenId> allowed = tokens_in(mask);
    ASSERT_FALSE(allowed.empty()) << "nothing can follow at step " << steps;
    if (steps % 4 == 0) {
      std::vector<TokenId> alone;
      for (std::size_t token = 0; token < vocabulary->size(); ++token)
        if (matcher.allows(static_cast<TokenId>(token)))
          alone.push_back(static_cast<TokenId>(token));
      ASSERT_EQ(allowed, alone) << "step " << steps;
    }
    const TokenId token = choose_token(allowed, *vocabulary, steps, 30, random);
    ASSERT_TRUE(matcher.accept(token));
    ASSERT_LT(++steps, 3000u) << "no end in sight";
  }
}

TEST(Masks, CachedUncachedAndTokenByTokenAreEqual) {
  std::size_t i = 0;
  for (const Grammar& grammar : grammars()) {
    SCOPED_TRACE(i++);
    for (std::uint64_t seed = 1; seed <= 12; ++seed) walk_and_compare(grammar, seed);
    if (HasFatalFailure()) return;
  }
}

TEST(Masks, GoingBackAndBranchingOffEqualReplay) {
  const auto vocabulary = vocabulary_for_test();
  std::mt19937_64 random(7);
  for (const Grammar& grammar : grammars()) {
    Matcher matcher(grammar, vocabulary);
    std::vector<TokenId> path;
    for (int step = 0; step < 60 && !matcher.is_finished(); ++step) {
      const std::vector<MaskWord> before = mask_of(matcher);
      Matcher fork = matcher;
      std::size_t ahead = 0;
      for (; ahead < 5 && !fork.is_finished(); ++ahead) {
        const auto allowed = tokens_in(mask_of(fork));
        ASSERT_TRUE(fork.accept(allowed[random() % allowed.size()]));
      }
      ASSERT_EQ(mask_of(matcher), before);
      fork.rollback(ahead);
      ASSERT_EQ(mask_of(fork), before);
      ASSERT_EQ(fork.is_accepting(), matcher.is_accepting());
      Matcher replay(grammar, vocabulary);
      for (const TokenId token : path) ASSERT_TRUE(replay.accept(token));
      ASSERT_EQ(mask_of(replay), before);
      const auto allowed = tokens_in(before);
      path.push_back(choose_token(allowed, *vocabulary, path.size(), 40, random));
      ASSERT_TRUE(matcher.accept(path.back()));
    }
  }
}

TEST(Masks, RefusedTokensChangeNothing) {
  Matcher matcher(schema(R"({"type":"object"})"), vocabulary_for_test());
  const auto before = mask_of(matcher);
  EXPECT_FALSE(matcher.accept('['));
  EXPECT_FALSE(matcher.accept(-1));
  EXPECT_FALSE(matcher.accept(1 << 30));
  EXPECT_FALSE(matcher.accept_bytes("{\"a\":1,\"a\":"));
  EXPECT_EQ(mask_of(matcher), before);
  EXPECT_EQ(matcher.accepted(), 0u);
}

TEST(Masks, KeysDoNotComeTwice) {
  Matcher matcher(schema(R"({"type":"object"})"), vocabulary_for_test());
  ASSERT_TRUE(matcher.accept_bytes("{\"na\":1,\"name\":{\"na\":2},\"n"));
  const auto vocabulary = vocabulary_for_test();
  const auto allowed = [&](std::string_view bytes) {
    for (const TokenId token : tokens_in(mask_of(matcher)))
      if (vocabulary->bytes(token) == bytes) return true;
    return false;
  };
  EXPECT_TRUE(allowed("a"));
  ASSERT_TRUE(matcher.accept_bytes("a"));
  EXPECT_FALSE(allowed("\""));
  EXPECT_FALSE(allowed("\":"));
  EXPECT_FALSE(allowed("me\""));
  EXPECT_TRUE(allowed("m"));
  EXPECT_TRUE(allowed("b\""));
  // Behind a backslash as well.
  Matcher escaped(schema(R"({"type":"object"})"), vocabulary);
  ASSERT_TRUE(escaped.accept_bytes("{\"x\\b\":1,\"x\\"));
  for (const TokenId token : tokens_in(mask_of(escaped)))
    EXPECT_TRUE(escaped.allows(token)) << vocabulary->bytes(token);
}

TEST(Forced, BytesUntilThereIsAChoice) {
  const auto compact = Grammar::json_schema(
      boost::json::parse(R"({"type":"object","properties":{"value":{"enum":["the one"]}},
                             "required":["value"],"additionalProperties":false})"),
      {.whitespace = WhitespacePolicy::compact()});
  Matcher matcher(*compact, vocabulary_for_test());
  EXPECT_EQ(matcher.forced_bytes(), "{\"value\":\"the one\"}");
  EXPECT_EQ(matcher.forced_bytes(4), "{\"va");
  EXPECT_EQ(Matcher(schema("true"), vocabulary_for_test()).forced_bytes(), "");
}

TEST(Ends, OnlyWhereTheTextMayEnd) {
  const auto vocabulary = vocabulary_for_test();
  const auto end = static_cast<TokenId>(vocabulary->size() - 1);
  Matcher matcher(schema(R"({"type":"integer"})"), vocabulary);
  EXPECT_FALSE(matcher.allows(end));
  ASSERT_TRUE(matcher.accept_bytes("12"));
  EXPECT_TRUE(matcher.allows(end));
  ASSERT_TRUE(matcher.accept(end));
  EXPECT_TRUE(matcher.is_finished());
  EXPECT_TRUE(tokens_in(mask_of(matcher)).empty());
  EXPECT_FALSE(matcher.accept('1'));
  matcher.rollback(1);
  EXPECT_TRUE(matcher.accept('1'));
}

TEST(Limits, MemoryIsBounded) {
  auto grammar = Grammar::json_schema(boost::json::parse(R"({"type":"array","uniqueItems":true})"),
                                      {.memory_bytes = 600'000});
  ASSERT_TRUE(grammar.ok());
  Matcher matcher(*grammar, vocabulary_for_test());
  ASSERT_TRUE(matcher.accept_bytes("["));
  std::vector<MaskWord> mask(vocabulary_for_test()->mask_words());
  bool stopped = false;
  for (int i = 0; i < 20'000 && !stopped; ++i) {
    stopped = !matcher.accept_bytes(std::to_string(i) + ",");
    stopped = stopped || !matcher.fill_mask(mask).ok();
  }
  EXPECT_TRUE(stopped);
  EXPECT_LT(grammar->memory_bytes(), 4'000'000u);
}

TEST(Limits, HostilePatternsEndWithAnError) {
  const auto grammar =
      Grammar::regex("(?:a|b)*a(?:a|b){200}c", {.memory_bytes = std::size_t{2} << 20});
  ASSERT_TRUE(grammar.ok()) << grammar.error().message;
  Matcher matcher(*grammar, vocabulary_for_test());
  std::vector<MaskWord> mask(vocabulary_for_test()->mask_words());
  std::mt19937_64 random(1);
  Status status;
  for (int i = 0; i < 20'000 && status.ok(); ++i) {
    (void)matcher.accept(random() % 2 == 0 ? 'a' : 'b');
    status = matcher.fill_mask(mask);
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kUnsupported);
  EXPECT_NE(status.error().message.find("simpler"), std::string::npos);
  // Whether any text satisfies it takes more work than there is: that is no "no text does".
  const auto hard = Grammar::regex(
      "(?=[ab]*a[ab]{15}c)(?=[ab]*b[ab]{16}c)(?=[ab]*a[ab]{17}c)(?=[ab]*b[ab]{18}c)(?![ab]{40}).*");
  ASSERT_FALSE(hard.ok());
  EXPECT_EQ(hard.error().code, Code::kUnsupported) << hard.error().message;
}

TEST(Ends, AreMissingIsAnErrorOfTheConstraint) {
  Matcher matcher(
      schema(R"({"type":"array","uniqueItems":true,"minItems":2,"items":{"type":"object",
                             "properties":{"a":{"enum":["x"]}},"required":["a"],
                             "additionalProperties":false}})",
             {.whitespace = WhitespacePolicy::compact()}),
      vocabulary_for_test());
  ASSERT_TRUE(matcher.accept_bytes("[{\"a\":\"x\"},{\"a\":\"x\""));
  std::vector<MaskWord> mask(vocabulary_for_test()->mask_words());
  const Status status = matcher.fill_mask(mask);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kInvalidArgument);
}

TEST(VocabularyTest, TreesHoldEveryToken) {
  const auto vocabulary = vocabulary_for_test();
  std::vector<bool> seen(vocabulary->size());
  for (const TokenTree::Node& node : vocabulary->all().nodes) {
    for (TokenId token = node.token; token >= 0; token = vocabulary->same_bytes(token)) {
      EXPECT_FALSE(seen[static_cast<std::size_t>(token)]);
      seen[static_cast<std::size_t>(token)] = true;
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i)
    EXPECT_EQ(seen[i], !vocabulary->bytes(static_cast<TokenId>(i)).empty()) << i;
}

TEST(VocabularyTest, RefusesWhatItCannotHold) {
  EXPECT_FALSE(Vocabulary::make({}, {}).ok());
  EXPECT_FALSE(Vocabulary::make({"a"}, {1}).ok());
  EXPECT_FALSE(Vocabulary::make({std::string(40'000, 'x')}, {}).ok());
}

}  // namespace
}  // namespace aquilon::constraint

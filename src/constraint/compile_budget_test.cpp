// What compiling costs: it grows as what is compiled does, or ends with the limit that it passes.
#include "constraint/compile_budget.h"

#include <gtest/gtest.h>

#include <functional>

#include "constraint/grammar_for_test.h"

namespace aquilon::constraint {
namespace {

namespace json = boost::json;

std::string name(int i) {
  return "k" + std::to_string(i);
}

template <class Make>
json::array list(int n, Make make) {
  json::array all;
  for (int i = 0; i < n; ++i) all.push_back(json::value(make(i)));
  return all;
}

template <class Make>
json::object members(int n, Make make) {
  json::object all;
  for (int i = 0; i < n; ++i) all[name(i)] = json::value(make(i));
  return all;
}

json::array numbers(int n) {
  return list(n, [](int i) { return i; });
}
json::array names(int n) {
  return list(n, [](int i) { return json::string(name(i)); });
}
json::object required(int i) {
  return {{"required", json::array{name(i)}}};
}

struct Growing {
  const char* what;
  int n;
  std::function<json::value(int)> schema;
  std::string valid, invalid;
};

class GrowingSchemas : public testing::TestWithParam<Growing> {};

std::size_t work_of(const json::value& schema, bool& enforced) {
  CompileBudget budget;
  const std::size_t before = budget.work;
  const auto grammar = Grammar::json_schema(schema, {.budget = &budget});
  EXPECT_TRUE(grammar.ok()) << grammar.error().message;
  enforced = grammar.ok();
  return before - budget.work;
}

TEST_P(GrowingSchemas, CostInProportion) {
  const Growing& c = GetParam();
  bool enforced = true;
  const std::size_t half = work_of(c.schema(c.n / 2), enforced);
  const std::size_t whole = work_of(c.schema(c.n), enforced);
  ASSERT_TRUE(enforced);
  EXPECT_LT(whole, half * 5 / 2 + 10'000) << half;
  const auto grammar = Grammar::json_schema(c.schema(c.n));
  EXPECT_TRUE(accepts(*grammar, c.valid)) << c.valid;
  EXPECT_FALSE(accepts(*grammar, c.invalid)) << c.invalid;
}

INSTANTIATE_TEST_SUITE_P(
    Schemas, GrowingSchemas,
    testing::Values(
        Growing{"numbers", 100'000,
                [](int n) {
                  return json::object{{"enum", numbers(n)}};
                },
                "99999", "100000"},
        Growing{"fractions", 30'000,
                [](int n) {
                  return json::object{{"enum", list(n, [](int i) { return i + 0.5; })}};
                },
                "29999.50", "29999"},
        Growing{"texts", 30'000,
                [](int n) {
                  return json::object{{"enum", names(n)}};
                },
                "\"k29999\"", "\"k30000\""},
        Growing{"mixed", 30'000,
                [](int n) {
                  return json::object{{"enum", list(n, [](int i) {
                                         return i % 2 == 0 ? json::value(i) : json::value(name(i));
                                       })}};
                },
                "29998.0", "29999"},
        Growing{"bounded numbers", 30'000,
                [](int n) {
                  return json::object{{"enum", numbers(n)}, {"multipleOf", 3}, {"minimum", 10}};
                },
                "29997", "29998"},
        Growing{"constants", 30'000,
                [](int n) {
                  return json::object{{"anyOf", list(n, [](int i) {
                                         return json::object{{"const", i}};
                                       })}};
                },
                "29999", "30000"},
        Growing{
            "objects", 400,
            [](int n) {
              return json::object{{"enum", list(n, [](int i) { return json::object{{"a", i}}; })}};
            },
            "{\"a\":399}", "{\"a\":400}"},
        Growing{"properties", 30'000,
                [](int n) {
                  return json::object{{"properties", members(n, [](int) {
                                         return json::object{{"type", "string"}};
                                       })}};
                },
                "{\"k29999\":\"\"}", "{\"k29999\":1}"},
        Growing{"required", 20'000,
                [](int n) {
                  return json::object{{"required", names(n)}};
                },
                "[]", "{\"k0\":1}"},
        Growing{"names", 30'000,
                [](int n) {
                  return json::object{{"type", "object"},
                                      {"propertyNames", json::object{{"enum", names(n)}}}};
                },
                "{\"k29999\":1}", "{\"k30000\":1}"},
        Growing{"stars", 10'000,
                [](int n) {
                  std::string pattern = "^";
                  for (int i = 0; i < n; ++i) pattern += "[a-z]*";
                  return json::object{{"type", "string"}, {"pattern", pattern + "$"}};
                },
                "\"aquilon\"", "\"A\""}),
    [](const auto& info) {
      std::string id = info.param.what;
      std::replace(id.begin(), id.end(), ' ', '_');
      return id;
    });

// {"$defs": d0 = leaf, d(i+1) = combine(d(i))}, all of it.
json::value doubled(int n, const json::value& leaf,
                    const std::function<json::object(const json::value&)>& combine) {
  json::object defs{{"d0", leaf}};
  for (int i = 0; i + 1 < n; ++i)
    defs["d" + std::to_string(i + 1)] =
        combine(json::object{{"$ref", "#/$defs/d" + std::to_string(i)}});
  return json::object{{"$defs", defs}, {"$ref", "#/$defs/d" + std::to_string(n - 1)}};
}

struct Hostile {
  const char* what;
  json::value schema;
};

TEST(HostileSchemas, EndWithTheLimitThatTheyPass) {
  const json::object open{{"type", "object"}, {"minProperties", 1}};
  const auto twice = [](std::string_view keyword) {
    return [keyword](const json::value& one) {
      return json::object{{keyword, json::array{one, one}}};
    };
  };
  const std::string far(200'000, 'a');
  const Hostile cases[] = {
      {"cases doubled by anyOf", doubled(50, open, twice("anyOf"))},
      {"arrays doubled by anyOf",
       doubled(50, json::object{{"type", "array"}, {"minItems", 1}}, twice("anyOf"))},
      {"types through many ways",
       json::object{{"$defs",
                     {{"x", {{"anyOf", list(400, [](int) { return json::object{{"$ref", "#/$defs/y"}}; })}}},
                      {"y", {{"anyOf", list(400, [](int) { return json::object{{"$ref", "#/$defs/z"}}; })}}},
                      {"z", {{"anyOf", list(400, [](int) { return json::object{{"type", "string"}}; })}}}}},
                    {"allOf", json::array{json::object{{"properties", {{"a", {{"$ref", "#/$defs/x"}}}}}},
                                          json::object{{"properties", {{"a", {{"type", "string"}}}}},
                                                       {"required", json::array{"a"}}}}}}},
      {"dependencies", json::object{{"dependentRequired", members(60, [](int i) {
                                       return json::array{"x" + std::to_string(i)};
                                     })}}},
      {"alternatives of each other", json::object{{"allOf", list(40, [](int i) {
                                                     return json::object{
                                                         {"anyOf", json::array{required(i), required(i + 100)}}};
                                                   })}}},
      {"branches that overlap", json::object{{"oneOf", list(3000, required)}}},
      {"far pointers",
       json::object{{"properties",
                     {{far, {{"anyOf", list(20'000, [](int) { return json::object(); })}}}}}}},
      {"far identifiers",
       json::object{{"$id", "http://a.b/" + far + "/"},
                    {"$defs", members(20'000, [](int i) { return json::object{{"$id", name(i)}}; })}}},
      {"prefixes of negations",
       json::object{{"type", "array"},
                    {"not", {{"prefixItems", list(20'000, [](int i) { return json::object{{"const", i}}; })}}}}},
      {"a value deep within", [] {
         json::value inner = list(50'000, [](int) { return 1; });
         for (int i = 0; i < 100; ++i) inner = json::array{inner};
         return json::object{{"enum", json::array{inner}}};
       }()},
      {"patterns and names", json::object{{"patternProperties",
                                           members(2000, [](int) { return json::object{{"type", "string"}}; })},
                                          {"properties", members(10'000, [](int) { return json::object(); })}}},
      {"many patterns at once",
       json::object{{"type", "string"}, {"allOf", list(3000, [](int i) {
                                           return json::object{{"pattern", name(i)}};
                                         })}}},
      {"branches with negations", json::object{{"oneOf", list(60, [](int i) {
                                                  return json::object{
                                                      {"properties", {{name(i), {{"type", "integer"}}}}},
                                                      {"not", {{"required", json::array{name(i + 100), "y"}}}}};
                                                })}}},
      {"lookahead", [] {
         std::string pattern = "^";
         for (int i = 0; i < 3000; ++i) pattern += "(?=.*" + name(i) + ")";
         return json::object{{"type", "string"}, {"pattern", pattern}};
       }()},
      {"anchors within repetitions", [] {
         std::string pattern = "(a|$)";
         for (int i = 0; i < 60; ++i) pattern = "(" + pattern + "){0,3}";
         return json::object{{"type", "string"}, {"pattern", pattern}};
       }()},
  };
  for (const Hostile& c : cases) {
    CompileBudget budget;
    const auto grammar = Grammar::json_schema(c.schema, {.budget = &budget});
    ASSERT_FALSE(grammar.ok()) << c.what;
    const std::string& message = grammar.error().message;
    const bool named = message.find("6000000 steps") != message.npos ||
                       message.find("64 MiB") != message.npos ||
                       message.find("400000 states") != message.npos;
    EXPECT_TRUE(named) << c.what << ": " << message.substr(0, 300);
    EXPECT_GE(budget.work, 2 * kCompileWork) << c.what;
  }
}

// Compiling them is cheap, a step is not: it has a limit of its own.
TEST(HostilePatterns, EndWithTheLimitOfAStep) {
  std::string pattern;
  for (int i = 0; i < 4000; ++i) pattern += "[a-z]*[0-9]*";
  const auto regex = Grammar::regex(pattern);
  ASSERT_TRUE(regex.ok()) << regex.error().message;
  Matcher matcher(*regex, vocabulary_for_test());
  std::vector<MaskWord> mask(vocabulary_for_test()->mask_words());
  const Status filled = matcher.fill_mask(mask);
  const std::string message = filled.ok() ? "too long" : filled.error().message;
  EXPECT_NE(message.find("too long"), std::string::npos) << message;
}

TEST(CompileBudgets, AreOfAllThatIsCompiledWithThem) {
  const json::value schema = json::object{{"enum", numbers(50'000)}};
  CompileBudget budget;
  int compiled = 0;
  while (Grammar::json_schema(schema, {.budget = &budget}).ok()) {
    ASSERT_LT(++compiled, 1000);
  }
  EXPECT_GT(compiled, 3);
  EXPECT_FALSE(Grammar::regex("(ab|c)*d", {.budget = &budget}).ok());
  EXPECT_TRUE(Grammar::regex("(ab|c)*d").ok());
}

TEST(CompileBudgets, EndWhereNobodyWaits) {
  std::stop_source source;
  CompileBudget budget{.stop = source.get_token()};
  const json::value schema = json::object{{"enum", numbers(100'000)}};
  EXPECT_TRUE(Grammar::json_schema(schema, {.budget = &budget}).ok());
  source.request_stop();
  const std::size_t before = budget.work;
  const auto stopped = Grammar::json_schema(schema, {.budget = &budget});
  ASSERT_FALSE(stopped.ok());
  EXPECT_NE(stopped.error().message.find("no longer waited for"), std::string::npos);
  EXPECT_LT(before - budget.work, 50'000u);
}

}  // namespace
}  // namespace aquilon::constraint

#include "bench/compare.h"

#include <gtest/gtest.h>

#include "bench/model_speed.h"
#include "bench/report.h"

namespace aquilon::bench {
namespace {

// Speeds and labels in the order in which they are asked for.
struct Script {
  std::vector<std::string> labels;
  std::vector<double> a, b;
  double foreign = 0;
  std::size_t label = 0, at_a = 0, at_b = 0;

  Result<Compared> run(CompareOptions options) {
    return compare(
        [this] {
          return Result<Sample>(Sample{{{"pp", a.at(at_a++)}, {"only A", 1}}, foreign});
        },
        [this] {
          return Result<Sample>(Sample{{{"pp", b.at(at_b++)}}, 0});
        },
        [this] { return labels.at(label++); }, options,
        [this](int, std::string_view verdict) { verdicts.emplace_back(verdict); });
  }
  std::vector<std::string> verdicts;
};

TEST(Compare, RatiosArePairByPair) {
  Script script{.labels = std::vector<std::string>(7, "ONE-CCD"), .a = {2, 9, 4}, .b = {1, 3, 1}};
  const auto compared = script.run({.pairs = 3, .most_pairs = 9});
  ASSERT_TRUE(compared.ok());
  EXPECT_EQ(compared->accepted, 3);
  ASSERT_EQ(compared->tests.size(), 1u);  // "only A" has nothing to be compared with
  EXPECT_EQ(compared->tests[0].ratio.median, 3);
  EXPECT_EQ(compared->tests[0].ratio.min, 2);
  EXPECT_EQ(compared->tests[0].ratio.max, 4);
  EXPECT_EQ(compared->tests[0].a.median, 4);
}

TEST(Compare, PairsThatMovedDoNotCount) {
  // pair 1: moves between A and B; 2: stays; 3: moves after B; 4: unclear; 5: stays elsewhere
  Script script{.labels = {"ONE-CCD", "TWO-CCD", "TWO-CCD", "TWO-CCD", "TWO-CCD", "TWO-CCD",
                           "MOVED", "MOVED", "MOVED", "MOVED", "SIBLING"},
                .a = {100, 2, 100, 100, 100},
                .b = {1, 1, 1, 1, 1}};
  const auto compared = script.run({.pairs = 2, .most_pairs = 5});
  ASSERT_TRUE(compared.ok());
  EXPECT_EQ(script.verdicts,
            (std::vector<std::string>{"moved", "TWO-CCD", "moved", "moved", "moved"}));
  EXPECT_EQ(compared->tried, 5);
  EXPECT_EQ(compared->moved, 4);
  ASSERT_EQ(compared->tests.size(), 1u);
  EXPECT_EQ(compared->tests[0].placement, "TWO-CCD");
  EXPECT_EQ(compared->tests[0].ratio.max, 2);
}

TEST(Compare, PlacementsAreNotMixed) {
  Script script{
      .labels = {"ONE-CCD", "ONE-CCD", "ONE-CCD", "SIBLING", "SIBLING", "SIBLING", "SIBLING"},
      .a = {2, 5, 6},
      .b = {1, 1, 1}};
  const auto compared = script.run({.pairs = 2, .most_pairs = 3});
  ASSERT_TRUE(compared.ok());
  ASSERT_EQ(compared->tests.size(), 2u);
  EXPECT_EQ(compared->tests[0].ratio.median, 2);
  EXPECT_EQ(compared->tests[1].placement, "SIBLING");
  EXPECT_EQ(compared->tests[1].ratio.median, 6);
}

TEST(Compare, BusyProcessorsDoNotCount) {
  Script script{
      .labels = std::vector<std::string>(9, "ONE-CCD"), .a = {1, 1}, .b = {1, 1}, .foreign = 0.3};
  const auto compared = script.run({.pairs = 1, .most_pairs = 2});
  ASSERT_TRUE(compared.ok());
  EXPECT_EQ(compared->disturbed, 2);
  EXPECT_TRUE(compared->tests.empty());
}

TEST(Compare, NothingInCommonIsAnError) {
  const auto sampler = [](const char* test) {
    return [test] { return Result<Sample>(Sample{{{test, 1}}, 0}); };
  };
  const auto compared = compare(
      sampler("pp512"), sampler("tg128"), [] { return std::string("ONE-CCD"); }, {},
      [](int, std::string_view) {});
  ASSERT_FALSE(compared.ok());
  EXPECT_EQ(compared.error().message, "A measures pp512, B tg128: nothing to compare");
}

TEST(ModelTest, NamesSayWhatIsMeasured) {
  EXPECT_EQ((ModelTest{.prompt = 512}.name()), "pp512");
  EXPECT_EQ((ModelTest{.generate = 128, .depth = 4096}.name()), "tg128@4096");
  EXPECT_EQ((ModelTest{.generate = 32, .depth = 16, .sequences = 4}.name()), "tg32@16x4");
}

TEST(ModelSpeed, RunsEveryKindOfTest) {
  const auto model = model::Model::load(
      std::string(AQUILON_SOURCE_DIR) + "/tests/data/oracle/llama-gqa/model-f32.gguf", {});
  ASSERT_TRUE(model.ok());
  const std::vector<ModelTest> tests = {
      {.prompt = 20}, {.generate = 3}, {.generate = 3, .depth = 10, .sequences = 3}};
  int calls = 0;
  const auto results = measure_model(**model, tests, {.repetitions = 2, .slice = 8},
                                     [&](const ModelTest&, int) { return ++calls > 0; });
  ASSERT_TRUE(results.ok()) << results.error().message;
  EXPECT_EQ(calls, 6);
  for (const ModelResult& result : *results) {
    EXPECT_EQ(result.tokens_s.samples, 2u);
    EXPECT_GT(result.tokens_s.min, 0);
  }
  const auto stopped =
      measure_model(**model, tests, {.repetitions = 2},
                    [](const ModelTest& test, int) { return test.name() != "tg3@10x3"; });
  ASSERT_TRUE(stopped.ok());
  EXPECT_EQ(stopped->size(), 2u);
}

const Report kReport{
    .title = "R & D",
    .facts = {{"processor", "<fast>"}},
    .tables = {{.key = "t",
                .title = "Speeds",
                .columns = {{"name", "name"}, {"n", "tokens", 0}, {"speed", "tok/s", 2}},
                .rows = {{"one", std::size_t{1}, 1.5}, {"two", std::size_t{16}, 12.25}},
                .chart = {Chart::Kind::kLines, 1, 2, 0}}}};

TEST(Report, TextIsAligned) {
  EXPECT_EQ(report_text(kReport),
            "R & D\n"
            "  processor  <fast>\n"
            "\nSpeeds\n"
            "name  tokens  tok/s\n"
            "one        1   1.50\n"
            "two       16  12.25\n");
}

TEST(Report, JsonHasEveryNumber) {
  EXPECT_EQ(report_json(kReport),
            R"({"title":"R & D","facts":{"processor":"<fast>"},"tables":{"t":[)"
            R"({"name":"one","n":1,"speed":1.5E0},{"name":"two","n":16,"speed":1.225E1}]}})");
}

TEST(Report, PageIsWholeAndEscaped) {
  const std::string page = report_html(kReport);
  EXPECT_NE(page.find("<h1>R &amp; D</h1>"), std::string::npos);
  EXPECT_NE(page.find("&lt;fast&gt;"), std::string::npos);
  EXPECT_EQ(page.find("<fast>"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);  // nothing is fetched
  EXPECT_NE(page.find("<polyline"), std::string::npos);
  EXPECT_NE(page.find("prefers-color-scheme:dark"), std::string::npos);
}

}  // namespace
}  // namespace aquilon::bench

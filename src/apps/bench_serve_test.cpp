// The client of `aquilon bench serve` against a real server with a generator that is a clock.
#include <gtest/gtest.h>

#include "api/server_for_test.h"
#include "apps/bench_serve_options.h"
#include "bench/join_run.h"
#include "bench/load_setup.h"

namespace aquilon::apps {
namespace {

using namespace std::chrono_literals;

bool always() {
  return true;
}
void no_progress(const bench::LoadProgress&) {}

struct Fixture {
  explicit Fixture(api::FakeOptions fake = {.steps_per_second = 200, .context_length = 4096},
                   api::ServerConfig config = {})
      : server(std::move(config), std::move(fake)),
        target{.url = fmt::format("http://127.0.0.1:{}", server.port()), .limit_s = 30} {}

  bench::RequestShape shape(std::size_t prompt, std::size_t generate) {
    bench::RequestShape shape;
    shape.route = target.route;
    shape.prompt = prompt;
    shape.generate = generate;
    const auto counts = bench::prepare_requests(target, 1, shape, always);
    EXPECT_TRUE(counts.ok() && *counts);
    return shape;
  }
  bench::LoadSummary run(const bench::LoadPlan& plan, const bench::RequestShape& shape,
                         const bench::GoodputBounds& bounds = {}) {
    bench::RequestMaker maker(shape, 7);
    return summarize_load(run_load(plan, target, maker, always, no_progress), bounds);
  }

  api::ServerForTest server;
  bench::LoadTarget target;
};

TEST(BenchServe, ClosedLoopsKeepTheirClientsBusy) {
  for (const auto route : {bench::LoadRoute::kCompletions, bench::LoadRoute::kChat}) {
    Fixture fixture;
    fixture.target.route = route;
    const bench::RequestShape shape = fixture.shape(40, 8);
    EXPECT_EQ(shape.model, "fake-model");
    const bench::LoadSummary summary =
        fixture.run({.clients = 3, .requests = 9}, shape, {.ttft_ms = 30'000});
    EXPECT_EQ(summary.answered.size(), 9u);
    EXPECT_EQ(summary.most_running, 3u);
    EXPECT_EQ(summary.answer_tokens, 9u * 8);  // beyond the end of what it had to say
    EXPECT_EQ(summary.pieces, 9u * 8);
    EXPECT_EQ(summary.prompt_tokens, 9u * 40);
    EXPECT_EQ(summary.cut_short, 0u);
    EXPECT_EQ(summary.good, 9u);
    EXPECT_GE(summary.itl.median, 4);  // the clock's 5 ms, with the client's own delay
    EXPECT_GE(summary.tpot.mean, 4);
    EXPECT_GE(summary.e2el.median, summary.ttft.median + 6 * summary.tpot.median);
  }
}

TEST(BenchServe, OpenLoopsSendWhetherAnswersComeOrNot) {
  Fixture fixture({.steps_per_second = 20, .context_length = 4096});
  const bench::RequestShape shape = fixture.shape(8, 10);
  const bench::LoadSummary summary = fixture.run({.rate = 100, .requests = 20, .seed = 3}, shape);
  EXPECT_EQ(summary.answered.size(), 20u);
  EXPECT_GT(summary.most_running, 10u);  // 0.2 s of arrivals, answers of half a second
  EXPECT_GT(summary.answered.back().start, 0.05);
}

TEST(BenchServe, SharedBeginningsAreAPartOfTheRequests) {
  Fixture fixture;
  fixture.target.route = bench::LoadRoute::kChat;
  bench::RequestShape shape = fixture.shape(10, 2);
  shape.shared_prefix = 30;
  shape.shared_part = 0.5;
  const bench::LoadSummary summary = fixture.run({.requests = 40}, shape);
  std::size_t shared = 0;
  for (const bench::RequestTimes& times : summary.answered) {
    shared += times.shared;
    EXPECT_EQ(times.prompt_tokens, times.shared ? 40u : 10u);
  }
  EXPECT_GT(shared, 8u);
  EXPECT_LT(shared, 32u);
}

TEST(BenchServe, FailuresAreToldByName) {
  Fixture fixture({.steps_per_second = 200, .context_length = 100});
  bench::RequestShape shape = fixture.shape(90, 8);
  shape.prompt = 120;  // more than the context
  const bench::LoadSummary summary = fixture.run({.clients = 2, .requests = 4}, shape);
  EXPECT_EQ(summary.failed, 4u);
  ASSERT_EQ(summary.errors.size(), 1u);
  EXPECT_NE(summary.errors.begin()->first.find("answered 400: the prompt has 120 tokens"),
            std::string::npos);
}

TEST(BenchServe, KeysAreSentAndWrongOnesNamed) {
  Fixture fixture({.context_length = 4096}, {.access = {.api_keys = {"secret"}}});
  bench::RequestShape shape;
  const auto refused = bench::prepare_requests(fixture.target, 1, shape, always);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("answered 401"), std::string::npos);
  fixture.target.key = "secret";
  EXPECT_EQ(fixture.run({.requests = 2}, fixture.shape(8, 4)).answered.size(), 2u);
}

TEST(BenchServe, AnInterruptKeepsWhatWasMeasured) {
  Fixture fixture({.steps_per_second = 50, .context_length = 4096});
  bench::RequestMaker maker(fixture.shape(8, 10), 7);
  std::size_t ended = 0, running = 0;
  const bench::LoadResult result = run_load(
      {.clients = 4}, fixture.target, maker, [&] { return ended < 6 || running == 0; },
      [&](const bench::LoadProgress& progress) {
        ended = progress.ended;
        running = progress.running;
      });
  EXPECT_GE(result.requests.size(), 6u);
  EXPECT_GT(result.given_up, 0u);
  EXPECT_GT(result.seconds, 0.2);
}

TEST(BenchServe, SecondsEndALoadButNoRequest) {
  Fixture fixture;
  const bench::RequestShape shape = fixture.shape(8, 10);
  const bench::LoadSummary summary = fixture.run({.clients = 2, .seconds = 0.3}, shape);
  EXPECT_GT(summary.answered.size(), 2u);
  EXPECT_EQ(summary.answer_tokens, 10 * summary.answered.size());
  EXPECT_EQ(summary.failed, 0u);
  EXPECT_EQ(summary.given_up, 0u);
}

TEST(BenchServe, ALongPromptJoins) {
  Fixture fixture({.steps_per_second = 100, .context_length = 8192});
  const bench::RequestShape shape = fixture.shape(8, 4);
  bench::RequestShape streams = shape, joiner = shape;
  streams.generate = 4096;
  joiner.prompt = 500;
  bench::RequestMaker running(streams, 1), joining(joiner, 2);
  const auto join = run_join({.streams = 3, .settle = 8}, fixture.target, running, joining, always);
  ASSERT_TRUE(join.ok()) << join.error().message;
  EXPECT_EQ(join->prompt_tokens, 500u);
  EXPECT_GE(join->normal, 0.003);  // 0.01 where nothing else runs
  EXPECT_GE(join->largest, join->typical);
  EXPECT_GT(join->first, 0);
  streams.generate = 9;
  bench::RequestMaker brief(streams, 3);
  const auto ended = run_join({.streams = 2, .settle = 20}, fixture.target, brief, joining, always);
  ASSERT_FALSE(ended.ok());
  EXPECT_NE(ended.error().message.find("a stream ended ('length' after 9 tokens)"),
            std::string::npos);
}

TEST(BenchServe, OptionsBecomeLoads) {
  BenchServeOptions options;
  EXPECT_EQ(choose_loads(options)->size(), 1u);
  EXPECT_EQ((*choose_loads(options))[0].plan.requests, 8u);
  options.clients = "1,16";
  EXPECT_EQ((*choose_loads(options))[1].plan.clients, 16u);
  EXPECT_EQ((*choose_loads(options))[1].plan.requests, 128u);
  options.seconds = 5;
  EXPECT_EQ((*choose_loads(options))[1].plan.requests, 0u);
  options.rate = "0.5,2";
  EXPECT_EQ(choose_loads(options).error().code, Code::kInvalidArgument);
  options.clients = "";
  EXPECT_EQ((*choose_loads(options))[1].plan.rate, 2);
  options.join = 2048;
  EXPECT_EQ(choose_loads(options).error().message, "--join takes --clients, not --rate");
  options.rate = "";
  EXPECT_EQ((*choose_loads(options))[0].plan.clients, 3u);
  EXPECT_EQ((*choose_loads(options))[0].plan.requests, 3u);
  options.clients = "1,2";
  EXPECT_EQ(choose_loads(options).error().message, "--join takes one number of --clients");
  options.clients = "";
  options.join = 0;
  for (const char* rate : {"0", "-1", "x", "1,,2", "nan", "1e9"}) {
    options.rate = rate;
    EXPECT_FALSE(choose_loads(options).ok()) << rate;
  }
}

}  // namespace
}  // namespace aquilon::apps

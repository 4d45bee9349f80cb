#include "bench/load_summary.h"

#include <gtest/gtest.h>

namespace aquilon::bench {
namespace {

MeasuredRequest answered(double sent, std::vector<double> pieces, std::size_t tokens = 0) {
  MeasuredRequest request;
  request.record.sent = sent;
  request.record.ended = pieces.empty() ? sent + 1 : pieces.back() + 0.5;
  request.record.answer.pieces = std::move(pieces);
  request.record.answer.completion_tokens = tokens;
  request.record.answer.prompt_tokens = 10;
  request.record.answer.finish_reason = "length";
  return request;
}

TEST(SpreadTest, QuantilesLieBetweenSamples) {
  const Spread spread = spread_of({4, 1, 3, 2});
  EXPECT_DOUBLE_EQ(spread.mean, 2.5);
  EXPECT_DOUBLE_EQ(spread.median, 2.5);
  EXPECT_DOUBLE_EQ(spread.std, std::sqrt(1.25));
  EXPECT_DOUBLE_EQ(spread.p90, 3.7);
  EXPECT_DOUBLE_EQ(spread.p99, 3.97);
  EXPECT_DOUBLE_EQ(spread.max, 4);
  const Spread one = spread_of({7});
  EXPECT_EQ(one.median, 7);
  EXPECT_EQ(one.p99, 7);
  EXPECT_EQ(one.std, 0);
  EXPECT_EQ(spread_of({}).mean, 0);
}

TEST(GoodputTest, BoundsAreReadByName) {
  const GoodputBounds bounds = parse_goodput("ttft:2000 tpot:12.5,e2el:9e3").value();
  EXPECT_EQ(bounds.ttft_ms, 2000);
  EXPECT_EQ(bounds.tpot_ms, 12.5);
  EXPECT_EQ(bounds.e2el_ms, 9000);
  EXPECT_FALSE(parse_goodput("").value().any());
  for (const char* text : {"itl:3", "ttft", "ttft:", "ttft:x", "ttft:-1", "ttft:0", "ttft:3x",
                           "ttft:nan", "ttft:inf", ":3"}) {
    const auto parsed = parse_goodput(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find(text), std::string::npos);
  }
}

TEST(LoadSummaryTest, TimesAreThoseOfTheText) {
  LoadResult result;
  result.seconds = 4;
  result.requests.push_back(answered(101, {101.5, 101.75, 103}));
  result.requests.push_back(answered(100, {102, 103}, 5));  // five tokens in two pieces
  const LoadSummary summary = summarize_load(result, {.ttft_ms = 600, .tpot_ms = 800});
  ASSERT_EQ(summary.answered.size(), 2u);
  const RequestTimes& second = summary.answered[1];  // sent later
  EXPECT_DOUBLE_EQ(second.start, 1);
  EXPECT_DOUBLE_EQ(second.ttft, 500);
  EXPECT_EQ(second.itl, (std::vector<double>{250, 1250}));
  EXPECT_DOUBLE_EQ(second.tpot, 750);
  EXPECT_DOUBLE_EQ(second.e2el, 2500);
  EXPECT_DOUBLE_EQ(summary.answered[0].tpot, 250);
  EXPECT_EQ(summary.answer_tokens, 8u);
  EXPECT_EQ(summary.pieces, 5u);
  EXPECT_EQ(summary.prompt_tokens, 20u);
  EXPECT_DOUBLE_EQ(summary.per_second(summary.answer_tokens), 2);
  EXPECT_EQ(summary.good, 1u);
  EXPECT_DOUBLE_EQ(summary.itl.max, 1250);
  EXPECT_DOUBLE_EQ(summary.ttft.median, 1250);
}

TEST(LoadSummaryTest, FailuresAreCountedAndNamed) {
  LoadResult result;
  for (int i = 0; i < 3; ++i) {
    MeasuredRequest request = answered(1, {2});
    request.record.error = Error{Code::kExhausted, "the queue is full"};
    result.requests.push_back(std::move(request));
  }
  result.requests.push_back(answered(1, {}));
  MeasuredRequest brief = answered(1, {2, 3});
  brief.record.answer.finish_reason = "stop";
  result.requests.push_back(std::move(brief));
  const LoadSummary summary = summarize_load(result, {});
  EXPECT_EQ(summary.failed, 4u);
  EXPECT_EQ(summary.errors.at("the queue is full"), 3u);
  EXPECT_EQ(summary.errors.at("an answer without any text"), 1u);
  EXPECT_EQ(summary.answered.size(), 1u);
  EXPECT_EQ(summary.cut_short, 1u);
  EXPECT_EQ(summary.per_second(1), 0);  // no time has passed
}

TEST(LoadSummaryTest, SharedBeginningsAreComparedWithTheFirst) {
  LoadResult result;
  result.requests.push_back(answered(1, {3}));
  for (const double sent : {2.0, 4.5, 10.0, 20.0, 30.0}) {
    result.requests.push_back(answered(sent, {sent + (sent == 2.0 ? 4 : sent / 10)}));
    result.requests.back().shared = true;
  }
  // The one sent at 4.5 waited beside the first: it is neither.
  const SharedWaits waits = shared_waits(summarize_load(result, {}));
  EXPECT_DOUBLE_EQ(waits.first_ms, 4000);
  EXPECT_DOUBLE_EQ(waits.later_ms, 2000);
  EXPECT_EQ(shared_waits({}).first_ms, 0);
}

}  // namespace
}  // namespace aquilon::bench

// One request: what it answers, how it ends, what is refused.
#include <climits>
#include <cmath>

#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

TEST_F(EngineTest, GreedyTokensAreThePublishedOnes) {
  const std::string folder = model::oracle_folder_for_test("llama-gqa");
  const auto manifest = model::read_manifest_for_test(folder);
  const boost::json::value& greedy = manifest.at("greedy");
  const auto want = boost::json::value_to<std::vector<TokenId>>(greedy.at("tokens"));
  const auto got =
      run(request(boost::json::value_to<std::vector<TokenId>>(greedy.at("prompt")), 32));
  EXPECT_EQ(got.ids.at(0), want);
  EXPECT_EQ(got.finish.at(0), FinishReason::kLength);
  EXPECT_EQ(got.usage->prompt_tokens, 7);
  EXPECT_EQ(got.usage->completion_tokens, 32);
  EXPECT_FALSE(got.error);
}

TEST_F(EngineTest, ALeastLengthIsKept) {
  const TokenId end = model_->special().ends.front();
  Request r = request({1, 2, 3}, 12);
  r.ignore_eos = false;
  r.sampling.logit_bias = {{end, 100.0f}};
  r.min_tokens = 5;
  const Collected got = run(r);
  EXPECT_EQ(got.ids.at(0).size(), 6u);
  EXPECT_EQ(got.ids.at(0).back(), end);
  EXPECT_EQ(std::count(got.ids.at(0).begin(), got.ids.at(0).end(), end), 1);

  // The same goes for stop tokens and stop strings.
  const Collected free = run(request({1, 2, 3}, 12));
  r = request({1, 2, 3}, 12);
  r.stop_tokens = {free.ids.at(0)[0]};
  r.min_tokens = 4;
  EXPECT_GE(run(r).ids.at(0).size(), 5u);
  r = request({1, 2, 3}, 12);
  r.stop = {free.text.at(0).substr(0, 1)};
  EXPECT_EQ(run(r).text.at(0), "");
  r.min_tokens = 4;
  EXPECT_GE(run(r).ids.at(0).size(), 4u);
  EXPECT_EQ(run(r).text.at(0).substr(0, 1), r.stop[0]);
}

TEST_F(EngineTest, TellsWhichStopStringEndedAnAnswer) {
  Request r = request({1, 2, 3}, 12);
  const Collected free = run(r);
  EXPECT_EQ(free.stop.at(0), "");
  r.stop = {"no such text", free.text.at(0).substr(2, 1)};
  EXPECT_EQ(run(r).stop.at(0), r.stop[1]);
}

// What the model thinks of a prompt: the same as of an answer that it writes.
TEST_F(EngineTest, PromptsHaveLogprobs) {
  Request written = request({1, 2, 3}, 60);
  written.top_logprobs = 2;
  const Collected answer = run(written);
  std::vector<TokenId> all = {1, 2, 3};
  all.insert(all.end(), answer.ids.at(0).begin(), answer.ids.at(0).end());
  for (const int max_tokens : {0, 1}) {
    Request read = request(all, max_tokens);
    read.prompt_logprobs = 2;
    const Collected got = run(read);
    EXPECT_EQ(got.usage->cached_tokens, 0);
    EXPECT_EQ(got.usage->completion_tokens, max_tokens);
    EXPECT_EQ(got.finish.at(0), FinishReason::kLength);
    ASSERT_EQ(got.prompt_logprobs.size(), all.size());
    EXPECT_TRUE(std::isnan(got.prompt_logprobs[0].chosen.logprob));
    for (std::size_t i = 0; i < answer.ids.at(0).size(); ++i) {
      const TokenLogprobs& theirs = answer.logprobs.at(0)[i];
      const TokenLogprobs& ours = got.prompt_logprobs[3 + i];
      EXPECT_EQ(ours.chosen.id, theirs.chosen.id);
      ASSERT_EQ(ours.chosen.logprob, theirs.chosen.logprob) << i;
      ASSERT_EQ(ours.top.size(), 2u);
      EXPECT_EQ(ours.top[1].logprob, theirs.top[1].logprob);
      EXPECT_EQ(ours.rank, theirs.rank);
      EXPECT_EQ(ours.rank == 1, ours.chosen.logprob == ours.top[0].logprob);
    }
  }
}

// Embeddings of texts: the same whatever else runs, of length 1, the last state's or the mean.
TEST_F(EngineTest, EmbedsTexts) {
  std::vector<TokenId> text(150);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<TokenId>(i * 13 % 256);
  engine_.reset();
  std::vector<float> logits, states;
  {
    model::KvCache kv(pool_);
    ASSERT_TRUE(kv.reserve(text.size()).ok());
    std::vector<model::Slice> slice = {{&kv, text, model::WantLogits::kAll}};
    model_->forward().run(slice, logits, [&](std::size_t stage, std::span<const float> hidden) {
      if (stage == model_->config().n_layers + 1) states.assign(hidden.begin(), hidden.end());
    });
  }
  start({256, 3, 4});
  const std::size_t dim = model_->config().dim;
  ASSERT_EQ(states.size(), text.size() * dim);
  Collector other;
  const auto ticket = engine_->submit(request({1, 2, 3}, 200), other.sink()).value();
  for (const Pooling pooling : {Pooling::kMean, Pooling::kLast}) {
    std::vector<double> want(dim);
    for (std::size_t t = pooling == Pooling::kMean ? 0 : text.size() - 1; t < text.size(); ++t)
      for (std::size_t i = 0; i < dim; ++i) want[i] += states[t * dim + i];
    double squares = 0;
    for (const double x : want) squares += x * x;
    Request r = request(text, 0);
    r.pooling = pooling;
    const Collected got = run(r);
    EXPECT_EQ(got.usage->prompt_tokens, 150);
    EXPECT_EQ(got.usage->completion_tokens, 0);
    ASSERT_EQ(got.embedding.size(), dim);
    for (std::size_t i = 0; i < dim; ++i)
      EXPECT_FLOAT_EQ(got.embedding[i], static_cast<float>(want[i] / std::sqrt(squares)));
  }
  other.wait();
}

TEST_F(EngineTest, ChoicesDifferAndAreCounted) {
  Request r = request({1, 2, 3}, 12);
  r.sampling.temperature = 1;
  r.sampling.seed = 7;
  r.n = 7;  // more than run together
  const Collected got = run(r);
  EXPECT_EQ(got.finish.size(), 7u);
  EXPECT_EQ(got.usage->prompt_tokens, 3);
  EXPECT_EQ(got.usage->completion_tokens, 7 * 12);
  EXPECT_NE(got.ids.at(0), got.ids.at(1));
  EXPECT_EQ(got.events_after_usage, 0);
}

TEST_F(EngineTest, EndsForEveryReason) {
  // The context of 256 ends the answer.
  std::vector<TokenId> prompt(250, 5);
  Collected got = run(request(prompt, INT_MAX));
  EXPECT_EQ(got.finish.at(0), FinishReason::kModelLength);
  EXPECT_EQ(got.ids.at(0).size(), 6u);

  // A stop token and an end-of-generation id are no part of the text.
  const std::vector<TokenId> free = run(request({1, 2, 3}, 8)).ids.at(0);
  Request r = request({1, 2, 3}, 8);
  r.stop_tokens = {free[4]};
  got = run(r);
  EXPECT_EQ(got.finish.at(0), FinishReason::kStop);
  EXPECT_LE(got.ids.at(0).size(), 5u);
  EXPECT_EQ(got.ids.at(0).back(), free[4]);

  const TokenId end = model_->special().ends.front();
  r = request({1, 2, 3}, 8);
  r.ignore_eos = false;
  r.sampling.logit_bias = {{end, 100.0f}};
  got = run(r);
  EXPECT_EQ(got.finish.at(0), FinishReason::kStop);
  EXPECT_EQ(got.ids.at(0), std::vector<TokenId>{end});
  EXPECT_EQ(got.text.at(0), "");
  EXPECT_EQ(got.usage->completion_tokens, 1);
}

TEST_F(EngineTest, LogprobsAreTheModelsOwn) {
  Request r = request({1, 2, 3}, 4);
  r.top_logprobs = 3;
  const Collected plain = run(r);
  r.sampling.temperature = 0.01;
  r.sampling.seed = 1;
  r.sampling.logit_bias = {{200, 0.5f}};
  const Collected bent = run(r);
  ASSERT_EQ(plain.logprobs.at(0).size(), 4u);
  const TokenLogprobs& first = plain.logprobs.at(0)[0];
  ASSERT_EQ(first.top.size(), 3u);
  EXPECT_EQ(first.chosen.id, first.top[0].id);
  EXPECT_GE(first.top[0].logprob, first.top[1].logprob);
  EXPECT_EQ(first.top[0].logprob, bent.logprobs.at(0)[0].top[0].logprob);
}

TEST_F(EngineTest, RefusesBadRequests) {
  Request min_tokens = request({1}, 4);
  min_tokens.min_tokens = 5;
  struct {
    Request request;
    Code code;
    const char* words;
  } const cases[] = {
      {request({}, 1), Code::kInvalidArgument, "the prompt is empty"},
      {request({384}, 1), Code::kInvalidArgument, "384 is no token id"},
      {request({-1}, 1), Code::kInvalidArgument, "-1 is no token id"},
      {request(std::vector<TokenId>(256, 1), 1), Code::kInvalidArgument, "256 tokens"},
      {request({1}, 0), Code::kInvalidArgument, "max_tokens"},
      {min_tokens, Code::kInvalidArgument, "min_tokens must be from 0 to max_tokens, 4"},
  };
  for (const auto& c : cases) {
    const auto ticket = engine_->submit(c.request, [](Event) { FAIL(); });
    ASSERT_FALSE(ticket.ok());
    EXPECT_EQ(ticket.error().code, c.code);
    EXPECT_NE(ticket.error().message.find(c.words), std::string::npos) << ticket.error().message;
  }
  Request stop = request({1}, 1);
  stop.stop = {""};
  EXPECT_FALSE(engine_->submit(stop, [](Event) { FAIL(); }).ok());
}

}  // namespace
}  // namespace aquilon::engine

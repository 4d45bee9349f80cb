// Requests that run together: each has the bits that it has alone.
#include <climits>
#include <random>

#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

// Requests that overlap in every way get the tokens and log-probabilities of each alone.
TEST_F(EngineTest, OverlappingRequestsEqualTheSameAlone) {
  std::vector<Request> requests;
  for (int i = 0; i < 4; ++i) {
    std::vector<TokenId> prompt;
    for (int k = 0; k < 5 + 23 * i; ++k) prompt.push_back((k * 37 + i * 11) % 256);
    requests.push_back(request(std::move(prompt), 20 + i));
    requests.back().sampling.temperature = 0.8;
    requests.back().sampling.seed = 100 + static_cast<std::uint64_t>(i);
    requests.back().top_logprobs = 2;
    requests.back().n = i == 2 ? 5 : 1;
  }
  std::vector<Collected> alone;
  for (const Request& r : requests) alone.push_back(run(r));
  std::vector<Collector> collectors(requests.size());
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < requests.size(); ++i)
    tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Collected together = collectors[i].wait();
    EXPECT_EQ(together.ids, alone[i].ids) << i;
    EXPECT_EQ(together.text, alone[i].text) << i;
    EXPECT_EQ(together.ids.size(), static_cast<std::size_t>(requests[i].n));
    for (const auto& [choice, entries] : together.logprobs)
      for (std::size_t k = 0; k < entries.size(); ++k)
        ASSERT_EQ(entries[k].chosen.logprob, alone[i].logprobs.at(choice)[k].chosen.logprob);
  }
}

// A conversation's next turn computes what is new; a repeated prompt its last token.
TEST_F(EngineTest, PrefixesAreComputedOnce) {
  std::vector<TokenId> prompt(70);
  for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<TokenId>(i * 7 % 256);
  const Collected cold = run(request(prompt, 30));
  EXPECT_EQ(cold.usage->cached_tokens, 0);
  const Collected again = run(request(prompt, 30));
  EXPECT_EQ(again.usage->cached_tokens, 69);
  EXPECT_EQ(again.ids, cold.ids);

  std::vector<TokenId> turn = prompt;
  turn.insert(turn.end(), cold.ids.at(0).begin(), cold.ids.at(0).end());
  turn.insert(turn.end(), {5, 6, 7});
  EXPECT_EQ(run(request(turn, 3)).usage->cached_tokens, 96);  // 99 were computed: whole pages
  prompt[20] = 255;
  EXPECT_EQ(run(request(prompt, 1)).usage->cached_tokens, 20);
  Request other = request(turn, 1);
  other.cache_salt = 1;
  EXPECT_EQ(run(other).usage->cached_tokens, 0);
}

// A request that can never be refused later waits until the pool holds it to its end; each comes to
// its turn, on a pool that holds one context alone.
TEST_F(EngineTest, WaitsForPages) {
  start({256, 3, 64}, 1);
  std::vector<Collector> collectors(12);
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < collectors.size(); ++i) {
    std::vector<TokenId> prompt(1 + i * 21, static_cast<TokenId>(i % 3));
    const int max_tokens = i % 2 == 0 ? 10 : INT_MAX;
    Request r = request(std::move(prompt), max_tokens);
    r.n = i % 4 == 0 ? 3 : 1;
    tickets.push_back(engine_->submit(std::move(r), collectors[i].sink()).value());
  }
  for (Collector& collector : collectors) EXPECT_FALSE(collector.wait().error);
  engine_.reset();
  EXPECT_EQ(pool_->free_pages(), pool_->pages());
}

// Random mixes: prompts that share beginnings, several answers, clients that leave, little memory,
// one to four threads. Every answer has the bits of the same request alone on a fresh engine.
TEST_F(EngineTest, RandomMixesEqualTheSameAlone) {
  const std::string path = model::oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 rng(seed);
    engine_ = nullptr;
    std::vector<Request> requests;
    for (int i = 0; i < 10; ++i) {
      std::vector<TokenId> prompt(1 + rng() % 120, static_cast<TokenId>(rng() % 2));
      for (std::size_t k = rng() % prompt.size(); k < prompt.size(); ++k)
        prompt[k] = static_cast<TokenId>(rng() % 3);
      requests.push_back(request(std::move(prompt), 1 + static_cast<int>(rng() % 40)));
      requests.back().sampling.temperature = rng() % 2 == 0 ? 0.0 : 0.9;
      requests.back().sampling.seed = rng();
      requests.back().top_logprobs = 1;
      requests.back().n = rng() % 3 == 0 ? 1 + static_cast<int>(rng() % 5) : 1;
    }
    model_ = model::Model::load(path, {.threads = 1}).value();
    std::vector<Collected> alone;
    for (const Request& r : requests) {
      start({200, 1, 64, 128, Speculation::kOff}, 1);
      alone.push_back(run(r));
      EXPECT_EQ(alone.back().usage->cached_tokens, 0);
    }
    engine_ = nullptr;
    model_ = model::Model::load(path, {.threads = 1 + static_cast<int>(seed % 4)}).value();
    start({200, 1 + rng() % 5, 64, rng() % 2 == 0 ? 0 : 128u,
           seed % 2 == 0 ? Speculation::kAlways : Speculation::kWherePays},
          1 + rng() % 3);
    std::vector<Collector> collectors(requests.size());
    std::vector<std::unique_ptr<Ticket>> tickets;
    std::vector<bool> cancelled;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
      cancelled.push_back(rng() % 5 == 0);
      if (rng() % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(rng() % 5));
      if (cancelled.back()) tickets.back()->cancel();
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Collected got = collectors[i].wait();
      if (cancelled[i]) continue;
      EXPECT_FALSE(got.error);
      EXPECT_EQ(got.ids, alone[i].ids) << seed << " " << i;
      for (const auto& [choice, entries] : got.logprobs)
        for (std::size_t k = 0; k < entries.size(); ++k)
          ASSERT_EQ(entries[k].chosen.logprob, alone[i].logprobs.at(choice)[k].chosen.logprob);
    }
    engine_ = nullptr;
    EXPECT_EQ(pool_->free_pages(), pool_->pages());
  }
}

// Sequences that start with no room for their answers: the younger ones pause in the middle, and
// end with the bits of an undisturbed run.
TEST_F(EngineTest, PausesAndGoesOnWhereMemoryIsShort) {
  std::vector<Request> requests;
  for (int i = 0; i < 6; ++i) {
    std::vector<TokenId> prompt;
    for (int k = 0; k < 30 + 9 * i; ++k) prompt.push_back((k * 31 + i * 7) % 256);
    requests.push_back(request(std::move(prompt), INT_MAX));
    requests.back().sampling.temperature = 0.9;
    requests.back().sampling.seed = 40 + static_cast<std::uint64_t>(i);
    requests.back().n = i == 3 ? 2 : 1;
    requests.back().prompt_logprobs = i == 2 ? 1 : -1;
  }
  std::vector<Collected> alone;
  for (const Request& r : requests) alone.push_back(run(r));
  start({256, 4, 64, 0}, 1);  // memory for one to its end, four begin
  std::vector<Collector> collectors(requests.size());
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < requests.size(); ++i)
    tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Collected got = collectors[i].wait();
    EXPECT_FALSE(got.error);
    EXPECT_EQ(got.ids, alone[i].ids) << i;
    EXPECT_EQ(got.usage->completion_tokens, alone[i].usage->completion_tokens);
    EXPECT_EQ(got.prompt_logprobs.size(), i == 2 ? requests[i].prompt.size() : 0);
  }
  EXPECT_GT(engine_->preemptions(), 0u);
  engine_.reset();
  EXPECT_EQ(pool_->free_pages(), pool_->pages());
}

}  // namespace
}  // namespace aquilon::engine

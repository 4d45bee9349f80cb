// Guesses change nothing but the number of steps, whoever makes them.
#include <climits>
#include <cmath>
#include <random>
#include <thread>

#include "engine/draft_model.h"
#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

// What guesses beside the text: nothing, the model itself (always right when it reads along), or
// one of other weights (nearly always wrong).
enum class Draft { kNone, kItself, kOther };

class SpeculationTest : public EngineTest {
 protected:
  static std::unique_ptr<GuessSource> draft(Draft which, std::size_t pages = 64) {
    if (which == Draft::kNone) return nullptr;
    const std::string name = which == Draft::kItself ? "llama-gqa" : "llama-yarn";
    const std::string path = model::oracle_folder_for_test(name) + "/model-f32.gguf";
    auto model = model::Model::load(path, {.threads = 1});
    EXPECT_TRUE(model.ok()) << model.error().message;
    return DraftModel::create(
               std::move(*model),
               {.vocab = 384, .pages = pages, .tokens = 5, .kv_type = model::KvType::kF32})
        .value();
  }
  static EngineOptions options(Speculation speculation, std::size_t parallel = 2,
                               std::size_t headroom = 128) {
    return {256, parallel, 64, headroom, speculation};
  }
  static Request random_request(std::mt19937& rng) {
    std::vector<TokenId> prompt(1 + rng() % 90, static_cast<TokenId>(rng() % 2));
    for (std::size_t k = rng() % prompt.size(); k < prompt.size(); ++k)
      prompt[k] = static_cast<TokenId>(rng() % 300);
    Request r = request(std::move(prompt), 1 + static_cast<int>(rng() % 60));
    r.sampling.temperature = rng() % 2 == 0 ? 0.0 : 0.9;
    r.sampling.seed = rng();
    r.top_logprobs = 1;
    r.n = rng() % 3 == 0 ? 1 + static_cast<int>(rng() % 3) : 1;
    return r;
  }
};

// Greedy or drawn, wherever the answer ends.
TEST_F(SpeculationTest, GuessesChangeNothing) {
  for (const double temperature : {0.0, 0.7}) {
    Request r = request({1, 2, 3, 4}, 120);
    r.sampling.temperature = temperature;
    r.sampling.seed = 3;
    r.sampling.repetition_penalty = 1.05;
    r.top_logprobs = 1;
    r.n = 2;
    start(options(Speculation::kOff));
    const std::vector<TokenId> known = run(r).ids.at(0);
    r.prediction = known;
    for (const int stop : {0, 1, 2}) {
      r.max_tokens = stop == 2 ? INT_MAX : 120;
      if (stop == 1) r.stop_tokens = {known[100]};
      start(options(Speculation::kOff));
      const Collected plain = run(r);
      EXPECT_EQ(plain.usage->guessed_tokens, 0);
      for (const Draft which : {Draft::kNone, Draft::kItself, Draft::kOther}) {
        start(options(Speculation::kAlways), 3, draft(which));
        const Collected guessed = run(r);
        EXPECT_GT(guessed.usage->accepted_tokens, 10);
        EXPECT_LE(guessed.usage->accepted_tokens, guessed.usage->guessed_tokens);
        expect_same(guessed, plain);
      }
    }
  }
}

// A draft model that thinks alike is always right, greedy and drawn: it reads along, forgets its
// wrong ends and draws as the answer does.
TEST_F(SpeculationTest, ADraftModelThatThinksAlikeIsRight) {
  for (const double temperature : {0.0, 1.0}) {
    std::mt19937 rng(5);
    std::vector<TokenId> prompt(60);
    for (TokenId& id : prompt) id = static_cast<TokenId>(rng() % 384);
    Request r = request(prompt, 121);
    r.sampling.temperature = temperature;
    r.sampling.seed = 11;
    start(options(Speculation::kOff));
    const Collected plain = run(r);
    start(options(Speculation::kAlways), 3, draft(Draft::kItself));
    const Collected guessed = run(r);
    expect_same(guessed, plain);
    // Guesses of the text alone may be wrong at times; five of six tokens are guesses otherwise.
    EXPECT_GT(guessed.usage->accepted_tokens, 80);
    // What the draft model has read it need not read again.
    expect_same(run(r), plain);
  }
}

// Random mixes: several answers, little memory for both models, pauses, clients that leave in the
// middle of a guess.
TEST_F(SpeculationTest, RandomMixesEqualTheSameWithout) {
  int guessed = 0;
  std::uint64_t pauses = 0;
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 rng(seed);
    std::vector<Request> requests;
    for (int i = 0; i < 10; ++i) requests.push_back(random_request(rng));
    start(options(Speculation::kOff, 1));
    std::vector<Collected> alone;
    for (const Request& r : requests) alone.push_back(run(r));
    const Speculation when = seed % 3 == 2 ? Speculation::kWherePays : Speculation::kAlways;
    start(options(when, 1 + rng() % 5, rng() % 2 == 0 ? 0 : 128), 1,
          draft(seed % 2 == 0 ? Draft::kItself : Draft::kOther, 4 + rng() % 20));
    std::vector<Collector> collectors(requests.size());
    std::vector<std::unique_ptr<Ticket>> tickets;
    std::vector<bool> cancelled;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
      cancelled.push_back(rng() % 4 == 0);
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!cancelled[i]) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(rng() % 4));
      tickets[i]->cancel();
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Collected got = collectors[i].wait();
      if (cancelled[i]) continue;
      SCOPED_TRACE(testing::Message() << seed << " " << i);
      expect_same(got, alone[i]);
      guessed += got.usage->guessed_tokens;
    }
    pauses += engine_->preemptions();
    tickets.clear();
    engine_ = nullptr;
    EXPECT_EQ(pool_->free_pages(), pool_->pages());
  }
  EXPECT_GT(guessed, 100);
  EXPECT_GT(pauses, 0u);
}

// How often each of three tokens follows: the same with guesses and without, but for chance, over
// other seeds for each.
TEST_F(SpeculationTest, TheDistributionStays) {
  constexpr int kDraws = 1500;
  const auto count = [&](std::uint64_t first_seed) {
    std::map<TokenId, int> counts;
    std::vector<std::unique_ptr<Ticket>> tickets;
    std::vector<Collector> collectors(kDraws / 50);
    for (std::size_t i = 0; i < collectors.size(); ++i) {
      Request r = request({1, 2, 3, 4}, 3);
      r.sampling.temperature = 1;
      r.sampling.top_k = 3;
      r.sampling.seed = first_seed + i;
      r.n = 50;
      tickets.push_back(engine_->submit(std::move(r), collectors[i].sink()).value());
    }
    for (Collector& collector : collectors)
      for (const auto& [choice, ids] : collector.wait().ids) ++counts[ids[2]];
    return counts;
  };
  start(options(Speculation::kOff, 8), 8);
  const auto plain = count(1);
  start(options(Speculation::kAlways, 8), 8, draft(Draft::kOther));
  const auto guessed = count(1'000'000);
  // Chi-squared of two samples of one size; each term of a count that is not small.
  double squares = 0;
  int terms = 0;
  for (const auto& [id, n] : plain) {
    const auto there = guessed.find(id);
    const int m = there == guessed.end() ? 0 : there->second;
    if (n + m < 20) continue;
    squares += static_cast<double>((n - m) * (n - m)) / (n + m);
    ++terms;
  }
  EXPECT_GT(terms, 3);
  EXPECT_LT(squares, terms + 5 * std::sqrt(2.0 * terms));
}

}  // namespace
}  // namespace aquilon::engine
